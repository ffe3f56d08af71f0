"""Units and the few conversions between them: instants, local days, sound frames.

Instants on the wire are UTC, whole milliseconds since 1970-01-01. Rules (slots, quiet hours, special days) are local.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import NewType

UtcTime = NewType("UtcTime", int)
"""Milliseconds since 1970-01-01T00:00Z."""

Milliseconds = int
Seconds = float
Decibels = float
Celsius = float

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

RATE_HZ = 48_000
FRAMES_PER_MS = RATE_HZ // 1_000

# Việt Nam has kept UTC+7 without summer time since 1975 (Quyết định 121/CP, 8 August 1967, for the whole country since
# reunification), so the rule needs no time-zone files, which a device with a damaged card could lose.
FIRST_MOMENT = UtcTime(-62_135_510_400_000)
LAST_MOMENT = UtcTime(253_402_214_400_000)
"""What a calendar holds, a day left for time zones: the years 1 to 9999."""
LOCAL = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")


def utc(moment: datetime) -> UtcTime:
    """The instant of an aware datetime."""
    if moment.tzinfo is None:
        raise ValueError("a naive datetime has no instant")
    return UtcTime(round(moment.timestamp() * SECOND))


def moment(instant: UtcTime) -> datetime:
    """The local datetime (UTC+7) of an instant; of one that no calendar holds, the calendar's end.

    A device may say any number: a page that shows it must not fail.
    """
    held = min(max(instant, FIRST_MOMENT), LAST_MOMENT)
    return datetime.fromtimestamp(held / SECOND, UTC).astimezone(LOCAL)


def local_day(instant: UtcTime) -> date:
    """The local calendar day that holds an instant."""
    return moment(instant).date()


def day_start(day: date) -> UtcTime:
    """The instant of local midnight at which a day begins."""
    return UtcTime(int(datetime(day.year, day.month, day.day, tzinfo=LOCAL).timestamp()) * SECOND)


def at_local(day: date, after_midnight_ms: int) -> UtcTime:
    """The instant `after_midnight_ms` after a day's local midnight (may lie beyond the day)."""
    return UtcTime(day_start(day) + after_midnight_ms)
