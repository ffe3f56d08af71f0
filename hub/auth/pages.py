"""Logging in and out on a page, and the switch of language."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from hub.answers import text_of
from hub.auth import actions, guard
from hub.errors import HubError
from hub.i18n import COOKIE_LANGUAGE, LOCALES
from hub.limits import Limit
from hub.ui import safe_next

blueprint = Blueprint("auth", __name__)


@blueprint.get("/login")
@guard.public
def login() -> str | Response:
    target = safe_next(request.args.get("next"), url_for("dashboard.today"))
    if guard.maybe_person():
        return redirect(target)
    return _login_page(target)


@blueprint.post("/login")
@guard.public
@guard.limited(Limit.LOGIN)
def log_in() -> Response | tuple[str, int]:
    target = safe_next(request.form.get("next"), url_for("dashboard.today"))
    username = request.form.get("username", "").strip().lower()[:64]
    chosen = session.get(COOKIE_LANGUAGE)
    try:
        password = request.form.get("password", "")
        token, _person = actions.log_in(guard.current_hub(), username, password, origin=guard.origin())
    except HubError as error:
        return _login_page(target, username, text_of(error)), error.status
    guard.start_session(token)
    session.permanent = True
    if chosen:
        session[COOKIE_LANGUAGE] = chosen
    return redirect(target, 303)


@blueprint.post("/logout")
@guard.public
def logout() -> Response:
    guard.end_session()
    return redirect(url_for("auth.login"), 303)


@blueprint.post("/language")
@guard.public
def language() -> Response:
    chosen = request.form.get("lang", "")
    if chosen in LOCALES:
        session[COOKIE_LANGUAGE] = chosen
    return redirect(safe_next(request.form.get("next"), url_for("auth.login")), 303)


def _login_page(target: str, username: str = "", problem: str = "") -> str:
    offered = bool(guard.current_hub().config.public_address)
    return render_template("auth/login.html", next=target, username=username, problem=problem, passkeys_offered=offered)
