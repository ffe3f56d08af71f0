"""DSSE envelopes: sign and open what is not TUF metadata (alerts, log batches, receipts, time attestations).

Format and pre-authentication encoding are securesystemslib's (the one below python-tuf). Whose keys may sign what
is `wire.trust`; what the payload means is the reader of its payload type.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import CryptoSigner, Key, Signer, SSlibKey

from wire.codec import encode
from wire.errors import BadSignatureError, MalformedError, UnknownKeyError

MAX_SIGNATURES = 16
_BASE64 = r"^[A-Za-z0-9+/]*={0,2}$"


class _Signature(Struct, frozen=True):
    keyid: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    sig: Annotated[str, Meta(pattern=_BASE64, max_length=8 * 1024)]


class _Shape(Struct, frozen=True):
    payload: Annotated[str, Meta(pattern=_BASE64)]
    payloadType: Annotated[str, Meta(max_length=120)]  # noqa: N815 - DSSE's own name
    signatures: Annotated[list[_Signature], Meta(min_length=1, max_length=MAX_SIGNATURES)]


@dataclass(frozen=True)
class Opened:
    """A verified payload and the ids of every key whose signature on it is good (at least the threshold)."""

    payload: bytes
    key_ids: frozenset[str]


def seal(payload: bytes, payload_type: str, signers: Iterable[Signer]) -> bytes:
    """Sign a payload with each signer; the JSON of the envelope."""
    envelope = Envelope(payload, payload_type, {})
    for signer in signers:
        envelope.sign(signer)
    return encode(envelope.to_dict())


def add_signature(raw: bytes, signer: Signer, *, limit: int) -> bytes:
    """The same envelope with one more person's signature (a second signature of one key replaces the first)."""
    envelope = _parse(raw, limit)
    envelope.sign(signer)
    return encode(envelope.to_dict())


def open_envelope(raw: bytes, *, payload_type: str, keys: Sequence[Key], threshold: int, limit: int) -> bytes:
    """The payload, if at least `threshold` different keys of `keys` signed it.

    Raises:
        MalformedError: over `limit`, not an envelope, of another payload type, or a key id that occurs twice.
        UnknownKeyError: too few good signatures, but those of keys that are not in `keys` could make up for it.
        BadSignatureError: too few good signatures.
    """
    return verify(raw, payload_type=payload_type, keys=keys, threshold=threshold, limit=limit).payload


def verify(raw: bytes, *, payload_type: str, keys: Sequence[Key], threshold: int, limit: int) -> Opened:
    """`open_envelope`, for callers who also need to know whose signatures were good."""
    envelope = _parse(raw, limit)
    if envelope.payload_type != payload_type:
        raise MalformedError(f"payload type {envelope.payload_type!r}, not {payload_type}")
    if threshold < 1:
        raise ValueError("a threshold below 1")
    good = _good_key_ids(envelope, keys)
    unknown = set(envelope.signatures) - {key.keyid for key in keys}
    if len(good) >= threshold:
        return Opened(envelope.payload, good)
    if unknown and len(good) + len(unknown) >= threshold:
        raise UnknownKeyError(f"signed by {', '.join(sorted(k[:12] for k in unknown))}, not known here")
    raise BadSignatureError(f"{len(good)} of {threshold} signatures")


def peek(raw: bytes, limit: int) -> tuple[str, bytes]:
    """Payload type and payload, unverified: only to find out which keys it would have to be signed by."""
    envelope = _parse(raw, limit)
    return envelope.payload_type, envelope.payload


def key_from_hex(raw_hex: str) -> Key:
    """The key of a raw Ed25519 public key in hex (as in placements). Raises MalformedError."""
    try:
        return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(bytes.fromhex(raw_hex)))
    except ValueError as error:
        raise MalformedError(f"not an Ed25519 public key: {error}") from error


def signer_from_private(private: Ed25519PrivateKey) -> Signer:
    """A signer whose key id is the one that `key_from_hex` gives to the public half."""
    return CryptoSigner(private)


def key_id(raw_hex: str) -> str:
    """The id under which a raw Ed25519 public key in hex stands in metadata and envelopes."""
    return key_from_hex(raw_hex).keyid


def public_hex(key: Key) -> str:
    """The raw public half of an Ed25519 key in hex."""
    return str(key.keyval["public"])


def _parse(raw: bytes, limit: int) -> Envelope:
    if len(raw) > limit:
        raise MalformedError(f"envelope of {len(raw)} bytes, more than {limit}")
    try:
        shape = msgspec.json.decode(raw, type=_Shape)
        return Envelope.from_dict(msgspec.to_builtins(shape))
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise MalformedError(f"not an envelope: {error}") from error


def _good_key_ids(envelope: Envelope, keys: Iterable[Key]) -> frozenset[str]:
    pae = envelope.pae()
    return frozenset(key.keyid for key in keys if key.keyid in envelope.signatures and _is_good(envelope, key, pae))


def _is_good(envelope: Envelope, key: Key, pae: bytes) -> bool:
    try:
        key.verify_signature(envelope.signatures[key.keyid], pae)
    except UnverifiedSignatureError:
        return False
    return True
