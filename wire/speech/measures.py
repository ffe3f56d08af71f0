"""Quantities: numbers as Vietnam writes them (1.250.000 · 26,35), with units, rates, shares, ranges and signs."""

from __future__ import annotations

import re

from wire.speech.numbers import decimal, ordinal, whole_number
from wire.speech.scanner import Rule, before, word_before

UNITS: dict[str, str] = {
    "mm": "mi li mét", "cm": "xen ti mét", "dm": "đề xi mét", "m": "mét", "km": "ki lô mét", "Km": "ki lô mét",
    "KM": "ki lô mét", "m2": "mét vuông", "m²": "mét vuông", "m3": "mét khối", "m³": "mét khối",
    "km2": "ki lô mét vuông", "km²": "ki lô mét vuông", "cm2": "xen ti mét vuông", "cm²": "xen ti mét vuông",
    "cm3": "xen ti mét khối", "cm³": "xen ti mét khối", "mm2": "mi li mét vuông", "mm²": "mi li mét vuông",
    "ha": "héc ta", "mg": "mi li gam", "g": "gam", "gr": "gam", "kg": "ki lô gam", "Kg": "ki lô gam", "KG": "ki lô gam",
    "l": "lít", "ml": "mi li lít", "cc": "xê xê", "h": "giờ", "ph": "phút", "p": "phút", "s": "giây",
    "'": "phút", "’": "phút", "′": "phút", "V": "vôn", "kV": "ki lô vôn", "KV": "ki lô vôn", "W": "oát",
    "kW": "ki lô oát", "KW": "ki lô oát", "kWh": "ki lô oát giờ", "KWh": "ki lô oát giờ",
    "kwh": "ki lô oát giờ", "MW": "mê ga oát", "kVA": "ki lô vôn am pe",
    "Hz": "héc", "kHz": "ki lô héc", "MHz": "mê ga héc", "GHz": "gi ga héc",
    "dB": "đề xi ben", "dBA": "đề xi ben", "hPa": "héc tô pát can", "mmHg": "mi li mét thủy ngân",
    "KB": "ki lô bai", "MB": "mê ga bai", "GB": "gi ga bai", "TB": "tê ra bai", "Mbps": "mê ga bít trên giây",
    "°C": "độ xê", "ºC": "độ xê", "℃": "độ xê", "oC": "độ xê", "°": "độ", "º": "độ", "%": "phần trăm",
    "‰": "phần nghìn", "đ": "đồng", "₫": "đồng", "VNĐ": "đồng", "VND": "đồng", "vnđ": "đồng", "USD": "đô la Mỹ",
    "$": "đô la", "€": "ơ rô", "tr": "triệu", "trđ": "triệu đồng", "tr.đ": "triệu đồng", "Trđ": "triệu đồng",
    "k": "nghìn đồng", "ng": "nghìn", "tỷ": "tỷ", "tỉ": "tỷ",
}  # fmt: skip

_RATED = frozenset(
    [
        "đồng",
        "lần",
        "người",
        "tấn",
        "tạ",
        "yến",
        "lít",
        "mét",
        "khối",
        "vuông",
        "gam",
        "hộ",
        "con",
        "cây",
        "ca",
        "liều",
        "điểm",
        "suất",
    ]
)
"""After these a slash says "trên": đồng/hộ, người/cụm. Elsewhere it joins alternatives: xã/phường."""

_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_MINUTE_SIGNS = frozenset("'’′")
_QUANTITY_BEFORE = re.compile(rf"(?:\d|\d\s?(?:{_UNIT}|giờ|phút|tỷ|triệu|nghìn|độ)|(?<!\w)[IVX]{{1,5}})$")

_SIGN = r"(?P<sign>(?<![\w)%])[-−])?"
_PLAIN = r"(?P<whole>\d{1,40})(?:,(?P<fraction>\d{1,20})(?!\d|,\d)|\.(?P<point>\d{1,2})(?!\d|[.,]\d))?"
_GROUPED = r"(?P<grouped>\d{1,3}(?:\.\d{3})+)(?:,(?P<rest>\d{1,20}))?(?![\d]|\.\d)"
_ENGLISH = r"(?P<english>\d{1,3}(?:,\d{3}){2,})(?![\d,])"


def _say_number(match: re.Match[str]) -> str | None:
    is_list = match.groupdict().get("fraction") and match.string[: match.start()].rstrip("0123456789").endswith(",")
    return None if is_list else _signed(match, _quantity(match))


def _quantity(match: re.Match[str]) -> str:
    parts = match.groupdict()
    if parts.get("english"):
        return whole_number(parts["english"].replace(",", ""))
    if parts.get("grouped"):
        whole = parts["grouped"].replace(".", "")
        return decimal(whole, parts["rest"]) if parts["rest"] else whole_number(whole)
    if parts["fraction"]:
        return decimal(parts["whole"], parts["fraction"])
    if parts["point"]:
        return _pointed(match, parts["whole"], parts["point"])
    return _in_context(match, parts["whole"])


