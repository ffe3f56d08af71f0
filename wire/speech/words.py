"""Runs of letters: abbreviations from the table, words in capitals, and unknown abbreviations spelt by letter names."""

from __future__ import annotations

import re
import unicodedata

from wire.speech.abbreviations import ABBREVIATIONS, DOTTED
from wire.speech.numbers import cardinal, ordinal, roman_value, whole_number
from wire.speech.scanner import Rule, before, word_before

_LETTER_NAMES = {
    "a": "a", "ă": "á", "â": "ớ", "b": "bê", "c": "xê", "d": "dê", "đ": "đê", "e": "e", "ê": "ê", "f": "ép", "g": "giê",
    "h": "hát", "i": "i", "j": "gi", "k": "ca", "l": "e lờ", "m": "em mờ", "n": "en nờ", "o": "o", "ô": "ô", "ơ": "ơ",
    "p": "pê", "q": "quy", "r": "e rờ", "s": "ét sì", "t": "tê", "u": "u", "ư": "ư", "v": "vê", "w": "vê kép",
    "x": "ích xì", "y": "i dài", "z": "dét",
}  # fmt: skip

_TONES = dict.fromkeys(map(ord, "\u0300\u0301\u0303\u0309\u0323"))
_VOWELS = frozenset("aăâeêioôơuưy")
_LONGEST_SPELT = 7
"""Longer words in capitals that have a vowel are names (FACEBOOK); spelling them would help nobody."""

_SYLLABLE = re.compile(
    r"(?:ngh?|gh?|gi|kh|nh|ph|th|tr|ch|qu|[bcdđhklmnprstvx])?"
    r"(?:o[aăe][iyou]?|u(?:yê|ya|yu|ây|ôi|[âêyôơaiu])|ươ[iu]?|ư[aiu]|i(?:êu|[aêu])|yêu?|[ao][iouy]|[âê][uy]|eo|"
    r"[ôơ]i|[aăâeêioôơuưy])"
    r"(?:ch|nh|ng|[cmnpt])?"
)
_ROMAN_AFTER = frozenset(
    [
        "cấp",
        "khóa",
        "khoá",
        "kỳ",
        "chương",
        "phần",
        "mục",
        "điều",
        "quý",
        "loại",
        "hạng",
        "nhóm",
        "đợt",
        "thứ",
        "kỷ",
        "hội",
        "tập",
        "bậc",
        "khu",
        "động",
        "mức",
        "vùng",
        "lục",
        "nghị",
        "số",
        "bđ",
        "đoạn",
        "khoản",
    ]
)
_ROADS = {"QL": "quốc lộ", "TL": "tỉnh lộ", "ĐT": "đường tỉnh", "ĐH": "đường huyện"}
_PARTY = re.compile(r"\s*(?:TW|T\.?Ư|Trung ương|Đảng|Đoàn|Hội|Công đoàn|Chi)", re.IGNORECASE)


def say_word(match: re.Match[str]) -> str:
    """One run of letters."""
    word = match.group()
    if word in ABBREVIATIONS:
        return ABBREVIATIONS[word]
    if len(word) == 1:
        return _letter(word)
    if word.isupper():
        return word.lower() if _is_word(word.lower()) else _spelt(word)
    return _spelt(word) if _is_unspeakable(word.lower()) else word


def say_compound(text: str) -> str:
    """Abbreviations joined by hyphen, slash or "&": the whole if the table has it, else one after the other."""
    whole = re.sub(r"\s", "", text).replace("–", "-")
    if whole in ABBREVIATIONS:
        return ABBREVIATIONS[whole]
    parts = re.split(r"\s*([&/\-–])\s*", text)
    said = ["và" if part == "&" else "" if part in "/-–" else _say_part(part) for part in parts]
    return " ".join(part for part in said if part)


def _say_part(part: str) -> str:
    return re.sub(r"[^\W\d_]+", say_word, part)


def _is_word(lower: str) -> bool:
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFD", lower).translate(_TONES))
    if plain != lower or _SYLLABLE.fullmatch(plain):
        return True
    return len(lower) > _LONGEST_SPELT and not _is_unspeakable(plain)


def _is_unspeakable(lower: str) -> bool:
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFD", lower).translate(_TONES))
    is_latin = all(letter in _LETTER_NAMES for letter in plain)
    return is_latin and len(plain) <= _LONGEST_SPELT and not _VOWELS & set(plain)


def _spelt(word: str) -> str:
    return " ".join(_LETTER_NAMES.get(letter, letter) for letter in word.lower())


