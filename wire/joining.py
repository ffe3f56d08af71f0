"""Enrolment on the wire: what a technician hands to a device, what the device asks for, what it is answered.

The request is signed by the key that the device has just made, so nobody enrols a key that is not there; the permission
of the technician (a ticket) travels beside it and never reaches the device. Nothing in an answer is secret, and nothing
in it is believed about speech: that is the placement's, which the registrar signs.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from wire.areas import check_path
from wire.codec import SCHEMA, decode
from wire.content import Ident, Sha256
from wire.enrolment import DeviceId
from wire.envelope import key_from_hex, open_envelope, peek
from wire.errors import MalformedError

JOIN_TYPE = "application/vnd.loa.enrol+json"
MAX_JOIN_BYTES = 16 * 1024
MAX_ANSWER_BYTES = 32 * 1024
MAX_KIT_BYTES = 256 * 1024
MAX_ROOT_CHARS = 128 * 1024
TICKET_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: nothing in it is mistaken for something else."""
TICKET_LENGTH = 12
ENROL_PATH = "/device/enrol"
PLACES_PATH = "/device/enrol/places"
REENROL_PATH = "/.well-known/est/simplereenroll"
"""RFC 7030: PKCS #10 in base64 there, certs-only PKCS #7 in base64 back."""
PKCS10 = "application/pkcs10"
REQUEST_SUFFIX, ANSWER_SUFFIX = ".loa-enrol", ".loa-answer"
"""Files on a stick, named by the device's id."""

Pem = Annotated[str, Meta(max_length=8 * 1024)]
Ticket = Annotated[str, Meta(max_length=40)]
_MISTAKEN = str.maketrans("OIL", "011", " -.")


class Kit(Struct, frozen=True):
    """What a technician brings to a device: whom it shall believe, where the province is, what the hardware is."""

    root: Annotated[str, Meta(max_length=MAX_ROOT_CHARS)]
    """root.json as text, handed over by a person."""
    hub: Annotated[str, Meta(max_length=200)]
    board: Annotated[str, Meta(max_length=80, pattern="^[a-z0-9-]*$")] = "pc"
    board_file: Annotated[str, Meta(max_length=32 * 1024)] = ""
    """The board file's text, for a device that has no folder of them."""
    device: Annotated[str, Meta(pattern="^[a-z0-9-]{0,40}$")] = ""
    """Empty: named after its key."""
    serial: Annotated[str, Meta(max_length=64)] = ""
    """Where the hardware tells none itself."""
    without_rtc: bool = False
    replaces: bool = False
    schema: int = SCHEMA


class JoinRequest(Struct, frozen=True):
    """What a device says of itself, signed by its own key."""

    device: DeviceId
    key: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    serial: Annotated[str, Meta(min_length=1, max_length=64)]
    board: Annotated[str, Meta(max_length=80)]
    root: Sha256
    """Fingerprint of the root that it holds."""
    csr: Pem
    has_rtc: bool = True
    replaces: bool = False
    """It takes the place of hardware that is known under this id."""
    broker_password_hash: Annotated[str, Meta(max_length=200)] = ""
    """For brokers that ask for a password; where there are certificates nobody asks."""
    schema: int = SCHEMA


class Wish(Struct, frozen=True):
    """What a technician sends to the hub. Without a ticket it only asks how an earlier wish stands."""

    request: Annotated[str, Meta(max_length=2 * MAX_JOIN_BYTES)]
    """The device's signed request, as text."""
    ticket: Ticket = ""
    cluster: Annotated[str, Meta(pattern="^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$")] = ""
    spare_of: Annotated[str, Meta(max_length=80)] = ""
    """Instead of a cluster: the commune whose spare it becomes."""
    schema: int = SCHEMA


class Answer(Struct, frozen=True):
    """How an enrolment stands, and what the device needs to come in. `certificate` is there once it is placed."""

    device: DeviceId
    state: Annotated[str, Meta(pattern="^(waiting|placed|returned|ended)$")]
    detail: Annotated[str, Meta(max_length=1_000)] = ""
    cluster: Annotated[str, Meta(max_length=64)] = ""
    place: Annotated[str, Meta(max_length=300)] = ""
    """The cluster's name, for people."""
    certificate: Pem = ""
    authority: Pem = ""
    """The CA's certificate; empty where devices come in by password."""
    broker_host: Annotated[str, Meta(max_length=253, pattern="^[A-Za-z0-9.:-]*$")] = ""
    broker_port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    schema: int = SCHEMA


class Place(Struct, frozen=True):
    """A cluster that a ticket reaches, and the device that stands there."""

    cluster: Ident
    name: Annotated[str, Meta(max_length=300)]
    area: Annotated[str, Meta(max_length=300)]
    device: Annotated[str, Meta(max_length=40)] = ""


def read_kit(raw: bytes) -> Kit:
    return decode(raw, Kit, limit=MAX_KIT_BYTES)


def read_answer(raw: bytes) -> Answer:
    return decode(raw, Answer, limit=MAX_ANSWER_BYTES)


def read_wish(raw: bytes) -> Wish:
    """Raises MalformedError."""
    wish = decode(raw, Wish, limit=3 * MAX_JOIN_BYTES)
    if wish.spare_of and check_path(wish.spare_of).count("/") != 1:
        raise MalformedError(f"{wish.spare_of} is no commune")
    return wish


def read_join(raw: bytes) -> JoinRequest:
    """A request that its own key has signed. Raises MalformedError, UnknownKeyError or BadSignatureError."""
    _, unverified = peek(raw, MAX_JOIN_BYTES)
    said = decode(unverified, JoinRequest, limit=MAX_JOIN_BYTES)
    keys = [key_from_hex(said.key)]
    payload = open_envelope(raw, payload_type=JOIN_TYPE, keys=keys, threshold=1, limit=MAX_JOIN_BYTES)
    return decode(payload, JoinRequest, limit=MAX_JOIN_BYTES)


def read_ticket(typed: str) -> str:
    """A ticket's letters as they are stored, however they were typed (small, with spaces or dashes, O for 0)."""
    return typed.strip().upper().translate(_MISTAKEN)


def ticket_text(code: str) -> str:
    """Groups of four."""
    return "-".join(code[n : n + 4] for n in range(0, len(code), 4))


def spoken_digits(fingerprint: str) -> str:
    """The last six digits of a root's fingerprint: what the device says on its button and the label bears."""
    return fingerprint[-6:]
