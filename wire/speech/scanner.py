"""The reader: goes through a text once, and at each place lets the first rule that wants it say it in words.

What a rule has said is never read again, so no rule can spoil another's words. Rules live in the files beside this one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

CONTEXT_CHARS = 120
"""How far a rule looks back for the word that tells what a number is."""

_WORD = re.compile(r"[^\W\d_²³]+")


@dataclass(frozen=True)
class Rule:
    """`say` turns a match into words, or declines with None so that the next rule may try."""

    pattern: re.Pattern[str]
    say: Callable[[re.Match[str]], str | None]


class WordReader(Protocol):
    """Says a run of letters that no rule wanted."""

    def __call__(self, match: re.Match[str]) -> str: ...


def read_aloud(text: str, rules: Sequence[Rule], say_word: WordReader) -> str:
    """Every piece of `text` in words, separated by spaces where rules spoke; other signs are kept as they are."""
    pieces: list[str] = []
    place = 0
    while place < len(text):
        said, place = _say_at(text, place, rules, say_word)
        pieces.append(said)
    return "".join(pieces)


def before(match: re.Match[str]) -> str:
    """The text just before a match, in lower case."""
    return match.string[max(0, match.start() - CONTEXT_CHARS) : match.start()].lower()


def word_before(match: re.Match[str]) -> str:
    """The word that directly precedes a match (spaces may lie between), in lower case, or nothing."""
    found = _LAST_WORD.search(before(match))
    return found.group(1) if found else ""


_LAST_WORD = re.compile(r"([^\W\d_]+)[ .:]*$")


def _say_at(text: str, place: int, rules: Sequence[Rule], say_word: WordReader) -> tuple[str, int]:
    for rule in rules:
        match = rule.pattern.match(text, place)
        if match and match.end() > place:
            said = rule.say(match)
            if said is not None:
                return f" {said} ", match.end()
    word = _WORD.match(text, place)
    if word:
        return _spaced_from_digit(text, place) + say_word(word), word.end()
    return text[place], place + 1


def _spaced_from_digit(text: str, place: int) -> str:
    return " " if place and text[place - 1].isdigit() else ""
