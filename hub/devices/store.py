"""Clusters, devices, who is connected since when, and what happened to them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)  # fmt: skip

from hub.db import for_update, metadata, upsert
from hub.secrets.columns import Sealed
from hub.security import store as security
from wire.units import UtcTime

KEEP_EVENTS = 500
"""A device."""

clusters = Table(
    "clusters",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("area", String(80), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("lat", Float),
    Column("lon", Float),
    Column("languages", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("note", Sealed("clusters.note"), nullable=False),
)

devices = Table(
    "devices",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("key", String(64), nullable=False),
    Column("serial", String(64), nullable=False),
    Column("board", String(80), nullable=False),
    Column("broker_hash", String(200), nullable=False),
    Column("cluster", ForeignKey("clusters.id"), nullable=False, index=True),
    Column("placement_n", BigInteger, nullable=False),
    Column("registered_at", BigInteger, nullable=False),
    Column("registered_by", String(64), nullable=False),
    Column("revoked_at", BigInteger),
)

presence = Table(
    "presence",
    metadata,
    Column("device", ForeignKey("devices.id"), primary_key=True),
    Column("online", Boolean, nullable=False),
    Column("session", String(32), nullable=False),
    Column("heard_at", BigInteger, nullable=False),
    Column("born_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("serial", String(64), nullable=False),
    Column("boot", String(64), nullable=False),
    Column("software", String(40), nullable=False),
    Column("root_fingerprint", String(64), nullable=False),
    Column("area", String(80), nullable=False),
    Column("cluster", String(64), nullable=False),
    Column("placement_n", BigInteger, nullable=False),
    Column("versions", JSON, nullable=False),
    Column("time_quality", Integer, nullable=False),
    Column("supplied_until", BigInteger, nullable=False),
)
"""The last birth of each device and when anything was last heard of it."""

past_sessions = Table(
    "past_sessions",
    metadata,
    Column("device", String(40), primary_key=True),
    Column("session", String(32), primary_key=True),
    Column("at", BigInteger, nullable=False),
)
"""Sessions that a later birth replaced; one that comes back is a second device of the same identity."""

events = Table(
    "device_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("device", String(40), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_device_events_device_at", "device", "at"),
)


_SECURITY_KINDS = {
    "log_fork": security.Kind.LOG_FORK,
    "new_chain": security.Kind.NEW_CHAIN,
    "other_hardware": security.Kind.OTHER_HARDWARE,
    "other_root": security.Kind.OTHER_ROOT,
    "duplicate_session": security.Kind.DUPLICATE_DEVICE,
    "flood": security.Kind.FLOOD,
}


def put_cluster(conn: Connection, ident: str, **values: Any) -> None:
    """Add or correct: area, name, kind, lat, lon, languages, tags, note."""
    upsert(conn, clusters, {"id": ident}, values)


def cluster(conn: Connection, ident: str) -> dict[str, Any] | None:
    return _first(conn, select(clusters).where(clusters.c.id == ident))


def clusters_below(conn: Connection, area: str) -> list[dict[str, Any]]:
    query = select(clusters).where(_below(clusters.c.area, area)).order_by(clusters.c.area, clusters.c.id)
    return _all(conn, query)


def put_device(conn: Connection, ident: str, **values: Any) -> None:
    upsert(conn, devices, {"id": ident}, values)


def end_registration(conn: Connection, ident: str, now: UtcTime) -> None:
    """Its account and its log count no more."""
    conn.execute(update(devices).where(devices.c.id == ident).values(revoked_at=now))


def device(conn: Connection, ident: str) -> dict[str, Any] | None:
    """A device's row, with `area` of its cluster; revoked ones too."""
    query = select(devices, clusters.c.area).join(clusters).where(devices.c.id == ident)
    return _first(conn, query)


def live_key(conn: Connection, ident: str) -> str | None:
    """The key by which a registered, unrevoked device signs its log (raw Ed25519, hex)."""
    found = select(devices.c.key).where(devices.c.id == ident, devices.c.revoked_at.is_(None))
    return conn.execute(found).scalar()


def accounts(conn: Connection) -> dict[str, str]:
    """Broker password hashes of all devices that may connect."""
    rows = conn.execute(select(devices.c.id, devices.c.broker_hash).where(devices.c.revoked_at.is_(None)))
    return {row.id: row.broker_hash for row in rows}


