"""The web application: joins the features' pages and interfaces. Run by `loa-hub web`."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import timedelta
from importlib import import_module
from typing import IO

from flask import Flask, Request, Response, current_app, request
from werkzeug.middleware.proxy_fix import ProxyFix

from hub import answers, cross_origin, i18n, ui
from hub.auth import guard
from hub.config import Config
from hub.context import Hub, open_hub
from hub.errors import ConfigError
from hub.limits import Limit, Limiter

BLUEPRINTS = (
    "hub.auth.views",
    "hub.devices.views",
    "hub.enrolment.views",
    "hub.publishing.views",
    "hub.alerts.views",
    "hub.playlog.views",
    "hub.auth.pages",
    "hub.auth.account_pages",
    "hub.auth.people_pages",
    "hub.security.pages",
    "hub.assessments.pages",
    "hub.dashboard.pages",
    "hub.dashboard.help_pages",
    "hub.content.pages",
    "hub.schedules.pages",
    "hub.schedules.series_pages",
    "hub.schedules.preview_pages",
    "hub.publishing.pages",
    "hub.alerts.pages",
    "hub.devices.pages",
    "hub.enrolment.pages",
    "hub.schedules.spare_pages",
)
"""Modules with a blueprint named `blueprint`: `views` speak JSON, `pages` HTML."""

MAX_FORM_PARTS = 2_000
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self), payment=()",
}


class _Request(Request):
    """Uploads go to the data disk as they come in: the system's temporary folder may be memory."""

    def _get_file_stream(self, *_about: object, **_it: object) -> IO[bytes]:
        return tempfile.TemporaryFile(dir=current_app.config["LOA"].work_dir)


def create_app(config: Config, hub: Hub | None = None) -> Flask:
    """The application over a prepared data folder (`loa-hub init`). `hub` is given by tests."""
    hub = hub or open_hub(config)
    app = Flask(__name__)
    app.request_class = _Request
    app.config.update(
        SECRET_KEY=_secret_key(hub),
        SESSION_COOKIE_NAME="loa",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.secure_cookies,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=config.session_hours),
        MAX_CONTENT_LENGTH=guard.DEFAULT_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=guard.DEFAULT_BODY_BYTES,
        MAX_FORM_PARTS=MAX_FORM_PARTS,
        WTF_CSRF_CHECK_DEFAULT=False,  # the guard calls it, so that every route is covered the same way
        WTF_CSRF_TIME_LIMIT=None,  # a bulletin may take an afternoon to write; the token dies with the session
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),  # styles and scripts: not asked for again with every page
        LOA=config,
    )
    app.extensions["loa"] = hub
    app.extensions["loa_limiter"] = Limiter(config)
    app.view_functions["static"] = guard.limited(Limit.DEVICES)(app.view_functions["static"])
    if config.trusted_proxies:
        count = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    guard.csrf.init_app(app)
    i18n.init_app(app)
    ui.init_app(app)
    answers.init_app(app)
    cross_origin.init_app(app, config.approval_origins)  # before the guard: a preflight carries no token
    app.before_request(guard.guard_request)
    app.after_request(_add_headers)
    for name in BLUEPRINTS:
        app.register_blueprint(import_module(name).blueprint)
    return app


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if response.mimetype == "text/html" or request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store" if request.path.startswith("/api/") else "no-cache")
    return response


def _secret_key(hub: Hub) -> bytes:
    """The key of cookies; from a file, so that people stay signed in over a restart."""
    path = hub.config.secret_file
    try:
        secret = hub.keys.read(path)
    except OSError as error:
        raise ConfigError("{path} is missing: run `loa-hub init` first", path=path) from error
    return hashlib.sha256(b"cookie" + secret).digest()
