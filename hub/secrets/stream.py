r"""A long stream of bytes sealed with the master key, block by block: for backups, which may be larger than memory.

    loa-backup-1\n  {"key": id of the master key, "salt": hex}\n  blocks of 64 KiB, each with its tag

Each block counts and the last one says that it is the last, so a stream that is cut, longer, rearranged or changed in
one bit does not open. Each stream has a key of its own, derived from master key and salt.
"""

from __future__ import annotations

import os
from typing import BinaryIO

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import ConfigError
from hub.secrets.keyring import Keyring

MAGIC = b"loa-backup-1\n"
BLOCK, TAG, SALT_BYTES = 64 * 1024, 16, 32
MAX_HEAD = 256


class NotOpenedError(ConfigError):
    """A stream that is not what this hub's key sealed, whole and unchanged."""

    code = "not_opened"


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    salt: str


class SealingWriter:
    """`write` to it, then `close`: only then is the stream whole. The file below stays open."""

    def __init__(self, file: BinaryIO, keys: Keyring) -> None:
        key, salt = keys.newest, os.urandom(SALT_BYTES)
        self._file = file
        self._head = MAGIC + msgspec.json.encode(_Head(key.ident, salt.hex())) + b"\n"
        self._cipher = AESGCM(key.derive(b"loa/1/backup", salt))
        self._waiting = bytearray()
        self._count = 0
        file.write(self._head)

    def write(self, raw: bytes) -> int:
        self._waiting += raw
        while len(self._waiting) > BLOCK:  # the last block is written by `close`, and may be a whole one
            self._write_block(bytes(self._waiting[:BLOCK]), is_last=False)
            del self._waiting[:BLOCK]
        return len(raw)

    def close(self) -> None:
        self._write_block(bytes(self._waiting), is_last=True)

    def _write_block(self, raw: bytes, *, is_last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._count, is_last=is_last), raw, self._head))
        self._count += 1


class OpeningReader:
    """Reads what a SealingWriter wrote; bytes are handed out only once their block is found good."""

    def __init__(self, file: BinaryIO, keys: Keyring) -> None:
        self._file = file
        self._head, head = _read_head(file)
        self._cipher = AESGCM(keys.key(head.key).derive(b"loa/1/backup", bytes.fromhex(head.salt)))
        self._next = file.read(BLOCK + TAG)
        self._ready = b""
        self._count = 0
        self._is_over = False

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, fewer only at the end. Raises NotOpenedError."""
        parts = []
        while size > 0 and (self._ready or self._open_block()):
            parts.append(self._ready[:size])
            size -= len(parts[-1])
            self._ready = self._ready[len(parts[-1]) :]
        return b"".join(parts)

    def finish(self) -> None:
        """Raise NotOpenedError unless the rest, up to the last byte of the file, is good too."""
        while self.read(BLOCK):
            pass

    def _open_block(self) -> bool:
        if self._is_over:
            return False
        sealed, self._next = self._next, self._file.read(BLOCK + TAG)
        self._is_over = not self._next
        try:
            self._ready = self._cipher.decrypt(_nonce(self._count, is_last=self._is_over), sealed, self._head)
        except InvalidTag as error:
            raise NotOpenedError("The backup is damaged or cut off: nothing was taken from it") from error
        self._count += 1
        return True


def _read_head(file: BinaryIO) -> tuple[bytes, _Head]:
    magic, line = file.read(len(MAGIC)), b""
    if magic == MAGIC:
        line = file.readline(MAX_HEAD)
    try:
        head = msgspec.json.decode(line, type=_Head)
        bytes.fromhex(head.salt)
    except ValueError as error:  # msgspec's errors are such
        raise NotOpenedError("This file is no backup of a Loa hub, or its beginning is damaged") from error
    return magic + line, head


def _nonce(count: int, *, is_last: bool) -> bytes:
    return count.to_bytes(11, "big") + bytes([is_last])