def _pointed(match: re.Match[str], whole: str, fraction: str) -> str:
    """A decimal like "26.35 m"; but not "phiên bản 2.1" and the heading "1.2 Mục đích"."""
    is_label = word_before(match) in {"bản", "version", "v", "mục", "điểm", "điều"} or not before(match).strip()
    if is_label:
        return f"{whole_number(whole)} chấm {whole_number(fraction)}"
    return decimal(whole, fraction)


def _in_context(match: re.Match[str], whole: str) -> str:
    if word_before(match) == "thứ" and len(whole) <= 2:
        return ordinal(int(whole))
    return whole_number(whole)


def _signed(match: re.Match[str], said: str) -> str:
    sign = "âm " if match.groupdict().get("sign") else ""
    return sign + said


def _say_dotted_number(match: re.Match[str]) -> str:
    return " chấm ".join(whole_number(part) for part in match.group().split("."))


def _say_share(match: re.Match[str]) -> str:
    return f"{whole_number(match.group(1))} trên {whole_number(match.group(2))}"


def _say_range(match: re.Match[str]) -> str | None:
    """A dash between two quantities; the left one may carry a unit."""
    return "đến" if _QUANTITY_BEFORE.search(match.string[max(0, match.start() - 14) : match.start()]) else None


def _say_unit(match: re.Match[str]) -> str | None:
    """A unit directly after a number; elsewhere the letters are a word."""
    text, name = match.string, match.group().strip()
    if not text[max(0, match.start() - 1) : match.start()].isdigit():
        return None
    if name in _MINUTE_SIGNS and re.search(r"['‘’][^'’]*$", text[max(0, match.start() - 40) : match.start()]):
        return None  # a closing quotation mark
    return UNITS[name]


def _say_rate(match: re.Match[str]) -> str | None:
    """The rate behind a unit: "/24h", "/kg"."""
    number, unit = match.group(1), match.group(2)
    said = f"{whole_number(number)} {UNITS[unit]}" if number else UNITS[unit]
    return f"trên {said}"


def _say_slash(match: re.Match[str]) -> str:
    left = re.search(rf"(?:([^\W\d_]+)|\d\s?(?:{_UNIT})|[%°²³])$", before(match))
    is_rate = left and (not left.group(1) or left.group(1) in _RATED or left.group(1) in UNITS)
    return "trên" if is_rate else ""


def _say_squared(match: re.Match[str]) -> str:
    return UNITS[match.group()]


def _say_money_first(match: re.Match[str]) -> str:
    return f"{whole_number(match.group(1).replace(',', ''))} đô la"


_LEFT = r"(?<=[^\W_]|[%°º²³])"

MEASURE_RULES = (
    Rule(re.compile(r"\$(\d{1,15}(?:,\d{3})*)(?![\d.,]\d)"), _say_money_first),
    Rule(re.compile(rf"{_SIGN}{_GROUPED}"), _say_number),
    Rule(re.compile(rf"{_SIGN}{_ENGLISH}"), _say_number),
    Rule(re.compile(r"\d{1,9}(?:\.\d{1,9}){2,6}(?!\.?\d)"), _say_dotted_number),
    Rule(re.compile(r"(\d{1,9})/(\d{1,9})(?!\d|[.,/]\d)"), _say_share),
    Rule(re.compile(r"(\d{1,9})\s?:\s?(\d{1,9})(?!\d|[.,/:]\d)"), _say_share),
    Rule(re.compile(rf"{_SIGN}{_PLAIN}"), _say_number),
    Rule(re.compile(r"\d{1,40}"), lambda match: whole_number(match.group())),
    Rule(re.compile(r"\s?[-–—−÷]\s?(?=[\dIVX]|BĐ|T[2-7])"), _say_range),
    Rule(re.compile(rf"\s?(?:{_UNIT})(?![^\W\d_])"), _say_unit),
    Rule(re.compile(r"(?:km|cm|mm|m)[²³23](?![^\W_])"), _say_squared),
    Rule(re.compile(rf"/\s?(\d{{1,4}})?\s?({_UNIT})(?![^\W_²³])"), _say_rate),
    Rule(re.compile(r"[đ₫](?=/)|(?<=triệu )đ(?![^\W_])|(?<=nghìn )đ(?![^\W_])|(?<=tỷ )đ(?![^\W_])"), lambda _: "đồng"),
    Rule(re.compile(rf"{_LEFT}\s?/\s?(?=[^\W_])"), _say_slash),
)
