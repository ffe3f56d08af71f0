"""Tài khoản: who may log in with which roles, for those who manage accounts in their area."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from hub.answers import text_of
from hub.areas import store as areas
from hub.auth import guard, people
from hub.auth.people_forms import read_grants
from hub.auth.roles import Right
from hub.errors import BadInputError, ConflictError
from hub.fields import FieldErrors
from hub.phrases import ROLES

blueprint = Blueprint("people", __name__)
Answer = Response | tuple[str, int]


@blueprint.get("/people")
@guard.needs(Right.PEOPLE)
def listing() -> str:
    return _list_page({}, {})


@blueprint.post("/people")
@guard.needs(Right.PEOPLE)
def add() -> Answer:
    hub, manager, form = guard.current_hub(), guard.current_person(), request.form
    username = form.get("username", "").strip().lower()
    try:
        name, password = form.get("name", ""), form.get("password", "")
        people.add(hub, manager, username=username, name=name, password=password, held=read_grants(form))
    except FieldErrors as error:
        return _list_page(form, error.fields), error.status
    except (BadInputError, ConflictError) as error:
        return _list_page(form, {}, text_of(error)), error.status
    flash(_("The account is open."), "good")
    return redirect(url_for("people.show", username=username), 303)


@blueprint.get("/people/<username>")
@guard.needs(Right.PEOPLE)
def show(username: str) -> str:
    return _page(username)


@blueprint.post("/people/<username>/roles")
@guard.needs(Right.PEOPLE)
def roles(username: str) -> Answer:
    def act() -> None:
        people.set_roles(guard.current_hub(), guard.current_person(), username, read_grants(request.form))

    return _done(username, act, _l("The roles were changed; the person logs in again."))


@blueprint.post("/people/<username>/password")
@guard.needs(Right.PEOPLE)
def password(username: str) -> Answer:
    def act() -> None:
        given = request.form.get("password", "")
        people.reset_password(guard.current_hub(), guard.current_person(), username, given)

    return _done(username, act, _l("The new password holds from now on. Tell it to the person by word of mouth."))


@blueprint.post("/people/<username>/active")
@guard.needs(Right.PEOPLE)
def active(username: str) -> Answer:
    is_active = request.form.get("active") == "1"

    def act() -> None:
        people.set_active(guard.current_hub(), guard.current_person(), username, active=is_active)

    return _done(username, act, _l("The account is open.") if is_active else _l("The account is closed."))


def _done(username: str, act: Callable[[], None], told: LazyString) -> Answer:
    try:
        act()
    except FieldErrors as error:
        return _page(username, error.fields), error.status
    except BadInputError as error:
        return _page(username, {}, text_of(error)), error.status
    flash(told, "good")
    return redirect(url_for("people.show", username=username), 303)


def _list_page(values: Mapping[str, str], errors: Mapping[str, Any], problem: str = "") -> str:
    found = people.manageable(guard.current_hub(), guard.current_person())
    return render_template(
        "people/list.html", area="", found=found, values=values, errors=errors, problem=problem, ROLES=ROLES,
        units=_units(),
    )  # fmt: skip


def _page(username: str, errors: Mapping[str, Any] | None = None, problem: str = "") -> str:
    hub, manager = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        one, is_active = people.managed(hub, conn, manager, username)
    return render_template(
        "people/show.html", area="", one=one, is_active=is_active, errors=errors or {}, problem=problem, ROLES=ROLES,
        units=_units(), is_self=username == manager.username,
    )  # fmt: skip


def _units() -> list[tuple[str, str]]:
    """Where this manager may give roles: (path, name)."""
    person = guard.current_person()
    with guard.current_hub().reading() as conn:
        found = [row for held in person.areas(Right.PEOPLE) for row in areas.below(conn, held)]
    return [(row["path"], row["name"]) for row in found]
