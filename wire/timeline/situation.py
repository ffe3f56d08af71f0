"""What the timeline is asked about: an endpoint with its programmes and policies, and the state of the device."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from wire.areas import ancestry
from wire.enrolment import Placement
from wire.policy import Policy
from wire.programme import Programme
from wire.units import DAY, UtcTime

MAX_MUTE_MS = 30 * DAY


class TimeQuality(IntEnum):
    """The ladder of design §5, "two clocks". From SAME_BOOT upwards everything plays."""

    FLOOR_ONLY = 0
    SAME_BOOT = 1
    RTC = 2
    SYNCED = 3


class PowerSource(IntEnum):
    """As in the metric `power`."""

    UNKNOWN = 0
    MAINS = 1
    BATTERY = 2


@dataclass(frozen=True)
class Power:
    """Unknown counts as mains; a battery whose percentage cannot be read counts as empty."""

    source: PowerSource
    percent: int | None = None

    @classmethod
    def mains(cls) -> Power:
        return cls(PowerSource.MAINS)

    @classmethod
    def battery(cls, percent: int | None) -> Power:
        return cls(PowerSource.BATTERY, percent)

    @classmethod
    def unknown(cls) -> Power:
        return cls(PowerSource.UNKNOWN)


@dataclass(frozen=True)
class Endpoint:
    """A cluster of loudspeakers or a board, and where it stands. `languages` are in the order of playing."""

    area: str
    cluster: str
    kind: Literal["loudspeaker", "board"] = "loudspeaker"
    tags: frozenset[str] = frozenset()
    languages: tuple[str, ...] = ("vi",)

    @classmethod
    def of(cls, placement: Placement) -> Endpoint:
        return cls(
            area=placement.area,
            cluster=placement.cluster,
            kind="board" if placement.kind == "board" else "loudspeaker",
            tags=frozenset(placement.tags),
            languages=tuple(placement.languages),
        )

    @property
    def targets(self) -> frozenset[str]:
        """Every target (`wire.programme.Target`) that means this endpoint."""
        own = f"{'board' if self.kind == 'board' else 'cluster'}:{self.cluster}"
        tags = [f"tag:{tag}" for tag in self.tags]
        languages = [f"lang:{language}" for language in self.languages]
        return frozenset(["*", own, *tags, *languages, *(f"area:{area}" for area in ancestry(self.area))])


@dataclass(frozen=True)
class Mute:
    """Silence from `start` to `until`, but never for longer than 30 days. Binds drills, never an emergency."""

    start: UtcTime
    until: UtcTime

    @property
    def ends(self) -> UtcTime:
        return UtcTime(min(self.until, self.start + MAX_MUTE_MS))


@dataclass(frozen=True)
class Situation:
    """All that a plan depends on. The order within the tuples does not matter; areas off the path are ignored."""

    programmes: tuple[Programme, ...]
    policies: tuple[Policy, ...]
    endpoint: Endpoint
    mutes: tuple[Mute, ...] = ()
    volume_percent: int = 100
