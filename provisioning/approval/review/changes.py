"""Differences between two signed things, told field by field so that none can go unsaid.

A table names for every field of a struct its label and how its value is told. A field that differs is always a line,
even where both values would be told alike; a test holds the tables to the structs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from provisioning.approval.words import Words


class Mark(StrEnum):
    """What happened to a thing. `loud` asks for a second look: it widens what may sound, or where."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    LOUD = "loud"


@dataclass(frozen=True)
class Line:
    """One field: `before` is None for a new thing, `after` for one that goes."""

    label: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """One thing that is new, gone or different."""

    mark: Mark
    section: str
    title: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Context:
    """What the telling needs besides the value: the language, and titles by (area, id) of items and series."""

    words: Words
    area: str
    items: Mapping[tuple[str, str], str] = field(default_factory=dict)
    series: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def item(self, area: str, ident: str) -> str:
        title = self.items.get((area, ident))
        return f"“{title}”" if title else self.words("item {id} of {area}", id=ident, area=area)

    def a_series(self, area: str, ident: str) -> str:
        title = self.series.get((area, ident))
        return f"“{title}”" if title else self.words("series {id} of {area}", id=ident, area=area)


Tell = Callable[[Any, Context], str]


@dataclass(frozen=True)
class Told:
    """How one field is told: its label (a msgid) and its value in words; "" is worth no line in a new thing."""

    label: str
    tell: Tell


Fields = Mapping[str, Told]


DATED = frozenset({"issued"})
"""Differs in every proposal; that it neither runs ahead nor falls back is checked (`review`)."""


def lines_of(value: msgspec.Struct, fields: Fields, context: Context, *, gone: bool = False) -> tuple[Line, ...]:
    """Everything that a new (or departing) thing says."""
    lines = []
    for name, told in fields.items():
        text = told.tell(getattr(value, name), context)
        if text:
            label = context.words(told.label)
            lines.append(Line(label, text, None) if gone else Line(label, None, text))
    return tuple(lines)


def lines_between(
    before: msgspec.Struct,
    after: msgspec.Struct,
    fields: Fields,
    context: Context,
    *,
    leave: frozenset[str] = frozenset(),
) -> tuple[Line, ...]:
    """A line for every field that differs."""
    lines = []
    for name, told in fields.items():
        old, new = getattr(before, name), getattr(after, name)
        if old == new or name in leave:
            continue
        was, becomes = told.tell(old, context), told.tell(new, context)
        if was == becomes:
            was, becomes = raw_text(old), raw_text(new)
        nothing = context.words("nothing")
        lines.append(Line(context.words(told.label), was or nothing, becomes or nothing))
    return tuple(lines)


def raw_text(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


@dataclass(frozen=True)
class Listed:
    """How the entries of a list are compared: what names one, how it is titled, told and marked."""

    section: str
    fields: Fields
    title: Callable[[Any, Context], str]
    key: Callable[[Any], str] = lambda entry: entry.id
    added: Mark = Mark.ADDED
    """Mark of a new entry."""


def compare(before: Sequence[Any], after: Sequence[Any], listed: Listed, context: Context) -> list[Change]:
    """New, changed and gone entries of two lists, in the order of the new one."""
    olds, news = {listed.key(e): e for e in before}, {listed.key(e): e for e in after}
    section = context.words(listed.section)
    changes = []
    for key, new in news.items():
        title, old = listed.title(new, context), olds.get(key)
        if old is None:
            changes.append(Change(listed.added, section, title, lines_of(new, listed.fields, context)))
        elif old != new:
            changes.append(Change(Mark.CHANGED, section, title, lines_between(old, new, listed.fields, context)))
    for key in olds.keys() - news.keys():
        old = olds[key]
        lines = lines_of(old, listed.fields, context, gone=True)
        changes.append(Change(Mark.REMOVED, section, listed.title(old, context), lines))
    return changes


@dataclass(frozen=True)
class Named:
    """How a list of bare names is compared."""

    section: str
    name: Tell
    added: Mark = Mark.ADDED


def compare_names(before: Sequence[str], after: Sequence[str], named: Named, context: Context) -> list[Change]:
    """New and gone entries of two lists of names; a mere change of order is told as one."""
    _, section = context.words, context.words(named.section)
    changes = [Change(named.added, section, named.name(entry, context)) for entry in after if entry not in before]
    changes += [Change(Mark.REMOVED, section, named.name(entry, context)) for entry in before if entry not in after]
    kept = [entry for entry in before if entry in after]
    now = [entry for entry in after if entry in before]
    if kept != now:
        lines = (Line(_("Order"), _told(kept, named.name, context), _told(now, named.name, context)),)
        changes.append(Change(Mark.CHANGED, section, _("Another order"), lines))
    return changes


def _told(entries: Sequence[str], name: Tell, context: Context) -> str:
    return " · ".join(name(entry, context) for entry in entries)
