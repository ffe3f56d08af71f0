"""Permissions to enrol (tickets), and every request of a device that came in by one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)  # fmt: skip

from hub.db import for_update, metadata
from hub.enrolment.model import Enrolment, Ticket
from wire.units import UtcTime

tickets = Table(
    "enrol_tickets",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("code", String(64), nullable=False, unique=True),
    Column("area", String(80), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("most", Integer, nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)
"""`code` is the SHA-256 of what the technician types; `name` is whom it was made for."""

enrolments = Table(
    "enrolments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("device", String(40), nullable=False),
    Column("key", String(64), nullable=False),
    Column("serial", String(64), nullable=False),
    Column("board", String(80), nullable=False),
    Column("root", String(64), nullable=False),
    Column("has_rtc", Boolean, nullable=False),
    Column("replaces", Boolean, nullable=False),
    Column("spare", Boolean, nullable=False),
    Column("csr", Text, nullable=False),
    Column("broker_hash", String(200), nullable=False),
    Column("cluster", ForeignKey("clusters.id"), nullable=False),
    Column("area", String(80), nullable=False, index=True),
    Column("placement_n", BigInteger, nullable=False),
    Column("ticket", ForeignKey("enrol_tickets.id"), nullable=False, index=True),
    Column("asked_at", BigInteger, nullable=False),
    Column("admitted_at", BigInteger),
    Column("ended_at", BigInteger),
    Index("ix_enrolments_device", "device"),
)
"""One row a request. `ended_at`: overtaken by a later one, or by the end of the device's registration."""


def add_ticket(conn: Connection, **values: Any) -> int:
    return int(conn.execute(insert(tickets).values(**values).returning(tickets.c.id)).scalar_one())


def ticket_of(conn: Connection, code: str) -> Ticket | None:
    """By the hash of its letters; locked, so that its last use is given away once."""
    row = conn.execute(for_update(conn, select(tickets).where(tickets.c.code == code))).first()
    return _ticket(conn, row) if row else None


def ticket(conn: Connection, ident: int) -> Ticket | None:
    row = conn.execute(select(tickets).where(tickets.c.id == ident)).first()
    return _ticket(conn, row) if row else None


def tickets_below(conn: Connection, area: str, *, limit: int = 50) -> list[Ticket]:
    """The newest first."""
    query = select(tickets).where(_below(tickets.c.area, area)).order_by(tickets.c.id.desc()).limit(limit)
    return [_ticket(conn, row) for row in conn.execute(query)]


def end_ticket(conn: Connection, ident: int, now: UtcTime) -> bool:
    live = (tickets.c.id == ident) & tickets.c.ended_at.is_(None)
    return conn.execute(update(tickets).where(live).values(ended_at=now)).rowcount == 1


def add(conn: Connection, **values: Any) -> None:
    """A new request; what waited for this device before is overtaken."""
    end_waiting(conn, values["device"], values["asked_at"])
    conn.execute(insert(enrolments).values(**values))


def end_waiting(conn: Connection, device: str, now: UtcTime) -> None:
    """Nothing that was asked for this device until now will be admitted."""
    c = enrolments.c
    waiting = (c.device == device) & c.admitted_at.is_(None) & c.ended_at.is_(None)
    conn.execute(update(enrolments).where(waiting).values(ended_at=now))


def admit(conn: Connection, ident: int, now: UtcTime) -> bool:
    waiting = (enrolments.c.id == ident) & enrolments.c.admitted_at.is_(None) & enrolments.c.ended_at.is_(None)
    return conn.execute(update(enrolments).where(waiting).values(admitted_at=now)).rowcount == 1


def waiting_of(conn: Connection, device: str) -> Enrolment | None:
    """The request of a device that is neither admitted nor overtaken."""
    c = enrolments.c
    query = select(enrolments).where(c.device == device, c.admitted_at.is_(None), c.ended_at.is_(None))
    row = conn.execute(query.order_by(c.id.desc()).limit(1)).first()
    return _enrolment(row) if row else None


def admitted_of(conn: Connection, device: str) -> Enrolment | None:
    """The last request of a device that was admitted: what it said of its hardware."""
    c = enrolments.c
    query = select(enrolments).where(c.device == device, c.admitted_at.is_not(None)).order_by(c.id.desc()).limit(1)
    row = conn.execute(query).first()
    return _enrolment(row) if row else None


def waiting_below(conn: Connection, area: str, *, limit: int = 200) -> list[Enrolment]:
    c = enrolments.c
    query = select(enrolments).where(_below(c.area, area), c.admitted_at.is_(None), c.ended_at.is_(None))
    return [_enrolment(row) for row in conn.execute(query.order_by(c.id.desc()).limit(limit))]


def all_waiting(conn: Connection, *, limit: int = 1_000) -> list[Enrolment]:
    """The oldest first."""
    c = enrolments.c
    query = select(enrolments).where(c.admitted_at.is_(None), c.ended_at.is_(None)).order_by(c.id).limit(limit)
    return [_enrolment(row) for row in conn.execute(query)]


def highest_n(conn: Connection, device: str) -> int:
    found = conn.execute(select(func.max(enrolments.c.placement_n)).where(enrolments.c.device == device)).scalar()
    return int(found or 0)


def without_rtc(conn: Connection) -> set[str]:
    """Devices whose last admitted request said that they have no battery clock."""
    c = enrolments.c
    newest = select(func.max(c.id)).where(c.admitted_at.is_not(None)).group_by(c.device)
    return set(conn.execute(select(c.device).where(c.id.in_(newest), c.has_rtc.is_(False))).scalars())


def _below(column: Any, area: str) -> Any:
    return (column == area) | column.startswith(area + "/", autoescape=True)


def _ticket(conn: Connection, row: Row[Any]) -> Ticket:
    used = conn.execute(select(func.count()).select_from(enrolments).where(enrolments.c.ticket == row.id)).scalar()
    values = {name: value for name, value in row._mapping.items() if name != "code"}  # noqa: SLF001
    return Ticket(**values, used=int(used or 0))


def _enrolment(row: Row[Any]) -> Enrolment:
    return Enrolment(**row._mapping)  # noqa: SLF001 SQLAlchemy's public name for it
