"""Drafts of programmes: slots, series, settings, and who changed what when."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)  # fmt: skip

from hub.db import insert_new, metadata, upsert
from hub.schedules.model import Draft, DraftSeries, DraftSlot, SeriesItem, Settings
from wire.programme import Slot
from wire.units import UtcTime

draft_slots = Table(
    "draft_slots",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("area", String(80), nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("author", String(64), nullable=False),
    Column("changed_by", String(64), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
)

draft_series = Table(
    "draft_series",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("area", String(80), nullable=False, index=True),
    Column("title", String(200), nullable=False),
    Column("created", BigInteger, nullable=False),
)

draft_series_items = Table(
    "draft_series_items",
    metadata,
    Column("series", ForeignKey("draft_series.id", ondelete="CASCADE"), primary_key=True),
    Column("item", String(64), primary_key=True),
    Column("added", BigInteger, nullable=False),
)

draft_settings = Table(
    "draft_settings",
    metadata,
    Column("area", String(80), primary_key=True),
    Column("body", Text, nullable=False),
)

draft_changes = Table(
    "draft_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("area", String(80), nullable=False),
    Column("person", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("what", String(40), nullable=False),
    Index("ix_draft_changes_area_at", "area", "at"),
)


def draft(conn: Connection, area: str) -> Draft:
    """The area's whole draft."""
    return Draft(area, tuple(slots(conn, area)), tuple(series(conn, area)), settings(conn, area))


def slots(conn: Connection, area: str) -> list[DraftSlot]:
    rows = conn.execute(select(draft_slots).where(draft_slots.c.area == area)).mappings()
    return sorted((_slot(row) for row in rows), key=lambda s: (s.slot.start_ms, s.id))


def slot(conn: Connection, ident: str) -> DraftSlot | None:
    row = conn.execute(select(draft_slots).where(draft_slots.c.id == ident)).mappings().first()
    return _slot(row) if row else None


def slots_naming(conn: Connection, item: str) -> list[DraftSlot]:
    """Draft slots that play an item, in any area."""
    rows = conn.execute(select(draft_slots).where(draft_slots.c.body.contains(f'"{item}"', autoescape=True))).mappings()
    return [_slot(row) for row in rows]


def add_slot(conn: Connection, new: DraftSlot) -> None:
    conn.execute(insert(draft_slots).values(id=new.id, **_slot_columns(new)))


def change_slot(conn: Connection, new: DraftSlot, *, known: UtcTime) -> bool:
    """Store a slot unless it changed since `known`; whether it was stored."""
    same = (draft_slots.c.id == new.id) & (draft_slots.c.changed == known)
    return conn.execute(update(draft_slots).where(same).values(**_slot_columns(new))).rowcount == 1


def remove_slot(conn: Connection, ident: str) -> bool:
    return conn.execute(delete(draft_slots).where(draft_slots.c.id == ident)).rowcount == 1


def series(conn: Connection, area: str) -> list[DraftSeries]:
    query = select(draft_series).where(draft_series.c.area == area).order_by(draft_series.c.title, draft_series.c.id)
    rows = conn.execute(query)
    return [DraftSeries(row.id, row.area, row.title, _series_items(conn, row.id)) for row in rows]


def one_series(conn: Connection, ident: str) -> DraftSeries | None:
    row = conn.execute(select(draft_series).where(draft_series.c.id == ident)).first()
    return DraftSeries(row.id, row.area, row.title, _series_items(conn, row.id)) if row else None


def series_naming(conn: Connection, item: str) -> list[DraftSeries]:
    found = conn.execute(select(draft_series_items.c.series).where(draft_series_items.c.item == item)).scalars().all()
    return [one for ident in found if (one := one_series(conn, ident))]


def add_series(conn: Connection, new: DraftSeries, now: UtcTime) -> None:
    conn.execute(insert(draft_series).values(id=new.id, area=new.area, title=new.title, created=now))


def add_to_series(conn: Connection, ident: str, item: str, now: UtcTime) -> bool:
    return insert_new(conn, draft_series_items, {"series": ident, "item": item, "added": now})


def remove_from_series(conn: Connection, ident: str, item: str) -> bool:
    c = draft_series_items.c
    return conn.execute(delete(draft_series_items).where(c.series == ident, c.item == item)).rowcount == 1


def settings(conn: Connection, area: str) -> Settings:
    body = conn.execute(select(draft_settings.c.body).where(draft_settings.c.area == area)).scalar()
    return msgspec.json.decode(body, type=Settings) if body else Settings()


def put_settings(conn: Connection, area: str, new: Settings) -> None:
    upsert(conn, draft_settings, {"area": area}, {"body": msgspec.json.encode(new).decode()})


def note_change(conn: Connection, area: str, *, person: str, now: UtcTime, what: str) -> None:
    """Remember an author of the draft, in the transaction of the change."""
    conn.execute(insert(draft_changes).values(area=area, person=person, at=now, what=what))


def changed_at(conn: Connection, area: str) -> UtcTime:
    """When the draft last changed, 0 if never."""
    return conn.execute(select(func.max(draft_changes.c.at)).where(draft_changes.c.area == area)).scalar() or UtcTime(0)


def editors(conn: Connection, area: str, *, since: UtcTime) -> set[str]:
    """Everybody who changed the draft after an instant."""
    c = draft_changes.c
    return set(conn.execute(select(c.person).where(c.area == area, c.at > since).distinct()).scalars())


def _slot_columns(new: DraftSlot) -> dict[str, Any]:
    return {
        "area": new.area, "body": msgspec.json.encode(new.slot).decode(), "author": new.author,
        "changed_by": new.changed_by, "created": new.created, "changed": new.changed,
    }  # fmt: skip


def _slot(row: RowMapping) -> DraftSlot:
    slot = msgspec.json.decode(row["body"], type=Slot)
    return DraftSlot(row["area"], slot, row["author"], row["changed_by"], row["created"], row["changed"])


def _series_items(conn: Connection, ident: str) -> tuple[SeriesItem, ...]:
    c = draft_series_items.c
    rows = conn.execute(select(c.item, c.added).where(c.series == ident).order_by(c.added.desc(), c.item))
    return tuple(SeriesItem(row.item, row.added) for row in rows)
