"""Files that survive a power cut: temporary file, fsync, rename, fsync of the folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from edge.errors import DiskFullError, StoreError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
TEMPORARY = ".tmp"


def write_atomic(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace `path` as a whole: after a power cut it holds the old bytes or the new ones.

    Raises:
        DiskFullError, StoreError: nothing was changed.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)  # on a stick it may be a link to a file of ours
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise store_error(f"cannot write {path.name}", error) from error


def keep_file(written: Path, path: Path) -> None:
    """Give a file that is complete its final name, durably. Raises as `write_atomic`."""
    try:
        with written.open("rb+") as file:
            os.fsync(file.fileno())
        new_folder = not path.parent.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        written.replace(path)
        sync_folder(path.parent)
        if new_folder:
            sync_folder(path.parent.parent)
    except OSError as error:
        raise store_error(f"cannot keep {path.name}", error) from error


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def store_error(what: str, error: OSError) -> StoreError:
    """The error of ours for an OSError: a full disk has its own."""
    kind = DiskFullError if error.errno in FULL else StoreError
    return kind(f"{what}: {error.strerror or error}")
