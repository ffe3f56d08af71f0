"""Dates and times of day: "ngày 20/12/2026", "từ 01–05/12", "tháng 12/2026", "17h00", "17g30", "05:30".

What is no possible date or time is declined here, and read as numbers.
"""

from __future__ import annotations

import re

from wire.speech.numbers import cardinal
from wire.speech.scanner import Rule, word_before

_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_HOUR_WORDS = frozenset(["lúc", "từ", "đến", "vào", "trước", "sau", "hồi", "khoảng", "tới", "mốc", "và"])
_FIRST_TEN = frozenset(("mùng", "mồng"))
_HOUSE_WORDS = frozenset(["số", "nhà", "ngõ", "hẻm", "ngách", "đường", "kiệt", "lô", "thửa"])
_SHARE_WORDS = frozenset(["hơn", "gần", "chiếm", "đạt", "lệ", "khoảng", "được"])
_COUNTED = re.compile(
    r"\s*(?:số )?(?:hộ|thôn|xã|phường|bản|cụm|người|đại biểu|phiếu|huyện|tỉnh|trường|tiêu chí|ý kiến|thành viên|"
    r"chỉ tiêu|đơn vị|loa|ca|học sinh|trẻ|giờ|h\b|diện tích|dân số)"
)
"""What stands after a share ("8/10 thôn"), which a date never has behind it."""


def day_words(day: int) -> str:
    """The first ten days of a month are counted with "mùng"."""
    return f"mùng {cardinal(day)}" if day <= 10 else cardinal(day)


def month_words(month: int) -> str:
    return "tháng tư" if month == 4 else f"tháng {cardinal(month)}"


def _date(match: re.Match[str], day: str, month: str, year: str | None) -> str | None:
    if not _is_date(day, month):
        return None
    last = f" {_year(year)}" if year else ""
    return f"{_lead(match)}{_day(match, day)} {month_words(int(month))}{last}"


def _is_date(day: str, month: str) -> bool:
    return 1 <= int(month) <= 12 and 1 <= int(day) <= _DAYS[int(month) - 1]


def _year(year: str) -> str:
    return f"năm {cardinal(int(year) + (2000 if len(year) == 2 else 0))}"


def _day(match: re.Match[str], day: str) -> str:
    return cardinal(int(day)) if word_before(match) in _FIRST_TEN else day_words(int(day))


def _lead(match: re.Match[str]) -> str:
    """Says "ngày" unless the writer has."""
    return "" if word_before(match) in _FIRST_TEN | {"ngày"} else "ngày "


def _say_iso_date(match: re.Match[str]) -> str | None:
    return _date(match, match.group(3), match.group(2), match.group(1))


def _say_short_date(match: re.Match[str]) -> str | None:
    return None if _is_share(match) else _date(match, match.group(1), match.group(2), None)


def _is_share(match: re.Match[str]) -> bool:
    """3/4 can be the third of April, three quarters or a house: the words around it tell."""
    context = word_before(match)
    if context in _HOUSE_WORDS or context in _SHARE_WORDS:
        return True
    if _COUNTED.match(match.string, match.end()) and context not in {"ngày", "sáng", "trưa", "chiều", "tối", "đêm"}:
        return True
    return match.group() == "24/7" and context in {"trực", "tục", "động", "vụ"}


def _say_day_range(match: re.Match[str]) -> str | None:
    first, last, month, year = match.groups()
    if not (_is_date(first, month) and _is_date(last, month)):
        return None
    said_last = f"ngày {day_words(int(last))} {month_words(int(month))}"
    return f"{_lead(match)}{_day(match, first)} đến {said_last}" + (f" {_year(year)}" if year else "")


def _say_month_range(match: re.Match[str]) -> str | None:
    first, last, year = int(match.group(1)), int(match.group(2)), match.group(3)
    if not (1 <= first <= 12 and 1 <= last <= 12):
        return None
    start = month_words(first).removeprefix("tháng ") if word_before(match) == "tháng" else month_words(first)
    return f"{start} đến {month_words(last)} {_year(year)}"


