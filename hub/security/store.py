"""What somebody who guards the system should know, counted: one row a kind, subject and day, however often it happens.

Any feature calls `note` in its own transaction; the page of security events reads it. A flood of one kind costs one
row, and a flood of invented names at most `MOST_SUBJECTS` a day, so that an attacker cannot fill the disk with it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, delete, func, select, update

from hub.db import insert_new, metadata, upsert
from wire.units import DAY, UtcTime

MOST_SUBJECTS = 500
KEEP_MS = 400 * DAY
OTHERS = ""
"""The subject under which what exceeds `MOST_SUBJECTS` is counted."""


class Kind(StrEnum):
    """What happened. `words.py` says it in words, and what to do."""

    REFUSED_SIGNATURE = "refused_signature"
    REPLAY = "replay"
    LOCKOUT = "lockout"
    REFUSED_CERTIFICATE = "refused_certificate"
    REVOKED_CALL = "revoked_call"
    DUPLICATE_DEVICE = "duplicate_device"
    OTHER_HARDWARE = "other_hardware"
    OTHER_ROOT = "other_root"
    LOG_FORK = "log_fork"
    NEW_CHAIN = "new_chain"
    LOG_LOST = "log_lost"
    FLOOD = "flood"
    TOO_MANY = "too_many"
    BAD_UPLOAD = "bad_upload"
    PASSKEY_CLONE = "passkey_clone"
    AUDIT_BROKEN = "audit_broken"


_REFUSALS = {
    "bad_signature": Kind.REFUSED_SIGNATURE, "unknown_key": Kind.REFUSED_SIGNATURE,
    "not_allowed": Kind.REFUSED_SIGNATURE, "out_of_date": Kind.REPLAY,
}  # fmt: skip


def kind_of_refusal(code: str) -> Kind | None:
    """What a refusal with the code of a WireError is here; None for what is no attack."""
    return _REFUSALS.get(code)


events = Table(
    "security_events",
    metadata,
    Column("kind", String(30), primary_key=True),
    Column("subject", String(80), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("area", String(80), nullable=False, index=True),
    Column("count", BigInteger, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("detail", String(300), nullable=False),
)
"""`subject`: a device, person or address; `area`: whose it is ("": the whole system's); `detail`: of the last time."""


cursors = Table(
    "security_cursors",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("inode", BigInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
)
"""How far a log file was read, and which file that was."""


def note(
    conn: Connection, kind: Kind, subject: str, *, now: UtcTime, area: str = "", detail: str = "", count: int = 1
) -> None:
    """Count it once more (or `count` times)."""
    day, subject = now // DAY, subject[:80]
    if _add(conn, {"kind": kind.value, "subject": subject, "day": day}, now, detail, count):
        return
    if _subjects(conn, kind, day) >= MOST_SUBJECTS:
        subject, area = OTHERS, ""
    key = {"kind": kind.value, "subject": subject, "day": day}
    insert_new(conn, events, {**key, "area": area, "count": 0, "first_at": now, "last_at": now, "detail": ""})
    _add(conn, key, now, detail, count)


def since(conn: Connection, start: UtcTime) -> list[dict[str, Any]]:
    """What was noted at and after `start`, the newest first."""
    rows = conn.execute(select(events).where(events.c.last_at >= start).order_by(events.c.last_at.desc()))
    return [dict(row) for row in rows.mappings()]


def cursor(conn: Connection, name: str) -> tuple[int, int]:
    """(inode, offset); zeros where nothing was read yet."""
    row = conn.execute(select(cursors).where(cursors.c.name == name)).first()
    return (row.inode, row.offset) if row else (0, 0)


def set_cursor(conn: Connection, name: str, inode: int, offset: int) -> None:
    upsert(conn, cursors, {"name": name}, {"inode": inode, "offset": offset})


def forget_old(conn: Connection, now: UtcTime) -> None:
    conn.execute(delete(events).where(events.c.day < (now - KEEP_MS) // DAY))


def _add(conn: Connection, key: dict[str, Any], now: UtcTime, detail: str, count: int) -> bool:
    same = [events.c[name] == value for name, value in key.items()]
    values = {"count": events.c.count + count, "last_at": now, "detail": detail[:300]}
    return conn.execute(update(events).where(*same).values(**values)).rowcount == 1


def _subjects(conn: Connection, kind: Kind, day: int) -> int:
    found = select(func.count()).where(events.c.kind == kind.value, events.c.day == day)
    return conn.execute(found).scalar_one()
