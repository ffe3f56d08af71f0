"""What the hub has stored, read beside it: rows of the play log, presence. Nothing is changed."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from typing import Any

from scripts.province.stage import Stage


@dataclass(frozen=True)
class HubSide:
    stage: Stage

    def rows(self, device: str) -> list[tuple[int, str]]:
        """(sequence, hash) in the order in which they arrived."""
        return self._ask("SELECT seq, hash FROM play_rows WHERE device = ? ORDER BY received_at, seq", device)

    def whole_to(self, device: str, chain: str) -> int:
        """Up to which row it holds all."""
        found = self._ask("SELECT whole_to FROM play_chains WHERE device = ? AND chain = ?", device, chain)
        return int(found[0][0]) if found else 0

    def forks(self, device: str) -> list[Any]:
        """Events that say that a log contradicts itself or is not one log."""
        return self._ask("SELECT * FROM device_events WHERE device = ? AND kind IN ('log_fork', 'new_chain')", device)

    def is_online(self, device: str) -> bool:
        return bool(self._ask("SELECT 1 FROM presence WHERE device = ? AND online", device))

    def heard_at(self, device: str) -> int:
        return int(self._ask("SELECT heard_at FROM presence WHERE device = ?", device)[0][0])

    def _ask(self, query: str, *values: object) -> list[Any]:
        path = self.stage.hub_dir / "hub.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(query, values).fetchall()
