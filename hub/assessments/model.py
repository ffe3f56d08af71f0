"""What an assessment says, and what stands on every page as long as none holds. Pure."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

DUE_MONTHS = {1: 24, 2: 24, 3: 12, 4: 12, 5: 6}
"""At the latest so many months after an assessment of this level comes the next (TT 12/2022/TT-BTTTT)."""


class Result(StrEnum):
    PASSED = "passed"
    CONDITIONS = "conditions"
    FAILED = "failed"


class Notice(StrEnum):
    """What every page says."""

    MISSING = "missing"
    OVERDUE = "overdue"
    FAILED = "failed"


@dataclass(frozen=True)
class Assessment:
    """`level`: the level of the system's security that was decided (1 to 5), by which decision on which legal basis."""

    level: int
    decision_number: str
    decision_date: date
    basis: str
    assessed_on: date
    assessor: str
    result: Result
    next_due: date
    note: str = ""


def notice_of(newest: Assessment | None, today: date) -> Notice | None:
    """None only while the newest assessment was passed and the next is not due yet."""
    if newest is None:
        return Notice.MISSING
    if newest.result is Result.FAILED:
        return Notice.FAILED
    return Notice.OVERDUE if newest.next_due < today else None


def latest_due(level: int, assessed_on: date) -> date:
    """The last day for the next assessment."""
    months = assessed_on.month - 1 + DUE_MONTHS[level]
    year, month = assessed_on.year + months // 12, months % 12 + 1
    return date(year, month, min(assessed_on.day, calendar.monthrange(year, month)[1]))
