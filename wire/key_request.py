"""A request to be given a role for a passkey: made where the passkey was made, read by the ceremony and by the hub.

It travels as a file or as text. Who brings it is not who vouches for it: the holder reads the fingerprint over the
phone, and the ceremony compares.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from wire.codec import decode, encode
from wire.errors import MalformedError
from wire.trust.passkey import KEY_TYPE, SCHEME, Passkey, passkey_from

MAX_REQUEST_BYTES = 4 * 1024
FINGERPRINT_DIGITS = 24
Line = Annotated[str, Meta(min_length=1, max_length=200)]
RoleAsked = Annotated[str, Meta(pattern="^[a-z0-9-]{1,30}$")]


class KeyValue(Struct, frozen=True, forbid_unknown_fields=True):
    """The `keyval` of a passkey."""

    public: Line
    rpid: Line
    origins: list[Line]


class PublicKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A passkey as metadata writes it."""

    keyval: KeyValue
    keytype: Annotated[str, Meta(pattern=f"^{KEY_TYPE}$")]
    scheme: Annotated[str, Meta(pattern=f"^{SCHEME}$")]


class KeyRequest(Struct, frozen=True):
    """What a holder asks the ceremony for."""

    name: Line
    """Who holds the key, as the roster names them."""
    role: RoleAsked
    key: PublicKey
    kind: Annotated[str, Meta(pattern="^key_request$")] = "key_request"
    schema: int = 1


def key_request(name: str, role: str, key: Passkey) -> bytes:
    """The request as text. Raises MalformedError for a name or role that cannot be one."""
    try:
        return encode(msgspec.convert({"name": name, "role": role, "key": key.to_dict()}, KeyRequest))
    except msgspec.ValidationError as error:
        raise MalformedError(str(error)) from error


def read_request(raw: bytes) -> tuple[KeyRequest, Passkey]:
    """A request and its key, checked. Raises MalformedError."""
    request = decode(raw, KeyRequest, limit=MAX_REQUEST_BYTES)
    return request, read_key(request.key)


def read_key(public: PublicKey) -> Passkey:
    """The key under the id that its content gives. Raises MalformedError."""
    return passkey_from(public.keyval.public, public.keyval.rpid, public.keyval.origins)


def fingerprint(key_id: str) -> str:
    """Six groups of four digits, to be read out."""
    return " ".join(key_id[n : n + 4] for n in range(0, FINGERPRINT_DIGITS, 4))
