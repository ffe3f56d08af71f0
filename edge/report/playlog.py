"""The device's log: chained rows, stored before anything is sent, kept at least 90 days (design §5, "Log chain").

A play under way stands in `open_plays`, so that one cut by a power failure becomes a row all the same. Sending is
`outbox`; the chain's rules are `wire.playlog`. Called by one thread.
"""

from __future__ import annotations

import secrets
import sqlite3
from typing import Final

import msgspec

from edge.store import Store, put_values
from wire.codec import encode
from wire.playlog import FIRST_PREVIOUS, Row, row_hash
from wire.units import DAY, UtcTime

LEAST_DAYS: Final = 90
PRUNE_SLACK: Final = 1_000
"""Rows leave in lots, so that the gap rows about them stay few."""


class Draft(msgspec.Struct, frozen=True):
    """A row before it has its place in the chain; fields as in `wire.playlog.Row`."""

    at: UtcTime
    time_quality: int
    kind: str
    item: str = ""
    area: str = ""
    slot: str = ""
    title: str = ""
    sha256: str = ""
    started: UtcTime = UtcTime(0)
    ended: UtcTime = UtcTime(0)
    offset_ms: int = 0
    complete: bool = False
    detail: str = ""


class PlayLog:
    """Append, read, move the send cursor, forget by quota."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.chain = store.get("chain") or self._begin_chain()
        self._last = self._read_last()

    @property
    def last_seq(self) -> int:
        return self._last.seq if self._last else 0

    @property
    def cursor(self) -> int:
        """The hub holds every row up to here."""
        return int(self._store.get("cursor") or 0)

    def append(self, *drafts: Draft) -> None:
        """Store rows durably, all or none. Raises StoreError."""
        with self._store.change() as connection:
            last = self._insert(connection, drafts)
        self._last = last

    def open_play(self, ident: str, draft: Draft) -> None:
        """A play has begun: should the power fail, `close_broken` makes a row of it."""
        with self._store.change() as connection:
            connection.execute("INSERT OR REPLACE INTO open_plays VALUES (?, ?)", (ident, encode(draft)))

    def close_play(self, ident: str, draft: Draft) -> None:
        """It has ended: its row enters the chain as it leaves `open_plays`."""
        with self._store.change() as connection:
            connection.execute("DELETE FROM open_plays WHERE id = ?", (ident,))
            last = self._insert(connection, [draft])
        self._last = last

    def close_broken(self, at: UtcTime, time_quality: int) -> int:
        """At boot: rows for plays that a dead process left open; how many. Their end was not observed (`ended` 0)."""
        with self._store.change() as connection:
            found = connection.execute("SELECT body FROM open_plays ORDER BY rowid").fetchall()
            drafts = [msgspec.json.decode(body, type=Draft) for (body,) in found]
            broken = {"at": at, "time_quality": time_quality, "detail": "broken_off"}
            ended = [msgspec.structs.replace(draft, **broken) for draft in drafts]
            connection.execute("DELETE FROM open_plays")
            last = self._insert(connection, ended)
        self._last = last
        return len(ended)

    def rows_after(self, seq: int, limit: int) -> list[Row]:
        """At most `limit` rows that follow `seq`."""
        found = self._store.rows("SELECT body FROM rows WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)
        return [msgspec.json.decode(body, type=Row) for (body,) in found]

    def mark_logged(self, chain: str, seq: int) -> None:
        """The hub's `logged`: moves the send cursor forward and does nothing else."""
        if chain == self.chain and self.cursor < seq <= self.last_seq:
            self._store.put(cursor=str(seq))

    def rewind(self, seq: int) -> None:
        """The hub asks for rows again from `seq` + 1 (it was restored from a backup)."""
        if 0 <= seq < self.cursor:
            self._store.put(cursor=str(seq))

    def prune(self, now: UtcTime, *, most_rows: int, days: int) -> int:
        """Forget what is older than `days` and sent, or over the quota; a gap row says which. How many rows left."""
        limit = self._last_to_leave(UtcTime(now - max(days, LEAST_DAYS) * DAY), most_rows)
        first = self._store.rows("SELECT min(seq) FROM rows")[0][0]
        if first is None or limit - first < PRUNE_SLACK:
            return 0
        gap = Draft(now, 0, "gap", detail=f"{first}-{limit}")
        with self._store.change() as connection:
            connection.execute("DELETE FROM rows WHERE seq <= ?", (limit,))
            last = self._insert(connection, [gap])
        self._last = last
        return limit - int(first) + 1

    def _last_to_leave(self, before: UtcTime, most_rows: int) -> int:
        """By quota even what was not sent, by age only what was."""
        by_age = 0
        for row in self.rows_after(0, 2 * PRUNE_SLACK):
            if row.at >= before or row.seq > self.cursor:
                break
            by_age = row.seq
        return max(self.last_seq - most_rows, by_age)

    def _insert(self, connection: sqlite3.Connection, drafts: list[Draft] | tuple[Draft, ...]) -> Row | None:
        last = self._last
        for draft in drafts:
            seq, previous = (last.seq + 1, row_hash(last)) if last else (1, FIRST_PREVIOUS)
            last = Row(seq=seq, previous=previous, **msgspec.structs.asdict(draft))
            connection.execute("INSERT INTO rows VALUES (?, ?)", (last.seq, encode(last)))
        return last

    def _read_last(self) -> Row | None:
        found = self._store.rows("SELECT body FROM rows ORDER BY seq DESC LIMIT 1")
        return msgspec.json.decode(found[0][0], type=Row) if found else None

    def _begin_chain(self) -> str:
        chain = secrets.token_hex(16)
        with self._store.change() as connection:
            put_values(connection, chain=chain)
        return chain
