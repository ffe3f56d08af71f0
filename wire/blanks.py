"""The gaps of an emergency template: which values fill one, how they read as text, of which recordings they consist.

A gap takes a choice or an area from a signed list, a number within a range, or a clock time; each is said by recorded
clips in each language. A gap that takes letters is free text: it needs two officers (role ef) and has no recording.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from wire.areas import AREA
from wire.content import Ident, Language, Sound
from wire.errors import MalformedError, NotAllowedError
from wire.speech.numbers import cardinal

MAX_NUMBER = 999_999_999
MAX_LETTERS = 300
VIETNAMESE = "vi"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")

Value = Annotated[str, Meta(min_length=1, max_length=MAX_LETTERS)]
"""Of a choice its id, of an area its path with dots, of a number its digits, of a time HH:MM."""


class BlankKind(StrEnum):
    CHOICE = "choice"
    AREA = "area"
    NUMBER = "number"
    TIME = "time"
    LETTERS = "letters"


LISTED = frozenset({BlankKind.CHOICE, BlankKind.AREA})


class Choice(Struct, frozen=True):
    """One permitted value of a blank: its written form and its recorded clip in each language."""

    id: Ident
    text: Annotated[dict[Language, Annotated[str, Meta(max_length=300)]], Meta(min_length=1, max_length=20)]
    clips: Annotated[list[Sound], Meta(max_length=20)] = msgspec.field(default_factory=list)


class Spoken(Struct, frozen=True):
    """A recorded stretch of numbers, times and units: `mười`, `phút`, `m³/s`, or a whole value such as `17:30`."""

    words: Annotated[str, Meta(min_length=1, max_length=60)]
    clip: Sound


class Blank(Struct, frozen=True):
    """A gap in a template, and what fills it."""

    id: Ident
    choices: Annotated[list[Choice], Meta(max_length=100)] = msgspec.field(default_factory=list)
    kind: BlankKind = BlankKind.CHOICE
    unit: Annotated[dict[Language, Annotated[str, Meta(min_length=1, max_length=60)]], Meta(max_length=20)] = (
        msgspec.field(default_factory=dict)
    )
    least: Annotated[int, Meta(ge=0, le=MAX_NUMBER)] = 0
    most: Annotated[int, Meta(ge=0, le=MAX_NUMBER)] = MAX_NUMBER


def check_blank(blank: Blank) -> None:
    """Raise MalformedError where a template's blank contradicts itself."""
    if (blank.kind in LISTED) != bool(blank.choices):
        raise MalformedError(f"blank {blank.id}: a list belongs to a choice and to an area, and only to them")
    if blank.kind is BlankKind.AREA and not all(AREA.fullmatch(one.id.replace(".", "/")) for one in blank.choices):
        raise MalformedError(f"blank {blank.id}: not areas, their codes joined by dots")
    if blank.least > blank.most:
        raise MalformedError(f"blank {blank.id}: a range from {blank.least} to {blank.most}")


def check_values(blanks: Sequence[Blank], values: Mapping[str, str]) -> None:
    """Raise NotAllowedError unless every blank is filled with a value that its kind permits, and nothing else is."""
    if set(values) - {blank.id for blank in blanks}:
        raise NotAllowedError("a blank that the template does not have")
    for blank in blanks:
        if not _is_allowed(blank, values.get(blank.id, "")):
            raise NotAllowedError(f"blank {blank.id} is not filled from its list, or outside its range")


def takes_letters(blanks: Iterable[Blank]) -> bool:
    return any(blank.kind is BlankKind.LETTERS for blank in blanks)


def value_text(blank: Blank, value: str, language: str) -> str:
    """A value, already checked, as it is written in a language."""
    if blank.kind in LISTED:
        texts = _choice(blank, value).text
        return texts.get(language) or next(iter(texts.values()))
    if blank.kind is BlankKind.NUMBER:
        return f"{int(value):,}".replace(",", ".") + _unit_after(blank, language)
    return value


def value_clips(blank: Blank, value: str, language: str, voice: Sequence[Spoken]) -> list[Sound] | None:
    """The recordings that say a value, already checked; None where one is missing."""
    if blank.kind in LISTED:
        return [clip for clip in _choice(blank, value).clips if clip.language == language][:1] or None
    recorded = {spoken.words: spoken.clip for spoken in voice if spoken.clip.language == language}
    for words in _readings(blank, value, language):
        if all(word in recorded for word in words):
            return [recorded[word] for word in words]
    return None


def _is_allowed(blank: Blank, value: str) -> bool:
    match blank.kind:
        case BlankKind.NUMBER:
            return bool(_NUMBER.fullmatch(value)) and blank.least <= int(value) <= blank.most
        case BlankKind.TIME:
            return bool(_TIME.fullmatch(value))
        case BlankKind.LETTERS:
            return 0 < len(value) <= MAX_LETTERS and value.isprintable() and bool(value.strip())
    return any(choice.id == value for choice in blank.choices)


def _choice(blank: Blank, value: str) -> Choice:
    return next(choice for choice in blank.choices if choice.id == value)


def _unit_after(blank: Blank, language: str) -> str:
    unit = blank.unit.get(language) or next(iter(blank.unit.values()), "")
    return f" {unit}" if unit else ""


def _readings(blank: Blank, value: str, language: str) -> list[list[str]]:
    """Ways of saying it, the one of fewest recordings first. Only of Vietnamese do we know how numbers are read."""
    if blank.kind is BlankKind.LETTERS:
        return []
    unit = _unit_after(blank, language).split(" ", 1)[1:]
    whole = [[" ".join([value, *unit])], [value, *unit]]
    return [*whole, [*_words(value), *unit]] if language == VIETNAMESE else whole


def _words(value: str) -> list[str]:
    hours, _, minutes = value.partition(":")
    if not minutes:
        return cardinal(int(value)).split()
    rest = [*cardinal(int(minutes)).split(), "phút"] if int(minutes) else []
    return [*cardinal(int(hours)).split(), "giờ", *rest]
