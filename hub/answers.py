"""One handler for everything that goes wrong: a page for people, application/problem+json for programs."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import BadHost, HTTPException
from werkzeug.wrappers import Response as BaseResponse

from hub.errors import N_, FloodError, HubError, NotSignedInError
from wire.errors import NotAllowedError as WireNotAllowedError
from wire.errors import WireError

PROGRAMS = ("/api/", "/device/", "/tuf/", "/blobs/", "/.well-known/")
_HTTP_MESSAGES = {
    400: N_("This request cannot be understood."),
    404: N_("There is no such thing here."),
    405: N_("This cannot be done here."),
    411: N_("The size of what is sent has to be said first."),
    413: N_("This is larger than can be taken at once."),
    415: N_("This kind of content is not taken here."),
    416: N_("There is no such part of it."),
}
log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    app.register_error_handler(HubError, _answer_ours)
    app.register_error_handler(WireError, _answer_wire)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_unexpected)


def wants_json() -> bool:
    """Whether a program asks rather than a person's browser, which never names a host that cannot exist.

    To such a host no link could be made, and so no page.
    """
    if request.path.startswith(PROGRAMS) or isinstance(request.routing_exception, BadHost):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html")
    return best == "application/json"


def problem(status: int, code: str, title: str, detail: str = "") -> BaseResponse:
    """An error as a program reads it; people get the page."""
    if wants_json():
        answer: Response = jsonify(title=title, detail=detail, code=code)
        answer.status_code = status
        answer.mimetype = "application/problem+json"
        return answer
    page = render_template("error.html", status=status, code=code, title=title, detail=detail)
    return Response(page, status, mimetype="text/html")


def text_of(error: HubError) -> str:
    """The error's message in the reader's language."""
    message: str = gettext(error.message)
    return message.format(**error.params) if error.params else message


def _answer_ours(error: HubError) -> BaseResponse:
    if isinstance(error, FloodError):
        return _answer_flood(error)
    if isinstance(error, NotSignedInError) and request.headers.get("HX-Request"):
        # A redirect would be followed by the script, and the login form land in the middle of the page.
        return Response(status=401, headers={"HX-Redirect": url_for("auth.login")})
    if isinstance(error, NotSignedInError) and not wants_json() and request.method == "GET":
        return redirect(url_for("auth.login", next=request.full_path.rstrip("?")))
    return problem(error.status, error.code, text_of(error))


def _answer_flood(error: FloodError) -> BaseResponse:
    """Without the menu and what it reads."""
    g.person = None
    answer = problem(error.status, error.code, text_of(error))
    answer.headers["Retry-After"] = str(error.wait_s)
    return answer


def _answer_wire(error: WireError) -> BaseResponse:
    status = 403 if isinstance(error, WireNotAllowedError) else 400
    return problem(status, error.code, gettext(N_("This was not accepted.")), error.detail)


def _answer_http(error: HTTPException) -> BaseResponse:
    if isinstance(error, CSRFError):
        return problem(400, "csrf", gettext(N_("The page was open for too long. Load it again and repeat the step.")))
    if error.response is not None or not error.code or error.code < 400:
        return error.get_response()
    title = gettext(_HTTP_MESSAGES.get(error.code, N_("This request cannot be understood.")))
    answer = problem(error.code, "http", title)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            answer.headers[name] = value  # such as Allow and Content-Range
    return answer


def _answer_unexpected(error: Exception) -> BaseResponse:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return problem(500, "internal", gettext(N_("Something went wrong here. Nothing was changed. It has been noted.")))
