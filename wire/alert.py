"""Emergency messages: templates, the envelope's payload that starts or cancels one, and the rules that need no state.

The envelope is DSSE (`wire.envelope`); whose keys may sign it is `wire.trust`; the seen-set is the device's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from wire.areas import contains
from wire.blanks import Blank, Spoken, Value, check_blank, check_values, takes_letters, value_clips, value_text
from wire.codec import SCHEMA, convert, decode, decode_plain, encode
from wire.content import AreaPath, Ident, Language, Sha256, Sound
from wire.errors import ExpiredError, MalformedError, NotAllowedError, UnknownKindError
from wire.units import HOUR, MINUTE, UtcTime

ALERT_TYPE = "application/vnd.loa.alert+json"
MAX_ALERT_BYTES = 16 * 1024
MAX_TEMPLATE_BYTES = 64 * 1024
MAX_VALIDITY_MS = 24 * HOUR
MAX_REPEAT_MS = 60 * MINUTE
ACTS = ("ea", "ef", "ed")
FREE = "ef"
OWN_WORDS = "tu-soan"
"""The id of a message that stands in its order. No released template may have it."""
_GAP = re.compile(r"\{([A-Za-z0-9][A-Za-z0-9._-]{0,63})\}")


class Part(Struct, frozen=True):
    """A stretch of the message in one language: a fixed clip, or the chosen clip of a blank."""

    clip: Sound | None = None
    blank: Ident | None = None


class Wording(Struct, frozen=True):
    """The message in one language. `text` names blanks as {id}."""

    language: Language
    text: Annotated[str, Meta(min_length=1, max_length=2_000)]
    parts: Annotated[list[Part], Meta(max_length=20)] = msgspec.field(default_factory=list)
    """Without any the message is text alone: that of two officers' own words."""


class Template(Struct, frozen=True):
    """An emergency message: pre-approved, a target of role tpl; or two officers' own words inside their order."""

    id: Ident
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    hazard: Annotated[str, Meta(max_length=60)]
    severity: Annotated[int, Meta(ge=1, le=5)]
    """Disaster risk level 1 to 5 (QĐ 18/2021/QĐ-TTg); the higher one sounds first."""
    wordings: Annotated[list[Wording], Meta(min_length=1, max_length=20)]
    blanks: Annotated[list[Blank], Meta(max_length=10)] = msgspec.field(default_factory=list)
    voice: Annotated[list[Spoken], Meta(max_length=200)] = msgspec.field(default_factory=list)
    """Recordings of the words of which numbers, times and units are put together."""
    drill: Annotated[list[Sound], Meta(max_length=20)] = msgspec.field(default_factory=list)
    """“This is a drill”, once a language: in a drill it is said before the message and after it."""
    schema: int = SCHEMA


class Repeat(Struct, frozen=True):
    """The repeat budget: rounds until `times` or `within_ms` after the first, whichever comes first."""

    times: Annotated[int, Meta(ge=1, le=120)] = 3
    within_ms: Annotated[int, Meta(gt=0, le=MAX_REPEAT_MS)] = 15 * MINUTE
    pause_ms: Annotated[int, Meta(ge=0, le=10 * MINUTE)] = 5_000


class Start(Struct, frozen=True, tag="start", tag_field="kind"):
    """Start a template below `area`. Signed by a key of `role`; `ed` makes it a drill and never anything else.

    With `own`, two officers' own words (role ef): then `template` and its hash name what stands in the order itself.
    """

    role: Ident
    area: AreaPath
    template: Ident
    template_sha256: Sha256
    """Of the template that the officer saw; another version of it is refused."""
    issued: UtcTime
    expires: UtcTime
    repeat: Repeat = msgspec.field(default_factory=Repeat)
    blanks: Annotated[dict[Ident, Value], Meta(max_length=10)] = msgspec.field(default_factory=dict)
    nonce: Annotated[str, Meta(pattern="^[0-9a-f]{0,32}$")] = ""
    """Random, so that two officers' equal orders are two alerts."""
    own: Template | None = None
    schema: int = SCHEMA


class Cancel(Struct, frozen=True, tag="cancel", tag_field="kind"):
    """Silence the named alerts at once, on arrival or, should they arrive later, before they sound."""

    role: Ident
    area: AreaPath
    cancels: Annotated[list[Sha256], Meta(min_length=1, max_length=50)]
    issued: UtcTime
    expires: UtcTime
    nonce: Annotated[str, Meta(pattern="^[0-9a-f]{0,32}$")] = ""
    schema: int = SCHEMA


Order = Start | Cancel
ORDER_KINDS: dict[str, type] = {"start": Start, "cancel": Cancel}


def alert_id(payload: bytes) -> str:
    """SHA-256 (hex) of the signed payload: an alert's identity, which no server hands out."""
    return hashlib.sha256(payload).hexdigest()


def is_drill(order: Order) -> bool:
    return is_drill_role(order.role)


def is_drill_role(role: str) -> bool:
    return role.startswith("ed")


def ends_everywhere(cancel_role: str, cancel_area: str, role: str, area: str) -> bool:
    """Whether a cancel ends a start on every device that this means, so that nobody need be told of it any more.

    One signed for drills ends no emergency; one of a smaller area leaves the alert running in the rest.
    """
    return contains(cancel_area, area) and (not is_drill_role(cancel_role) or is_drill_role(role))


