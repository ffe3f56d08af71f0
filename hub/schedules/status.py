"""Where an area's programme stands: draft, waiting, returned, in force, and what each cluster holds of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from hub.devices import store as devices
from hub.publishing import repository
from hub.publishing import store as publishing
from hub.publishing.model import Proposal, State
from hub.schedules import store
from hub.schedules.actions import is_changed
from hub.schedules.surroundings import released_programme
from wire.areas import programme_target, speaker_role
from wire.programme import Programme, read_programme
from wire.units import UtcTime


@dataclass(frozen=True)
class Standing:
    """`state` is a key of `phrases.PROGRAMME_STATES`; `proposal` the newest one, if it still tells something."""

    state: str
    released: Programme | None
    version: int
    """Of the speaker's role; devices name it among what they hold."""
    proposal: Proposal | None = None


@dataclass(frozen=True)
class Holding:
    """What a cluster's device last said that it holds."""

    cluster: str
    name: str
    device: str
    version: int | None
    heard_at: UtcTime | None


def standing(conn: Connection, area: str, now: UtcTime) -> Standing:
    released = released_programme(conn, area)
    current = repository.current_role(conn, speaker_role(area))
    version = current[0] if current else 0
    proposal = publishing.latest(conn, area, "programme")
    if proposal and proposal.state is State.WAITING:
        waits = read_programme(proposal.targets[programme_target(area)]).programme
        return Standing("changed" if is_changed(conn, area, waits, now) else "pending", released, version, proposal)
    if proposal and proposal.state is State.RETURNED and store.changed_at(conn, area) <= (proposal.closed_at or 0):
        return Standing("returned", released, version, proposal)
    if released is None:
        return Standing("draft" if store.changed_at(conn, area) else "empty", None, version)
    return Standing("draft" if is_changed(conn, area, released, now) else "in_force", released, version)


def holdings(conn: Connection, area: str) -> list[Holding]:
    """For every device at and below the area, by cluster."""
    role = speaker_role(area)
    return [
        Holding(row["cluster"], row["cluster_name"], row["id"], _version(row["versions"], role), row["heard_at"])
        for row in devices.devices_below(conn, area)
    ]


def _version(versions: Mapping[str, Any] | None, role: str) -> int | None:
    held = (versions or {}).get(role)
    return int(held) if held is not None else None
