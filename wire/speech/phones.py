"""Telephone numbers and other codes, read digit by digit with the writer's own pauses; addresses of the Internet."""

from __future__ import annotations

import re

from wire.speech.numbers import digit_by_digit
from wire.speech.scanner import Rule, before

_EMERGENCY_CALL = re.compile(
    r"(?:gọi|điện thoại|máy|đường dây nóng|hotline|tổng đài|liên hệ|sđt|cứu hỏa|chữa cháy|cấp cứu|cảnh sát|công an|"
    r"khẩn cấp|cứu nạn)[^;\n]{0,100}$"
)
_COUNTED = re.compile(r"\s+(?!để|hoặc|và|khi|nếu|ngay|khẩn|cấp|hay)[a-zà-ỹđ]")
_CODE = re.compile(
    r"(?:điện thoại|sđt|đt|hotline|tài khoản|stk|cccd|cmnd|căn cước|mã số|mã|số máy|tổng đài|sim)[^.;,\n\d]{0,15}$"
)
_MIN_PHONE_DIGITS, _MAX_PHONE_DIGITS = 9, 12

_ADDRESS_SIGNS = {".": "chấm", "@": "a còng", "/": "gạch chéo", "-": "gạch ngang", "_": "gạch dưới", ":": "hai chấm"}


def _say_phone(match: re.Match[str]) -> str | None:
    groups = re.findall(r"\d+", match.group())
    if not _MIN_PHONE_DIGITS <= sum(map(len, groups)) <= _MAX_PHONE_DIGITS:
        return None
    start = "cộng " if match.group().startswith("+") else ""
    return start + ", ".join(digit_by_digit(group) for group in groups)


def _say_service(match: re.Match[str]) -> str:
    return ", ".join(digit_by_digit(group) for group in re.findall(r"\d+", match.group()))


def _say_emergency(match: re.Match[str]) -> str | None:
    """In "gọi 113" and "liên hệ 114, 115"; but "gọi 113 hộ dân" counts households."""
    if _COUNTED.match(match.string, match.end()) or not _EMERGENCY_CALL.search(before(match)):
        return None
    return digit_by_digit(match.group())


def _say_code(match: re.Match[str]) -> str | None:
    return digit_by_digit(match.group()) if _CODE.search(before(match)) else None


def _say_address(match: re.Match[str]) -> str:
    text = re.sub(r"^(?:https?://)?(?:www\.)?", "", match.group(), flags=re.IGNORECASE).rstrip(".,;/-_:")
    pieces = re.findall(r"[^\W\d_]+|\d+|[.@/\-_:]", text)
    return " ".join(_ADDRESS_SIGNS.get(piece) or _address_piece(piece) for piece in pieces)


def _address_piece(piece: str) -> str:
    return digit_by_digit(piece) if piece.isdigit() else piece.lower()


_HOST = r"[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){0,5}\.(?:vn|com|net|org|gov|edu|info)(?![A-Za-z0-9])"

PHONE_RULES = (
    Rule(re.compile(r"https?://[A-Za-z0-9.\-_/:]{1,200}", re.IGNORECASE), _say_address),
    Rule(re.compile(rf"[A-Za-z0-9._\-]{{1,64}}@{_HOST}"), _say_address),
    Rule(re.compile(rf"{_HOST}(?:/[A-Za-z0-9.\-_/]{{0,200}})?"), _say_address),
    Rule(re.compile(r"(?:1800|1900)[ .]?\d{2,4}(?:[ .]?\d{2,4})?(?![\d]|[.,/]\d)"), _say_service),
    Rule(re.compile(r"\+84(?:[ .\-]?\(?0?\)?\d{1,4}){2,5}(?![\d]|[.,/]\d)"), _say_phone),
    Rule(re.compile(r"\(?0\d{1,4}\)?(?:[ .\-]?\d{2,4}){1,4}(?!\d|[.,/]\d)"), _say_phone),
    Rule(re.compile(r"\(?0\d{1,4}\)?[ .\-]?\d(?:[ .\-]?\d{3}){2}(?!\d|[.,/]\d)"), _say_phone),
    Rule(re.compile(r"(?:11[1-5]|1022)(?!\d|[.,/]\d)"), _say_emergency),
    Rule(re.compile(r"\d{5,20}(?!\d|[.,/]\d)"), _say_code),
)
