"""The master key, and what it seals: the one door through which the hub's secrets and people's data pass.

The key lies outside the data folder (`master_key_file`), so that a copy of the folder, of the database or of a backup
tells nothing. One line a key; the first seals, all open, so that keys can be changed while the hub runs:

    loa-master-key-1:<id>:<32 bytes, base64url>

AES-256-GCM; a sealed value names its key and is bound to what it is (`label`), so that none can stand in for another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.errors import ConfigError
from hub.files import write_private

KEY_BYTES, NONCE_BYTES = 32, 12
MAX_KEYS = 16
MARK = "s1"
"""Before every sealed value; what does not begin with it was never sealed."""
_LINE = re.compile(r"loa-master-key-1:([0-9a-f]{12}):([A-Za-z0-9_-]{43}=)")
_TOKEN = re.compile(rf"{MARK}\.([0-9a-f]{{12}})\.([A-Za-z0-9_-]+=*)")


class SealedError(ConfigError):
    """A value that these keys do not open: another key, another place, or damaged."""

    code = "sealed"


@dataclass(frozen=True)
class MasterKey:
    """One key; for each use another one is derived from it."""

    raw: bytes

    @cached_property
    def ident(self) -> str:
        return hashlib.sha256(b"loa/1/master-key" + self.raw).hexdigest()[:12]

    @cached_property
    def cipher(self) -> AESGCM:
        return AESGCM(self.derive(b"loa/1/seal"))

    @cached_property
    def index_key(self) -> bytes:
        return self.derive(b"loa/1/index")

    def derive(self, use: bytes, salt: bytes | None = None) -> bytes:
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=use).derive(self.raw)

    @property
    def line(self) -> str:
        return f"loa-master-key-1:{self.ident}:{base64.urlsafe_b64encode(self.raw).decode()}"


def new_key() -> MasterKey:
    return MasterKey(os.urandom(KEY_BYTES))


class Keyring:
    """The keys of one file, read when first needed and again when the file changes. Raises ConfigError, SealedError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state: tuple[tuple[int, int, int], tuple[MasterKey, ...]] | None = None

    @property
    def keys(self) -> tuple[MasterKey, ...]:
        """The newest first."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise _missing(self.path, error) from error
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        if self._state is None or self._state[0] != stamp:
            self._state = (stamp, read_keys(self.path))
        return self._state[1]

    @property
    def newest(self) -> MasterKey:
        return self.keys[0]

    def key(self, ident: str) -> MasterKey:
        """The key of this id. Raises SealedError where it is not in the file."""
        for key in self.keys:
            if hmac.compare_digest(key.ident, ident):
                return key
        raise SealedError("Sealed with the master key {id}, which is not in {path}", id=ident, path=self.path)

    def seal(self, raw: bytes, label: str) -> str:
        """A printable value that only these keys open, and only as `label`."""
        key, nonce = self.newest, os.urandom(NONCE_BYTES)
        sealed = nonce + key.cipher.encrypt(nonce, raw, label.encode())
        return f"{MARK}.{key.ident}.{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, token: str, label: str) -> bytes:
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            raise SealedError("{what} is not sealed: run `loa-hub init`", what=label)
        key = self.key(parts[1])
        try:
            sealed = base64.urlsafe_b64decode(parts[2])
            if base64.urlsafe_b64encode(sealed).decode() != parts[2]:  # Python overlooks bits that say nothing
                raise ValueError("not written as we write it")  # noqa: TRY301 leaves as all the others do
            return key.cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], label.encode())
        except (binascii.Error, ValueError, InvalidTag) as error:
            raise SealedError("{what} is damaged or was sealed as something else", what=label) from error

    def index(self, text: str, label: str) -> str:
        """The same for the same text, and telling nothing of it: for looking up what is not to be read."""
        return hmac.new(self.newest.index_key, f"{label}\0{text}".encode(), hashlib.sha256).hexdigest()

    def read(self, path: Path) -> bytes:
        """What a sealed file holds. Raises OSError, SealedError."""
        return self.open(path.read_text("ascii", errors="replace").strip(), path.name)

    def write(self, path: Path, raw: bytes) -> None:
        """Seal it into a file, whole or not at all."""
        write_private(path, f"{self.seal(raw, path.name)}\n".encode())

    @contextmanager
    def opened(self, path: Path) -> Iterator[str]:
        """The name of a file in memory with what a sealed file holds, for libraries that read files alone."""
        descriptor = os.memfd_create(path.name)
        try:
            os.write(descriptor, self.read(path))
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)


def is_sealed(raw: bytes) -> bool:
    return raw.startswith(f"{MARK}.".encode())


def read_keys(path: Path) -> tuple[MasterKey, ...]:
    """The keys of a file, the newest first. Raises ConfigError."""
    try:
        mode, text = path.stat().st_mode, path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise _missing(path, error) from error
    if mode & 0o007:
        raise ConfigError("Everybody on this machine may read the master key: chmod 600 {path}", path=path)
    keys = tuple(_key_of(line, path) for line in text.splitlines() if line.strip() and not line.startswith("#"))
    if not 0 < len(keys) <= MAX_KEYS:
        raise ConfigError("{path} holds no master key", path=path)
    return keys


def write_keys(path: Path, keys: tuple[MasterKey, ...]) -> None:
    head = "# Loa's master key: the first seals, the others open what is older. Keep a copy off this machine.\n"
    write_private(path, (head + "".join(f"{key.line}\n" for key in keys)).encode())


def _key_of(line: str, path: Path) -> MasterKey:
    parts = _LINE.fullmatch(line.strip())
    key = MasterKey(base64.urlsafe_b64decode(parts[2])) if parts else None
    if parts is None or key is None or key.ident != parts[1]:  # the id tells a slip in a key typed from paper
        raise ConfigError("{path} holds no master key: a line of it was mistyped or damaged", path=path)
    return key


def _missing(path: Path, error: Exception) -> ConfigError:
    reason = error.strerror if isinstance(error, OSError) else "no text"
    return ConfigError("The master key {path} cannot be read ({reason}): without it nothing opens. Bring it back from "
                       "where its copy is kept, or name it in `master_key_file`", path=path, reason=reason)  # fmt: skip
