"""Chương trình: the unit's programme, its slots, what is found wrong with it, and submitting it for approval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from hub.answers import text_of, wants_json
from hub.auth import guard
from hub.auth.roles import Right
from hub.content import actions as content
from hub.errors import HubError, NotFoundError
from hub.fields import FieldErrors, read_number
from hub.i18n import iso_day_text, of_day_text
from hub.phrases import CLASSES, PROGRAMME_STATES, WEEKDAYS
from hub.schedules import actions, choices, store
from hub.schedules.checks import Finding, next_start
from hub.schedules.forms import read_slot
from hub.schedules.model import DraftSlot, play_code, repeat_code
from hub.schedules.status import holdings, standing
from hub.ui import area_choices, area_name, programme_area
from wire.programme import Slot
from wire.units import MINUTE, UtcTime, moment

blueprint = Blueprint("schedules", __name__)
NEW_SLOT_FIRST_HOUR = 17


@blueprint.get("/schedules")
@guard.needs(Right.VIEW)
def overview() -> str:
    with guard.current_hub().reading() as conn:
        area = programme_area(conn, guard.current_person())
    return _overview(area)


@blueprint.get("/schedules/check")
@guard.needs(Right.VIEW)
def check() -> str | Response:
    """What is wrong with the draft; for programs as JSON."""
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = programme_area(conn, person)
        findings = actions.check(conn, area, hub.now()).findings
    if wants_json():
        return jsonify(findings=[_finding(finding) for finding in findings])
    return _overview(area)


@blueprint.post("/schedules/submit")
@guard.needs(Right.EDIT)
def submit() -> Response | tuple[str, int]:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = programme_area(conn, person, Right.EDIT)
    title = _("Programme of %(unit)s", unit=area_name(area))
    try:
        actions.submit(hub, person, area, confirmed=request.form.get("confirm") == "1", title=title)
    except HubError as error:
        return _overview(area, problem=text_of(error)), error.status
    flash(_("Sent for approval. It plays once it has been approved; until then, what is in force goes on."), "good")
    return redirect(url_for("schedules.overview", area=area), 303)


@blueprint.get("/schedules/slots/new")
@guard.needs(Right.EDIT)
def new_slot() -> str:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = programme_area(conn, person, Right.EDIT)
        wanted = request.args.get("item", "")
        bulletin = content.look_at(conn, person, wanted) if wanted else None
    values: MultiDict[str, str] = MultiDict(
        {"first": f"{moment(hub.now()):%d/%m/%Y}", "repeat": "once", "reach": "all"}
    )
    values.update({"class": "ordinary", "start": f"{NEW_SLOT_FIRST_HOUR}:00"})
    if bulletin:
        values.update({"title": bulletin.title, "plays": f"item:{bulletin.area}:{bulletin.id}"})
    return _slot_form(area, None, values, {})


@blueprint.post("/schedules/slots/new")
@guard.needs(Right.EDIT)
def add_slot() -> Response | tuple[str, int]:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = programme_area(conn, person, Right.EDIT)
    try:
        actions.add_slot(hub, person, area, read_slot(request.form, area, actions.new_id("kg")))
    except FieldErrors as error:
        return _slot_form(area, None, request.form, error.fields), error.status
    except HubError as error:
        return _slot_form(area, None, request.form, {}, text_of(error)), error.status
    flash(_("Slot saved in the draft. It plays once the programme has been sent and approved."), "good")
    return redirect(url_for("schedules.overview", area=area), 303)


@blueprint.get("/schedules/slots/<ident>")
@guard.needs(Right.EDIT)
def edit_slot(ident: str) -> str:
    found = _slot(ident)
    return _slot_form(found.area, found, _slot_values(found), {})


@blueprint.post("/schedules/slots/<ident>")
@guard.needs(Right.EDIT)
def change_slot(ident: str) -> Response | tuple[str, int]:
    hub, person = guard.current_hub(), guard.current_person()
    found = _slot(ident)
    known = UtcTime(read_number(request.form.get("changed", ""), default=0))
    try:
        area = actions.change_slot(hub, person, read_slot(request.form, found.area, ident), known=known)
    except FieldErrors as error:
        return _slot_form(found.area, found, request.form, error.fields), error.status
    except HubError as error:
        return _slot_form(found.area, found, request.form, {}, text_of(error)), error.status
    flash(_("Slot saved in the draft. It plays once the programme has been sent and approved."), "good")
    return redirect(url_for("schedules.overview", area=area), 303)


@blueprint.post("/schedules/slots/<ident>/remove")
@guard.needs(Right.EDIT)
def remove_slot(ident: str) -> Response:
    area = actions.remove_slot(guard.current_hub(), guard.current_person(), ident)
    flash(_("Removed from the draft. What is in force goes on until the change is approved."), "good")
    return redirect(url_for("schedules.overview", area=area), 303)


@blueprint.get("/schedules/uses/<item>")
@guard.needs(Right.VIEW)
def uses(item: str) -> str:
    """Where a bulletin is used: a part of its page."""
    person = guard.current_person()
    with guard.current_hub().reading() as conn:
        content.look_at(conn, person, item)
        slots = [found for found in store.slots_naming(conn, item) if person.may(Right.VIEW, found.area)]
        series = [found for found in store.series_naming(conn, item) if person.may(Right.VIEW, found.area)]
    return render_template("schedules/_uses.html", slots=slots, series=series)


def _overview(area: str, *, problem: str = "") -> str:
    hub, person = guard.current_hub(), guard.current_person()
    now = hub.now()
    with hub.reading() as conn:
        checked = actions.check(conn, area, now)
        slots = [(found, next_start(found.slot, now)) for found in checked.draft.slots]
        return render_template(
            "schedules/overview.html", area=area, choices=area_choices(conn, person), problem=problem, slots=slots,
            findings=checked.findings, has_errors=bool(checked.errors), draft=checked.draft,
            standing=standing(conn, area, now), holdings=holdings(conn, area), titles=choices.titles(conn, area),
            STATES=PROGRAMME_STATES, CLASSES=CLASSES, may_edit=person.may(Right.EDIT, area), play_code=play_code,
            repeat_text=repeat_text, places=dict(choices.place_choices(conn, area)),
        )  # fmt: skip


def _slot_form(
    area: str, found: DraftSlot | None, values: MultiDict[str, str], errors: Mapping[str, Any], problem: str = ""
) -> str:
    with guard.current_hub().reading() as conn:
        return render_template(
            "schedules/slot.html", area=area, found=found, values=values, errors=errors, problem=problem,
            play_groups=choices.play_choices(conn, area), clusters=choices.cluster_choices(conn, area),
            hamlets=choices.hamlet_choices(conn, area) if "/" in area else [], CLASSES=CLASSES,
            communes=choices.hamlet_choices(conn, area) if "/" not in area else [],
        )  # fmt: skip


def _slot(ident: str) -> DraftSlot:
    person = guard.current_person()
    with guard.current_hub().reading() as conn:
        found = store.slot(conn, ident)
    if found is None or not person.may(Right.VIEW, found.area):
        raise NotFoundError
    person.require(Right.EDIT, found.area)
    return found


def _slot_values(found: DraftSlot) -> MultiDict[str, str]:
    """A stored slot as the form's fields hold it."""
    slot, when = found.slot, found.slot.when
    end = slot.start_ms + slot.length_ms
    values: MultiDict[str, str] = MultiDict({
        "title": slot.title, "start": of_day_text(slot.start_ms), "repeat": repeat_code(when),
        "end": of_day_text(end) if end <= 24 * 60 * MINUTE else "", "first": iso_day_text(when.first),
        "until": iso_day_text(when.until or ""), "interval": str(when.interval),
        "month_days": ", ".join(map(str, when.month_days)), "class": "priority" if slot.priority else "ordinary",
        "exceptions": ", ".join(iso_day_text(day) for day in when.exceptions), "fixed": "1" if slot.fixed else "",
        "any_time": "1" if slot.any_time else "", "reach": "all" if slot.targets == ["*"] else "chosen",
    })  # fmt: skip
    if not values["end"]:
        values["length"] = str(slot.length_ms // MINUTE)
    values.setlist("weekdays", [str(day) for day in when.weekdays])
    values.setlist("plays", [play_code(play) for play in slot.plays])
    values.setlist("targets", [target for target in slot.targets if target != "*"])
    return values


def repeat_text(slot: Slot) -> str:
    """On which days, in words."""
    when = slot.when
    first, until = iso_day_text(when.first), iso_day_text(when.until or "")
    if when.freq == "none":
        return str(_("On %(days)s", days=", ".join(iso_day_text(day) for day in when.dates[:5])))
    if when.freq == "daily":
        text = _("Every day") if when.interval == 1 else _("Every %(n)s days", n=when.interval)
    elif when.freq == "weekly":
        names = ", ".join(str(WEEKDAYS[day]) for day in when.weekdays)
        every = _("every week") if when.interval == 1 else _("every %(n)s weeks", n=when.interval)
        text = f"{names}, {every}"
    else:
        numbers = ", ".join(
            _("last day") if day == -1 else str(day) for day in sorted(when.month_days, key=lambda d: d % 32)
        )
        text = _("On the %(days)s of the month", days=numbers)
    span = _("from %(first)s until %(last)s", first=first, last=until) if until else _("from %(day)s", day=first)
    return f"{text}, {span}"


def _finding(finding: Finding) -> dict[str, str]:
    return {"level": finding.level, "code": finding.code, "text": str(finding.message), "slot": finding.slot}
