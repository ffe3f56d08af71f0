"""The last health message of each device, and two weeks of them for the curves."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Connection, Integer, String, Table, delete, select

from hub.db import metadata, upsert
from wire.units import DAY, UtcTime

KEEP_MS = 14 * DAY

latest = Table(
    "health_latest",
    metadata,
    Column("device", String(40), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("readings", JSON, nullable=False),
    Column("fault", Integer, nullable=False),
)

history = Table(
    "health_history",
    metadata,
    Column("device", String(40), primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("readings", JSON, nullable=False),
)


def put(conn: Connection, device: str, readings: dict[str, int | None], now: UtcTime) -> int:
    """Keep a health message; the fault bits of the one before it."""
    before = conn.execute(select(latest.c.fault).where(latest.c.device == device)).scalar() or 0
    fault = readings.get("fault") or 0
    upsert(conn, latest, {"device": device}, {"at": now, "readings": readings, "fault": fault})
    upsert(conn, history, {"device": device, "at": now}, {"readings": readings})
    return int(before)


def all_latest(conn: Connection) -> dict[str, dict[str, Any]]:
    """The last health message by device: at, readings (by metric name), fault (bits of wire.telemetry.FAULTS)."""
    return {row["device"]: dict(row) for row in conn.execute(select(latest)).mappings()}


def latest_of(conn: Connection, device: str) -> dict[str, Any] | None:
    row = conn.execute(select(latest).where(latest.c.device == device)).mappings().first()
    return dict(row) if row else None


def curve(conn: Connection, device: str, since: UtcTime) -> list[dict[str, Any]]:
    query = select(history).where(history.c.device == device, history.c.at >= since).order_by(history.c.at)
    return [dict(row) for row in conn.execute(query).mappings()]


def forget_old(conn: Connection, now: UtcTime) -> None:
    conn.execute(delete(history).where(history.c.at < now - KEEP_MS))
