"""A bulletin (bản tin) as staff write it, and how it becomes an item of the wire. Pure.

Storing is `store`'s, sound is `sound`'s; what plays when is the programme's. A bulletin keeps one id over all its
versions, and several sounds: one for each language.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from wire.content import Item, Rendition, Sound, Text
from wire.units import DAY, UtcTime, day_start

MAX_TITLE = 300
MAX_SUMMARY = 1_000
MAX_TEXT = 20_000
MAX_SOUNDS = 12
GIVE_UP_MS = 45 * 60_000
"""A sound that has been in preparation for longer was interrupted; it is shown as such."""


@dataclass(frozen=True)
class Draft:
    """What a form may set. Days are local; `valid_until` is the last day on which it may play."""

    title: str
    summary: str = ""
    text: str = ""
    sort: str = "speech"
    field: int = 1
    essential: bool = False
    level: str = "commune"
    issued_by: str = ""
    document_number: str = ""
    document_date: str = ""
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True)
class Bulletin:
    """A stored bulletin. `authors` is everybody who wrote any version of it."""

    id: str
    area: str
    draft: Draft
    version: int
    author: str
    changed_by: str
    created: UtcTime
    changed: UtcTime
    removed: UtcTime | None = None

    @property
    def title(self) -> str:
        return self.draft.title


@dataclass(frozen=True)
class StoredSound:
    """One recording or spoken text of a bulletin."""

    id: str
    item: str
    language: str
    sha256: str
    size: int
    duration_ms: int
    loudness_mlufs: int
    origin: str
    """"recorded" (uploaded) or "spoken" (read out by the machine)."""
    name: str
    """The file name as the person knew it, for display alone."""
    person: str
    at: UtcTime

    def rendition(self) -> Sound:
        return Sound(
            language=self.language, sha256=self.sha256, size=self.size, duration_ms=self.duration_ms,
            loudness_mlufs=self.loudness_mlufs,
        )  # fmt: skip


@dataclass(frozen=True)
class SoundJob:
    """A sound in preparation, or why there is none."""

    id: str
    item: str
    language: str
    origin: str
    name: str
    state: str
    """working, done or refused."""
    code: str
    message: str
    """English msgid of a refusal, translated when shown; `params` fill its gaps."""
    params: dict[str, str]
    person: str
    at: UtcTime

    def shown_state(self, now: UtcTime) -> str:
        return "interrupted" if self.state == "working" and now - self.at > GIVE_UP_MS else self.state


def level_of(area: str, asked: str = "") -> str:
    """The level of supply: a commune's is its own, the province may pass on what the centre supplied."""
    if "/" in area:
        return "commune"
    return asked if asked in ("central", "province") else "province"


def valid_span(draft: Draft) -> tuple[UtcTime, UtcTime | None]:
    """The instants between which the bulletin may play: whole local days, the last one included."""
    start = day_start(draft.valid_from) if draft.valid_from else UtcTime(0)
    end = UtcTime(day_start(draft.valid_until) + DAY) if draft.valid_until else None
    return start, end


def wire_item(bulletin: Bulletin, sounds: Sequence[StoredSound], *, with_text: bool) -> Item:
    """The bulletin as programmes carry it; renditions by language, so that equal content gives equal bytes."""
    draft = bulletin.draft
    renditions: list[Rendition] = [sound.rendition() for sound in sorted(sounds, key=lambda s: (s.language, s.sha256))]
    if with_text and draft.text:
        renditions.append(Text(language="vi", text=draft.text))
    valid_from, valid_until = valid_span(draft)
    return Item(
        id=bulletin.id, title=draft.title, sort=draft.sort, renditions=renditions, summary=draft.summary,
        field=draft.field, essential=draft.essential, level=draft.level, issued_by=draft.issued_by,
        document_number=draft.document_number, document_date=draft.document_date, valid_from=valid_from,
        valid_until=valid_until,
    )  # fmt: skip


def without_marks(text: str) -> str:
    """Lower case without Vietnamese marks, so that "loa" and "Lòa" and "LOÀ" are found by any of them."""
    folded = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(c for c in folded if not unicodedata.combining(c))
