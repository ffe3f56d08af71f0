"""The broadcast day, and the hours of it in which ordinary and priority sound is allowed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date, timedelta

from wire.policy import PolicyInForce
from wire.units import HOUR, UtcTime, at_local, local_day

DAY_BEGINS_MS = 3 * HOUR

Stretches = tuple[tuple[int, int], ...]
"""Instants from, to; sorted and apart."""


def broadcast_day(instant: UtcTime) -> date:
    """The broadcast day, from 03:00 local time to 03:00, that holds an instant."""
    return local_day(UtcTime(instant - DAY_BEGINS_MS))


def day_bounds(day: date) -> tuple[UtcTime, UtcTime]:
    """The instants at which a broadcast day begins and ends."""
    return at_local(day, DAY_BEGINS_MS), at_local(day + timedelta(days=1), DAY_BEGINS_MS)


def sound_hours(policy: PolicyInForce, day: date) -> Stretches:
    """When sound is allowed in a broadcast day: the policy's hours and the province's exceptions."""
    # The policy's hours lie within 05:00-21:00 (`wire.policy.BUILT_IN_HOURS`), exceptions on either of the day's dates.
    regular = [(at_local(day, start), at_local(day, end)) for start, end in policy.hours]
    exceptions = [
        (at_local(d, exception.hours.start_ms), at_local(d, exception.hours.end_ms))
        for d in (day, day + timedelta(days=1))
        for exception in policy.exceptions
        if exception.day == d.isoformat()
    ]
    return merge(regular + exceptions)


def merge(stretches: Iterable[tuple[int, int]]) -> Stretches:
    """Sorted, with those that touch or overlap joined and empty ones left out."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(stretch for stretch in stretches if stretch[0] < stretch[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


def lies_inside(stretches: Stretches, start: int, end: int) -> bool:
    """Whether one stretch holds all of `start` to `end`."""
    index = bisect_right(stretches, start, key=lambda stretch: stretch[0]) - 1
    return index >= 0 and end <= stretches[index][1]


def first_overlap(stretches: Stretches, start: int, end: int) -> tuple[int, int] | None:
    """The first stretch that shares an instant with `start` to `end`."""
    index = bisect_right(stretches, start, key=lambda stretch: stretch[1])
    return stretches[index] if index < len(stretches) and stretches[index][0] < end else None
