"""Changing the master key: everything is sealed anew while the hub runs, and can be begun again wherever it broke off.

After `rotate` a new key stands first in the file; the older ones still open what is not yet sealed anew, and backups.
With `forget_old` they leave, once nothing here needs them: backups made before then need the copy on paper.
"""

from __future__ import annotations

from sqlalchemy import Connection, Table, Text, delete, select, type_coerce, update

from hub import audit
from hub.context import Hub
from hub.secrets.columns import Blind, sealed_columns
from hub.secrets.keyring import MARK, new_key, read_keys, write_keys
from hub.setup import secret_files
from hub.tables import metadata

AT_ONCE = 500
"""Rows a transaction: the worker is held up for a moment only."""


def rotate(hub: Hub) -> int:
    """Put a new key first and seal everything with it; how many values. Raises ConfigError, OSError."""
    write_keys(hub.keys.path, (new_key(), *read_keys(hub.keys.path)))
    count = reseal(hub)
    with hub.writing() as conn:
        for table in _blind_tables():  # found by a hash of the old key: nobody can be looked up there any more
            conn.execute(delete(table))
        audit.note(conn, at=hub.now(), person="system", verb="master-key", subject=hub.keys.newest.ident)
    return count


def forget_old(hub: Hub) -> list[str]:
    """Take the older keys out of the file; their ids. What they sealed is sealed anew first."""
    reseal(hub)
    newest, *older = read_keys(hub.keys.path)
    write_keys(hub.keys.path, (newest,))
    hub.db.scrub()  # what the older ones sealed lies in no free page for whoever holds them
    return [key.ident for key in older]


def reseal(hub: Hub) -> int:
    """Seal with the newest key what an older one sealed; how many values."""
    current = f"{MARK}.{hub.keys.newest.ident}."
    count = 0
    for path in secret_files(hub.config):
        if not path.read_bytes().startswith(current.encode()):
            hub.keys.write(path, hub.keys.read(path))
            count += 1
    for table, column in sealed_columns(metadata):
        while changed := _reseal_some(hub, table, column.name, current):
            count += changed
    return count


def _reseal_some(hub: Hub, table: Table, name: str, current: str) -> int:
    with hub.writing() as conn:
        rows = _stale(conn, table, name, current)
        for row in rows:
            same = [column == row[column.name] for column in table.primary_key.columns]
            conn.execute(update(table).where(*same).values({name: row[name]}))
    return len(rows)


def _stale(conn: Connection, table: Table, name: str, current: str) -> list[dict[str, str]]:
    column = table.c[name]
    stored = type_coerce(column, Text)
    is_stale = (stored != "") & stored.not_like(f"{current}%")
    query = select(*table.primary_key.columns, column).where(is_stale).limit(AT_ONCE)
    return [dict(row) for row in conn.execute(query).mappings()]


def _blind_tables() -> list[Table]:
    return [table for table in metadata.sorted_tables if any(isinstance(c.type, Blind) for c in table.columns)]
