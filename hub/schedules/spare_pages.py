"""Thiết bị dự phòng: which spare stands in for which cluster, in the draft of a commune's programme."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from hub.answers import text_of
from hub.auth import guard
from hub.auth.roles import Right
from hub.errors import HubError
from hub.schedules import spares, store
from hub.schedules.surroundings import released_programme
from hub.ui import area_choices, programme_area

blueprint = Blueprint("schedules_spares", __name__)


@blueprint.get("/schedules/spares")
@guard.needs(Right.VIEW)
def listing() -> str:
    return _page()


@blueprint.post("/schedules/spares")
@guard.needs(Right.EDIT)
def put() -> Response | tuple[str, int]:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = programme_area(conn, person, Right.EDIT)
    device, cluster = (request.form.get(name, "").strip()[:64] for name in ("device", "cluster"))
    try:
        spares.put_spare(hub, person, area, device=device, cluster=cluster)
    except HubError as error:
        return _page(text_of(error)), error.status
    flash(_("Saved in the draft. It counts once the programme has been sent and approved."), "good")
    return redirect(url_for(".listing", area=area), 303)


def _page(problem: str = "") -> str:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = programme_area(conn, person)
        released = released_programme(conn, area)
        choices = spares.choices(conn, area)
        return render_template(
            "schedules/spares.html", area=area, choices=area_choices(conn, person), problem=problem,
            spares=choices.spares, clusters=choices.clusters, names=dict(choices.clusters),
            drafted={swap.device: swap.cluster for swap in store.settings(conn, area).swaps},
            in_force={swap.device: swap.cluster for swap in (released.swaps if released else [])},
            may_edit=person.may(Right.EDIT, area) and "/" in area,
        )  # fmt: skip
