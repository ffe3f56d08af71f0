"""Signs: said where they carry meaning, kept where they make a pause, dropped otherwise."""

from __future__ import annotations

import re

from wire.speech.scanner import Rule

_SAID = {
    "&": "và", "%": "phần trăm", "‰": "phần nghìn", "@": "a còng", "=": "bằng", "<": "nhỏ hơn", ">": "lớn hơn",
    "≤": "nhỏ hơn hoặc bằng", "≥": "lớn hơn hoặc bằng", "±": "cộng trừ", "~": "khoảng", "≈": "khoảng", "→": "đến",
    "€": "ơ rô", "$": "đô la", "₫": "đồng", "°": "độ", "º": "độ", "℃": "độ xê",
    "²": "mũ hai", "³": "mũ ba",
}  # fmt: skip
_PAUSES = frozenset(".,;:!?")
_DASHES = frozenset("-–—−―")


def _say_sign(match: re.Match[str]) -> str | None:
    return _SAID.get(match.group())


def _say_between_numbers(match: re.Match[str]) -> str:
    return {"+": "cộng", "×": "nhân", "x": "nhân", "*": "nhân"}[match.group().strip()]


def _say_other(match: re.Match[str]) -> str | None:
    """Pauses stay, brackets become pauses, everything else (quotes, emoji) falls silent."""
    sign = match.group()
    if sign in _PAUSES:
        return None
    if sign in "()[]{}…":
        return ","
    if sign in _DASHES:
        return _dash(match)
    return " "


def _dash(match: re.Match[str]) -> str:
    """A spaced dash is a pause; one inside a word, or a bullet, is nothing."""
    start, end, text = match.start(), match.end(), match.string
    is_spaced = text[start - 1 : start] == " " and text[end : end + 1] == " "
    return "," if is_spaced and text[:start].strip() else " "


SYMBOL_RULES = (
    Rule(re.compile(r"\.{2,}"), lambda _: ","),
    Rule(re.compile(r"(?<=\d)\s?[+×x*]\s?(?=\d)"), _say_between_numbers),
    Rule(re.compile(r"\+(?=\d)"), lambda _: "cộng"),
    Rule(re.compile(r"[&%‰@=<>≤≥±~≈→€$₫°º℃²³]"), _say_sign),
    Rule(re.compile(r"(?:[^\w\s]|_)"), _say_other),
)
