"""Spares of a commune in its programme's draft (`swaps`): which there are, and putting one at a dead cluster's place.

Only the commune's own key puts it in force, and each device judges again (`wire.stand_in`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from hub import audit
from hub.auth.roles import Person, Right
from hub.context import Hub
from hub.devices import store as devices
from hub.devices.state import SPARE_TAG
from hub.errors import N_, BadInputError
from hub.publishing import repository
from hub.schedules import store
from wire.areas import placements_target
from wire.enrolment import read_placements
from wire.programme import Swap


@dataclass(frozen=True)
class SpareChoices:
    """As the registrar has signed them: the commune's spares, and its clusters by id and name."""

    spares: list[str]
    clusters: list[tuple[str, str]]


def choices(conn: Connection, area: str) -> SpareChoices:
    raw = repository.current_target(conn, placements_target(area)) if "/" in area else None
    placed = read_placements(raw).placements if raw else []
    held = {place.cluster for place in placed if not place.spare}
    named = [(row["id"], row["name"]) for row in devices.clusters_below(conn, area) if SPARE_TAG not in row["tags"]]
    return SpareChoices(
        [place.device for place in placed if place.spare and place.area == area],
        [(ident, name) for ident, name in named if ident in held],
    )


def put_spare(hub: Hub, person: Person, area: str, *, device: str, cluster: str) -> None:
    """Let a spare stand in for a cluster, or with an empty `cluster` go back to the shelf. Raises BadInputError."""
    person.require(Right.EDIT, area)
    now = hub.now()
    with hub.writing() as conn:
        offered = choices(conn, area)
        if device not in offered.spares or cluster not in ("", *(ident for ident, _ in offered.clusters)):
            raise BadInputError(N_("Choose a spare of this commune and one of its clusters."))
        settings = store.settings(conn, area)
        others = tuple(swap for swap in settings.swaps if swap.device != device and swap.cluster != cluster)
        new = (*others, Swap(device, cluster)) if cluster else others
        store.put_settings(conn, area, replace(settings, swaps=new))
        store.note_change(conn, area, person=person.username, now=now, what="spare")
        audit.note(conn, at=now, person=person.username, verb="spare", area=area, subject=device, detail=cluster)
