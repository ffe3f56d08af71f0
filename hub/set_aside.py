"""Messages of devices on which this program stumbled: kept for a person, so that one cannot hold up the others."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, String, Table, Text, delete, insert, select

from hub.db import metadata
from wire.units import UtcTime

KEEP = 1_000

set_aside_rows = Table(
    "set_aside",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("topic", String(200), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("error", Text, nullable=False),
)


def put(conn: Connection, topic: str, body: bytes, error: str, now: UtcTime) -> None:
    conn.execute(insert(set_aside_rows).values(at=now, topic=topic[:200], body=body, error=error[:2_000]))
    oldest = select(set_aside_rows.c.id).order_by(set_aside_rows.c.id.desc()).offset(KEEP).limit(1).scalar_subquery()
    conn.execute(delete(set_aside_rows).where(set_aside_rows.c.id <= oldest))


def count(conn: Connection) -> int:
    return len(conn.execute(select(set_aside_rows.c.id)).all())
