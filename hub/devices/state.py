"""In which of a few states a cluster is, for lists and for the first page. Pure: computed from what is stored.

A cluster that nobody has heard is never shown as good: without network it is "still playing" only for as
long as the content lasts that it last reported to hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.devices.model import Contact
from wire.telemetry import FAULTS
from wire.units import HOUR, UtcTime

CARRIED_TAG = "carried"
"""Tag of a cluster without coverage, which is fed by a USB stick."""

SPARE_TAG = "spare"
"""Tag of what is no cluster, but a spare device of a commune that waits to stand in for one."""

LEVELS = {
    "playing": "good", "waiting": "good", "unlinked": "warn", "no_power": "warn", "no_sound": "bad", "carried": "calm",
    "unheard": "bad", "never": "bad", "unplaced": "warn",
    "spare": "calm",
}  # fmt: skip
"""How a state is marked on a page."""
BROKEN = frozenset({"no_sound", "unheard", "never", "no_power", "unplaced"})
"""States that need somebody to do something."""
_ORDER = ("no_sound", "unheard", "never", "unplaced", "no_power", "unlinked", "carried", "playing", "waiting", "spare")
_MUTE = frozenset({"no_sound_device", "play_restarting"})
"""Faults with which nothing sounds."""
_BATTERY, _ALERT = 2, 2


@dataclass(frozen=True)
class ClusterState:
    """One cluster as a page shows it."""

    id: str
    name: str
    area: str
    state: str
    device: str
    heard_at: UtcTime | None
    supplied_until: UtcTime | None
    faults: tuple[str, ...]
    languages: tuple[str, ...]
    readings: Mapping[str, int | None]
    alert_sounds: bool = False
    defects: tuple[str, ...] = ()
    """What the hardware lacks, for as long as it is not replaced."""

    @property
    def level(self) -> str:
        return LEVELS[self.state]

    @property
    def is_broken(self) -> bool:
        return self.state in BROKEN or bool(self.faults)

    @property
    def rank(self) -> tuple[int, str]:
        """What needs somebody comes first."""
        return _ORDER.index(self.state), self.name


def cluster_state(
    cluster: Mapping[str, Any], device: Mapping[str, Any] | None, contact: Contact | None,
    health: Mapping[str, Any] | None, now: UtcTime, *, defects: tuple[str, ...] = (),
) -> ClusterState:  # fmt: skip
    """`device`: a row of `store.devices_below`; `health`: of `telemetry.store.all_latest`."""
    readings = health["readings"] if health else {}
    faults = fault_names(health["fault"]) if health else ()
    supplied = _supplied_until(device, readings)
    state = _state(cluster, contact, readings, faults, supplied, now)
    return ClusterState(
        id=cluster["id"], name=cluster["name"], area=cluster["area"], state=state,
        device=device["id"] if device else "", heard_at=_heard_at(device, health), supplied_until=supplied,
        faults=faults, languages=tuple(cluster["languages"]), readings=readings,
        alert_sounds=state == "playing" and readings.get("playing") == _ALERT, defects=defects,
    )  # fmt: skip


def fault_names(bits: int) -> tuple[str, ...]:
    """The faults that are set, by name."""
    return tuple(name for name, bit in FAULTS.items() if bits & bit)


def _state(
    cluster: Mapping[str, Any], contact: Contact | None, readings: Mapping[str, int | None], faults: tuple[str, ...],
    supplied: UtcTime | None, now: UtcTime,
) -> str:  # fmt: skip
    if SPARE_TAG in cluster["tags"]:
        return "spare"
    if contact is None:
        return "unplaced"
    if contact is Contact.ONLINE:
        return _online_state(readings, faults)
    if CARRIED_TAG in cluster["tags"]:
        return "carried"
    if contact is Contact.NEVER:
        return "never"
    return "unlinked" if supplied and supplied > now and not _MUTE & set(faults) else "unheard"


def _online_state(readings: Mapping[str, int | None], faults: tuple[str, ...]) -> str:
    if _MUTE & set(faults):
        return "no_sound"
    if readings.get("playing"):
        return "playing"
    return "no_power" if readings.get("power") == _BATTERY else "waiting"


def _supplied_until(device: Mapping[str, Any] | None, readings: Mapping[str, int | None]) -> UtcTime | None:
    """The later of what birth and health said; 0 means nothing is held."""
    said = [(device or {}).get("supplied_until") or 0, (readings.get("supplied_until_h") or 0) * HOUR]
    return UtcTime(max(said)) or None


def _heard_at(device: Mapping[str, Any] | None, health: Mapping[str, Any] | None) -> UtcTime | None:
    heard = max((device or {}).get("heard_at") or 0, health["at"] if health else 0)
    return UtcTime(heard) or None
