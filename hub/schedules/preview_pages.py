"""Cụm này phát gì? Any cluster, any day, with the reason for every play and for everything that does not play."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, jsonify, render_template, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from hub.answers import wants_json
from hub.auth import guard
from hub.auth.roles import Right
from hub.devices import store as devices
from hub.errors import N_, BadInputError, NotFoundError
from hub.fields import read_day
from hub.schedules.preview import RELEASED, SOURCES, plan_as_json, preview
from hub.schedules.reasons import reason_text
from hub.ui import area_choices, area_name, pick_area
from wire.timeline import broadcast_day
from wire.units import UtcTime

blueprint = Blueprint("schedules_preview", __name__)
FARTHEST = timedelta(days=400)
MAX_CHOICES = 300


@blueprint.get("/schedules/preview")
@guard.needs(Right.VIEW)
def show() -> str | Response:
    hub, person = guard.current_hub(), guard.current_person()
    now = hub.now()
    with hub.reading() as conn:
        day, source = _day(now), _source()
        cluster = _cluster(conn)
        if cluster is None:
            area = pick_area(conn, person)
            found = None
        else:
            person.require(Right.VIEW, cluster["area"])
            area = cluster["area"]
            found = preview(conn, cluster, day, source=source, now=now)
        if wants_json():
            if cluster is None or found is None:
                raise BadInputError(N_("Say which cluster."))
            return jsonify(plan_as_json(cluster["id"], day, found.plan, area_name))
        return render_template(
            "schedules/preview.html", area=area, cluster=cluster, day=day, source=source, found=found,
            choices=area_choices(conn, person),
            clusters=devices.clusters_below(conn, _widest(person.areas(), area))[:MAX_CHOICES],
            reason_text=lambda reason: reason_text(reason, area_name), today=broadcast_day(now),
            one_day=timedelta(days=1), programmes=[] if found is None else found.programmes,
        )  # fmt: skip


def _cluster(conn: Connection) -> dict[str, Any] | None:
    """The cluster that is asked about. Raises NotFoundError for one that is not there."""
    ident = request.args.get("cluster", "").strip()
    if not ident:
        return None
    found = devices.cluster(conn, ident)
    if found is None:
        raise NotFoundError
    return found


def _day(now: UtcTime) -> date:
    asked = request.args.get("day", "").strip()
    if not asked:
        return broadcast_day(now)
    day = read_day(asked)
    if day is None or abs(day - broadcast_day(now)) > FARTHEST:
        raise BadInputError(N_("This is no day that can be looked at: {day}"), day=asked[:20])
    return day


def _source() -> str:
    asked = request.args.get("source", RELEASED)
    return asked if asked in SOURCES else RELEASED


def _widest(held: tuple[str, ...], area: str) -> str:
    """The clusters to choose from: those of the commune that is looked at, or of what the person may see of it."""
    commune = "/".join(area.split("/")[:2])
    return commune if any(commune == own or commune.startswith(own + "/") for own in held) else area
