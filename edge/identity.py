"""The device's key: made here, never leaves it. `make_identity` serves `loa-edge enrol` and `init`."""

from __future__ import annotations

import base64
import hashlib
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.errors import IdentityError
from edge.files import write_atomic
from wire.envelope import seal, signer_from_private

KEY_FILE = "device.key"
REQUEST_FILE = "request.json"
PASSWORD_FILE = "broker.password"  # noqa: S105 - the name of a file
MOSQUITTO_ROUNDS = 101
SALT_BYTES = 12


class Request(msgspec.Struct, frozen=True):
    """What the hub registers: nothing in it is secret."""

    device: str
    key: str
    """Raw Ed25519 public key, hex."""
    serial: str
    board: str
    broker_password_hash: str


@dataclass(frozen=True)
class Identity:
    """The device's private key and its public half."""

    private: Ed25519PrivateKey

    @property
    def public_hex(self) -> str:
        return self.private.public_key().public_bytes_raw().hex()

    def seal(self, payload: bytes, payload_type: str) -> bytes:
        """The payload in a DSSE envelope signed by this device."""
        return seal(payload, payload_type, [signer_from_private(self.private)])


def load_identity(folder: Path) -> Identity:
    """The key of a device's folder. Raises IdentityError, also when others may read it."""
    path = folder / KEY_FILE
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise IdentityError(f"{path} can be read by others: chmod 600")
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise IdentityError(f"{path} is missing: `loa-edge init` makes it") from error
    except (OSError, ValueError) as error:
        raise IdentityError(f"{path}: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise IdentityError(f"{path} is no Ed25519 key")
    return Identity(key)


def make_identity(folder: Path, *, device: str, serial: str, board: str) -> Request:
    """Make key, broker password and request where they are missing; an existing key is never replaced."""
    if not (folder / KEY_FILE).exists():
        make_key(folder)
    if not (folder / PASSWORD_FILE).exists():
        write_atomic(folder / PASSWORD_FILE, secrets.token_urlsafe(24).encode(), mode=0o600)
    password = (folder / PASSWORD_FILE).read_text().strip()
    request = Request(
        device=device,
        key=load_identity(folder).public_hex,
        serial=serial,
        board=board,
        broker_password_hash=mosquitto_hash(password, secrets.token_bytes(SALT_BYTES)),
    )
    write_atomic(folder / REQUEST_FILE, msgspec.json.format(msgspec.json.encode(request)) + b"\n")
    return request


def make_key(folder: Path) -> None:
    """A new private key. The caller has seen that there is none."""
    write_atomic(folder / KEY_FILE, _private_bytes(Ed25519PrivateKey.generate()), mode=0o600)


def mosquitto_hash(password: str, salt: bytes) -> str:
    """A password as mosquitto's password file stores it (PBKDF2-SHA512). The password is random, so few rounds do."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, MOSQUITTO_ROUNDS)
    encoded = (base64.b64encode(part).decode() for part in (salt, digest))
    return "$".join(["", "7", str(MOSQUITTO_ROUNDS), *encoded])


def _private_bytes(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
