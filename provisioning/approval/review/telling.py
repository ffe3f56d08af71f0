"""How single values are told: titles, times, languages, sounds, places. Pure; the words are `words`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provisioning.approval import words
from provisioning.approval.review.changes import Context
from provisioning.approval.words import N_
from wire.content import Image, Rendition, Sound, Text, Video
from wire.programme import Play, PlayItem, PlayLive, PlayRelay, PlayReserve, PlaySeries, Recurrence

SORTS = {"speech": N_("speech"), "music": N_("music"), "entertainment": N_("entertainment")}
LEVELS = {"central": N_("central level"), "province": N_("province level"), "commune": N_("commune level")}
FIELDS = {
    1: N_("General information"),
    2: N_("Urgent information"),
    3: N_("Guidelines of the Party, policies and laws of the State"),
    4: N_("Direction and administration by the local Party committee and government"),
    5: N_("Science, technology, economy, culture, society"),
    6: N_("Good people, good deeds, advanced examples"),
}  # fmt: skip
FINGERPRINT_DIGITS = 16


def plain(value: Any, _: Context) -> str:
    return "" if value is None else str(value)


def yes_no(value: bool, context: Context) -> str:  # noqa: FBT001  the value told, not a switch
    return context.words("yes") if value else context.words("no")


def only_yes(value: bool, context: Context) -> str:  # noqa: FBT001  the same
    return context.words("yes") if value else ""


def percent(value: int, _: Context) -> str:
    return f"{value} %"


def instant(value: int | None, context: Context) -> str:
    return words.instant(value, context.words)


def instant_or_nothing(value: int | None, context: Context) -> str:
    return words.instant(value, context.words) if value else ""


def length(value: int, context: Context) -> str:
    return words.length(value, context.words)


def clock_time(value: int, context: Context) -> str:
    return words.clock_time(value, context.words)


def day(value: str, context: Context) -> str:
    return words.day(value, context.words)


def recurrence(value: Recurrence, context: Context) -> str:
    return words.recurrence(value, context.words)


def languages(value: Sequence[str], context: Context) -> str:
    return ", ".join(words.language_name(code, context.words) for code in value)


def comma(value: Sequence[object], _: Context) -> str:
    return ", ".join(map(str, value))


def fingerprint(value: str) -> str:
    """The head of a key or hash in groups of four, as people compare it aloud."""
    return " ".join(value[n : n + 4] for n in range(0, FINGERPRINT_DIGITS, 4))


def places(value: Sequence[str], context: Context) -> str:
    """Targets of a slot or of a special day."""
    return ", ".join(_place(target, context) for target in value)


def _place(target: str, context: Context) -> str:
    _ = context.words
    if target == "*":
        return _("every loudspeaker and board")
    kind, _colon, name = target.partition(":")
    if kind == "lang":
        return _("where {language} is spoken", language=words.language_name(name, _))
    said = {
        "cluster": N_("loudspeaker cluster {name}"), "board": N_("board {name}"), "tag": N_("places marked {name}"),
        "area": N_("area {name}"),
    }  # fmt: skip
    return _(said[kind], name=name)


def plays(value: Sequence[Play], context: Context) -> str:
    return " · ".join(_play(play, context) for play in value) or context.words("nothing")


def _play(play: Play, context: Context) -> str:
    _ = context.words
    match play:
        case PlayItem(area=area, item=item, digest=digest):
            fixed = _(", only this recording ({hash})", hash=fingerprint(digest)) if digest else ""
            return _("item {title}", title=context.item(area, item)) + _whose(area, context) + fixed
        case PlaySeries(area=area, series=series):
            return _("the newest of the series {title}", title=context.a_series(area, series)) + _whose(area, context)
        case PlayReserve():
            return _("the reserve content")
        case PlayRelay(url=url, duration_ms=duration):
            return _("relay of {url} for {length}", url=url, length=length(duration, context))
        case PlayLive(session=session, duration_ms=duration):
            return _("live session {session} for {length}", session=session, length=length(duration, context))


def _whose(area: str, context: Context) -> str:
    return "" if area == context.area else context.words(" (of {area})", area=area)


def renditions(value: Sequence[Rendition], context: Context) -> str:
    return "\n".join(_rendition(rendition, context) for rendition in value) or context.words("nothing")


def _rendition(rendition: Rendition, context: Context) -> str:
    _, language = context.words, words.language_name(rendition.language, context.words)
    match rendition:
        case Sound(duration_ms=duration, sha256=sha256):
            told = _("sound of {length}, code {hash}", length=length(duration, context), hash=fingerprint(sha256))
        case Text(text=text):
            told = _("text “{text}”", text=text)
        case Image(sha256=sha256, alternative=alternative):
            told = _("picture {alternative}, code {hash}", alternative=alternative, hash=fingerprint(sha256))
        case Video(duration_ms=duration, sha256=sha256):
            told = _("film of {length}, code {hash}", length=length(duration, context), hash=fingerprint(sha256))
    return f"{language}: {told}"


def sort(value: str, context: Context) -> str:
    return context.words(SORTS.get(value, value))


def sorts(value: Sequence[str], context: Context) -> str:
    return ", ".join(sort(one, context) for one in value)


def level(value: str, context: Context) -> str:
    return context.words(LEVELS.get(value, value))


def subject(value: int, context: Context) -> str:
    return context.words(FIELDS.get(value, str(value)))
