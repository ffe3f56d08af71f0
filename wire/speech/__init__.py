"""Official Vietnamese text → the words an announcer would say, for speech synthesis on the hub and on devices.

No engine reads "UBND", "17h00", "51/KH-UBND" or "1.250.000 đ" aright, and the public normalisers get the abbreviations
of government wrong, so the rules are ours. Made of: `scanner` (reads once, rule by rule), `documents`, `phones`,
`moments`, `words` with `abbreviations`, `measures` with `numbers`, `symbols`. The words around a number say what it is.

`speakable` is total: any text gives some words, never an error, and no digit is left.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from wire.speech.documents import DOCUMENT_RULES
from wire.speech.measures import MEASURE_RULES
from wire.speech.moments import MOMENT_RULES
from wire.speech.phones import PHONE_RULES
from wire.speech.scanner import Rule, read_aloud
from wire.speech.symbols import SYMBOL_RULES
from wire.speech.words import WORD_RULES, say_word

__all__ = ["MAX_CORRECTIONS", "MAX_TEXT_CHARS", "speakable"]

MAX_TEXT_CHARS = 20_000
"""About half an hour of speech. Callers refuse longer texts; here the rest is left out, so that no device hangs."""
MAX_CORRECTIONS = 2_000
MAX_CORRECTION_CHARS = 200

_RULES = DOCUMENT_RULES + PHONE_RULES + MOMENT_RULES + WORD_RULES + MEASURE_RULES + SYMBOL_RULES
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))

_FRACTIONS = {"½": "một phần hai", "¼": "một phần tư", "¾": "ba phần tư", "⅓": "một phần ba", "⅔": "hai phần ba"}


def speakable(text: str, corrections: Mapping[str, str] = {}) -> str:
    """The words of `text`, one line for each of its lines.

    `corrections` maps whole words or phrases (a commune's place names, its own abbreviations) to how they are said;
    they match in the given case and in capitals, the longest first, and come before every rule.
    """
    own = _corrections_rule(corrections)
    rules = (own, *_RULES) if own else _RULES
    lines = [_read_line(line, rules) for line in _clean(text).split("\n")]
    said = [line for line in lines if line]
    return "\n".join([*map(_ended, said[:-1]), *said[-1:]])


def _read_line(line: str, rules: tuple[Rule, ...]) -> str:
    return _tidy(read_aloud(_single_spaced(line), rules, say_word))


def _clean(text: str) -> str:
    """NFC, plain spaces and line ends, digits of other scripts in ours, nothing invisible."""
    text = unicodedata.normalize("NFC", text[:MAX_TEXT_CHARS])
    text = re.sub(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", text)
    return "".join(_clean_sign(sign) for sign in text).replace("\t", " ")


def _clean_sign(sign: str) -> str:
    if sign in "\n\t" or (sign.isascii() and sign.isprintable()):
        return sign
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    if sign.isspace():
        return " "
    if unicodedata.category(sign) in {"No", "Nl"} and sign not in "²³":
        return f" {_FRACTIONS.get(sign) or unicodedata.digit(sign, '')} "
    return "" if unicodedata.category(sign) in _INVISIBLE else sign


def _tidy(text: str) -> str:
    """One space between words, none before a pause, no pauses in a heap or at the start."""
    text = re.sub(r" ?[.,;:!?](?: ?[.,;:!?])*", _heaviest, _single_spaced(text))
    return _single_spaced(unicodedata.normalize("NFC", text)).lstrip(" .,;:!?").rstrip(" ,;:")


def _single_spaced(text: str) -> str:
    """Also what keeps every rule linear: none meets a long run of spaces."""
    return " ".join(text.split())


def _heaviest(match: re.Match[str]) -> str:
    """Of pauses in a row the longest is kept: "), " is a comma, ")." a full stop."""
    pauses = match.group()
    return next(sign for sign in "?!.;:," if sign in pauses) + " "


def _ended(line: str) -> str:
    """A line without a stop (a heading) gets one, or the engine runs it into the next."""
    return line if line[-1] in ".!?" else f"{line}."


def _corrections_rule(corrections: Mapping[str, str]) -> Rule | None:
    said: dict[str, str] = {}
    for written, spoken in list(corrections.items())[:MAX_CORRECTIONS]:
        key = unicodedata.normalize("NFC", written).strip()
        if key and len(key) <= MAX_CORRECTION_CHARS:
            said[key] = said[key.upper()] = _read_line(_clean(spoken[:MAX_CORRECTION_CHARS]).replace("\n", " "), _RULES)
    if not said:
        return None
    choices = "|".join(re.escape(key) for key in sorted(said, key=len, reverse=True))
    return Rule(re.compile(rf"(?:{choices})(?![^\W_])"), lambda match: said[match.group()])
