"""Snapshot and timestamp: the hub's only keys in the trust tree. They say what is newest, never what is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import Signer

from hub.errors import ConfigError
from hub.secrets.keyring import Keyring
from wire.envelope import seal, signer_from_private
from wire.release import sign_role

SNAPSHOT, TIMESTAMP = "snapshot", "timestamp"


class OnlineKeys:
    """The keys `snapshot.pem` and `timestamp.pem` of a folder, sealed with `keys` (None: open, from the ceremony).

    Raises ConfigError where they cannot be used.
    """

    def __init__(self, folder: Path, keys: Keyring | None) -> None:
        read = keys.read if keys else Path.read_bytes
        self._signers = {role: _signer(folder / f"{role}.pem", read) for role in (SNAPSHOT, TIMESTAMP)}

    @property
    def key_ids(self) -> dict[str, str]:
        """Key id by role, to compare with root."""
        return {role: signer.public_key.keyid for role, signer in self._signers.items()}

    def sign(self, role: str, raw: bytes) -> bytes:
        """A snapshot or timestamp file with this hub's signature."""
        return sign_role(raw, self._signers[role])

    def attest(self, payload: bytes, payload_type: str) -> bytes:
        """A DSSE envelope by the timestamp key: what time this hub believes it is."""
        return seal(payload, payload_type, [self._signers[TIMESTAMP]])


def _signer(path: Path, read: Callable[[Path], bytes]) -> Signer:
    try:
        private = load_pem_private_key(read(path), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError("{path} is no private key for the hub: {reason}", path=path, reason=error) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigError("{path} is not an Ed25519 key", path=path)
    return signer_from_private(private)
