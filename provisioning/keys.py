"""A person's key file: OpenSSH's private key format under a passphrase, made once and never overwritten.

The same file works with ssh-keygen, so that changing a passphrase needs no tool of ours.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)
from cryptography.x509.oid import NameOID
from securesystemslib.signer import Key, Signer

from provisioning.errors import ProvisioningError
from wire.envelope import key_from_hex, signer_from_private

MIN_ROUNDS = 16
"""bcrypt-pbkdf rounds, as ssh-keygen has them: about 0.15 s a key on a PC of 2024, for us and for every guess."""

MIN_PASSPHRASE = 8
MAX_KEY_FILE_BYTES = 16 * 1024


class KeyFileError(ProvisioningError):
    """A key file that cannot be made or opened: wrong passphrase, damaged, or there already."""

    code = "key_file"


def create_key(path: Path, passphrase: str, *, rounds: int = MIN_ROUNDS) -> Signer:
    """Make a key: `path` (mode 0600) under the passphrase, and its public half beside it as `.pub`.

    Raises KeyFileError where the file exists, the passphrase is too short or `rounds` is below 16.
    """
    if len(passphrase) < MIN_PASSPHRASE:
        raise KeyFileError(f"{path.name}: a passphrase needs at least {MIN_PASSPHRASE} characters")
    if rounds < MIN_ROUNDS:
        raise KeyFileError(f"{rounds} rounds are fewer than {MIN_ROUNDS}")
    private = Ed25519PrivateKey.generate()
    encryption = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(rounds).build(passphrase.encode())
    write_new(path, private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption), mode=0o600)
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    write_new(public_path(path), public + f" {path.stem}\n".encode(), mode=0o644)
    return signer_from_private(private)


def create_online_key(path: Path) -> Signer:
    """Make a key without passphrase (mode 0600), as the hub needs it: PEM, PKCS #8."""
    private = Ed25519PrivateKey.generate()
    write_new(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
    return signer_from_private(private)


def create_broker_request(folder: Path, name: str) -> tuple[Path, Path]:
    """A key for the broker (P-256, mode 0600) and the request that the province's CA signs. Raises KeyFileError."""
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(private, hashes.SHA256())
    folder.mkdir(parents=True, exist_ok=True)
    key, csr = folder / f"{name}.key", folder / f"{name}.csr"
    write_new(key, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
    write_new(csr, request.public_bytes(Encoding.PEM), mode=0o644)
    return key, csr


def open_key(path: Path, passphrase: str) -> Signer:
    """Open a key file. Raises KeyFileError: not readable, no Ed25519 key, or a wrong passphrase."""
    try:
        private = load_ssh_private_key(_read(path), passphrase.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path.name}: wrong passphrase, or not a key file") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyFileError(f"{path.name}: not an Ed25519 key")
    return signer_from_private(private)


def read_public_key(path: Path) -> Key:
    """The public half that lies beside a key file (`path` is either). Raises KeyFileError."""
    try:
        public = load_ssh_public_key(_read(public_path(path)))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path.name}: not a public key") from error
    if not isinstance(public, Ed25519PublicKey):
        raise KeyFileError(f"{path.name}: not an Ed25519 key")
    return key_from_hex(public.public_bytes_raw().hex())


def public_path(path: Path) -> Path:
    return path.with_suffix(".pub")


def write_new(path: Path, content: bytes, *, mode: int) -> None:
    """Write and sync a file that must not exist yet. Raises KeyFileError."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from error
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_KEY_FILE_BYTES)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from error
