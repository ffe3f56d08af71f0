"""state.db: what must survive a power cut and may never go back. SQLite, WAL, `synchronous=FULL`.

One `Store` a process; each thread gets a connection of its own. The tables' meaning belongs to the rooms that use them:
`sync.truststore`, `sync.alerts`, `report.playlog`, `clock`. A running agent's store may be opened read-only beside it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.errors import DiskFullError, StoreError

BUSY_MS = 10_000
migrations = Migrations("edge")


class Store:
    """Connections to one database file. `read_only` neither creates nor changes anything."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._local = threading.local()
        if not read_only:
            try:
                migrations.apply(self.db)
            except sqlite3.Error as error:
                raise _store_error(error) from error

    @property
    def db(self) -> Database:
        """The calling thread's connection."""
        if not hasattr(self._local, "db"):
            self._local.db = self._connect()
        db: Database = self._local.db
        return db

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """One durable transaction, rolled back as a whole if anything raises. Raises StoreError, DiskFullError."""
        connection = self.db.conn
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise _store_error(error) from error

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The answer to a query. Raises StoreError."""
        try:
            return list(self.db.conn.execute(sql, values))
        except sqlite3.Error as error:
            raise _store_error(error) from error

    def get(self, key: str) -> str | None:
        """A single durable value."""
        rows = self.rows("SELECT value FROM meta WHERE key = ?", key)
        return str(rows[0][0]) if rows else None

    def put(self, **values: str) -> None:
        """Set single durable values, all or none."""
        with self.change() as connection:
            put_values(connection, **values)

    def close(self) -> None:
        """Close the calling thread's connection; closing twice is fine."""
        if hasattr(self._local, "db"):
            self._local.db.conn.close()
            del self._local.db

    def _connect(self) -> Database:
        name = f"file:{self._path}?mode={'ro' if self._read_only else 'rwc'}"
        try:
            connection = sqlite3.connect(name, uri=True, isolation_level=None, timeout=BUSY_MS / 1_000)
            db = Database(connection, execute_plugins=False, recursive_triggers=False)
            if not self._read_only:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
        except sqlite3.Error as error:
            raise _store_error(error) from error
        return db


def put_values(connection: sqlite3.Connection, **values: str) -> None:
    """As `Store.put`, inside a transaction that is under way."""
    connection.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", values.items())


def drop_values(connection: sqlite3.Connection, *keys: str) -> None:
    """Forget single values, inside a transaction that is under way."""
    connection.executemany("DELETE FROM meta WHERE key = ?", [(key,) for key in keys])


def _store_error(error: sqlite3.Error) -> StoreError:
    is_full = getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"
    return (DiskFullError if is_full else StoreError)(f"state.db: {error}")


@migrations()
def create_tables(db: Database) -> None:
    db.table("meta").create({"key": str, "value": str}, pk="key")
    # Highest version of each role ever accepted, and the hash of its file ("" where none is kept); targets by path.
    db.table("roles").create({"name": str, "version": int, "sha256": str}, pk="name")
    db.table("targets").create({"path": str, "sha256": str}, pk="path")
    db.table("in_force").create({"path": str, "sha256": str}, pk="path")
    # Alerts and cancels, kept until they expire.
    db.table("seen").create({"id": str, "body": bytes}, pk="id")
    # The chained log, plays under way, receipts to send.
    db.table("rows").create({"seq": int, "body": bytes}, pk="seq")
    db.table("open_plays").create({"id": str, "body": bytes}, pk="id")
    db.table("receipts").create({"id": int, "body": bytes}, pk="id")
