"""Cụm này phát gì? Any cluster, any day, with the reason for every play and for everything that does not play."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, jsonify, render_template, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from hub.answers import wants_json
from hub.auth import guard
from hub.auth.roles import Person, Right
from hub.devices import store as devices
from hub.errors import N_, BadInputError, NotFoundError
from hub.fields import read_day
from hub.schedules.preview import RELEASED, SOURCES, plan_as_json, preview
from hub.schedules.reasons import reason_text
from hub.schedules.status import standing
from hub.ui import area_choices, area_name, pick_area
from wire.timeline import broadcast_day
from wire.units import UtcTime

blueprint = Blueprint("schedules_preview", __name__)
FARTHEST = timedelta(days=400)
MAX_CHOICES = 300
NOT_IN_FORCE = ("draft", "waiting", "returned", "changed")


@blueprint.get("/schedules/preview")
@guard.needs(Right.VIEW)
def show() -> str | Response:
    hub, person = guard.current_hub(), guard.current_person()
    now = hub.now()
    with hub.reading() as conn:
        day, source = _day(now), _source()
        cluster = _cluster(conn)
        if wants_json():
            return _as_json(conn, cluster, day, source, now)
        area = cluster["area"] if cluster else pick_area(conn, person)
        clusters = devices.clusters_below(conn, _widest(person.areas(), area))[:MAX_CHOICES]
        cluster = cluster or next(iter(clusters), None)
        found = preview(conn, cluster, day, source=source, now=now) if cluster else None
        return render_template(
            "schedules/preview.html", area=area, cluster=cluster, day=day, source=source, found=found,
            choices=area_choices(conn, person), clusters=clusters,
            reason_text=lambda reason: reason_text(reason, area_name), today=broadcast_day(now),
            one_day=timedelta(days=1), programmes=[] if found is None else found.programmes,
            has_draft=source == RELEASED and cluster is not None and _has_draft(conn, person, cluster["area"], now),
        )  # fmt: skip


def _as_json(conn: Connection, cluster: dict[str, Any] | None, day: date, source: str, now: UtcTime) -> Response:
    if cluster is None:
        raise BadInputError(N_("Say which cluster."))
    found = preview(conn, cluster, day, source=source, now=now)
    return jsonify(plan_as_json(cluster["id"], day, found.plan, area_name))


def _has_draft(conn: Connection, person: Person, area: str, now: UtcTime) -> bool:
    """Whether the commune's editor has changes that are not in force yet."""
    commune = "/".join(area.split("/")[:2])
    return person.may(Right.EDIT, commune) and standing(conn, commune, now).state in NOT_IN_FORCE


def _cluster(conn: Connection) -> dict[str, Any] | None:
    """The cluster that is asked about. Raises NotFoundError for one that is not there, or not to be seen."""
    ident = request.args.get("cluster", "").strip()
    if not ident:
        return None
    found = devices.cluster(conn, ident)
    if found is None:
        raise NotFoundError
    guard.current_person().require(Right.VIEW, found["area"])
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
