"""What the first page says: on air now, next today, what waits, what is broken, how long the content lasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from hub.alerts import store as alerts
from hub.auth.roles import Person, Right
from hub.context import Hub
from hub.devices import store as devices
from hub.devices.state import ClusterState
from hub.devices.survey import cluster_states
from hub.publishing import actions as publishing
from hub.publishing.model import Signable
from hub.schedules.preview import RELEASED, preview
from hub.schedules.status import Standing, standing
from wire.timeline import PlannedPlay, broadcast_day
from wire.units import UtcTime

MAX_PLANNED = 40
"""Clusters whose day is laid out for the page; a province shows its troubles rather than every cluster's programme."""
MAX_NEXT = 12


@dataclass(frozen=True)
class Coming:
    """One item at one time, and the clusters where it plays."""

    start: UtcTime
    end: UtcTime
    title: str
    slot: str
    clusters: tuple[str, ...]


@dataclass(frozen=True)
class Today:
    """Everything on the page. `standing` is None where the unit has no programme of its own."""

    states: list[ClusterState]
    now_playing: list[Coming]
    coming: list[Coming]
    to_sign: list[Signable]
    standing: Standing | None
    is_planned: bool
    alerts: list[dict[str, Any]]
    """Emergency orders that run now in the person's areas."""

    @property
    def broken(self) -> list[ClusterState]:
        return [state for state in self.states if state.is_broken]

    @property
    def playing(self) -> int:
        return sum(state.state == "playing" for state in self.states)


def look(hub: Hub, person: Person, area: str) -> Today:
    now = hub.now()
    with hub.reading() as conn:
        states = cluster_states(hub, conn, area)
        plans = _plans(conn, area, now) if len(states) <= MAX_PLANNED else {}
        running = alerts.running(conn, person.areas(), now)
        stands = standing(conn, area, now) if area.count("/") <= 1 and person.may(Right.EDIT, area) else None
    to_sign = publishing.signable(hub, person)
    plays = [(name, play) for name, found in plans.items() for play in found]
    current = _grouped([(name, play) for name, play in plays if play.start <= now < play.end])
    later = _grouped([(name, play) for name, play in plays if play.start > now])
    return Today(states, current, later[:MAX_NEXT], to_sign, stands, is_planned=bool(plans) or not states,
                 alerts=running)  # fmt: skip


def _plans(conn: Connection, area: str, now: UtcTime) -> dict[str, tuple[PlannedPlay, ...]]:
    """The rest of the day of each cluster, by the cluster's name."""
    day = broadcast_day(now)
    rows: list[Mapping[str, Any]] = list(devices.clusters_below(conn, area))
    return {row["name"]: preview(conn, row, day, source=RELEASED, now=now).plan.plays for row in rows}


def _grouped(plays: list[tuple[str, PlannedPlay]]) -> list[Coming]:
    """An item of one slot once, with all its clusters and in all its languages, in order of time."""
    found: dict[tuple[str, str, str], Coming] = {}
    for name, play in sorted(plays, key=lambda entry: entry[1].start):
        key = (play.slot, play.item_area, play.item or play.slot_title)
        known = found.get(key) or Coming(play.start, play.end, play.title or play.slot_title, play.slot_title, ())
        names = known.clusters if name in known.clusters else (*known.clusters, name)
        found[key] = replace(known, end=max(known.end, play.end), clusters=names)
    return sorted(found.values(), key=lambda coming: coming.start)
