"""An item of information and its renditions: one thing said as sound, text, picture or film, in one language each.

A loudspeaker plays sounds, a board shows the others; both read the same item. Blobs are named by SHA-256 (hex).
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from wire.units import FRAMES_PER_MS, UtcTime

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Ident = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
AreaPath = Annotated[str, Meta(pattern="^[0-9a-z]{1,10}(/[0-9a-z]{1,10}){0,5}$")]
Language = Annotated[str, Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
"""BCP 47: `vi` Vietnamese, `hmn` Mông, `tyz` Tày, `nut` Nùng, `ium` Dao."""

MAX_BLOB_BYTES = 200 * 1024 * 1024
MAX_DURATION_MS = 3 * 3_600_000


class Sound(Struct, frozen=True, tag="sound", tag_field="kind"):
    """Ogg Opus, 48 kHz mono, padded to whole milliseconds and normalised once by the hub."""

    language: Language
    sha256: Sha256
    size: Annotated[int, Meta(gt=0, le=MAX_BLOB_BYTES)]
    duration_ms: Annotated[int, Meta(gt=0, le=MAX_DURATION_MS)]
    loudness_mlufs: int = -23_000
    """Integrated loudness in thousandths of a LUFS (EBU R 128)."""

    @property
    def frames(self) -> int:
        return self.duration_ms * FRAMES_PER_MS


class Text(Struct, frozen=True, tag="text", tag_field="kind"):
    language: Language
    text: Annotated[str, Meta(max_length=20_000)]


class Image(Struct, frozen=True, tag="image", tag_field="kind"):
    language: Language
    sha256: Sha256
    size: Annotated[int, Meta(gt=0, le=MAX_BLOB_BYTES)]
    width_px: Annotated[int, Meta(gt=0, le=20_000)]
    height_px: Annotated[int, Meta(gt=0, le=20_000)]
    alternative: Annotated[str, Meta(max_length=1_000)] = ""


class Video(Struct, frozen=True, tag="video", tag_field="kind"):
    language: Language
    sha256: Sha256
    size: Annotated[int, Meta(gt=0, le=MAX_BLOB_BYTES)]
    width_px: Annotated[int, Meta(gt=0, le=20_000)]
    height_px: Annotated[int, Meta(gt=0, le=20_000)]
    duration_ms: Annotated[int, Meta(gt=0, le=MAX_DURATION_MS)]


Rendition = Sound | Text | Image | Video
CONTENT_KINDS: dict[str, type] = {"sound": Sound, "text": Text, "image": Image, "video": Video}

ITEM_SORTS = ("speech", "music", "entertainment")


class Item(Struct, frozen=True):
    """One bulletin (bản tin), the same id over loudspeaker, board, phone and portal."""

    id: Ident
    title: Annotated[str, Meta(min_length=1, max_length=300)]
    sort: Annotated[str, Meta(pattern="^(speech|music|entertainment)$")] = "speech"
    renditions: Annotated[list[Rendition], Meta(max_length=40)] = msgspec.field(default_factory=list)
    summary: Annotated[str, Meta(max_length=1_000)] = ""
    field: Annotated[int, Meta(ge=1, le=6)] = 1
    """LoaiLinhVuc of the national exchange (CV 2455/BTTTT-TTCS), 1 to 6."""
    essential: bool = False
    level: Annotated[str, Meta(pattern="^(central|province|commune)$")] = "commune"
    issued_by: Annotated[str, Meta(max_length=300)] = ""
    document_number: Annotated[str, Meta(max_length=80)] = ""
    document_date: Annotated[str, Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = ""
    valid_from: UtcTime = UtcTime(0)
    valid_until: UtcTime | None = None

    def is_valid(self, at: UtcTime) -> bool:
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)

    def sounds(self) -> list[Sound]:
        return [rendition for rendition in self.renditions if isinstance(rendition, Sound)]

    def blobs(self) -> list[Sound | Image | Video]:
        return [rendition for rendition in self.renditions if not isinstance(rendition, Text)]
