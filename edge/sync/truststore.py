"""What the device trusts, durably: verified metadata, the versions below which it never goes back, the floor of time.

The rules are `wire.trust`; here are files and one transaction. A power cut leaves the old state or the new one: files
are named by their hash, so those of the new state lie beside the old until the transaction says which count. The copy
on disk is verified again at boot.
"""

from __future__ import annotations

import logging
from pathlib import Path

from edge.clock import FLOOR, DeviceClock
from edge.errors import IdentityError
from edge.files import write_atomic
from edge.store import Store, put_values
from wire.errors import WireError
from wire.trust.floor import raised_floor
from wire.trust.held import Held, Refusal, load_held, pin_root
from wire.trust.rolefile import sha256_hex
from wire.units import UtcTime

ROOT_FILE = "root.json"
ROOT = "root"

log = logging.getLogger(__name__)


class TrustStore:
    """`held` is an immutable value: any thread may read it, one thread at a time installs another."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder / "metadata"
        self._folder.mkdir(parents=True, exist_ok=True)
        self.boot_refusals: list[Refusal] = []
        self.held = self._load(_read_root(folder / ROOT_FILE))

    def install(self, held: Held, clock: DeviceClock, *, floor_reset: UtcTime | None = None) -> None:
        """Make a newly verified state the one that counts. Raises StoreError: nothing has changed.

        `floor_reset`: the province says that our time was wrong; the clock begins anew from there.
        """
        hashes = {name: sha256_hex(raw) for name, raw in held.files.items()}
        for name, raw in held.files.items():
            if not self._path(name, hashes[name]).exists():
                write_atomic(self._path(name, hashes[name]), raw)
        floor = self._raised_floor(held, clock) if floor_reset is None else raised_floor(held, floor_reset)
        with self._store.change() as connection:
            connection.execute("DELETE FROM roles")
            connection.executemany(
                "INSERT INTO roles (name, version, sha256) VALUES (?, ?, ?)",
                [(name, version, hashes.get(name, "")) for name, version in held.versions.items()],
            )
            put_values(connection, **{FLOOR: str(floor)})
            if floor_reset is not None:
                clock.forget(connection)
        self.held = held
        if floor_reset is not None:
            clock.begin_at(floor)
        self.bind(clock, floor)
        self._sweep(hashes)

    def bind(self, clock: DeviceClock, floor: UtcTime = UtcTime(0)) -> None:  # noqa: B008 - a number
        """Tell the clock what the held metadata says of time."""
        targets = self.held.targets
        clock.limit(
            floor=floor, ceiling=self.held.root.expires, floor_ceiling=targets.expires if targets else UtcTime(0)
        )

    def _raised_floor(self, held: Held, clock: DeviceClock) -> UtcTime:
        """As `wire.trust` says, and by the time that two sources agree on."""
        return raised_floor(held, clock.floor, clock.witnessed())

    def _load(self, enrolled: bytes) -> Held:
        versions, files = {}, {}
        for name, version, sha256 in self._store.rows("SELECT name, version, sha256 FROM roles"):
            versions[name] = version
            raw = self._read(name, sha256)
            if raw is not None:
                files[name] = raw
        if files.get(ROOT) is not None:
            try:
                held, self.boot_refusals = load_held(files, versions)
            except WireError as error:
                self.boot_refusals = [Refusal(ROOT, error.code, error.detail)]
            else:
                return held
        # A damaged root: begin with the enrolled one. The remembered versions still bar every older file.
        pinned = _pin(enrolled)
        return Held(pinned.root, versions={**versions, ROOT: pinned.root.version})

    def _read(self, name: str, sha256: str) -> bytes | None:
        """A file, if it is still what it was when it was installed."""
        if not sha256:
            return None
        try:
            raw = self._path(name, sha256).read_bytes()
        except OSError as error:
            log.warning("metadata of %s cannot be read: %s", name, error)
            return None
        return raw if sha256_hex(raw) == sha256 else None

    def _path(self, name: str, sha256: str) -> Path:
        return self._folder / f"{name}.{sha256[:32]}.json"

    def _sweep(self, hashes: dict[str, str]) -> None:
        wanted = {self._path(name, sha256).name for name, sha256 in hashes.items()}
        for path in self._folder.iterdir():
            if path.name not in wanted:
                path.unlink(missing_ok=True)


def _read_root(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise IdentityError(f"{path}: {error.strerror}; the province's root.json belongs there") from error


def _pin(raw: bytes) -> Held:
    try:
        return pin_root(raw)
    except WireError as error:
        raise IdentityError(f"{ROOT_FILE} is no root of a province: {error}") from error
