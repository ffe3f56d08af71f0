"""Where this device stands under the programmes that it holds: a spare may stand in for a cluster (`wire.stand_in`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edge.sync.library import Holdings
from wire.enrolment import Placement
from wire.programme import Programme
from wire.stand_in import standing_at


def standing(holdings: Holdings, programmes: Mapping[str, Programme]) -> Placement | None:
    """The placement that counts under these programmes; None as long as nobody placed this device."""
    mine = holdings.placement
    return standing_at(mine, programmes.get(mine.area), holdings.neighbours) if mine else None


def stood_in(holdings: Holdings) -> Holdings:
    """The holdings as they count, with the place at which the programmes in force put this device."""
    return replace(holdings, placement=standing(holdings, holdings.programmes))
