"""Reads what a draft's fate depends on: its bulletins, the clusters, and what is released at and above the area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from hub.content import store as content
from hub.devices import store as devices
from hub.devices.state import CARRIED_TAG, SPARE_TAG
from hub.publishing import repository
from hub.schedules.checks import Place, Surroundings
from hub.schedules.model import Draft, own_items
from wire.areas import ancestry, policy_target, programme_target
from wire.policy import Policy, read_policy
from wire.programme import Programme, read_programme
from wire.timeline import Endpoint
from wire.units import UtcTime


def surroundings(conn: Connection, draft: Draft, now: UtcTime) -> Surroundings:
    """For the checks of a draft and for building it."""
    idents = own_items(draft)
    above = ancestry(draft.area)[:-1]
    return Surroundings(
        now=now,
        bulletins=content.several(conn, idents),
        sounds=content.sounds(conn, idents),
        places=tuple(
            place_of(row) for row in devices.clusters_below(conn, draft.area) if SPARE_TAG not in row["tags"]
        ),
        programmes=released_programmes(conn, above),
        policies=released_policies(conn, ancestry(draft.area)),
    )


def place_of(row: dict[str, Any]) -> Place:
    """A row of the clusters' table as the timeline and the checks see it."""
    endpoint = Endpoint(
        area=row["area"], cluster=row["id"], kind="board" if row["kind"] == "board" else "loudspeaker",
        tags=frozenset(row["tags"]), languages=tuple(row["languages"]),
    )  # fmt: skip
    return Place(endpoint, row["name"], carried=CARRIED_TAG in row["tags"])


def released_programme(conn: Connection, area: str) -> Programme | None:
    """What is in force for an area."""
    raw = repository.current_target(conn, programme_target(area))
    return read_programme(raw).programme if raw else None


def released_programmes(conn: Connection, areas: Sequence[str]) -> tuple[Programme, ...]:
    found = (released_programme(conn, area) for area in areas)
    return tuple(programme for programme in found if programme is not None)


def released_policies(conn: Connection, areas: Sequence[str]) -> tuple[Policy, ...]:
    raws = (repository.current_target(conn, policy_target(area)) for area in areas)
    return tuple(read_policy(raw) for raw in raws if raw)
