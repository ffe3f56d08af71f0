"""What changes when one policy takes the place of another. Whatever loosens is told loudly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from provisioning.approval.review import telling
from provisioning.approval.review.changes import (
    DATED,
    Change,
    Context,
    Fields,
    Line,
    Listed,
    Mark,
    Told,
    compare,
    lines_of,
)
from provisioning.approval.words import N_, hours_range
from wire.policy import Hours, OnBattery, Policy, QuietException


def _hours(value: Sequence[Hours] | None, context: Context) -> str:
    if value is None:
        return context.words("no limit of its own")
    said = [hours_range(hours.start_ms, hours.end_ms, context.words) for hours in value]
    return ", ".join(said) or context.words("no hour of the day")


def _languages(value: Sequence[str] | None, context: Context) -> str:
    return context.words("no limit of its own") if value is None else telling.languages(value, context)


def _battery(value: OnBattery, context: Context) -> str:
    _ = context.words
    priority, ordinary = telling.yes_no(value.priority, context), telling.yes_no(value.ordinary, context)
    return _(
        "priority items: {priority}; ordinary items: {ordinary}; only emergencies below {low} %",
        priority=priority, ordinary=ordinary, low=value.low_percent,
    )  # fmt: skip


POLICY: Fields = {
    "hours": Told(N_("Hours in which sound is allowed"), _hours),
    "max_volume": Told(N_("Greatest volume"), telling.percent),
    "min_volume": Told(N_("Least volume of priority items"), telling.percent),
    "emergency_volume": Told(N_("Volume of emergencies"), telling.percent),
    "max_item_ms": Told(N_("Longest item"), telling.length),
    "languages": Told(N_("Languages"), _languages),
    "on_battery": Told(N_("On battery"), _battery),
    "issued": Told(N_("Made at"), telling.instant),
}
EXCEPTION: Fields = {
    "day": Told(N_("On"), telling.day),
    "hours": Told(N_("Hours"), lambda value, context: hours_range(value.start_ms, value.end_ms, context.words)),
    "areas": Told(N_("In"), telling.comma),
    "reason": Told(N_("Reason"), telling.plain),
}
EXCEPTIONS = Listed(
    N_("Sound outside the quiet hours"),
    EXCEPTION,
    lambda value, context: context.words(
        "Sound on {day}, {hours}, in {areas}",
        day=telling.day(value.day, context),
        hours=hours_range(value.hours.start_ms, value.hours.end_ms, context.words),
        areas=telling.comma(value.areas, context),
    ),
    key=lambda value: f"{value.day} {value.hours.start_ms} {value.hours.end_ms} {value.areas} {value.reason}",
    added=Mark.LOUD,
)


def _minutes(hours: Sequence[Hours] | None) -> int:
    return 24 * 3_600_000 if hours is None else sum(stretch.end_ms - stretch.start_ms for stretch in hours)


def _count(languages: Sequence[str] | None) -> int:
    return 10_000 if languages is None else len(languages)


LOOSENESS: dict[str, Callable[[Any], Any]] = {
    "hours": _minutes,
    "max_volume": int,
    "min_volume": int,
    "emergency_volume": int,
    "max_item_ms": int,
    "languages": _count,
    "on_battery": lambda value: (value.priority + value.ordinary, -value.low_percent),
}
"""A figure of each field that grows with what it allows. Where it stays equal though the field differs: loud too."""


def compare_policies(before: Policy | None, after: Policy, context: Context) -> list[Change]:
    """Exceptions first, then every field that differs."""
    old_exceptions: list[QuietException] = before.exceptions if before else []
    exceptions = compare(old_exceptions, after.exceptions, EXCEPTIONS, context)
    section = context.words("Rules of {area}", area=after.area)
    if before is None:
        first = Change(Mark.LOUD, section, context.words("First policy"), lines_of(after, POLICY, context))
        return [*exceptions, first]
    differing = [name for name in POLICY if name not in DATED and _differs(name, before, after)]
    return [*exceptions, *(_field(name, before, after, context) for name in differing)]


def _differs(name: str, before: Policy, after: Policy) -> bool:
    return bool(getattr(before, name) != getattr(after, name))


def _field(name: str, before: Policy, after: Policy, context: Context) -> Change:
    old, new, told = getattr(before, name), getattr(after, name), POLICY[name]
    tighter = LOOSENESS[name](new) < LOOSENESS[name](old)
    line = Line(context.words("Value"), told.tell(old, context), told.tell(new, context))
    mark = Mark.CHANGED if tighter else Mark.LOUD
    return Change(mark, context.words("Rules of {area}", area=after.area), context.words(told.label), (line,))
