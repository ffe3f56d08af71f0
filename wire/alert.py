"""Emergency messages: templates, the envelope's payload that starts or cancels one, and the rules that need no state.

The envelope is DSSE (`wire.envelope`); whose keys may sign it is `wire.trust`; the seen-set is the device's.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from wire.areas import contains
from wire.codec import SCHEMA, convert, decode, decode_plain
from wire.content import AreaPath, Ident, Language, Sha256, Sound
from wire.errors import ExpiredError, MalformedError, NotAllowedError, UnknownKindError
from wire.units import HOUR, MINUTE, UtcTime

ALERT_TYPE = "application/vnd.loa.alert+json"
MAX_ALERT_BYTES = 16 * 1024
MAX_TEMPLATE_BYTES = 64 * 1024
MAX_VALIDITY_MS = 24 * HOUR
MAX_REPEAT_MS = 60 * MINUTE
ACTS = ("ea", "ef", "ed")


class Choice(Struct, frozen=True):
    """One permitted value of a blank: its written form and its recorded clip in each language."""

    id: Ident
    text: Annotated[dict[Language, Annotated[str, Meta(max_length=300)]], Meta(min_length=1, max_length=20)]
    clips: Annotated[list[Sound], Meta(max_length=20)] = msgspec.field(default_factory=list)


class Blank(Struct, frozen=True):
    """A gap in a template that takes one of a signed list of values. A gap that takes letters needs role ef."""

    id: Ident
    choices: Annotated[list[Choice], Meta(min_length=1, max_length=100)]


class Part(Struct, frozen=True):
    """A stretch of the message in one language: a fixed clip, or the chosen clip of a blank."""

    clip: Sound | None = None
    blank: Ident | None = None


class Wording(Struct, frozen=True):
    """The message in one language. `text` names blanks as {id}."""

    language: Language
    text: Annotated[str, Meta(min_length=1, max_length=2_000)]
    parts: Annotated[list[Part], Meta(min_length=1, max_length=20)]


class Template(Struct, frozen=True):
    """A pre-approved emergency message, a target of role tpl."""

    id: Ident
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    hazard: Annotated[str, Meta(max_length=60)]
    severity: Annotated[int, Meta(ge=1, le=5)]
    """Disaster risk level 1 to 5 (QĐ 18/2021/QĐ-TTg); the higher one sounds first."""
    wordings: Annotated[list[Wording], Meta(min_length=1, max_length=20)]
    blanks: Annotated[list[Blank], Meta(max_length=10)] = msgspec.field(default_factory=list)
    schema: int = SCHEMA


class Repeat(Struct, frozen=True):
    """The repeat budget: rounds until `times` or `within_ms` after the first, whichever comes first."""

    times: Annotated[int, Meta(ge=1, le=120)] = 3
    within_ms: Annotated[int, Meta(gt=0, le=MAX_REPEAT_MS)] = 15 * MINUTE
    pause_ms: Annotated[int, Meta(ge=0, le=10 * MINUTE)] = 5_000


class Start(Struct, frozen=True, tag="start", tag_field="kind"):
    """Start a template below `area`. Signed by a key of `role`; `ed` makes it a drill and never anything else."""

    role: Ident
    area: AreaPath
    template: Ident
    template_sha256: Sha256
    """Of the template that the officer saw; another version of it is refused."""
    issued: UtcTime
    expires: UtcTime
    repeat: Repeat = msgspec.field(default_factory=Repeat)
    blanks: Annotated[dict[Ident, Ident], Meta(max_length=10)] = msgspec.field(default_factory=dict)
    nonce: Annotated[str, Meta(pattern="^[0-9a-f]{0,32}$")] = ""
    """Random, so that two officers' equal orders are two alerts."""
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
    blanks = {blank.id for blank in template.blanks}
    for wording in template.wordings:
        for part in wording.parts:
            if (part.clip is None) == (part.blank is None) or (part.blank is not None and part.blank not in blanks):
                raise MalformedError("a part must be one clip or one blank of this template")
    return template


def clips_of(template: Template, blanks: dict[str, str], language: str) -> list[Sound] | None:
    """The clips that say the message in `language`, in order; None where a clip or the language is missing.

    Raises NotAllowedError for a blank left empty or filled with what the template does not list.
    """
    wording = next((w for w in template.wordings if w.language == language), None)
    chosen = {blank.id: _choice(blank, blanks) for blank in template.blanks}
    if set(blanks) - set(chosen):
        raise NotAllowedError("a blank that the template does not have")
    if wording is None:
        return None
    clips = [part.clip or _clip(chosen[str(part.blank)], language) for part in wording.parts]
    return [clip for clip in clips if clip is not None] if None not in clips else None


def message_text(template: Template, blanks: dict[str, str], language: str) -> str | None:
    """The message as text, blanks filled in; None where the template does not have the language."""
    wording = next((w for w in template.wordings if w.language == language), None)
    if wording is None:
        return None
    text = wording.text
    for blank in template.blanks:
        words = _choice(blank, blanks).text
        text = text.replace("{" + blank.id + "}", words.get(language) or next(iter(words.values())))
    return text


def template_blobs(template: Template) -> list[Sound]:
    """Every clip that a device must hold to be able to say this template offline."""
    fixed = [part.clip for wording in template.wordings for part in wording.parts if part.clip]
    return fixed + [clip for blank in template.blanks for choice in blank.choices for clip in choice.clips]


def budget_end(started: UtcTime, repeat: Repeat) -> UtcTime:
    """The instant after which no further round may begin."""
    return UtcTime(started + min(repeat.within_ms, MAX_REPEAT_MS))


def _choice(blank: Blank, blanks: dict[str, str]) -> Choice:
    choice = next((c for c in blank.choices if c.id == blanks.get(blank.id)), None)
    if choice is None:
        raise NotAllowedError(f"blank {blank.id} is not filled from its list")
    return choice


def _clip(choice: Choice, language: str) -> Sound | None:
    return next((clip for clip in choice.clips if clip.language == language), None)
