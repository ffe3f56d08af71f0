"""A spare at the place of a cluster that is dead: what the commune's own programme says in `swaps`. Pure.

Only a device that the registrar placed as a spare of that commune, and only a cluster of which the registrar has said
that it lies in that commune: the commune's key moves a spare within its own walls and nothing else. The spare then is
that cluster in everything: area, targets, languages, emergencies. Device, packer and approval app ask here.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from wire.areas import contains
from wire.enrolment import Placement
from wire.programme import Programme


def standing_at(mine: Placement, programme: Programme | None, neighbours: Iterable[Placement]) -> Placement:
    """The placement that counts: its own, or for a spare that of the cluster for which it stands in.

    `programme` is the commune's, `neighbours` are all placements of the commune. A spare that stands in for nobody is
    returned as it is, and plays no programme.
    """
    if not mine.spare or programme is None or programme.area != mine.area:
        return mine
    wanted = next((swap.cluster for swap in programme.swaps if swap.device == mine.device), None)
    places = (p for p in neighbours if p.cluster == wanted and not p.spare and contains(mine.area, p.area))
    place = next(places, None)
    if place is None:
        return mine
    return msgspec.structs.replace(
        mine, area=place.area, cluster=place.cluster, kind=place.kind, tags=place.tags, languages=place.languages,
        spare=False,
    )  # fmt: skip
