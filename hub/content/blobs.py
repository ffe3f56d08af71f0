"""The store of prepared sounds and other blobs: ROOT/ab/<sha256>, written once, never changed, whole or not there."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import IO, BinaryIO

from hub.content.refusals import Refusal, SoundRefusedError
from hub.errors import N_, NotFoundError
from hub.files import sync_folder

SPARE_BYTES = 32 * 1024 * 1024
"""What must stay free behind a write, so that the database never meets a full disk because of a sound."""
_BLOCK = 1024 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}")


def blob_path(sha256: str, root: Path) -> Path:
    """Where a blob lies, whether or not it is there. Raises NotFoundError for what is no hash."""
    if not _SHA256.fullmatch(sha256):
        raise NotFoundError(N_("There is no such recording here."))
    return root / sha256[:2] / sha256


def store_blob(path: Path, sha256: str, root: Path) -> Path:
    """Copy a file into the store, durably; again is no harm.

    Raises SoundRefusedError when the disk is full, ValueError when the file is not `sha256`.
    """
    target = blob_path(sha256, root)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    sync_folder(root)
    check_space(root, path.stat().st_size)
    handle, name = tempfile.mkstemp(prefix=".new-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out, path.open("rb") as source:
            _copy_checked(source, out, sha256)
        Path(name).chmod(0o444)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
    return target


def open_blob(sha256: str, root: Path) -> BinaryIO:
    """The blob, opened for reading. Raises NotFoundError."""
    try:
        return blob_path(sha256, root).open("rb")
    except FileNotFoundError as error:
        raise NotFoundError(N_("There is no such recording here.")) from error


def check_space(folder: Path, size: int) -> None:
    """Raises SoundRefusedError unless `size` bytes fit with something to spare."""
    if shutil.disk_usage(folder).free < size + SPARE_BYTES:
        raise SoundRefusedError(Refusal.NO_SPACE)


def _copy_checked(source: BinaryIO, out: IO[bytes], sha256: str) -> None:
    digest = hashlib.sha256()
    while block := source.read(_BLOCK):
        digest.update(block)
        out.write(block)
    out.flush()
    os.fsync(out.fileno())
    if digest.hexdigest() != sha256:
        raise ValueError("the file is not the one that its hash names")