def read_order(payload: bytes) -> Order:
    """Decode an envelope's payload and apply the rules that need neither keys nor clock.

    Raises:
        MalformedError, UnknownKindError: not an order that this program understands.
        NotAllowedError: a validity above 24 h, or a role that is not an emergency role.
    """
    plain = decode_plain(payload, limit=MAX_ALERT_BYTES)
    kind = plain.get("kind")
    if not isinstance(kind, str) or kind not in ORDER_KINDS:
        raise UnknownKindError(f"alert kind {str(kind)[:40]!r}")
    order: Order = convert(plain, ORDER_KINDS[kind])
    if order.role[:2] not in ACTS:
        raise NotAllowedError(f"{order.role} is not an emergency role")
    if not 0 < order.expires - order.issued <= MAX_VALIDITY_MS:
        raise NotAllowedError("valid for more than 24 h, or not at all")
    if isinstance(order, Start) and order.own is not None:
        _check_own(order, order.own)
    return order


def check_current(order: Order, *, now: UtcTime, floor: UtcTime, em_floor: UtcTime) -> None:
    """Raise ExpiredError unless the order is unexpired and younger than what has been forgotten.

    `now` is the clock if it is trusted, else the floor; orders from the future are the clock's fault and are taken.
    """
    if order.expires <= max(floor, now):
        raise ExpiredError(f"expired at {order.expires}")
    if order.issued <= em_floor:
        raise ExpiredError(f"issued at {order.issued}, not after {em_floor}, up to which ids were forgotten")


def reaches(order: Order, area: str) -> bool:
    """Whether a device at `area` is meant: the order's area is the device's or lies above it."""
    return contains(order.area, area)


def read_template(raw: bytes) -> Template:
    """Decode a template (≤ 64 KiB) and check that its parts and blanks fit together."""
    template = decode(raw, Template, limit=MAX_TEMPLATE_BYTES)
    if template.id == OWN_WORDS:
        raise MalformedError(f"{OWN_WORDS} is what two officers write themselves")
    blanks = {blank.id: blank for blank in template.blanks}
    for blank in template.blanks:
        check_blank(blank)
    for wording in template.wordings:
        if not wording.parts:
            raise MalformedError("a wording of which nothing is recorded")
        for part in wording.parts:
            if (part.clip is None) == (part.blank is None) or (part.blank is not None and part.blank not in blanks):
                raise MalformedError("a part must be one clip or one blank of this template")
    return template


def own_words(*, title: str, hazard: str, severity: int, texts: Mapping[str, str]) -> Template:
    """Two officers' own words as a message: text in each language, without recordings."""
    wordings = [Wording(language, text) for language, text in texts.items()]
    return Template(OWN_WORDS, title, hazard, severity, wordings)


def check_start(start: Start, template: Template) -> None:
    """Raise NotAllowedError unless the blanks hold what the template permits; letters take role ef."""
    check_values(template.blanks, start.blanks)
    if takes_letters(template.blanks) and not start.role.startswith(FREE):
        raise NotAllowedError("a blank that takes letters needs two officers (role ef)")


def clips_of(template: Template, blanks: Mapping[str, str], language: str) -> list[Sound] | None:
    """The clips that say the message in `language`, in order; None where a clip or the language is missing.

    Raises NotAllowedError for a blank left empty or filled with what the template does not permit.
    """
    check_values(template.blanks, blanks)
    wording = next((w for w in template.wordings if w.language == language and w.parts), None)
    if wording is None:
        return None
    filled = {b.id: value_clips(b, blanks[b.id], language, template.voice) for b in template.blanks}
    said = [[part.clip] if part.clip else filled[str(part.blank)] for part in wording.parts]
    return [clip for clips in said if clips for clip in clips] if None not in said else None


def drill_clips(template: Template, clips: list[Sound], language: str) -> list[Sound]:
    """A drill's message: said to be one before and after, where that is recorded; its signal is another anyway."""
    words = [clip for clip in template.drill if clip.language == language][:1]
    return [*words, *clips, *words]


def message_text(template: Template, blanks: Mapping[str, str], language: str) -> str | None:
    """The message as text, blanks filled in; None where the template does not have the language."""
    wording = next((w for w in template.wordings if w.language == language), None)
    if wording is None:
        return None
    check_values(template.blanks, blanks)
    filled = {blank.id: value_text(blank, blanks[blank.id], language) for blank in template.blanks}
    return _GAP.sub(lambda gap: filled.get(gap.group(1), gap.group()), wording.text)


def template_blobs(template: Template) -> list[Sound]:
    """Every clip that a device must hold to be able to say this template offline."""
    fixed = [part.clip for wording in template.wordings for part in wording.parts if part.clip]
    listed = [clip for blank in template.blanks for choice in blank.choices for clip in choice.clips]
    return [*fixed, *listed, *(spoken.clip for spoken in template.voice), *template.drill]


def budget_end(started: UtcTime, repeat: Repeat) -> UtcTime:
    """The instant after which no further round may begin."""
    return UtcTime(started + min(repeat.within_ms, MAX_REPEAT_MS))


def _check_own(order: Start, own: Template) -> None:
    """Own words are text alone, of two officers, and the order's hash is theirs."""
    if not order.role.startswith(FREE):
        raise NotAllowedError("own words need two officers (role ef)")
    named = (order.template, order.template_sha256) == (own.id, hashlib.sha256(encode(own)).hexdigest())
    has_more = own.blanks or own.voice or own.drill or any(wording.parts for wording in own.wordings)
    if not named or own.id != OWN_WORDS or has_more:
        raise NotAllowedError("own words are text alone, named by their own hash")
