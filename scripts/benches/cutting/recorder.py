"""A file system that passes everything on to a folder and records what changes it, in order.

    python -m scripts.benches.cutting.recorder BACK MOUNT RECORD

`FUSE()` changes its process to folder `/` and may be stopped only by unmounting: hence a process of its own. Setting
the attribute `user.mark` is not passed on: it stands in the record as the instant at which the caller had answer N.
The record (a pickle of `disk.Op`) is written when it is unmounted.
"""

from __future__ import annotations

import errno
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import mfusepy as fuse

from scripts.benches.cutting.disk import MARK, Kind, Op

HIDDEN = "/.fuse_hidden"
"""What libfuse calls a file that was unlinked while somebody has it open."""


class Recorder(fuse.Operations):  # type: ignore[misc]
    """One folder, seen through a record."""

    use_ns = True

    def __init__(self, back: Path, record: Path) -> None:
        self._back = back
        self._record = record
        self._ops: list[Op] = []
        self._nodes: dict[int, int] = {}

    def _at(self, path: str) -> Path:
        return self._back / path.lstrip("/")

    def _note(self, kind: Kind, path: str = "", **fields: Any) -> None:
        if not path.startswith(HIDDEN):
            self._ops.append(Op(kind, path.lstrip("/"), **fields))

    # -- what changes --

    def create(self, path: str, mode: int, fi: Any = None) -> int:  # noqa: ARG002 - libfuse's shape
        fh = os.open(self._at(path), os.O_RDWR | os.O_CREAT, mode)
        self._nodes[fh] = os.fstat(fh).st_ino
        self._note(Kind.CREATE, path, node=self._nodes[fh], mode=mode)
        return fh

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        written = os.pwrite(fh, data, offset)
        self._note(Kind.WRITE, path, node=self._nodes[fh], offset=offset, data=bytes(data[:written]))
        return written

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        node = self._nodes[fh] if fh is not None else self._at(path).stat().st_ino
        os.truncate(self._at(path) if fh is None else fh, length)
        self._note(Kind.TRUNCATE, path, node=node, offset=length)
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:  # noqa: ARG002
        self._note(Kind.SYNC, path, node=self._nodes[fh])
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:  # noqa: ARG002
        self._note(Kind.SYNC_FOLDER, path)
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        self._at(path).mkdir(mode)
        self._note(Kind.MKDIR, path, mode=mode)
        return 0

    def rename(self, old: str, new: str, flags: int = 0) -> int:  # noqa: ARG002
        self._at(old).rename(self._at(new))
        gone = new.startswith(HIDDEN)
        self._note(Kind.UNLINK if gone else Kind.RENAME, old, to="" if gone else new.lstrip("/"))
        return 0

    def unlink(self, path: str) -> int:
        self._at(path).unlink()
        self._note(Kind.UNLINK, path)
        return 0

    def rmdir(self, path: str) -> int:
        self._at(path).rmdir()
        self._note(Kind.UNLINK, path)
        return 0

    def chmod(self, path: str, mode: int) -> int:
        self._at(path).chmod(mode)
        return 0

    def setxattr(self, path: str, name: str, value: bytes, *_: int) -> int:
        if name != MARK:
            raise fuse.FuseOSError(errno.ENOTSUP)
        self._note(Kind.MARK, path, offset=int(value))
        return 0

    # -- what does not --

    def open(self, path: str, flags: int) -> int:
        fh = os.open(self._at(path), flags & ~os.O_APPEND)  # the kernel gives the offset itself
        self._nodes[fh] = os.fstat(fh).st_ino
        if flags & os.O_TRUNC:
            self._note(Kind.TRUNCATE, path, node=self._nodes[fh], offset=0)
        return fh

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:  # noqa: ARG002
        return os.pread(fh, size, offset)

    def release(self, path: str, fh: int) -> int:  # noqa: ARG002
        self._nodes.pop(fh, None)
        os.close(fh)
        return 0

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        try:
            found = os.lstat(self._at(path)) if fh is None else os.fstat(fh)
        except OSError as error:
            raise fuse.FuseOSError(error.errno or errno.EIO) from error
        told = ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size")
        times = {f"st_{name}time": getattr(found, f"st_{name}time_ns") for name in "amc"}
        return {key: getattr(found, key) for key in told} | times

    def readdir(self, path: str, fh: int) -> list[str]:  # noqa: ARG002
        return [".", "..", *(entry.name for entry in self._at(path).iterdir())]

    def statfs(self, path: str) -> dict[str, int]:
        found = os.statvfs(self._at(path))
        names = ("bavail", "bfree", "blocks", "bsize", "favail", "ffree", "files", "frsize", "namemax")
        return {f"f_{name}": getattr(found, f"f_{name}") for name in names}

    def destroy(self, path: str) -> None:  # noqa: ARG002
        self._record.write_bytes(pickle.dumps(self._ops))


def main() -> None:
    back, mount, record = (Path(argument).resolve() for argument in sys.argv[1:4])
    fuse.FUSE(Recorder(back, record), str(mount), foreground=True, nothreads=True)


if __name__ == "__main__":
    main()