def _say_month(match: re.Match[str]) -> str | None:
    month, year, context = int(match.group(1)), match.group(2), word_before(match)
    if context == "quý" and 1 <= month <= 4:
        return f"{cardinal(month)} {_year(year)}"
    if not 1 <= month <= 12 or context == "số":
        return None
    said = month_words(month)
    return f"{said.removeprefix('tháng ') if context == 'tháng' else said} {_year(year)}"


def _say_day_before_month(match: re.Match[str]) -> str | None:
    day = int(match.group(1))
    return day_words(day) if word_before(match) == "ngày" and 1 <= day <= 31 else None


def _say_month_number(match: re.Match[str]) -> str | None:
    is_month = word_before(match) == "tháng"
    return {"4": "tư", "04": "tư"}.get(match.group(1)) if is_month else None


def _time(hours: str, minutes: str | None, seconds: str | None = None) -> str | None:
    if int(hours) > 24 or int(minutes or 0) > 59 or int(seconds or 0) > 59:
        return None
    said = f"{cardinal(int(hours))} giờ"
    if int(minutes or 0) or int(seconds or 0):
        said += f" {cardinal(int(minutes or 0))} phút"
    return f"{said} {cardinal(int(seconds))} giây" if seconds and int(seconds) else said


def _say_time(match: re.Match[str]) -> str | None:
    return _time(match.group(1), match.group(2), match.group(3))


def _say_plain_time(match: re.Match[str]) -> str | None:
    return _time(match.group(1), match.group(2))


def _say_bare_g(match: re.Match[str]) -> str | None:
    """After "lúc", "17g" is an hour; elsewhere it is gram."""
    return _time(match.group(1), None) if word_before(match) in _HOUR_WORDS else None


_NOT_MORE = r"(?![\d]|[.,/:]\d)"
_NO_LETTER = r"(?![^\W\d_])"
_DASH = r"\s?[-–—]\s?"

MOMENT_RULES = (
    Rule(re.compile(rf"(\d{{1,2}}):(\d\d):(\d\d){_NOT_MORE}"), _say_time),
    Rule(re.compile(rf"(\d{{1,2}})\s?[:hHgG]\s?(\d\d)(?:\s?(?:['’′]|phút|ph|p){_NO_LETTER})?(?!\d|[,/:]\d|\.\d){_NO_LETTER}"),
         _say_plain_time),
    Rule(re.compile(rf"(\d{{1,2}})\s?giờ\s?(\d\d)(?:\s?(?:['’′]|phút|ph|p){_NO_LETTER})?(?!\d|[,/:.]\d){_NO_LETTER}"),
         _say_plain_time),
    Rule(re.compile(r"(\d{1,2})[gG](?![^\W_])"), _say_bare_g),
    Rule(re.compile(rf"(\d{{1,2}})\s?([/.\-])\s?(\d{{1,2}})\s?\2\s?(\d{{4}}|\d\d){_NOT_MORE}"),
         lambda match: _date(match, match.group(1), match.group(3), match.group(4))),
    Rule(re.compile(rf"(\d{{4}})-(\d\d)-(\d\d){_NOT_MORE}"), _say_iso_date),
    Rule(re.compile(rf"(\d{{1,2}}){_DASH}(\d{{1,2}})/(\d{{1,2}})(?:/(\d{{4}}))?{_NOT_MORE}"), _say_day_range),
    Rule(re.compile(rf"(\d{{1,2}}){_DASH}(\d{{1,2}})/((?:19|20)\d\d){_NOT_MORE}"), _say_month_range),
    Rule(re.compile(r"(\d{1,2})/((?:19|20)\d\d)(?!/?\d|/[A-ZĐ])"), _say_month),
    Rule(re.compile(rf"(\d{{1,2}})/(\d{{1,2}}){_NOT_MORE}{_NO_LETTER}"), _say_short_date),
    Rule(re.compile(r"(\d{1,2})(?=\s+(?:tháng|(?:đến|và|tới)\s+ngày)\s)"), _say_day_before_month),
    Rule(re.compile(rf"(0?\d){_NOT_MORE}{_NO_LETTER}"), _say_month_number),
)  # fmt: skip
