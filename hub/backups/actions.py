"""`loa-hub backup` and `loa-hub restore`: everything that a hub is, in one sealed file, and a hub out of such a file.

The master key is not in it: whoever restores brings it from where its copy is kept. A backup is made beside its final
name and renamed once it is whole on disk; a restored folder likewise.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import msgspec

from hub.backups import archive, database
from hub.backups.aftercare import Resumed, resume
from hub.config import Config
from hub.context import Hub, open_hub
from hub.errors import ConfigError
from hub.files import sync_folder
from hub.migrations import current, known
from hub.publishing import repository
from hub.secrets.keyring import Keyring
from hub.setup import check_keys, prepare
from wire.units import SECOND

SUFFIX, PARTIAL, RESTORING = ".loabackup", ".partial", ".restoring"
SNAPSHOT_PREFIX = ".backup-"
TRANSIENT = ("work", "*.sock", "*.lock", "*.log", "*.new", ".*")
"""What lies in a data folder and is no part of the hub."""


@dataclass(frozen=True)
class Made:
    path: Path
    parts: int
    size: int
    pruned: list[str]


@dataclass(frozen=True)
class Restored:
    about: archive.About
    parts: int
    resumed: Resumed


def backup(hub: Hub, folder: Path) -> Made:
    """A new backup in `folder`; older ones beyond `backup_keep` leave once it is there.

    Raises ConfigError, OSError (a full disk): then nothing that was there before is touched.
    """
    folder = folder.resolve()
    if folder.is_relative_to(hub.config.root):
        raise ConfigError("A backup belongs outside {path}, best on another machine's disk", path=hub.config.root)
    folder.mkdir(parents=True, exist_ok=True)
    moment = datetime.fromtimestamp(hub.now() // SECOND, UTC)
    target = folder / f"loa-{hub.config.province}-{moment:%Y%m%dT%H%M%SZ}{SUFFIX}"
    if target.exists():
        raise ConfigError("{path} exists already", path=target)
    partial = target.with_name(target.name + PARTIAL)
    try:
        with _private(partial) as file:
            manifest = _write(hub, file)
        with partial.open("rb") as file:  # what is on disk, not what was meant to be
            archive.verify(file, hub.keys)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(folder)
    return Made(target, len(manifest.parts), target.stat().st_size, _prune(hub.config, folder))


def restore(config: Config, file: Path, *, reload: Callable[[Path], Config]) -> Restored:
    """The data folder and the database of `config`, which must not be there yet, out of a backup.

    `reload` gives the settings of a data folder: those in the backup count, under what the person says otherwise.
    Everything is verified before anything is written. Raises ConfigError, NotOpenedError, SealedError, OSError.
    """
    root = config.root
    if root.exists() and any(root.iterdir()):
        raise ConfigError("{path} is not empty: a backup is restored into a new folder", path=root)
    keys = Keyring(config.master_key)
    with file.open("rb") as source:
        about = archive.verify(source, keys).about
    if about.migration not in known():
        raise ConfigError(
            "The backup is of a newer version of Loa ({version}): install that one", version=about.software
        )
    fresh = root.with_name(root.name + RESTORING)
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        manifest = _unpack(file, keys, fresh)
        settings = reload(fresh)
        here = settings.master_key_file or str(config.master_key)
        resumed = _revive(msgspec.structs.replace(settings, master_key_file=here), about)
        if root.exists():
            root.rmdir()
        fresh.rename(root)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    sync_folder(root.parent)
    return Restored(about, len(manifest.parts), resumed)


def _write(hub: Hub, file: BinaryIO) -> archive.Manifest:
    """The database first: whatever sound it names lies in the folder already, and none is ever taken away."""
    for left in hub.config.root.glob(f"{SNAPSHOT_PREFIX}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=SNAPSHOT_PREFIX, dir=hub.config.root) as work:
        dumped = database.dump(hub.config, Path(work))
        about = _about(hub)
        parts = [(archive.DATABASE + dumped.name, dumped), *_files(hub.config)]
        return archive.write(file, hub.keys, parts, lambda: about)


def _files(config: Config) -> Iterator[tuple[str, Path]]:
    live = {Path(f"{database.sqlite_file(config)}{end}") for end in ("", "-wal", "-shm", "-journal")}
    for path in sorted(config.root.rglob("*")):
        inside = path.relative_to(config.root)
        is_part = path.is_file() and not path.is_symlink() and path not in live
        if is_part and not any(Path(part).match(pattern) for part in inside.parts for pattern in TRANSIENT):
            yield archive.FOLDER + inside.as_posix(), path


def _about(hub: Hub) -> archive.About:
    with hub.reading() as conn:
        versions = repository.role_versions(conn)
    return archive.About(
        made_at=hub.now(), province=hub.config.province, software=version("loa"), migration=current(hub.db) or "",
        database=database.kind_of(hub.config), versions=versions,
    )  # fmt: skip


def _prune(config: Config, folder: Path) -> list[str]:
    """Of this province's own backups the newest stay; what else lies there is left alone."""
    ours = re.compile(rf"loa-{config.province}-\d{{8}}T\d{{6}}Z{re.escape(SUFFIX)}({re.escape(PARTIAL)})?")
    found = sorted(path for path in folder.iterdir() if ours.fullmatch(path.name))
    whole = [path for path in found if path.suffix == SUFFIX]
    gone = [*whole[: -config.backup_keep], *(path for path in found if path.suffix == PARTIAL)]
    for path in gone:
        path.unlink()
    return [path.name for path in gone]


def _unpack(file: Path, keys: Keyring, fresh: Path) -> archive.Manifest:
    fresh.mkdir(mode=0o700)

    def place(name: str) -> BinaryIO:
        inside = name.removeprefix(archive.FOLDER) if name.startswith(archive.FOLDER) else f"work/{Path(name).name}"
        target = fresh / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        return _Durable(target)  # type: ignore[return-value]

    with file.open("rb") as source:
        return archive.extract(source, keys, place)


def _revive(config: Config, about: archive.About) -> Resumed:
    """Database, tables of this version, and what a hub that was away must not simply go on with."""
    dumped = config.work_dir / database.FILES[about.database]
    database.check_place(config, about.database)
    database.load(config, dumped)
    dumped.unlink(missing_ok=True)
    prepare(config)
    with closing(open_hub(config)) as hub:
        check_keys(hub)
        return resume(hub, about)


@contextlib.contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """A new file that is nobody else's to read, on disk when the block ends."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    with path.open("r+b") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


class _Durable:
    """A file that is on disk once it is closed."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._file = path.open("r+b")

    def write(self, raw: bytes) -> int:
        return self._file.write(raw)

    def close(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
