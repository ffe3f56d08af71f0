"""A passkey as a key of metadata and envelopes: WebAuthn with ECDSA on P-256, judged by whoever verifies (design §5).

A person's phone or computer signs no bytes of ours but a statement of its own, which holds a challenge: SHA-256 over
`loa/1/sign` and DSSE's pre-authentication encoding of payload type and bytes (for metadata: `TUF_TYPE` and the
canonical bytes). The key's metadata names the rpId and the origins at which it may be used, so that a passkey for
signing in, wherever and with whatever challenge it is asked, never signs a release: it has another rpId.

`wire.trust` registers the type with securesystemslib; python-tuf and `wire.envelope` then verify it as any other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from typing import Annotated, Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import Meta, Struct
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import Key, Signature

from wire.codec import encode
from wire.errors import MalformedError

KEY_TYPE = "webauthn"
SCHEME = "webauthn-es256"
DOMAIN = b"loa/1/sign"
TUF_TYPE = "application/vnd.tuf+json"
MAX_ORIGINS = 4
MAX_CLIENT_DATA_BYTES = 1_024
MAX_AUTHENTICATOR_BYTES = 512
AUTHENTICATOR_BYTES = 37
"""rpId hash, flags, counter (WebAuthn level 2, 6.1); more only where the flag for extensions is set."""

USER_PRESENT, USER_VERIFIED, HAS_CREDENTIAL, HAS_EXTENSIONS = 0x01, 0x04, 0x40, 0x80
_POINT = re.compile(r"04[0-9a-f]{128}")
_NAME = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+"
_ORIGIN = re.compile(rf"(?P<scheme>https?)://(?P<host>{_NAME})(:(?P<port>[1-9][0-9]{{0,4}}))?")
_LOOPBACK = ".localhost"
_Base64 = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+$", max_length=2_048)]


class _Assertion(Struct, frozen=True, forbid_unknown_fields=True):
    """The signature value: hex of the canonical JSON of what `navigator.credentials.get` answers."""

    authenticatorData: _Base64  # noqa: N815 - WebAuthn's own names
    clientDataJSON: _Base64  # noqa: N815
    signature: _Base64


class Passkey(Key):
    """The public half of a passkey, with the rpId and the origins at which it may sign."""

    @classmethod
    def from_dict(cls, keyid: str, key_dict: dict[str, Any]) -> Passkey:
        """Raises ValueError (which python-tuf expects) for anything but the one writing of a passkey."""
        key_type, scheme, keyval = cls._from_dict(key_dict)
        _check_keyval(keyval)
        return cls(keyid, key_type, scheme, keyval, key_dict)

    def to_dict(self) -> dict[str, Any]:
        return self._to_dict()

    @property
    def rpid(self) -> str:
        return str(self.keyval["rpid"])

    @property
    def origins(self) -> tuple[str, ...]:
        return tuple(self.keyval["origins"])

    @property
    def is_remote(self) -> bool:
        """Whether it may sign anywhere but at a station of its holder's own machine."""
        return not self.rpid.endswith(_LOOPBACK)

    def verify_signature(self, signature: Signature, data: bytes) -> None:
        """Raises UnverifiedSignatureError, as any key, unless the holder was asked here for exactly these bytes."""
        assertion = _read_assertion(signature.signature)
        client_raw = _bytes(assertion.clientDataJSON)
        client, authenticator = _read_client_data(client_raw), _bytes(assertion.authenticatorData)
        _require(client.get("type") == "webauthn.get", "not an assertion")
        _require(client.get("challenge") == to_base64url(challenge_of(data)), "a challenge for other bytes")
        _require(client.get("origin") in self.origins, "another origin")
        _require(client.get("crossOrigin", False) is False and "topOrigin" not in client, "from inside another page")
        _check_authenticator(authenticator, self.rpid)
        signed = authenticator + hashlib.sha256(client_raw).digest()
        try:
            _point(self.keyval["public"]).verify(_bytes(assertion.signature), signed, ECDSA(SHA256()))
        except (InvalidSignature, ValueError) as error:
            raise UnverifiedSignatureError("passkey: not signed by this key") from error


def passkey_from(public: str, rpid: str, origins: list[str]) -> Passkey:
    """The key of an uncompressed P-256 point in hex, under the id that its content gives. Raises MalformedError."""
    keyval = {"public": public, "rpid": rpid, "origins": origins}
    named = {"keytype": KEY_TYPE, "scheme": SCHEME, "keyval": keyval}
    try:
        _check_keyval(keyval)
    except ValueError as error:
        raise MalformedError(str(error)) from error
    return Passkey.from_dict(hashlib.sha256(str(encode_canonical(named)).encode()).hexdigest(), named)


