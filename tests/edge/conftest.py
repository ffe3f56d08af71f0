"""A province with its hub on loopback, closed after the test; a disk that really runs full."""

from __future__ import annotations

import os
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.edge.world import World

DISK_BYTES = 6 * 1024 * 1024
FILE_LIMIT = 200_000


@dataclass
class SmallDisk:
    """`fill` makes the kernel refuse further bytes; `empty` ends that."""

    folder: Path
    is_mounted: bool

    def fill(self) -> None:
        if not self.is_mounted:
            _limit_files(FILE_LIMIT)
            return
        try:
            with (self.folder / "ballast").open("wb") as file:
                while True:
                    file.write(bytes(4_096))
                    file.flush()
        except OSError:
            return

    def empty(self) -> None:
        if self.is_mounted:
            (self.folder / "ballast").unlink(missing_ok=True)
        else:
            _limit_files(resource.RLIM_INFINITY)


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 6 MB where we may mount one; elsewhere a limit on the size of files, which the kernel keeps too."""
    folder = tmp_path / "disk"
    folder.mkdir()
    is_root = os.geteuid() == 0
    if is_root:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], check=True)
    disk = SmallDisk(folder, is_mounted=is_root)
    yield disk
    disk.empty()
    if is_root:
        subprocess.run(["umount", "-l", folder], check=True)


def _limit_files(soft: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
