"""What sounds now: alerts over drills over the plan of the day, with power and time quality applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wire.timeline.alerts import ActiveAlert, AlertRound
from wire.timeline.plan import DayPlan, Omission, PlannedPlay
from wire.timeline.reasons import Reason
from wire.timeline.situation import Power, Situation, TimeQuality
from wire.units import Milliseconds, UtcTime


@dataclass(frozen=True)
class Decision:
    """The answer for one instant; apart from `offset_ms` it stays the same until `until`."""

    play: PlannedPlay | AlertRound | None
    offset_ms: Milliseconds
    """How far into `play` the instant lies."""
    until: UtcTime
    volume: int
    """Percent."""
    why: tuple[Reason, ...]
    why_not: tuple[Omission, ...] = ()
    """What does not sound although its slot's window is open now."""


def decide(
    situation: Situation,
    alerts: Iterable[ActiveAlert],
    power: Power,
    quality: TimeQuality,
    now: UtcTime,
    *,
    plan: DayPlan | None = None,
) -> Decision:
    """What sounds at `now`. Give the day's `plan` if it is at hand; one of another day is not used."""
    raise NotImplementedError
