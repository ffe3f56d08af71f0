"""Sounds by hash on this machine's disk: fetched in pieces, resumed where they broke off, kept only when right."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from provisioning.errors import ProvisioningError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_READ_BYTES = 1024 * 1024


class BlobSource(Protocol):
    """Where blobs come from; `HubApi` is one."""

    def blob(self, sha256: str, *, offset: int = 0) -> Iterator[bytes]: ...


class WrongBlobError(ProvisioningError):
    """What came under a blob's name has another size or hash. Nothing of it was kept."""

    code = "wrong_blob"


class BlobStore:
    """Blobs under `folder`, verified again each time one is handed out (the folder may be a failing stick)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def held(self, sha256: str, size: int) -> Path | None:
        """The file, if it is there and right."""
        path = self._path(sha256)
        right = path.is_file() and path.stat().st_size == size and _hash(path) == sha256
        return path if right else None

    def bring(self, sha256: str, size: int, source: BlobSource) -> Path:
        """The verified file, fetched if missing. Raises WrongBlobError, HubRefusedError, HubUnreachableError."""
        if held := self.held(sha256, size):
            return held
        with self._lock:  # a page that seeks asks for the same sound several times at once
            return self.held(sha256, size) or self._bring(sha256, size, source)

    def _bring(self, sha256: str, size: int, source: BlobSource) -> Path:
        path = self._path(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        self._fetch(sha256, size, source, part)
        if _hash(part) != sha256:
            part.unlink()
            raise WrongBlobError(f"sound {sha256[:12]} came with another content")
        part.replace(path)
        sync_folder(path.parent)
        return path

    def _fetch(self, sha256: str, size: int, source: BlobSource, part: Path) -> None:
        offset = part.stat().st_size if part.exists() else 0
        if offset > size:
            part.unlink()
            offset = 0
        with part.open("ab") as file:
            for chunk in source.blob(sha256, offset=offset) if offset < size else ():
                offset += len(chunk)
                if offset > size:
                    break
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if offset != size:
            part.unlink(missing_ok=True)
            raise WrongBlobError(f"sound {sha256[:12]} came with another length than {size} bytes")

    def _path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise ValueError("not a SHA-256")
        return self._folder / sha256[:2] / sha256


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step: temporary file, fsync, rename, fsync of the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
