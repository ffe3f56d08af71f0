"""Lắp đặt: permissions for technicians, and devices that wait for the registrar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from hub.answers import text_of
from hub.auth import guard
from hub.auth.roles import Right
from hub.devices import store as devices
from hub.enrolment import store, tickets
from hub.enrolment.forms import read_ticket
from hub.errors import HubError
from hub.fields import FieldErrors
from hub.phrases import TICKET_STATES
from hub.publishing import repository
from hub.ui import area_choices, pick_area
from wire.errors import WireError
from wire.joining import spoken_digits, ticket_text
from wire.key_request import fingerprint
from wire.trust.held import pin_root

blueprint = Blueprint("devices_enrolment", __name__)


@blueprint.get("/devices/enrolment")
@guard.needs(Right.DEVICES)
def listing() -> str:
    return _page(MultiDict(), {})


@blueprint.post("/devices/enrolment/tickets")
@guard.needs(Right.PLACE)
def make() -> Response | tuple[str, int]:
    """The letters are shown on the next page and never again."""
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = pick_area(conn, person, Right.PLACE)
    try:
        asked = read_ticket(request.form)
        code = tickets.make_ticket(hub, person, area=area, name=asked.name, most=asked.most, lasts_ms=asked.lasts_ms)
    except FieldErrors as error:
        return _page(request.form, error.fields), error.status
    except HubError as error:
        return _page(request.form, {}, text_of(error)), error.status
    flash(_("Permission for %(name)s: %(code)s. Tell it to them now; it is not shown again.", name=asked.name,
            code=ticket_text(code)), "good")  # fmt: skip
    return redirect(url_for(".listing", area=area), 303)


@blueprint.post("/devices/enrolment/tickets/<int(max=2000000000):ident>/end")
@guard.needs(Right.PLACE)
def end(ident: int) -> Response:
    tickets.end_ticket(guard.current_hub(), guard.current_person(), ident)
    flash(_("The permission has ended."), "good")
    return redirect(url_for(".listing"), 303)


def _page(values: Mapping[str, str], errors: Mapping[str, Any], problem: str = "") -> str:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = pick_area(conn, person, Right.DEVICES)
        names = {row["id"]: row["name"] for row in devices.clusters_below(conn, area)}
        return render_template(
            "enrolment/list.html", area=area, choices=area_choices(conn, person), values=values, errors=errors,
            problem=problem, tickets=store.tickets_below(conn, area), STATES=TICKET_STATES, clusters=names,
            waiting=store.waiting_below(conn, area), roots=_root_fingerprints(conn), spoken=spoken_digits,
            fingerprint=fingerprint, may_permit=person.may(Right.PLACE, area),
        )  # fmt: skip


def _root_fingerprints(conn: Any) -> dict[str, int]:
    """Every root of this province by its fingerprint: a device may have been given an earlier one."""
    newest = repository.role_versions(conn).get("root", 0)
    files = ((n, repository.role_file(conn, "root", n)) for n in range(1, newest + 1))
    found = {}
    for number, raw in files:
        try:
            found.update({pin_root(raw).root_fingerprint: number} if raw else {})
        except WireError:
            continue  # a root that verifies only by its predecessor is nobody's first
    return found
