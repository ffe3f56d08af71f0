"""Plans by broadcast day. The broadcast day runs from 03:00 local time to 03:00 of the next day.

Each is simulated alone from an empty state, so that a device after a restart, the hub's preview and anybody else get the
same answer, and slots across midnight work. Nothing runs across 03:00.
"""

from __future__ import annotations

from datetime import date, timedelta

from wire.timeline.plan import DayPlan, Plan
from wire.timeline.situation import Situation
from wire.units import HOUR, UtcTime, at_local, local_day

DAY_BEGINS_MS = 3 * HOUR


def broadcast_day(instant: UtcTime) -> date:
    """The broadcast day that holds an instant."""
    return local_day(UtcTime(instant - DAY_BEGINS_MS))


def day_bounds(day: date) -> tuple[UtcTime, UtcTime]:
    """The instants at which a broadcast day begins and ends."""
    return at_local(day, DAY_BEGINS_MS), at_local(day + timedelta(days=1), DAY_BEGINS_MS)


def plan_day(situation: Situation, day: date) -> DayPlan:
    """All that begins in the broadcast day `day`, before power and time quality."""
    raise NotImplementedError


def plan_between(situation: Situation, start: UtcTime, end: UtcTime) -> Plan:
    """What of the days' plans lies between two instants, plays that reach into the stretch included."""
    raise NotImplementedError
