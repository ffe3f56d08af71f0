"""Names and figures of areas as the hub tells them: unsigned words beside the code, and only the code is signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provisioning.errors import ProvisioningError
from provisioning.hub_api import HubApi
from wire.areas import contains


@dataclass(frozen=True)
class ToldArea:
    """One row: its own clusters and households, without those of areas below."""

    name: str
    clusters: int
    households: int | None


Told = Mapping[str, ToldArea]


def ask_areas(hub: HubApi) -> Told:
    """Every area that the hub tells of; nothing where it does not answer, since an emergency needs no names."""
    try:
        rows = hub.areas()
    except ProvisioningError:
        return {}
    return {str(row.get("path", "")): _read(row) for row in rows}


def area_entry(path: str, told: Told) -> dict[str, Any]:
    """An area for the page, with everything below it counted; None for a figure that nobody told."""
    below = {other: row for other, row in told.items() if contains(path, other)}
    return {
        "path": path,
        "name": told[path].name if path in told else "",
        "clusters": sum(row.clusters for row in below.values()) if below else None,
        "households": _households(below),
    }


def _households(below: Told) -> int | None:
    """The sum of the most detailed figures: a commune's own one counts only where its hamlets have none."""
    known = {path: row.households for path, row in below.items() if row.households is not None}
    finest = [n for path, n in known.items() if not any(path != other and contains(path, other) for other in known)]
    return sum(finest) if finest else None


def _read(row: Mapping[str, Any]) -> ToldArea:
    clusters, households = row.get("clusters"), row.get("households")
    return ToldArea(
        str(row.get("name", ""))[:200],
        len(clusters) if isinstance(clusters, list) else 0,
        households if isinstance(households, int) else None,
    )
