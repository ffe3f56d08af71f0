"""Series, reserve set and offers: what a unit keeps ready beside its slots."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from hub.answers import text_of
from hub.auth import guard
from hub.auth.roles import Right
from hub.content import store as content
from hub.errors import HubError
from hub.schedules import actions, choices, store
from hub.schedules.forms import read_series_title, read_settings
from hub.schedules.model import own_items
from hub.ui import area_choices, programme_area

blueprint = Blueprint("schedules_series", __name__)


@blueprint.get("/schedules/series")
@guard.needs(Right.VIEW)
def listing() -> str:
    return _series_page()


@blueprint.post("/schedules/series/new")
@guard.needs(Right.EDIT)
def add() -> Response | tuple[str, int]:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = programme_area(conn, person, Right.EDIT)
    try:
        actions.add_series(hub, person, area, read_series_title(request.form))
    except HubError as error:
        return _series_page(_first_message(error)), error.status
    flash(_("Series added to the draft."), "good")
    return redirect(url_for(".listing", area=area), 303)


@blueprint.post("/schedules/series/<ident>/add")
@guard.needs(Right.EDIT)
def add_item(ident: str) -> Response | tuple[str, int]:
    try:
        area = actions.add_to_series(
            guard.current_hub(), guard.current_person(), ident, request.form.get("item", "").strip()[:64]
        )
    except HubError as error:
        if error.status in (403, 404):
            raise
        return _series_page(_first_message(error)), error.status
    flash(_("Added to the series. Send the programme for approval, so that it is taken up."), "good")
    return redirect(url_for(".listing", area=area), 303)


@blueprint.post("/schedules/series/<ident>/remove")
@guard.needs(Right.EDIT)
def remove_item(ident: str) -> Response:
    item = request.form.get("item", "").strip()[:64]
    area = actions.remove_from_series(guard.current_hub(), guard.current_person(), ident, item)
    flash(_("Taken out of the series."), "good")
    return redirect(url_for(".listing", area=area), 303)


@blueprint.get("/schedules/settings")
@guard.needs(Right.VIEW)
def settings() -> str:
    return _settings_page()


@blueprint.post("/schedules/settings")
@guard.needs(Right.EDIT)
def change_settings() -> Response | tuple[str, int]:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = programme_area(conn, person, Right.EDIT)
    try:
        actions.change_settings(hub, person, area, read_settings(request.form))
    except HubError as error:
        return _settings_page(_first_message(error)), error.status
    flash(_("Saved in the draft. It counts once the programme has been sent and approved."), "good")
    return redirect(url_for(".settings", area=area), 303)


def _series_page(problem: str = "") -> str:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = programme_area(conn, person)
        draft = store.draft(conn, area)
        return render_template(
            "schedules/series.html", area=area, choices=area_choices(conn, person), series=draft.series,
            bulletins=content.several(conn, own_items(draft)), own=choices.own_bulletins(conn, area), problem=problem,
            offered=choices.offered_items(conn, area), may_edit=person.may(Right.EDIT, area),
        )  # fmt: skip


def _settings_page(problem: str = "") -> str:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = programme_area(conn, person)
        kept = store.settings(conn, area)
        sounds = content.sounds(conn, kept.reserve)
        return render_template(
            "schedules/settings.html", area=area, choices=area_choices(conn, person), settings=kept, problem=problem,
            own=choices.own_bulletins(conn, area), may_edit=person.may(Right.EDIT, area),
            priority=choices.priority_items(conn, area),
            reserve_ms=sum(max((s.duration_ms for s in found), default=0) for found in sounds.values()),
        )  # fmt: skip


def _first_message(error: HubError) -> str:
    fields = getattr(error, "fields", None)
    return str(next(iter(fields.values()))) if fields else text_of(error)
