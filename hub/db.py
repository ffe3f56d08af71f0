"""The database behind the hub: SQLite (WAL) or PostgreSQL through SQLAlchemy Core.

Tables stand in each feature's `store.py` on the one `metadata` below; times are integers (milliseconds UTC), because
SQLite gives datetimes back without a zone. Writing transactions on SQLite open with BEGIN IMMEDIATE (a deferred one
loses updates or dies "locked"); reads use an engine that cannot write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Select, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite

from hub.secrets.columns import give_keys
from hub.secrets.keyring import Keyring

BUSY_TIMEOUT_S = 5.0
_AT_END = "loa.at_end"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Database:
    """A writing and a reading engine on one URL. `with db.write() as conn` is one transaction, all or nothing."""

    def __init__(self, url: str, keys: Keyring | None = None) -> None:
        """Without `keys`, sealed columns can be neither read nor written."""
        self.url = url
        self._writer = _engine(url, writes=True)
        self._reader = _engine(url, writes=False)
        if keys is not None:
            give_keys(self._writer, keys)
            give_keys(self._reader, keys)

    @property
    def engine(self) -> Engine:
        """For migrations alone."""
        return self._writer

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._writer.begin() as conn:
            conn.info[_AT_END] = []  # `info` outlives the transaction: what a failed one left is not done
            yield conn
            for act in conn.info.pop(_AT_END):
                act(conn)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view of the data, which cannot write."""
        with self._reader.begin() as conn:
            yield conn

    def scrub(self) -> None:
        """Write the whole database anew, so that what was deleted or replaced lies in no free page."""
        with self._writer.connect() as conn:
            raw = conn.execution_options(isolation_level="AUTOCOMMIT")
            if conn.dialect.name == "postgresql":
                raw.exec_driver_sql("VACUUM FULL")
            else:
                raw.connection.driver_connection.executescript("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()


def at_end(conn: Connection, act: Callable[[Connection], None]) -> None:
    """Do it as the last thing of this transaction of `write`: for a row that all wait for, so that none waits long."""
    conn.info[_AT_END].append(act)


def insert_new(conn: Connection, table: Table, values: dict[str, Any]) -> bool:
    """Insert unless a row of that key is there already; whether it was new."""
    dialect = postgresql if conn.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(**values).on_conflict_do_nothing().returning(*table.primary_key.columns)
    return conn.execute(statement).first() is not None


def for_update(conn: Connection, query: Select[Any]) -> Select[Any]:
    """The query, its rows locked to the end of the transaction where the connection may write (SQLite locks anyhow)."""
    return query if conn.get_execution_options().get("read_only") else query.with_for_update()


def upsert(conn: Connection, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
    """Insert a row, or set `values` on the one that has `key` (its primary or a unique key)."""
    dialect = postgresql if conn.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(**key, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def _engine(url: str, *, writes: bool) -> Engine:
    options = {"read_only": not writes}
    if not url.startswith("sqlite"):
        engine = create_engine(url, pool_pre_ping=True, pool_size=20, execution_options=options)
        if not writes:
            event.listen(engine, "begin", lambda conn: conn.exec_driver_sql("SET TRANSACTION READ ONLY"))
        return engine
    arguments = {"timeout": BUSY_TIMEOUT_S, "check_same_thread": False}
    engine = create_engine(url, connect_args=arguments, pool_size=20, execution_options=options)
    event.listen(engine, "connect", _prepare_writer if writes else _prepare_reader)
    event.listen(engine, "begin", _begin_immediate if writes else _begin)
    return engine


def _prepare_writer(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not open transactions of its own
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # "logged" lets a device forget: it must survive a power cut here
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")  # what is deleted is not left in free pages


def _prepare_reader(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON")


def _begin_immediate(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN")
