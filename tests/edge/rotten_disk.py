"""A disk that fails as cards do: over FUSE, in a process of its own; `disk.become("full")` while an agent runs."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import mfusepy as fuse

from scripts.benches.cutting.recorder import Recorder
from tests.edge.world import wait_for

FAULT = "user.fault"
STALL_S = 3.0
ERRORS = {"full": errno.ENOSPC, "readonly": errno.EROFS}


class Rotten(Recorder):
    """Passes everything on until it is told otherwise."""

    fault, since = "sound", 0.0

    def setxattr(self, path, name, value, *_):
        if name != FAULT:
            raise fuse.FuseOSError(errno.ENOTSUP)
        self.fault, self.since = value.decode(), time.monotonic()
        return 0

    def write(self, path, data, offset, fh):
        self._fail()
        return super().write(path, data, offset, fh)

    def create(self, path, mode, fi=None):
        self._fail()
        return super().create(path, mode, fi)

    def fsync(self, path, datasync, fh):
        if self.fault == "stalling":
            time.sleep(max(0.0, self.since + STALL_S - time.monotonic()))
        return super().fsync(path, datasync, fh)

    def _fail(self):
        if self.fault in ERRORS:
            raise fuse.FuseOSError(ERRORS[self.fault])


class Disk:
    """Where it is mounted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def become(self, fault: str) -> None:
        """sound, full, readonly, or stalling (for 3 s from now on nothing is synced)."""
        os.setxattr(self.folder, FAULT, fault.encode())


@contextlib.contextmanager
def rotten_disk(folder: Path) -> Iterator[Disk]:
    """What lies in `folder` lies on such a disk until the block ends."""
    back = folder.with_name(folder.name + ".back")
    folder.rename(back)
    folder.mkdir()
    command = [sys.executable, "-m", "tests.edge.rotten_disk", str(back), str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: os.path.ismount(folder))
        yield Disk(folder)
    finally:
        subprocess.run(["fusermount3", "-u", "-z", str(folder)], check=True)
        process.wait(20)


def main() -> None:
    back, mount = (Path(argument).resolve() for argument in sys.argv[1:3])
    fuse.FUSE(Rotten(back, Path(os.devnull)), str(mount), foreground=True, nothreads=False)


if __name__ == "__main__":
    main()