def _letter(letter: str) -> str:
    """A vowel alone is a word or a name (Ý kiến, Bộ Y tế, Lý A Páo); a consonant is called by its name."""
    return letter if letter.lower() in _VOWELS else _LETTER_NAMES.get(letter.lower(), letter)


def _say_dotted(match: re.Match[str]) -> str:
    return DOTTED[match.group(1).replace(" ", "")]


def _say_compound(match: re.Match[str]) -> str:
    return say_compound(match.group())


def _say_roman(match: re.Match[str]) -> str | None:
    text = match.group(1)
    value = roman_value(text)
    if value is None:
        return None
    if not _is_roman(match, text):
        return None
    said = ordinal(value) if word_before(match) == "thứ" else cardinal(value)
    return f"{said} năm {cardinal(int(match.group(2)))}" if match.group(2) else said


def _is_roman(match: re.Match[str], text: str) -> bool:
    """A numeral by the word before it, by its place, or because no abbreviation looks like it."""
    starts_line = match.start() == 0 and match.string[match.end() : match.end() + 1] in tuple(".)/")
    in_pair = bool(re.search(r"\b(?:từ|đến|và|[ivx]+)[ ,\-–]*$", before(match))) and len(text) > 1
    is_plain = len(text) > 1 and set(text) <= set("IVX")
    return word_before(match) in _ROMAN_AFTER or starts_line or in_pair or is_plain


def _say_committee(match: re.Match[str]) -> str:
    is_party = _PARTY.match(match.string, match.end())
    return "Ban Chấp hành" if is_party else "Ban Chỉ huy"


def _say_tt(match: re.Match[str]) -> str:
    return "thông tư" if match.group(1) else "trung tâm"


def _say_road(match: re.Match[str]) -> str:
    return f"{_ROADS[match.group(1)]} {whole_number(match.group(2))}"


def _say_weekday(match: re.Match[str]) -> str:
    return f"thứ {ordinal(int(match.group(1)))}"


def _say_warning_level(match: re.Match[str]) -> str:
    level = match.group(1)
    value = int(level) if level.isdigit() else roman_value(level)
    pause = "," if re.match(r"\s*\d", match.string[match.end() :]) else ""
    return f"báo động {cardinal(value or 0)}{pause}"


_END = r"(?![^\W_])"
_CAPITALS = r"[A-ZĐƯÔ]{1,12}"
_TITLES = r"(?:PGS|GS)\.\s?TS|Th\.S|T\.Ư|TP|Tp|TT|TX|Tx|ThS|PGS|GS|TS|BS|KS|Tr"

WORD_RULES = (
    Rule(re.compile(r"(?:v\.\s?v|V\.v)\.{0,3}" + _END), lambda _: "vân vân"),
    Rule(re.compile(rf"BĐ\s?\.?\s?([1-5]|I{{1,3}}|IV|V){_END}"), _say_warning_level),
    Rule(re.compile(r"(QL|TL|ĐT|ĐH)\s?\.?\s?(\d{1,3})(?![\d]|[ .]\d)"), _say_road),
    Rule(re.compile(rf"T([2-7]){_END}(?!/)"), _say_weekday),
    Rule(re.compile(rf"({_TITLES})\.(?=\s?[^\W_])"), _say_dotted),
    Rule(re.compile(r"([PQHX])\.(?=\s?[A-ZĐÀ-Ỹ][a-zà-ỹ])"), _say_dotted),
    Rule(re.compile(r"T[Pp](?=\s?(?:\.|[A-ZĐÀ-Ỹ]))"), lambda _: "thành phố"),
    Rule(re.compile(r"TX(?=\s[A-ZĐÀ-Ỹ])"), lambda _: "thị xã"),
    Rule(re.compile(rf"BCH{_END}"), _say_committee),
    Rule(re.compile(rf"TT{_END}(?=\s?(?:số\s?)?(\d)?)"), _say_tt),
    Rule(re.compile(rf"([IVXLC]{{1,7}})(?:/((?:19|20)\d\d))?{_END}"), _say_roman),
    Rule(re.compile(r"H['’ʼ]?[Mm]ông"), lambda _: "Mông"),
    Rule(re.compile(r"[Đđ]/c\.?" + _END), lambda _: "đồng chí"),
    Rule(re.compile(r"[Ww]i-?[Ff]i" + _END), lambda _: "oai phai"),
    Rule(re.compile(rf"{_CAPITALS}(?:\s?&\s?{_CAPITALS}|[\-–/]{_CAPITALS}){{1,5}}{_END}"), _say_compound),
)
