"""Reading a submitted form: text in, checked values out, every complaint kept beside the name of its field.

Used by each feature's `forms.py`. Messages are lazy translations, so a form may be read outside a request. Dates are
accepted as 20/12/2026 or 2026-12-20, times as 17:00, 17:00:30 or 17h30: what people type here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from typing import TypeAlias

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from hub.errors import N_, BadInputError
from wire.units import HOUR, MINUTE, SECOND

MAX_FIELD_CHARS = 200_000
Message: TypeAlias = LazyString | str

_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})|(\d{4})-(\d{2})-(\d{2})")
_TIME = re.compile(r"(\d{1,2})\s*(?::|h|g|giờ|\.)\s*(?:(\d{2})(?::(\d{2}))?)?")


class FieldErrors(BadInputError):
    """Some fields are not acceptable; nothing was stored. `fields` names each with its message."""

    code = "bad_fields"
    status = 422

    def __init__(self, fields: dict[str, Message]) -> None:
        super().__init__(N_("Not saved yet. Please correct what is marked below."))
        self.fields = fields


class Fields:
    """One submitted form. Each getter returns a value that fits, noting an error where it does not."""

    def __init__(self, form: MultiDict[str, str]) -> None:
        self._form = form
        self.errors: dict[str, Message] = {}

    def fail(self, name: str, message: Message) -> None:
        """Keep the first complaint about a field."""
        self.errors.setdefault(name, message)

    def check(self) -> None:
        """Raise FieldErrors if anything was wrong."""
        if self.errors:
            raise FieldErrors(self.errors)

    def text(self, name: str, *, most: int, missing: Message | None = None) -> str:
        """Text without control characters. `missing` is said when it is required and empty."""
        value = _clean(self._form.get(name, ""))
        if missing is not None and not value:
            self.fail(name, missing)
        if len(value) > most:
            self.fail(name, _l("Too long: %(have)s characters, at most %(most)s.", have=len(value), most=most))
        return value[:most]

    def line(self, name: str, *, most: int, missing: Message | None = None) -> str:
        """Text on one line."""
        return " ".join(self.text(name, most=most, missing=missing).split())

    def flag(self, name: str) -> bool:
        return self._form.get(name, "") not in ("", "0", "off", "false")

    def choice(self, name: str, options: Iterable[str], *, default: str) -> str:
        """One of `options`; an empty field means `default`, anything else is an error."""
        value = self._form.get(name, "").strip() or default
        if value not in set(options):
            self.fail(name, _l("Choose one of the list."))
            return default
        return value

    def several(self, name: str, *, most: int, doubles: bool = False) -> list[str]:
        """The values of a repeated field, without empty ones and (unless `doubles`) repeated ones, in order."""
        values = [value.strip()[:200] for value in self._form.getlist(name) if value.strip()]
        if len(values) > most:
            self.fail(name, _l("Too many: %(have)s, at most %(most)s.", have=len(values), most=most))
        return (values if doubles else list(dict.fromkeys(values)))[:most]

    def number(self, name: str, *, low: int, high: int, default: int) -> int:
        value = self._form.get(name, "").strip()
        if not value:
            return default
        if not value.isdecimal() or not low <= int(value[:9]) <= high:
            self.fail(name, _l("A whole number from %(low)s to %(high)s.", low=low, high=high))
            return default
        return int(value)

    def day(self, name: str, *, missing: Message | None = None) -> date | None:
        """A calendar day, None when empty."""
        value = self._form.get(name, "").strip()
        if not value:
            if missing is not None:
                self.fail(name, missing)
            return None
        day = read_day(value)
        if day is None:
            self.fail(name, _not_a_date(value))
        return day

    def days(self, name: str, *, most: int) -> list[date]:
        """Several days, separated by commas or white space."""
        parts = [part for part in re.split(r"[,;\s]+", self._form.get(name, "").strip()) if part]
        found = [read_day(part) for part in parts[: most + 1]]
        for part, day in zip(parts, found, strict=False):
            if day is None:
                self.fail(name, _not_a_date(part))
        if len(parts) > most:
            self.fail(name, _l("Too many: %(have)s, at most %(most)s.", have=len(parts), most=most))
        return sorted({day for day in found if day is not None})

    def time_of_day(self, name: str, *, missing: Message | None = None) -> int | None:
        """Milliseconds after midnight (24:00 included), None when empty."""
        value = self._form.get(name, "").strip().lower()
        if not value:
            if missing is not None:
                self.fail(name, missing)
            return None
        found = read_time(value)
        if found is None:
            self.fail(
                name, _l("Not a time: %(text)s. Write hours:minutes, for example 17:00 or 17:00:30.", text=value[:20])
            )
        return found


def read_day(text: str) -> date | None:
    """The day that somebody wrote, or None."""
    match = _DAY.fullmatch(text.strip())
    if not match:
        return None
    day, month, year, iso_year, iso_month, iso_day = match.groups()
    try:
        return date(int(year or iso_year), int(month or iso_month), int(day or iso_day))
    except ValueError:
        return None


def read_time(text: str) -> int | None:
    """The time of day that somebody wrote, in milliseconds after midnight, or None."""
    match = _TIME.fullmatch(unicodedata.normalize("NFC", text.strip()))
    if not match:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    value = hours * HOUR + minutes * MINUTE + seconds * SECOND
    return value if minutes < 60 and seconds < 60 and value <= 24 * HOUR else None


def read_number(text: str, *, default: int) -> int:
    """A whole number from an address or a hidden field; `default` for anything else."""
    return int(text) if text.isdecimal() and len(text) < 16 else default


def _not_a_date(text: str) -> LazyString:
    return _l("Not a date: %(text)s. Write day/month/year, for example 20/12/2026.", text=text[:20])


def _clean(text: str) -> str:
    text = unicodedata.normalize("NFC", text[:MAX_FIELD_CHARS]).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Co")).strip()
