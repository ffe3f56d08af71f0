"""The province's signed files as devices fetch them: every version of every role, targets by hash, released blobs.

In the database rather than in a folder, so that a release is one transaction and several web machines serve the same.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)  # fmt: skip

from hub.db import for_update, insert_new, metadata, upsert
from hub.errors import ConfigError
from wire.trust.held import Held, load_held
from wire.units import UtcTime

role_files = Table(
    "role_files",
    metadata,
    Column("role", String(60), primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("stored_at", BigInteger, nullable=False),
)

target_files = Table(
    "target_files",
    metadata,
    Column("path", String(200), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("released_at", BigInteger, nullable=False),
    Index("ix_target_files_path_released_at", "path", "released_at"),
)

current_targets = Table(
    "current_targets",
    metadata,
    Column("path", String(200), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("role", String(60), nullable=False),
    Column("version", BigInteger, nullable=False),
)

released_blobs = Table(
    "released_blobs",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("released_at", BigInteger, nullable=False),
)

state = Table(
    "repository_state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("changes", BigInteger, nullable=False),
)
"""One row: locked by whoever releases, counted up with every change of a file that says who may speak."""


_DATED = frozenset({"snapshot", "timestamp"})
_ONLINE = _DATED | {"root"}


def lock(conn: Connection) -> None:
    """One release at a time, also where the database would let two in."""
    insert_new(conn, state, {"id": 1, "changes": 0})
    conn.execute(for_update(conn, select(state.c.changes).where(state.c.id == 1)))


def put_role(conn: Connection, role: str, version: int, body: bytes, now: UtcTime) -> None:
    conn.execute(insert(role_files).values(role=role, version=version, body=body, stored_at=now))
    if role not in _DATED:
        conn.execute(update(state).where(state.c.id == 1).values(changes=state.c.changes + 1))


def put_targets(conn: Connection, role: str, version: int, targets: Mapping[str, bytes], now: UtcTime) -> None:
    for path, body in targets.items():
        sha256 = hashlib.sha256(body).hexdigest()
        insert_new(conn, target_files, {"path": path, "sha256": sha256, "body": body, "released_at": now})
        upsert(conn, current_targets, {"path": path}, {"sha256": sha256, "role": role, "version": version})


def release_blobs(conn: Connection, blobs: Iterable[tuple[str, int]], now: UtcTime) -> None:
    """From now on anybody may fetch these (sha256, size)."""
    for sha256, size in blobs:
        insert_new(conn, released_blobs, {"sha256": sha256, "size": size, "released_at": now})


def is_released(conn: Connection, sha256: str) -> bool:
    return conn.execute(select(released_blobs.c.size).where(released_blobs.c.sha256 == sha256)).first() is not None


def role_file(conn: Connection, role: str, version: int) -> bytes | None:
    query = select(role_files.c.body).where(role_files.c.role == role, role_files.c.version == version)
    return conn.execute(query).scalar()


def current_role(conn: Connection, role: str) -> tuple[int, bytes] | None:
    """The newest version of a role and its file."""
    query = select(role_files.c.version, role_files.c.body).where(role_files.c.role == role)
    row = conn.execute(query.order_by(role_files.c.version.desc()).limit(1)).first()
    return (row.version, row.body) if row else None


def role_versions(conn: Connection) -> dict[str, int]:
    """The newest version of each role."""
    query = select(role_files.c.role, func.max(role_files.c.version).label("version")).group_by(role_files.c.role)
    return {row.role: row.version for row in conn.execute(query)}


def newest_files(conn: Connection) -> dict[str, bytes]:
    """The newest file of each role."""
    pairs = select(role_files.c.role, func.max(role_files.c.version).label("version")).group_by(role_files.c.role)
    newest = pairs.subquery()
    same = (role_files.c.role == newest.c.role) & (role_files.c.version == newest.c.version)
    return {row.role: row.body for row in conn.execute(select(role_files.c.role, role_files.c.body).join(newest, same))}


def delegated_files(conn: Connection) -> dict[str, bytes]:
    """What a snapshot lists: `targets` and the roles below it."""
    return {role: body for role, body in newest_files(conn).items() if role not in _ONLINE}


def stored_at(conn: Connection) -> dict[str, int]:
    """When the newest version of each role was stored."""
    query = select(role_files.c.role, func.max(role_files.c.stored_at).label("at")).group_by(role_files.c.role)
    return {row.role: row.at for row in conn.execute(query)}


def forget_role(conn: Connection, role: str) -> None:
    """All versions of an online role."""
    conn.execute(delete(role_files).where(role_files.c.role == role))


def forget_old(conn: Connection, role: str, version: int) -> None:
    """Drop versions up to `version`: of the online roles only the newest ones are ever asked for."""
    conn.execute(delete(role_files).where(role_files.c.role == role, role_files.c.version <= version))


def target_file(conn: Connection, path: str, sha256: str) -> bytes | None:
    query = select(target_files.c.body).where(target_files.c.path == path, target_files.c.sha256 == sha256)
    return conn.execute(query).scalar()


def current_target(conn: Connection, path: str) -> bytes | None:
    """What is released at `path` now: `areas/08/00694/programme.json`, …"""
    same = (target_files.c.path == current_targets.c.path) & (target_files.c.sha256 == current_targets.c.sha256)
    query = select(target_files.c.body).join(current_targets, same).where(current_targets.c.path == path)
    return conn.execute(query).scalar()


def current_target_info(conn: Connection, path: str) -> dict[str, object] | None:
    """{sha256, role, version} of what is released at `path`."""
    row = conn.execute(select(current_targets).where(current_targets.c.path == path)).mappings().first()
    return dict(row) if row else None


def target_paths(conn: Connection, prefix: str, suffix: str) -> list[str]:
    """The released paths that begin and end like this."""
    c = current_targets.c
    query = select(c.path).where(c.path.startswith(prefix, autoescape=True), c.path.endswith(suffix, autoescape=True))
    return list(conn.execute(query.order_by(c.path)).scalars())


class Trusted:
    """The newest role files, verified and parsed; made anew only after a change (a whole province takes 0.1 s).

    Its snapshot and timestamp may be older than those that are served: the hub asks it who may sign, not how new it is.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes = -1
        self._held: Held | None = None

    def held(self, conn: Connection) -> Held:
        """Raises ConfigError while the hub has no root."""
        changes = conn.execute(select(state.c.changes).where(state.c.id == 1)).scalar() or 0
        with self._lock:
            if self._held is None or self._changes != changes:
                self._held, self._changes = _load(conn), changes
            return self._held


def _load(conn: Connection) -> Held:
    files = newest_files(conn)
    if "root" not in files:
        raise ConfigError("This hub has no root of trust yet: run `loa-hub init --trust DIR`")
    return load_held(files, role_versions(conn))[0]
