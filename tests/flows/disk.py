"""What lies on a device's disk: its log, its content; and a copy of it, for a day that has not come yet."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from wire.playlog import FIRST_PREVIOUS, Row, check_chain, row_hash

DATABASE = "state.db"


@dataclass(frozen=True)
class Disk:
    """A device's folder, whether its agent runs or not."""

    folder: Path

    def log(self) -> list[Row]:
        """All rows; AssertionError or MalformedError where the chain is broken."""
        with self._open() as connection:
            found = [msgspec.json.decode(body, type=Row) for (body,) in connection.execute(
                "SELECT body FROM rows ORDER BY seq")]  # fmt: skip
        check_chain(found)
        assert not found or (found[0].seq, found[0].previous) == (1, FIRST_PREVIOUS)
        return found

    def rows(self, kind: str, *, since_ms: int = 0) -> list[Row]:
        return [row for row in self.log() if row.kind == kind and row.at >= since_ms]

    def hashes(self) -> dict[int, str]:
        return {row.seq: row_hash(row) for row in self.log()}

    def plays(self, *, since_ms: int) -> list[Row]:
        """Rows of sounds that began at or after an instant."""
        return [row for row in self.log() if row.kind == "play" and row.started >= since_ms]

    def chain(self) -> str:
        with self._open() as connection:
            return str(connection.execute("SELECT value FROM meta WHERE key = 'chain'").fetchone()[0])

    def has(self, sha256: str) -> bool:
        return self.blob(sha256).exists()

    def blob(self, sha256: str) -> Path:
        return self.folder / "blobs" / sha256[:2] / sha256

    def template(self, ident: str) -> Path:
        return next((self.folder / "targets").rglob(f"*{ident}.json"))

    def status(self) -> dict[str, Any]:
        path = self.folder / "status.json"
        return dict(json.loads(path.read_bytes())) if path.exists() else {}

    def copy_to(self, folder: Path, config: str) -> Disk:
        """The same disk in another device, with another config.toml. The agent of this one may be running."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns(f"{DATABASE}*", "status.json*", "*.part"))
        with self._open() as connection, contextlib.closing(sqlite3.connect(folder / DATABASE)) as copy:
            connection.backup(copy)
        (folder / "config.toml").write_text(config)
        return Disk(folder)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(f"file:{self.folder / DATABASE}?mode=ro", uri=True, timeout=10)
        try:
            yield connection
        finally:
            connection.close()
