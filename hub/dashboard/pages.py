"""Hôm nay: the first page, and the part of it that refreshes itself."""

from __future__ import annotations

from flask import Blueprint, render_template

from hub.auth import guard
from hub.auth.roles import Right
from hub.dashboard.today import look
from hub.phrases import CLUSTER_STATES, FAULTS, PROGRAMME_STATES
from hub.ui import area_choices, pick_area, wants_fragment

blueprint = Blueprint("dashboard", __name__)


@blueprint.get("/")
@guard.needs(Right.VIEW)
def today() -> str:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = pick_area(conn, person)
        choices = area_choices(conn, person)
    page = "dashboard/_today.html" if wants_fragment() else "dashboard/today.html"
    return render_template(
        page, area=area, choices=choices, today=look(hub, person, area), STATES=CLUSTER_STATES, FAULTS=FAULTS,
        PROGRAMME_STATES=PROGRAMME_STATES,
    )  # fmt: skip
