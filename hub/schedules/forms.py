"""The slot form and its neighbours: what was typed becomes a wire Slot, or messages beside the fields."""

from __future__ import annotations

import re
from datetime import date

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from hub.fields import Fields
from hub.schedules.model import Settings
from wire.areas import AREA, ancestry, contains
from wire.programme import MAX_DATES, MAX_ITEMS, Play, PlayItem, PlayReserve, PlaySeries, Recurrence, Slot
from wire.units import DAY, MINUTE, SECOND

REPEATS = ("once", "daily", "weekly", "monthly")
MAX_PLAYS = 100
MAX_LENGTH_MS = DAY // 2
_IDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LENGTH = re.compile(r"(\d{1,3})(?::([0-5]\d))?")


def read_slot(form: MultiDict[str, str], area: str, ident: str) -> Slot:
    """Raises FieldErrors. Whether clusters and items exist is the action's to check."""
    fields = Fields(form)
    start, length = _window(fields, form)
    slot = Slot(
        id=ident,
        title=fields.line("title", most=200, missing=_l("Write a name for this slot.")),
        start_ms=start,
        length_ms=length,
        when=_recurrence(fields),
        plays=_plays(fields, area),
        priority=fields.choice("class", ("ordinary", "priority"), default="ordinary") == "priority",
        fixed=fields.flag("fixed"),
        any_time=fields.flag("any_time"),
        targets=_targets(fields, area),
    )
    if slot.fixed and not slot.priority:
        fields.fail("fixed", _l("Only a slot of class priority can start to the second over what is playing."))
    fields.check()
    return slot


def read_settings(form: MultiDict[str, str]) -> Settings:
    """Raises FieldErrors."""
    fields = Fields(form)
    lists = {name: _idents(fields, name) for name in ("reserve", "offers", "order", "withdrawn")}
    fields.check()
    return Settings(**lists)


def read_series_title(form: MultiDict[str, str]) -> str:
    """Raises FieldErrors."""
    fields = Fields(form)
    title = fields.line("title", most=200, missing=_l("Write a name for the series."))
    fields.check()
    return title


def _window(fields: Fields, form: MultiDict[str, str]) -> tuple[int, int]:
    """Start and length. The end is on the same day; `length` serves slots that cross midnight."""
    start = fields.time_of_day("start", missing=_l("Write when the slot begins.")) or 0
    if start >= DAY:
        fields.fail("start", _l("A day's last second is 23:59:59."))
    if form.get("end", "").strip():
        end = fields.time_of_day("end")
        length = (end or 0) - start
        if end is not None and length <= 0:
            fields.fail("end", _l("The slot ends before it begins."))
    else:
        length = _length(fields, form.get("length", "").strip())
    if length > MAX_LENGTH_MS:
        fields.fail("end", _l("A slot lasts at most 12 hours."))
    return start, length


def _length(fields: Fields, text: str) -> int:
    if not text:
        fields.fail("end", _l("Write when the slot ends."))
        return 0
    match = _LENGTH.fullmatch(text)
    length = int(match[1]) * MINUTE + int(match[2] or 0) * SECOND if match else 0
    if length <= 0:
        fields.fail("length", _l("Write the length in minutes, or as minutes:seconds."))
    return length


def _recurrence(fields: Fields) -> Recurrence:
    repeat = fields.choice("repeat", REPEATS, default="once")
    first = fields.day("first", missing=_l("Write the first day.")) or date(2000, 1, 1)
    until = fields.day("until") if repeat != "once" else None
    if until and until < first:
        fields.fail("until", _l("The last day lies before the first day."))
    weekdays = (
        _numbers(fields, "weekdays", fields.several("weekdays", most=7), range(1, 8)) if repeat == "weekly" else []
    )
    month_days = _month_days(fields) if repeat == "monthly" else []
    if repeat == "weekly" and not weekdays:
        fields.fail("weekdays", _l("Choose at least one day of the week."))
    return Recurrence(
        first=first.isoformat(),
        freq="none" if repeat == "once" else repeat,
        interval=fields.number("interval", low=1, high=52, default=1),
        weekdays=weekdays,
        month_days=month_days,
        until=until.isoformat() if until else None,
        dates=[first.isoformat()] if repeat == "once" else [],
        exceptions=[day.isoformat() for day in fields.days("exceptions", most=MAX_DATES)],
    )


def _month_days(fields: Fields) -> list[int]:
    parts = [part for part in re.split(r"[,;\s]+", fields.line("month_days", most=200)) if part]
    days = _numbers(fields, "month_days", parts, [-1, *range(1, 32)])
    if not days:
        fields.fail("month_days", _l("Write the days of the month, for example 1, 15. The last day is -1."))
    return days


def _numbers(fields: Fields, name: str, parts: list[str], allowed: range | list[int]) -> list[int]:
    found = {int(part) for part in parts if re.fullmatch(r"-?\d{1,2}", part)}
    if len(found) < len(set(parts)) or not found <= set(allowed):
        fields.fail(name, _l("Choose one of the list."))
    return sorted(found & set(allowed))


def _plays(fields: Fields, area: str) -> list[Play]:
    plays = [_play(code) for code in fields.several("plays", most=MAX_PLAYS, doubles=True)]
    known: list[Play] = [play for play in plays if play is not None]
    if len(known) < len(plays) or any(getattr(p, "area", area) not in ancestry(area) for p in known):
        fields.fail("plays", _l("Choose bulletins of this unit or of those above it."))
    if not known:
        fields.fail("plays", _l("Choose at least one bulletin to play."))
    return known


def _play(code: str) -> Play | None:
    kind, _, rest = code.partition(":")
    area, _, ident = rest.rpartition(":")
    if code == "reserve":
        return PlayReserve()
    if not AREA.fullmatch(area) or not _IDENT.fullmatch(ident):
        return None
    if kind == "item":
        return PlayItem(area=area, item=ident)
    return PlaySeries(area=area, series=ident) if kind == "series" else None


def _targets(fields: Fields, area: str) -> list[str]:
    if fields.choice("reach", ("all", "chosen"), default="all") == "all":
        return ["*"]
    targets = fields.several("targets", most=200)
    if not targets:
        fields.fail("targets", _l("Choose where it plays."))
    for target in targets:
        kind, _, name = target.partition(":")
        if kind == "area" and not (AREA.fullmatch(name) and contains(area, name)):
            fields.fail("targets", _l("%(place)s does not belong to this unit.", place=name[:60]))
        elif kind not in ("area", "cluster", "board", "lang") or (kind != "area" and not _IDENT.fullmatch(name)):
            fields.fail("targets", _l("Choose one of the list."))
    return targets


def _idents(fields: Fields, name: str) -> tuple[str, ...]:
    idents = fields.several(name, most=MAX_ITEMS)
    if any(not _IDENT.fullmatch(ident) for ident in idents):
        fields.fail(name, _l("Choose one of the list."))
    return tuple(idents)
