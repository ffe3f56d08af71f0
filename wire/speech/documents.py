"""Document numbers: "51/KH-UBND", "49/2024/NĐ-CP", "05-CT/TW", "116/2025/QH15", "TCVN 11930:2017"."""

from __future__ import annotations

import re

from wire.speech.abbreviations import ABBREVIATIONS, DOCUMENT_KINDS, ISSUERS
from wire.speech.numbers import cardinal, digit_by_digit, whole_number
from wire.speech.scanner import Rule, before
from wire.speech.words import say_compound

_SESSION = re.compile(r"(QH|UBTVQH)(\d{1,2})")
_REST_OF_SENTENCE = re.compile(r"[^.;\n]{0,120}")


def _say_document(match: re.Match[str]) -> str | None:
    number, year, code = match.group("number"), match.group("year"), match.group("code")
    parts = re.split(r"[-–/]", code)
    if not year and not _looks_like_code(parts):
        return None
    said = [whole_number(number)]
    if year:
        said.append(f"năm {cardinal(int(year))}")
    kind = DOCUMENT_KINDS.get(parts[0])
    if kind and len(parts) > 1:
        issuer = ", ".join(_issuer(part) for part in parts[1:])
        said += _kind_and_issuer(match, kind, issuer, abbreviation=parts[1])
    else:
        said += [_issuer(part) for part in parts]
    return ", ".join(said)


def _looks_like_code(parts: list[str]) -> bool:
    """5/KM is no document; 15/TB is one when the letters are a kind, an issuer or an abbreviation with a suffix."""
    return len(parts) > 1 or parts[0] in DOCUMENT_KINDS or parts[0] in ISSUERS or parts[0] in ABBREVIATIONS


def _kind_and_issuer(match: re.Match[str], kind: str, issuer: str, *, abbreviation: str) -> list[str]:
    """The parts that the sentence does not say itself: "Kế hoạch số 51/KH-UBND của UBND tỉnh" needs neither."""
    is_kind_said = re.search(rf"(?:{kind}|\b{_short(kind)})(?: liên tịch)?(?: số)?:?\s*$", before(match))
    rest = _REST_OF_SENTENCE.match(match.string, match.end())
    following = rest.group().lower() if rest else ""
    is_issuer_said = f"của {issuer.lower()}" in following or f"của {abbreviation.lower()}" in following
    if is_issuer_said:
        return [] if is_kind_said else [kind]
    return [f"của {issuer}"] if is_kind_said else [f"{kind} của {issuer}"]


def _short(kind: str) -> str:
    return next(short for short, long in DOCUMENT_KINDS.items() if long == kind).lower()


def _issuer(part: str) -> str:
    session = _SESSION.fullmatch(part)
    if session:
        return f"{ABBREVIATIONS[session.group(1)]} khóa {cardinal(int(session.group(2)))}"
    letters = part.rstrip("0123456789")
    said = ISSUERS.get(letters) or DOCUMENT_KINDS.get(letters) or say_compound(letters)
    return f"{said} {whole_number(part[len(letters) :])}" if len(letters) < len(part) else said


def _say_standard(match: re.Match[str]) -> str:
    kind = {"TCVN": "tiêu chuẩn Việt Nam", "QCVN": "quy chuẩn Việt Nam"}[match.group(1)]
    number, year, body = match.group(2), match.group(3), match.group(4)
    said = [f"{kind} {digit_by_digit(number) if len(number) > 3 else whole_number(number)}"]
    if year:
        said.append(f"năm {cardinal(int(year))}")
    if body:
        said.append(_issuer(body))
    return ", ".join(said)


_PART = r"[A-ZĐƯ][A-Za-zĐđƯư&]{0,14}\d{0,2}"

DOCUMENT_RULES = (
    Rule(
        re.compile(
            rf"(?P<number>\d{{1,6}})(?:/(?P<year>(?:19|20)\d\d))?[-–/](?P<code>{_PART}(?:[-–/]{_PART}){{0,4}})(?![^\W_])"
        ),
        _say_document,
    ),
    Rule(re.compile(r"(TCVN|QCVN)\s?(\d{1,6})(?:[:\-](\d{4}))?(?:/([A-ZĐ]{2,10}))?(?![^\W_])"), _say_standard),
)
