"""The approval app's server: one person's machine, one origin, one static bundle over a small JSON interface.

It listens on 127.0.0.1 and answers only to its own name, so that no page of another origin can reach it by a name of
its own (DNS rebinding). What the routes do is `api`, `api_emergency` and `api_passkey`.
"""

from __future__ import annotations

import hmac
import socket
from pathlib import Path

from flask import Flask, Response, g, jsonify, request, send_from_directory
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Response as BaseResponse

from provisioning.approval import api, api_emergency, api_passkey, api_second, context
from provisioning.approval.context import HOST_NAME, MAX_BODY_BYTES, Station
from provisioning.approval.faults import StationError, tell
from provisioning.approval.words import N_
from provisioning.errors import ProvisioningError
from wire.errors import WireError

COOKIE = "loa_station"
LOOPBACK = "127.0.0.1"
LISTEN_QUEUE = 64
LOGINS = ("/api/login", "/api/login/away")
STATIC = Path(__file__).parent / "static"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def create_station(station: Station) -> Flask:
    """The Flask application over opened parts (`context.open_station`)."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions["station"] = station
    app.before_request(_check_request)
    app.after_request(_finish)
    app.register_error_handler(ProvisioningError, _answer_error)
    app.register_error_handler(WireError, _answer_error)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(api_emergency.blueprint)
    app.register_blueprint(api_second.blueprint)
    app.register_blueprint(api_passkey.blueprint)
    app.add_url_rule("/", "page", _page)
    app.add_url_rule("/static/<path:name>", "static", _static)
    return app


def make_station_server(app: Flask, port: int) -> BaseWSGIServer:
    """A server on the loopback address alone. Raises OSError where the port is taken."""
    with socket.socket() as listening:  # bound here: werkzeug would end the program itself
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((LOOPBACK, port))
        listening.listen(LISTEN_QUEUE)
        return make_server(LOOPBACK, port, app, threaded=True, fd=listening.fileno())


def _check_request() -> Response | None:
    """Refuse what does not come from the app's own page, then find the session."""
    config = context.station().config
    if request.host != config.host:
        return Response(f"Only http://{HOST_NAME}:{config.port}/ is answered here.\n", 421, mimetype="text/plain")
    if request.path.startswith("/static/"):
        return None
    is_page = request.path == "/" and request.method in ("GET", "HEAD")
    if not is_page and request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise StationError(N_("This request comes from another page."), code="foreign_origin", status=403)
    sessions = context.station().sessions
    g.session = sessions.get(request.cookies.get(COOKIE, "")) or sessions.start()
    if request.method not in ("GET", "HEAD"):
        _check_post(config.origin)
    return None


def _check_post(origin: str) -> None:
    if request.headers.get("Origin") != origin or request.mimetype != "application/json":
        raise StationError(N_("This request comes from another page."), code="foreign_origin", status=403)
    token = request.headers.get("X-CSRF-Token", "")
    if request.path not in LOGINS and not hmac.compare_digest(token.encode(), context.session().csrf.encode()):
        raise StationError(N_("The page was open for too long. Load it again."), code="csrf", status=403)


def _finish(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/api/") and not request.path.startswith("/api/sounds/"):
        response.headers["Cache-Control"] = "no-store"
    session = g.get("session")
    if session is not None and request.cookies.get(COOKIE) != session.ident:
        response.set_cookie(COOKIE, session.ident, httponly=True, samesite="Strict", path="/")
    return response


def _page() -> Response:
    return send_from_directory(STATIC, "index.html", max_age=0)


def _static(name: str) -> Response:
    return send_from_directory(STATIC, name, max_age=0)


def _answer_error(error: ProvisioningError | WireError) -> Response:
    return _problem(*tell(error, context.words()))


def _answer_http(error: HTTPException) -> BaseResponse:
    if error.response is not None or not request.path.startswith("/api/"):
        return error.get_response()
    return _problem(error.code or 500, "http", error.description or error.name)


def _problem(status: int, code: str, detail: str) -> Response:
    answer = jsonify(title=code, detail=detail, code=code)
    answer.status_code = status
    answer.mimetype = "application/problem+json"
    return answer
