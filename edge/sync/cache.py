"""Content on this device: `blobs/ab/<sha256>`, each file whole and checked, hashed again before it is played.

What arrives grows in `partial/` and resumes at any byte. A disk that runs full costs old content first and the new
programme second, never the one that plays: `keep` names what must not go.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO, Final

from edge.errors import DiskFullError, FetchError, StoreError, WrongContentError
from edge.files import keep_file, store_error
from edge.sync.source import Source

CHUNK: Final = 256 * 1024
MEGABYTE: Final = 1_000_000

log = logging.getLogger(__name__)


class Cache:
    """The blobs of one device. Methods that fetch are called by one thread at a time; asking is free to all."""

    def __init__(self, folder: Path, *, free_floor_mb: int) -> None:
        self._blobs = folder / "blobs"
        self._partial = folder / "partial"
        self._floor = free_floor_mb * MEGABYTE
        self.keep: Collection[str] = frozenset()
        """Hashes that eviction spares: of everything in force, on the way, in templates and reserve sets."""
        for path in (self._blobs, self._partial):
            path.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        return blob_path(self._blobs.parent, sha256)

    def has(self, sha256: str, size: int) -> bool:
        """Whether the blob is here in full length. It was hashed when it came; `check` hashes it again."""
        try:
            return self.path(sha256).stat().st_size == size
        except OSError:
            return False

    def check(self, sha256: str) -> bool:
        """Hash a blob again, before it is played. A damaged one is thrown away, to be fetched anew."""
        path = self.path(sha256)
        try:
            with path.open("rb") as file:
                good = hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except OSError as error:
            log.warning("content %s cannot be read: %s", sha256[:12], error)
            good = False
        if not good:
            path.unlink(missing_ok=True)
        return good

    def take(self, source: Source, sha256: str, size: int) -> bool:
        """Get a blob from a source, resuming what an earlier attempt left; False when the source has none.

        Raises:
            DiskFullError: no room, after everything that nothing names has left. What had come is thrown away.
            WrongContentError: not the signed size or hash; nothing of it is kept.
            FetchError, BundleError, StoreError: it broke off; what has come is kept and resumed next time.
        """
        if self.has(sha256, size):
            return True
        partial = self._partial / sha256
        self._make_room(size)
        try:
            with partial.open("ab+") as file:
                found = _fill(file, source, sha256, size)
        except OSError as error:
            raise self._failed(partial, sha256, error) from error
        except WrongContentError:
            partial.unlink(missing_ok=True)
            raise
        if found:
            keep_file(partial, self.path(sha256))
        else:
            partial.unlink(missing_ok=True)
        return found

    def free_bytes(self) -> int:
        return shutil.disk_usage(self._blobs).free

    def tidy(self) -> int:
        """Throw away what nothing names any more: how many blobs left. For a quiet moment, and for a full disk."""
        loose = [path for path in self._blobs.glob("??/*") if path.name not in self.keep]
        loose += [path for path in self._partial.iterdir() if path.name not in self.keep]
        for path in loose:
            path.unlink(missing_ok=True)
        return len(loose)

    def _make_room(self, size: int) -> None:
        if self.free_bytes() - size >= self._floor:
            return
        left = self.tidy()
        if self.free_bytes() - size < self._floor:
            raise DiskFullError(f"{size} bytes do not fit: {self.free_bytes()} free, {self._floor} stay free")
        log.info("%d blobs that nothing named made room", left)

    def _failed(self, partial: Path, sha256: str, error: OSError) -> StoreError:
        failure = store_error(f"content {sha256[:12]}", error)
        if isinstance(failure, DiskFullError):
            partial.unlink(missing_ok=True)     # room for what matters more: the log, the state
        return failure


def blob_path(folder: Path, sha256: str) -> Path:
    """Where a blob lies in a device's folder."""
    return folder / "blobs" / sha256[:2] / sha256


def _fill(file: BinaryIO, source: Source, sha256: str, size: int) -> bool:
    """Append to a partial file until it is the whole blob. False: the source has none."""
    digest, have = _digest_so_far(file)
    if have < size:
        blob = source.blob(sha256, have, limit=size)
        if blob is None:
            return False
        if blob.start != have:
            file.truncate(0)
            digest = hashlib.sha256()
        blob.copy_to(file, digest.update)
    file.flush()
    have = os.fstat(file.fileno()).st_size
    if have < size:
        raise FetchError(f"content {sha256[:12]}: {have} of {size} bytes came")
    if have != size or digest.hexdigest() != sha256:
        raise WrongContentError(f"content {sha256[:12]}: {have} bytes of hash {digest.hexdigest()[:12]}")
    return True


def _digest_so_far(file: BinaryIO) -> tuple[hashlib._Hash, int]:
    digest, have = hashlib.sha256(), 0
    file.seek(0)
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        have += len(chunk)
    return digest, have
