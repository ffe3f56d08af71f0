"""Every certificate that the CA has issued, and when and why one ended: what the CRL is made from."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Select, String, Table, Text, func, insert, select, update

from hub.db import metadata
from wire.units import UtcTime

certificates = Table(
    "certificates",
    metadata,
    Column("serial", String(40), primary_key=True),
    Column("name", String(60), nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("why", String(300), nullable=False),
    Column("pem", Text, nullable=False, server_default=""),
    Index("ix_certificates_name", "name"),
)
"""`serial` in hex; `name` is the common name: a device's id, or a station's."""


def add(conn: Connection, *, serial: int, name: str, pem: str, now: UtcTime, expires: UtcTime) -> None:
    conn.execute(
        insert(certificates).values(serial=f"{serial:x}", name=name, pem=pem, issued_at=now, expires_at=expires, why="")
    )


def revoke(conn: Connection, name: str, *, why: str, now: UtcTime) -> int:
    """End all certificates of a name; how many had not ended yet."""
    live = (certificates.c.name == name) & certificates.c.revoked_at.is_(None)
    return conn.execute(update(certificates).where(live).values(revoked_at=now, why=why[:300])).rowcount


def revoked(conn: Connection) -> list[tuple[int, UtcTime]]:
    """Serial numbers and when each ended."""
    rows = conn.execute(select(certificates).where(certificates.c.revoked_at.is_not(None)))
    return [(int(row.serial, 16), UtcTime(row.revoked_at)) for row in rows]


def live_names(conn: Connection) -> set[str]:
    """Everybody who has a certificate that counts."""
    rows = conn.execute(select(certificates.c.name).where(certificates.c.revoked_at.is_(None)).distinct())
    return {row.name for row in rows}


def known_names(conn: Connection) -> set[str]:
    rows = conn.execute(select(certificates.c.name).distinct())
    return {row.name for row in rows}


def ending(conn: Connection, before: UtcTime) -> list[tuple[str, UtcTime]]:
    """Names whose last certificate ends before then, and when; not those that were revoked."""
    last = func.max(certificates.c.expires_at)
    live = select(certificates.c.name, last.label("ends")).where(certificates.c.revoked_at.is_(None))
    rows = conn.execute(live.group_by(certificates.c.name).having(last <= before).order_by(last))
    return [(row.name, UtcTime(row.ends)) for row in rows]


def of(conn: Connection, name: str) -> list[dict[str, Any]]:
    """The certificates of a name, the newest first."""
    rows = conn.execute(
        select(certificates).where(certificates.c.name == name).order_by(certificates.c.issued_at.desc())
    )
    return [dict(row) for row in rows.mappings()]


def live_of(conn: Connection, name: str) -> dict[str, Any] | None:
    """The certificate of a name that counts and lasts longest."""
    c = certificates.c
    query = select(certificates).where(c.name == name, c.revoked_at.is_(None)).order_by(c.expires_at.desc()).limit(1)
    row = conn.execute(query).mappings().first()
    return dict(row) if row else None


def state(conn: Connection, stations: str) -> tuple[int, int, int, int]:
    """Changes whenever the broker's files must be written again: the last revocation, how many there are, how many
    certificates have names that begin with `stations`, and how many count of names that were revoked once.
    """
    ended = certificates.c.revoked_at
    again = select(func.count()).where(ended.is_(None), certificates.c.name.in_(_revoked_names()))
    of_stations = func.count().filter(certificates.c.name.startswith(stations, autoescape=True))
    last, count, named = conn.execute(select(func.coalesce(func.max(ended), 0), func.count(ended), of_stations)).one()
    return int(last), int(count), int(named), int(conn.execute(again).scalar_one())


def _revoked_names() -> Select[Any]:
    other = certificates.alias()
    return select(other.c.name).where(other.c.revoked_at.is_not(None))
