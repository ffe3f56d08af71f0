"""A passkey in software: a P-256 key that answers challenges as a phone does, honestly or with one thing changed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer

from wire.trust.passkey import challenge_of, passkey_from, signature_of, to_base64url

STATION = "duyet.localhost"
STATION_ORIGIN = f"http://{STATION}:8090"
PRESENT_AND_VERIFIED = 0x05


class SoftPasskey(Signer):
    """Signs as `navigator.credentials.get` at `origins[0]` would; `sign_with` changes what it says."""

    def __init__(self, rpid: str = STATION, origins: tuple[str, ...] = (STATION_ORIGIN,)) -> None:
        self._private = generate_private_key(SECP256R1())
        point = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self._key = passkey_from(point.hex(), rpid, list(origins))

    @property
    def public_key(self) -> Key:
        return self._key

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> Signer:
        raise NotImplementedError("a passkey's private half has no address")

    def sign(self, payload: bytes) -> Signature:
        return self.sign_with(payload)

    def sign_with(
        self, payload: bytes, *, challenge: bytes | None = None, rpid: str | None = None,
        flags: int = PRESENT_AND_VERIFIED, client: dict[str, Any] | None = None, client_raw: bytes | None = None,
        more: bytes = b"",
    ) -> Signature:  # fmt: skip
        said = {
            "type": "webauthn.get",
            "challenge": to_base64url(challenge_of(payload) if challenge is None else challenge),
            "origin": self._key.keyval["origins"][0],
            "crossOrigin": False,
            **(client or {}),
        }
        raw = json.dumps(said).encode() if client_raw is None else client_raw
        place = hashlib.sha256((rpid or self._key.keyval["rpid"]).encode()).digest()
        authenticator = place + bytes([flags, 0, 0, 0, 7]) + more
        signature = self._private.sign(authenticator + hashlib.sha256(raw).digest(), ECDSA(SHA256()))
        return signature_of(self._key.keyid, authenticator, raw, signature)
