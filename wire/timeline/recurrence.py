"""On which days a slot plays: the closed subset of RFC 5545, asked day by day: no rule costs more than a look."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from wire.programme import Recurrence


def occurs(rule: Recurrence, day: date) -> bool:
    """Whether the rule names this local day. An exception beats a listed date, and a listed date beats the rest."""
    iso = day.isoformat()
    if iso in rule.exceptions:
        return False
    if iso in rule.dates:
        return True
    if rule.freq == "none" or iso < rule.first or (rule.until is not None and iso > rule.until):
        return False
    first = date.fromisoformat(rule.first)
    return _periods(rule.freq, first, day) % rule.interval == 0 and _is_named(rule, first, day)


def _periods(freq: str, first: date, day: date) -> int:
    """Whole days, weeks (from Monday) or months between the first day's and this one's."""
    if freq == "daily":
        return (day - first).days
    if freq == "weekly":
        return (_monday(day) - _monday(first)).days // 7
    return (day.year - first.year) * 12 + day.month - first.month


def _is_named(rule: Recurrence, first: date, day: date) -> bool:
    """By weekday and month day, both if both are given; by those of the first day if neither is."""
    last = monthrange(day.year, day.month)[1]
    if rule.weekdays and day.isoweekday() not in rule.weekdays:
        return False
    if rule.month_days:
        return day.day in rule.month_days or (-1 in rule.month_days and day.day == last)
    if rule.weekdays or rule.freq == "daily":
        return True
    return day.isoweekday() == first.isoweekday() if rule.freq == "weekly" else day.day == first.day


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