def challenge_of(data: bytes) -> bytes:
    """What a passkey is asked to sign for `data`: canonical metadata, or an envelope's pre-authentication encoding.

    Canonical metadata starts with a brace, so that neither is ever taken for the other.
    """
    framed = data if data.startswith(b"DSSEv1 ") else b"DSSEv1 %d %b %d %b" % (
        len(TUF_TYPE), TUF_TYPE.encode(), len(data), data,
    )  # fmt: skip
    return hashlib.sha256(DOMAIN + framed).digest()


def signature_of(key_id: str, authenticator_data: bytes, client_data: bytes, signature: bytes) -> Signature:
    """The signature that an assertion is, in its one writing. Nothing is judged here."""
    parts = (to_base64url(part) for part in (authenticator_data, client_data, signature))
    return Signature(key_id, encode(_Assertion(*parts)).hex())


def to_base64url(raw: bytes) -> str:
    """Without padding, as WebAuthn writes it."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _check_keyval(keyval: dict[str, Any]) -> None:
    """Raise ValueError unless a key is written in the one way: two writings would count as two keys."""
    public, rpid, origins = keyval.get("public"), keyval.get("rpid"), keyval.get("origins")
    if set(keyval) != {"public", "rpid", "origins"} or not (isinstance(public, str) and _POINT.fullmatch(public)):
        raise ValueError("a passkey has public (an uncompressed point in hex), rpid and origins, and nothing else")
    _point(public)
    if not isinstance(origins, list) or not 1 <= len(set(map(str, origins))) == len(origins) <= MAX_ORIGINS:
        raise ValueError(f"a passkey has 1 to {MAX_ORIGINS} origins")
    for origin in origins:
        _check_origin(origin, rpid)


def _check_origin(origin: object, rpid: object) -> None:
    """Raise ValueError unless an origin is on the rpId itself: secure, or one that never leaves the machine."""
    match = _ORIGIN.fullmatch(origin) if isinstance(origin, str) and len(origin) <= 300 else None
    if match is None or match["host"] != rpid or int(match["port"] or 1) > 65_535:
        raise ValueError(f"origin {str(origin)[:80]!r} is not on rpId {str(rpid)[:80]!r}")
    if (match["scheme"] == "http") is not match["host"].endswith(_LOOPBACK):
        raise ValueError(f"origin {str(origin)[:80]!r} is neither https nor a name of this machine")


def _point(public: str) -> EllipticCurvePublicKey:
    return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), bytes.fromhex(public))


def _read_assertion(value: str) -> _Assertion:
    try:
        raw = bytes.fromhex(value)
        assertion = msgspec.json.decode(raw, type=_Assertion)
    except (ValueError, msgspec.DecodeError) as error:
        raise UnverifiedSignatureError("passkey: not an assertion") from error
    _require(encode(assertion) == raw, "an assertion in another writing")
    return assertion


def _read_client_data(raw: bytes) -> dict[str, Any]:
    """The browser's statement. A name that stands twice would be read differently by different readers."""
    _require(len(raw) <= MAX_CLIENT_DATA_BYTES, "too long")
    try:
        pairs = json.loads(raw.decode(), object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        raise UnverifiedSignatureError("passkey: client data that is not JSON") from error
    _require(isinstance(pairs, list) and all(isinstance(pair, tuple) for pair in pairs), "client data is no object")
    client = dict(pairs)
    _require(len(client) == len(pairs), "a name stands twice in the client data")
    return client


def _check_authenticator(raw: bytes, rpid: str) -> None:
    _require(AUTHENTICATOR_BYTES <= len(raw) <= MAX_AUTHENTICATOR_BYTES, "authenticator data of another length")
    flags = raw[32]
    _require(bool(flags & HAS_EXTENSIONS) == (len(raw) > AUTHENTICATOR_BYTES), "authenticator data of another length")
    _require(raw[:32] == hashlib.sha256(rpid.encode()).digest(), "another rpId")
    _require(flags & USER_PRESENT and flags & USER_VERIFIED, "the person was not verified")
    _require(not flags & HAS_CREDENTIAL, "a registration")


def _bytes(text: str) -> bytes:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise UnverifiedSignatureError("passkey: not base64url") from error
    _require(to_base64url(raw) == text, "base64url in another writing")
    return raw


def _require(is_so: object, otherwise: str) -> None:
    if not is_so:
        raise UnverifiedSignatureError(f"passkey: {otherwise}")
