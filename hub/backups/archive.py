"""What a backup holds: a tar of the data folder's files and the database, closed by a manifest with every hash."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
from msgspec import Meta, Struct

from hub.secrets.keyring import Keyring
from hub.secrets.stream import NotOpenedError, OpeningReader, SealingWriter

MANIFEST = "manifest.json"
FOLDER, DATABASE = "folder/", "database/"
MAX_MANIFEST_BYTES = 256 * 1024**2
_BLOCK = 256 * 1024
_NAME = re.compile(r"(folder|database)(/[^/\x00-\x1f.][^/\x00-\x1f]{0,254}){1,8}")
"""No part of it begins with a dot, so none leads elsewhere."""
Size = Annotated[int, Meta(ge=0, le=2**50)]


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a backup."""

    name: str
    size: Size
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class About(Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup says of itself."""

    made_at: int
    province: str
    software: str
    migration: str
    database: str
    """sqlite or postgresql."""
    versions: dict[str, int]
    """The newest version of each signed role that the hub had."""


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    about: About
    parts: list[Part]


def write(file: BinaryIO, keys: Keyring, parts: Iterable[tuple[str, Path]], about: Callable[[], About]) -> Manifest:
    """Seal `parts` (name, file) and a manifest into `file`. Raises OSError, also where a part shrinks meanwhile."""
    sealed = SealingWriter(file, keys)
    written = []
    with tarfile.open(fileobj=sealed, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
        for name, path in parts:
            with path.open("rb") as source:
                counted = _Counted(source)
                info = _info(name, path.stat().st_size)
                tar.addfile(info, counted)
            written.append(Part(name, info.size, counted.digest.hexdigest()))
        manifest = Manifest(about(), written)
        raw = msgspec.json.encode(manifest)
        tar.addfile(_info(MANIFEST, len(raw)), io.BytesIO(raw))
    sealed.close()
    return manifest


def verify(file: BinaryIO, keys: Keyring) -> Manifest:
    """Read everything and keep nothing. Raises NotOpenedError, SealedError."""
    return _walk(file, keys, lambda _name: None)


def extract(file: BinaryIO, keys: Keyring, place: Callable[[str], BinaryIO]) -> Manifest:
    """Write each part into the file that `place` opens for its name. Raises NotOpenedError, SealedError, OSError."""
    return _walk(file, keys, place)


def _walk(file: BinaryIO, keys: Keyring, place: Callable[[str], BinaryIO | None]) -> Manifest:
    opened = OpeningReader(file, keys)
    found, manifest = [], None
    try:
        with tarfile.open(fileobj=opened, mode="r|") as tar:  # type: ignore[call-overload]
            for member in tar:
                source = tar.extractfile(member) if member.isreg() else None
                if source is None or manifest is not None:
                    raise NotOpenedError("The backup holds what no backup holds: {name}", name=member.name[:80])
                if member.name == MANIFEST:
                    manifest = msgspec.json.decode(source.read(MAX_MANIFEST_BYTES), type=Manifest)
                else:
                    found.append(_take(member, source, place))
        opened.finish()
    except (tarfile.TarError, msgspec.DecodeError) as error:
        raise NotOpenedError("The backup is damaged: {reason}", reason=error) from error
    if manifest is None or manifest.parts != found:
        raise NotOpenedError("The backup is not whole: its list names other files than it holds")
    return manifest


def _take(member: tarfile.TarInfo, source: BinaryIO, place: Callable[[str], BinaryIO | None]) -> Part:
    if not _NAME.fullmatch(member.name):
        raise NotOpenedError("The backup holds what no backup holds: {name}", name=member.name[:80])
    digest = hashlib.sha256()
    target = place(member.name)
    try:
        while block := source.read(_BLOCK):
            digest.update(block)
            if target is not None:
                target.write(block)
    finally:
        if target is not None:
            target.close()
    return Part(member.name, member.size, digest.hexdigest())


class _Counted:
    """A file that is hashed as it is read."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        block = self._source.read(size)
        self.digest.update(block)
        return block


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info
