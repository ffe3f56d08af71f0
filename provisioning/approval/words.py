"""The approval app's words: gettext catalogues, and how times, days, lengths and recurrences are said.

English stands in the source; `locale/<language>/LC_MESSAGES/station.po` is read as it is, without a compiling step, and
the page gets the same catalogue as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from babel.messages.pofile import read_po

from wire.programme import Recurrence
from wire.units import DAY, HOUR, MINUTE, SECOND, UtcTime, moment

LOCALE = Path(__file__).parent / "locale"
SOURCE_LANGUAGE = "en"


class Words:
    """One language. `words("Signed by {name}", name=…)` answers the translated and filled sentence."""

    def __init__(self, language: str, catalogue: Mapping[str, str]) -> None:
        self.language = language
        self.catalogue = catalogue

    def __call__(self, msgid: str, **values: object) -> str:
        text = self.catalogue.get(msgid, msgid)
        return text.format_map(values) if values else text

    @classmethod
    def load(cls, language: str) -> Words:
        """The catalogue of `language`. Raises FileNotFoundError where there is none (English needs none)."""
        if language == SOURCE_LANGUAGE:
            return cls(language, {})
        with (LOCALE / language / "LC_MESSAGES" / "station.po").open("rb") as file:
            messages = read_po(file, locale=language)
        return cls(language, {str(m.id): str(m.string) for m in messages if m.id and m.string and not m.fuzzy})


def N_(msgid: str) -> str:  # noqa: N802  gettext's own name for "translate later"
    return msgid


WEEKDAYS = (
    N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"), N_("Saturday"), N_("Sunday"),
)  # fmt: skip

LANGUAGE_NAMES = {
    "vi": N_("Vietnamese"), "hmn": N_("Hmong"), "tyz": N_("Tày"), "nut": N_("Nùng"), "ium": N_("Dao"),
    "en": N_("English"),
}  # fmt: skip


def language_name(code: str, _: Words) -> str:
    return _(LANGUAGE_NAMES[code]) if code in LANGUAGE_NAMES else code


def clock_time(after_midnight_ms: int, _: Words) -> str:
    hour, rest = divmod(after_midnight_ms, HOUR)
    minute, rest = divmod(rest, MINUTE)
    second = rest // SECOND
    if second:
        return _("{hour}:{minute:02d}:{second:02d}", hour=hour, minute=minute, second=second)
    return _("{hour}:{minute:02d}", hour=hour, minute=minute)


def day(value: str | date, _: Words) -> str:
    """A local day, from a date or from its ISO form; what is no day is said as it stands."""
    try:
        local = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return str(value)
    return _("{day:02d}/{month:02d}/{year}", day=local.day, month=local.month, year=local.year)


def weekday_and_day(value: date, _: Words) -> str:
    return f"{_(WEEKDAYS[value.weekday()])} {day(value, _)}"


def instant(value: UtcTime | int | None, _: Words) -> str:
    """A moment to the minute, in local time."""
    if value is None:
        return _("without end")
    if not 0 <= value < 253_402_000_000_000:
        return str(value)
    local = moment(UtcTime(value))
    return f"{clock_time((local.hour * 60 + local.minute) * MINUTE, _)} {day(local.date(), _)}"


def time_stamp(value: int) -> str:
    """The local time of day to the second, for lists that are read at a glance."""
    return moment(UtcTime(value)).strftime("%H:%M:%S")


def length(value_ms: int, _: Words) -> str:
    """A stretch of time to the second; below ten seconds to the tenth."""
    if value_ms < 10 * SECOND and value_ms % SECOND:
        tenths = (value_ms + 50) // 100
        return _("{whole}.{tenths} seconds", whole=tenths // 10, tenths=tenths % 10)
    seconds = (value_ms + SECOND // 2) // SECOND
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    parts = [
        _("{hours} hours", hours=hours) if hours else "",
        _("{minutes} minutes", minutes=minutes) if minutes else "",
        _("{seconds} seconds", seconds=seconds) if seconds or not (hours or minutes) else "",
    ]
    return " ".join(part for part in parts if part)


def hours_range(start_ms: int, end_ms: int, _: Words) -> str:
    return _("{start} to {end}", start=clock_time(start_ms, _), end=clock_time(min(end_ms, DAY), _))


def recurrence(when: Recurrence, _: Words) -> str:
    """On which days, in words."""
    parts = [_rhythm(when, _)]
    if when.freq != "none":
        parts.append(_("from {day}", day=day(when.first, _)))
    if when.until:
        parts.append(_("until {day} inclusive", day=day(when.until, _)))
    if when.dates and when.freq != "none":
        parts.append(_("and also on {days}", days=_days(when.dates, _)))
    if when.exceptions:
        parts.append(_("but not on {days}", days=_days(when.exceptions, _)))
    return ", ".join(parts)


def _rhythm(when: Recurrence, _: Words) -> str:
    if when.freq == "none":
        return _("on {days}", days=_days(when.dates, _)) if when.dates else _("on no day")
    n = when.interval
    if when.freq == "daily":
        return _("every day") if n == 1 else _("every {n} days", n=n)
    if when.freq == "weekly":
        week = _("every week") if n == 1 else _("every {n} weeks", n=n)
        names = ", ".join(_(WEEKDAYS[number - 1]) for number in when.weekdays)
        return f"{week}: {names}" if names else week
    month = _("every month") if n == 1 else _("every {n} months", n=n)
    numbers = [_("the last day") if number == -1 else _("day {n}", n=number) for number in when.month_days]
    names = ", ".join(_(WEEKDAYS[number - 1]) for number in when.weekdays)
    return ": ".join(part for part in (month, ", ".join(numbers), names) if part)


def _days(values: list[str], _: Words) -> str:
    return ", ".join(day(value, _) for value in values)