def account(conn: Connection, ident: str) -> str | None:
    """The broker password hash of one device that may connect."""
    found = select(devices.c.broker_hash).where(devices.c.id == ident, devices.c.revoked_at.is_(None))
    return conn.execute(found).scalar()


def devices_below(conn: Connection, area: str) -> list[dict[str, Any]]:
    """Unrevoked devices with cluster and presence, whose columns are None for a device that was never heard."""
    query = (
        select(
            devices.c.id, devices.c.key, devices.c.cluster, devices.c.serial, devices.c.board, devices.c.registered_at,
            devices.c.placement_n, clusters.c.area, clusters.c.name.label("cluster_name"), clusters.c.languages,
            clusters.c.tags, clusters.c.kind, clusters.c.lat, clusters.c.lon, clusters.c.note,
            presence.c.online, presence.c.heard_at, presence.c.born_at, presence.c.ended_at, presence.c.versions,
            presence.c.time_quality, presence.c.supplied_until, presence.c.software,
            presence.c.placement_n.label("held_placement_n"), presence.c.root_fingerprint,
        )
        .join(clusters)
        .outerjoin(presence)
        .where(_below(clusters.c.area, area), devices.c.revoked_at.is_(None))
        .order_by(clusters.c.area, devices.c.id)
    )  # fmt: skip
    return _all(conn, query)


def presence_of(conn: Connection, ident: str) -> dict[str, Any] | None:
    return _first(conn, for_update(conn, select(presence).where(presence.c.device == ident)))


def put_presence(conn: Connection, ident: str, **values: Any) -> None:
    upsert(conn, presence, {"device": ident}, values)


def heard(conn: Connection, ident: str, now: UtcTime) -> None:
    """Something arrived from the device, so it lives."""
    conn.execute(update(presence).where(presence.c.device == ident).values(heard_at=now, online=True))


def end_presence(conn: Connection, ident: str, session: str, now: UtcTime) -> bool:
    """The device's connection ended; only where it was the session that is known as the live one."""
    live = (presence.c.device == ident) & (presence.c.session == session) & presence.c.online
    return conn.execute(update(presence).where(live).values(online=False, ended_at=now)).rowcount == 1


def remember_session(conn: Connection, ident: str, session: str, now: UtcTime) -> None:
    upsert(conn, past_sessions, {"device": ident, "session": session}, {"at": now})


def is_past_session(conn: Connection, ident: str, session: str, since: int) -> bool:
    c = past_sessions.c
    found = select(c.at).where(c.device == ident, c.session == session, c.at >= since)
    return conn.execute(found).first() is not None


def add_event(conn: Connection, ident: str, kind: str, detail: str, now: UtcTime) -> None:
    """Note what a technician should see. A device that floods us pushes out only its own older events."""
    conn.execute(insert(events).values(device=ident, at=now, kind=kind, detail=detail[:1_000]))
    _note_security(conn, ident, kind, detail, now)
    newest = select(events.c.id).where(events.c.device == ident).order_by(events.c.id.desc())
    oldest = newest.offset(KEEP_EVENTS).limit(1).scalar_subquery()
    conn.execute(delete(events).where(events.c.device == ident, events.c.id <= oldest))


def events_of(conn: Connection, ident: str, *, limit: int = 50) -> list[dict[str, Any]]:
    query = select(events).where(events.c.device == ident).order_by(events.c.id.desc()).limit(limit)
    return _all(conn, query)


def _note_security(conn: Connection, ident: str, kind: str, detail: str, now: UtcTime) -> None:
    """What is more than a fault goes to the page of security events too."""
    word = detail.split(" ", 1)[0]
    found = security.kind_of_refusal(detail.partition(": ")[2].split(" ", 1)[0]) if kind == "refused" else None
    if kind == "fault_began" and word == "duplicate_identity":
        found = security.Kind.DUPLICATE_DEVICE
    found = found or _SECURITY_KINDS.get(kind)
    if found:
        known = device(conn, ident)
        security.note(conn, found, ident, now=now, area=known["area"] if known else "", detail=detail)


def _below(column: Any, area: str) -> Any:
    return (column == area) | column.startswith(area + "/", autoescape=True)


def _first(conn: Connection, query: Any) -> dict[str, Any] | None:
    row = conn.execute(query).mappings().first()
    return dict(row) if row else None


def _all(conn: Connection, query: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in conn.execute(query).mappings()]
