"""Faults that a developer might make, planted for one run: what a bench that cannot find them is worth."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

from sqlite_utils import Database

from edge.store import Store
from edge.sync.cache import Cache


def _no_fsync(_: int) -> None:
    """As if it had not been called."""


def _write_in_place(path: Path, content: bytes, *, mode: int = 0o644) -> None:  # noqa: ARG001 - `write_atomic`'s shape
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _connect_by(*pragmas: str) -> Callable[[Store], Database]:
    def connect(store: Store) -> Database:
        connection = sqlite3.connect(store._path, isolation_level=None)  # noqa: SLF001
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        return Database(connection, execute_plugins=False, recursive_triggers=False)

    return connect


_CONNECT = (Store, "_connect")
PLANTS: dict[str, list[tuple[object, str, object]]] = {
    "no-fsync": [(os, "fsync", _no_fsync)],
    "in-place": [(module, "write_atomic", _write_in_place) for module in ("edge.sync.truststore", "edge.sync.library")],
    "normal": [(*_CONNECT, _connect_by("journal_mode=WAL", "synchronous=NORMAL"))],
    "no-journal": [(*_CONNECT, _connect_by("journal_mode=OFF", "synchronous=OFF"))],
    "unhashed": [(os, "fsync", _no_fsync), (Cache, "check", lambda _cache, _sha256: True)],
}
"""By name: what is replaced by what. `unhashed` plays what was not hashed again."""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """One of PLANTS, or none, until the block ends. In this process alone."""
    with ExitStack() as stack:
        for where, what, fault in PLANTS[name] if name else []:
            is_module = isinstance(where, str)
            stack.enter_context(patch(f"{where}.{what}", fault) if is_module else patch.object(where, what, fault))
        yield
