"""Tài khoản của tôi: the own password, and passkeys for logging in."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from msgspec import Meta, Struct
from werkzeug.wrappers import Response as BaseResponse

from hub.answers import text_of
from hub.auth import actions, guard, passkey_store, passkeys
from hub.errors import HubError
from hub.limits import Limit
from hub.ui import safe_next
from wire.codec import decode

blueprint = Blueprint("account", __name__)
CHALLENGE = "passkey"
"""In the session: what this browser was asked to sign."""


class _Begin(Struct, frozen=True):
    password: Annotated[str, Meta(max_length=200)]


@blueprint.get("/account")
@guard.signed_in
def show() -> str:
    return _page()


@blueprint.post("/account/password")
@guard.signed_in
@guard.limited(Limit.LOGIN)
def password() -> BaseResponse | tuple[str, int]:
    hub, form = guard.current_hub(), request.form
    try:
        actions.change_password(
            hub, guard.current_person(), old=form.get("old", ""), new=form.get("new", ""),
            token=session.get(guard.COOKIE_TOKEN, ""), origin=guard.origin(),
        )  # fmt: skip
    except HubError as error:
        return _page(text_of(error)), error.status
    flash(_("The new password holds from now on. Other open sessions have ended."), "good")
    return redirect(url_for("account.show"), 303)


@blueprint.post("/account/passkeys/begin")
@guard.signed_in
@guard.limited(Limit.LOGIN)
def begin() -> Response:
    asked = decode(request.get_data(), _Begin, limit=1_024)
    hub, person = guard.current_hub(), guard.current_person()
    options, session[CHALLENGE] = passkeys.begin_adding(hub, person, asked.password, origin=guard.origin())
    return jsonify(options)


@blueprint.post("/account/passkeys")
@guard.signed_in
@guard.limited(Limit.LOGIN)
def add() -> Response:
    passkeys.add(guard.current_hub(), guard.current_person(), request.get_data(), session.pop(CHALLENGE, ""))
    flash(_("The passkey was added."), "good")
    return jsonify({})


@blueprint.post("/account/passkeys/<int:ident>/remove")
@guard.signed_in
def remove(ident: int) -> BaseResponse:
    passkeys.remove(guard.current_hub(), guard.current_person(), ident)
    flash(_("The passkey was removed."), "good")
    return redirect(url_for("account.show"), 303)


@blueprint.post("/login/passkey/begin")
@guard.public
@guard.limited(Limit.LOGIN)
def begin_login() -> Response:
    options, session[CHALLENGE] = passkeys.begin_login(guard.current_hub())
    return jsonify(options)


@blueprint.post("/login/passkey")
@guard.public
@guard.limited(Limit.LOGIN)
def log_in() -> Response:
    target = safe_next(request.args.get("next"), url_for("dashboard.today"))
    token = passkeys.log_in(guard.current_hub(), request.get_data(), session.pop(CHALLENGE, ""))
    guard.start_session(token)
    session.permanent = True
    return jsonify(next=target)


def _page(problem: str = "") -> str:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        held = passkey_store.of(conn, person.username)
    return render_template(
        "account/show.html", area="", passkeys=held, problem=problem, offered=passkeys.is_offered(hub),
        least=actions.MIN_PASSWORD,
    )  # fmt: skip
