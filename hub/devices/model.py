"""What a new device asks for, and in which state a known one is. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from wire.codec import decode
from wire.enrolment import DeviceId

MAX_REQUEST_BYTES = 8 * 1024
_HASH = r"^\$7\$[0-9]{1,7}\$[A-Za-z0-9+/=]{8,64}\$[A-Za-z0-9+/=]{40,120}$"


class EnrolRequest(Struct, frozen=True):
    """`request.json`, made on the device by `loa-edge init` (the demo's stand-in for enrolment)."""

    device: DeviceId
    key: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    serial: Annotated[str, Meta(min_length=1, max_length=64)]
    broker_password_hash: Annotated[str, Meta(pattern=_HASH)]
    board: Annotated[str, Meta(max_length=80)] = ""


class Contact(StrEnum):
    """Whether a device is heard. `NEVER` and `UNHEARD` come first on every list."""

    NEVER = "never"
    UNHEARD = "unheard"
    ONLINE = "online"


def contact_of(*, online: bool | None, heard_at: int | None, now: int, unheard_after_ms: int) -> Contact:
    """From what is stored; computed when asked, never toggled by a timer."""
    if heard_at is None:
        return Contact.NEVER
    return Contact.ONLINE if online and now - heard_at < unheard_after_ms else Contact.UNHEARD


def read_request(raw: bytes) -> EnrolRequest:
    return decode(raw, EnrolRequest, limit=MAX_REQUEST_BYTES)
