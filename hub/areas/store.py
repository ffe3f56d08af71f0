"""Areas (province, commune, hamlet) with validity and predecessors, households and languages."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Float,
    Integer,
    String,
    Table,
    select,
)  # fmt: skip

from hub.db import metadata, upsert
from wire.areas import leaf, parent
from wire.units import UtcTime

areas = Table(
    "areas",
    metadata,
    Column("path", String(80), primary_key=True),
    Column("code", String(10), nullable=False),
    Column("parent", String(80), index=True),
    Column("name", String(200), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_to", BigInteger),
    Column("lat", Float),
    Column("lon", Float),
    Column("area_km2", Float),
    Column("households", Integer),
    Column("languages", JSON, nullable=False),
)

predecessors = Table(
    "area_predecessors",
    metadata,
    Column("old_code", String(10), primary_key=True),
    Column("path", String(80), primary_key=True),
    Column("old_name", String(200), nullable=False),
    Column("old_district", String(200), nullable=False),
    Column("old_province", String(200), nullable=False),
    Column("share", String(10), nullable=False),
)


def put(conn: Connection, path: str, *, name: str, kind: str, valid_from: UtcTime, **more: Any) -> None:
    """Add an area or correct it. `more`: valid_to, lat, lon, area_km2, households, languages (a list)."""
    values = {"code": leaf(path), "parent": parent(path), "name": name, "kind": kind, "valid_from": valid_from, **more}
    upsert(conn, areas, {"path": path}, {"languages": ["vi"], **values})


def put_predecessor(conn: Connection, path: str, old_code: str, **more: Any) -> None:
    upsert(conn, predecessors, {"old_code": old_code, "path": path}, more)


def get(conn: Connection, path: str) -> dict[str, Any] | None:
    row = conn.execute(select(areas).where(areas.c.path == path)).mappings().first()
    return dict(row) if row else None


def below(conn: Connection, path: str, *, now: UtcTime | None = None) -> list[dict[str, Any]]:
    """The area and everything under it, by path; with `now`, only what exists then."""
    inside = (areas.c.path == path) | areas.c.path.startswith(path + "/", autoescape=True)
    query = select(areas).where(inside).order_by(areas.c.path)
    if now is not None:
        query = query.where(areas.c.valid_from <= now, areas.c.valid_to.is_(None) | (areas.c.valid_to > now))
    return [dict(row) for row in conn.execute(query).mappings()]


def children(conn: Connection, path: str) -> list[dict[str, Any]]:
    """The areas directly under one, by name."""
    query = select(areas).where(areas.c.parent == path).order_by(areas.c.name)
    return [dict(row) for row in conn.execute(query).mappings()]


def predecessors_of(conn: Connection, path: str) -> list[dict[str, Any]]:
    """The units that an area was made of."""
    query = select(predecessors).where(predecessors.c.path == path).order_by(predecessors.c.old_code)
    return [dict(row) for row in conn.execute(query).mappings()]


def names(conn: Connection) -> dict[str, str]:
    """Every area's name by path."""
    return {row.path: row.name for row in conn.execute(select(areas.c.path, areas.c.name))}
