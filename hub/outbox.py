"""Messages to the broker, stored in the transaction that causes them and sent by the worker until they expire.

Delivery is "at least once": everything that travels here carries an id or a version, so that a second copy is harmless.
Retained messages are also remembered by topic, because an embedded broker forgets them when it restarts.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)  # fmt: skip

from hub.db import metadata, upsert
from wire.units import DAY, Milliseconds, UtcTime

FIRST, NORMAL = 0, 1
"""Urgency: alerts before everything else."""
KEEP_DONE_MS = DAY

outbox_rows = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("urgency", Integer, nullable=False),
    Column("topic", String(200), nullable=False),
    Column("qos", Integer, nullable=False),
    Column("retained", Boolean, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", String(10), nullable=False),
    Column("sent", BigInteger),
    Column("error", Text, nullable=False, server_default=""),
    Index("ix_outbox_state_urgency_id", "state", "urgency", "id"),
)

retained_rows = Table(
    "retained",
    metadata,
    Column("topic", String(200), primary_key=True),
    Column("qos", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)


@dataclass(frozen=True)
class Outgoing:
    """One message that waits for the broker."""

    id: int
    topic: str
    body: bytes
    qos: int
    retained: bool


def put(
    conn: Connection, topic: str, body: bytes, *, now: UtcTime, lasts_ms: Milliseconds = DAY, qos: int = 1,
    retained: bool = False, urgency: int = NORMAL,
) -> None:  # fmt: skip
    """Queue a message in the caller's transaction. A retained one replaces a waiting one of the same topic."""
    if retained:
        same = (outbox_rows.c.topic == topic) & outbox_rows.c.retained & (outbox_rows.c.state == "waiting")
        conn.execute(delete(outbox_rows).where(same))
        upsert(conn, retained_rows, {"topic": topic}, {"qos": qos, "body": body})
    conn.execute(
        insert(outbox_rows).values(
            created=now, expires=now + lasts_ms, urgency=urgency, topic=topic, qos=qos, retained=retained, body=body,
            state="waiting",
        )
    )  # fmt: skip


def waiting(conn: Connection, now: UtcTime, *, limit: int = 200) -> list[Outgoing]:
    """The next messages to send, the most urgent first."""
    c = outbox_rows.c
    rows = conn.execute(
        select(c.id, c.topic, c.body, c.qos, c.retained)
        .where(c.state == "waiting", c.expires > now)
        .order_by(c.urgency, c.id)
        .limit(limit)
    )
    return [Outgoing(**row) for row in rows.mappings()]


def mark_sent(conn: Connection, ids: list[int], now: UtcTime) -> None:
    conn.execute(update(outbox_rows).where(outbox_rows.c.id.in_(ids)).values(state="sent", sent=now))


def set_aside(conn: Connection, ident: int, error: str) -> None:
    """A row that cannot be sent at all must not hold up the others; it stays for a person to look at."""
    conn.execute(update(outbox_rows).where(outbox_rows.c.id == ident).values(state="failed", error=error[:1_000]))


def expire(conn: Connection, now: UtcTime) -> int:
    """Give up what is too late; how many."""
    c = outbox_rows.c
    late = conn.execute(update(outbox_rows).where(c.state == "waiting", c.expires <= now).values(state="expired"))
    return late.rowcount


def give_up(conn: Connection) -> int:
    """Send nothing of what waits; how many. What is retained is said again on the next connection."""
    c = outbox_rows.c
    return conn.execute(update(outbox_rows).where(c.state == "waiting").values(state="expired")).rowcount


def forget_old(conn: Connection, now: UtcTime) -> None:
    """Delete what was sent or given up long ago."""
    c = outbox_rows.c
    conn.execute(delete(outbox_rows).where(c.state.in_(["sent", "expired"]), c.created < now - KEEP_DONE_MS))


def retained(conn: Connection) -> list[Outgoing]:
    """All retained messages that a broker should hold, with id 0."""
    c = retained_rows.c
    rows = conn.execute(select(c.topic, c.body, c.qos).order_by(c.topic)).mappings()
    return [Outgoing(id=0, retained=True, **row) for row in rows]
