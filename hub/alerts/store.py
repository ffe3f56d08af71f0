"""Emergency orders that were accepted here, and what became of each on each device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    delete,
    or_,
    select,
    update,
)  # fmt: skip

from hub.db import insert_new, metadata, upsert
from wire.areas import ancestry
from wire.units import UtcTime

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("role", String(60), nullable=False),
    Column("area", String(80), nullable=False, index=True),
    Column("template", String(64), nullable=False),
    Column("title", String(300), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("drill", Boolean, nullable=False),
    Column("issued", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False, index=True),
    Column("cancels", JSON, nullable=False),
    Column("cancelled_by", String(64), nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("key_ids", JSON, nullable=False),
    Column("taken_at", BigInteger, nullable=False),
    Column("taken_from", String(64), nullable=False),
)
"""`kind` is start, cancel, or half: signed by fewer officers than must, waiting for others, told to no device.
`taken_from` is the username that handed it in, or "broker"; `cancelled_by` the id of the order that cancels it."""

receipts = Table(
    "alert_receipts",
    metadata,
    Column("alert", String(64), primary_key=True),
    Column("device", String(40), primary_key=True),
    Column("state", String(20), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("time_quality", Integer, nullable=False),
    Column("detail", Text, nullable=False),
)


HALF = "half"


def add(conn: Connection, **values: Any) -> bool:
    """Store an order; False where it is known already. It takes the place of itself half signed."""
    conn.execute(delete(alerts).where(alerts.c.id == values["id"], alerts.c.kind == HALF))
    return insert_new(conn, alerts, {"cancelled_by": "", **values})


def get(conn: Connection, ident: str) -> dict[str, Any] | None:
    """An order that is signed by all who must."""
    row = conn.execute(select(alerts).where(alerts.c.id == ident, alerts.c.kind != HALF)).mappings().first()
    return dict(row) if row else None


def keep_half(conn: Connection, now: UtcTime, **values: Any) -> None:
    """Keep an order that waits for further signatures; those whose time has passed leave."""
    conn.execute(delete(alerts).where(alerts.c.kind == HALF, alerts.c.expires <= now))
    upsert(conn, alerts, {"id": values.pop("id")}, {"kind": HALF, "cancelled_by": "", **values})


def halves(conn: Connection, areas: Sequence[str], now: UtcTime) -> list[dict[str, Any]]:
    """Orders that wait for further signatures, for these areas and below, the newest first."""
    below = [alerts.c.area.startswith(area + "/", autoescape=True) for area in areas]
    query = select(alerts).where(or_(alerts.c.area.in_(areas), *below), alerts.c.kind == HALF, alerts.c.expires > now)
    return [dict(row) for row in conn.execute(query.order_by(alerts.c.taken_at.desc()).limit(50)).mappings()]


def mark_cancelled(conn: Connection, idents: Sequence[str], by: str) -> None:
    which = alerts.c.id.in_(idents) & (alerts.c.cancelled_by == "")
    conn.execute(update(alerts).where(which).values(cancelled_by=by))


def among(conn: Connection, idents: Sequence[str]) -> list[dict[str, Any]]:
    """Those of these orders that are known."""
    query = select(alerts).where(alerts.c.id.in_(idents), alerts.c.kind != HALF)
    return [dict(row) for row in conn.execute(query).mappings()]


def cancels_of(conn: Connection, ident: str, now: UtcTime) -> list[dict[str, Any]]:
    """The unexpired cancels that name an order; they may have come first."""
    query = select(alerts).where(alerts.c.kind == "cancel", alerts.c.expires > now)
    return [dict(row) for row in conn.execute(query).mappings() if ident in row["cancels"]]


def latest(conn: Connection, areas: Sequence[str], *, limit: int = 100) -> list[dict[str, Any]]:
    """The newest orders that concern one of the areas: at, below or above it."""
    query = select(alerts).where(_concerns(areas), alerts.c.kind != HALF)
    query = query.order_by(alerts.c.taken_at.desc()).limit(limit)
    return [dict(row) for row in conn.execute(query).mappings()]


def running(conn: Connection, areas: Sequence[str], now: UtcTime) -> list[dict[str, Any]]:
    """The orders to start something that are neither expired nor cancelled."""
    c = alerts.c
    query = select(alerts).where(_concerns(areas), c.kind == "start", c.expires > now, c.cancelled_by == "")
    return [dict(row) for row in conn.execute(query.order_by(c.taken_at.desc())).mappings()]


def unexpired_for(conn: Connection, area: str, now: UtcTime) -> list[dict[str, Any]]:
    """What a device at `area` should know: cancels first, then what still runs; oldest first."""
    c = alerts.c
    meant = c.area.in_(ancestry(area))
    live = (c.expires > now, c.cancelled_by == "", c.kind != HALF)
    query = select(alerts).where(meant, *live).order_by(c.kind, c.taken_at)
    return [dict(row) for row in conn.execute(query).mappings()]


def add_receipt(conn: Connection, alert: str, device: str, state: str, **values: Any) -> bool:
    """Store a state that a device reached; the first report counts."""
    return insert_new(conn, receipts, {"alert": alert, "device": device, "state": state, **values})


def receipts_of(conn: Connection, alert: str) -> list[dict[str, Any]]:
    query = select(receipts).where(receipts.c.alert == alert).order_by(receipts.c.received_at, receipts.c.at)
    return [dict(row) for row in conn.execute(query).mappings()]


def _concerns(areas: Sequence[str]) -> Any:
    condition: Any = alerts.c.area.in_([level for area in areas for level in ancestry(area)])
    for area in areas:
        condition |= alerts.c.area.startswith(area + "/", autoescape=True)
    return condition
