"""Numbers in Vietnamese words, as an announcer of the north says them.

Own code, though PyPI has vn-numberwords (MIT): its version 0.2.0 says "sáu mươi năm" for 65 (also 75, 85, 95), passes
integers through a float (wrong from 2^53, an error from 10^16) and drops the zero of 26,05. This is right and exact.
"""

from __future__ import annotations

DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
MAX_CARDINAL_DIGITS = 18
"""Longer runs are codes, not quantities: they are read digit by digit."""

_THOUSANDS = ("", "nghìn", "triệu")
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def digit_by_digit(text: str) -> str:
    """The digits of `text` one after the other; everything else in it is ignored."""
    return " ".join(DIGITS[int(sign)] for sign in text if sign in "0123456789")


def cardinal(number: int) -> str:
    """A whole number from 0 up: 1065 → "một nghìn không trăm sáu mươi lăm"."""
    if number == 0:
        return DIGITS[0]
    groups = _groups_of_three(number)
    words = []
    for index in range(len(groups) - 1, -1, -1):
        is_leading = index == len(groups) - 1
        if groups[index]:
            words += [_below_thousand(groups[index], is_leading=is_leading), _THOUSANDS[index % 3]]
        if index and index % 3 == 0 and _any_in_billion_group(groups, index):
            words += ["tỷ"] * (index // 3)
    return " ".join(word for word in words if word)


def decimal(whole: str, fraction: str) -> str:
    """A decimal: 26,35 → "hai mươi sáu phẩy ba lăm", 26,05 → "… phẩy không năm"."""
    return f"{whole_number(whole)} phẩy {_fraction(fraction)}"


def whole_number(text: str) -> str:
    """A run of digits as a quantity; a code (three digits or more after a leading zero, or too long) digit by digit."""
    is_code = len(text) > MAX_CARDINAL_DIGITS or (text[0] == "0" and len(text) > 2)
    return digit_by_digit(text) if is_code else cardinal(int(text))


def ordinal(number: int) -> str:
    """What follows "thứ": nhất, hai, ba, tư, năm …"""
    return {1: "nhất", 4: "tư"}.get(number) or cardinal(number)


def roman_value(text: str) -> int | None:
    """The value of a well-formed Roman numeral up to 399, else None."""
    total = 0
    values = [_ROMAN.get(letter, 0) for letter in text]
    for index, value in enumerate(values):
        total += -value if any(later > value for later in values[index + 1 : index + 2]) else value
    return total if 0 < total < 400 and all(values) and _roman(total) == text else None


def _roman(number: int) -> str:
    steps = (
        (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
    )  # fmt: skip
    text = ""
    for value, letters in steps:
        text += letters * (number // value)
        number %= value
    return text


def _groups_of_three(number: int) -> list[int]:
    groups = []
    while number:
        number, group = divmod(number, 1000)
        groups.append(group)
    return groups


def _any_in_billion_group(groups: list[int], index: int) -> bool:
    return any(groups[index : index + 3])


def _below_thousand(number: int, *, is_leading: bool) -> str:
    hundreds, rest = divmod(number, 100)
    if is_leading and not hundreds:
        return _below_hundred(rest)
    start = f"{DIGITS[hundreds]} trăm"
    if not rest:
        return start
    return f"{start} linh {_last_of_linh(rest)}" if rest < 10 else f"{start} {_below_hundred(rest)}"


def _last_of_linh(digit: int) -> str:
    return "tư" if digit == 4 else DIGITS[digit]


def _below_hundred(number: int) -> str:
    tens, units = divmod(number, 10)
    if not tens:
        return DIGITS[units]
    start = "mười" if tens == 1 else f"{DIGITS[tens]} mươi"
    return f"{start} {_after_tens(tens, units)}" if units else start


def _after_tens(tens: int, units: int) -> str:
    if units == 5:
        return "lăm"
    if tens > 1:
        return {1: "mốt", 4: "tư"}.get(units, DIGITS[units])
    return DIGITS[units]


def _fraction(fraction: str) -> str:
    if len(fraction) != 2 or fraction[0] == "0":
        return digit_by_digit(fraction)
    tens, units = int(fraction[0]), int(fraction[1])
    if tens == 1 or not units:
        return _below_hundred(int(fraction))
    # Announcers leave out "mươi" here: 26,35 is "phẩy ba lăm".
    return f"{DIGITS[tens]} {_after_tens(tens, units)}"
