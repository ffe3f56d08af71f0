"""Passkeys with which persons log in, and the challenges that were given out for them, each good once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)  # fmt: skip

from hub.db import metadata
from wire.units import UtcTime

passkeys = Table(
    "login_passkeys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("username", ForeignKey("persons.username", ondelete="CASCADE"), nullable=False, index=True),
    Column("credential", String(1_400), nullable=False, unique=True),
    Column("data", LargeBinary, nullable=False),
    Column("label", String(60), nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
)
"""`credential`: its id in hex; `data`: as the authenticator attested it, with the public key; `used`: 0 is never."""

challenges = Table(
    "login_challenges",
    metadata,
    Column("challenge", String(64), primary_key=True),
    Column("username", String(64), nullable=False),
    Column("expires", BigInteger, nullable=False),
)
"""`username`: who registers; empty where somebody logs in."""


def add(
    conn: Connection, *, username: str, credential: str, data: bytes, label: str, counter: int, now: UtcTime
) -> None:
    values = {"username": username, "credential": credential, "data": data, "label": label, "counter": counter}
    conn.execute(insert(passkeys).values(**values, created=now, used=0))


def of(conn: Connection, username: str) -> list[dict[str, Any]]:
    query = select(passkeys).where(passkeys.c.username == username).order_by(passkeys.c.created, passkeys.c.id)
    return [dict(row) for row in conn.execute(query).mappings()]


def by_credential(conn: Connection, credential: str) -> dict[str, Any] | None:
    row = conn.execute(select(passkeys).where(passkeys.c.credential == credential)).mappings().first()
    return dict(row) if row else None


def mark_used(conn: Connection, ident: int, *, counter: int, now: UtcTime) -> bool:
    """Whether the counter is one that was not there before: an authenticator that counts never says a number twice."""
    rises = (passkeys.c.counter < counter) | ((passkeys.c.counter == 0) & (counter == 0))
    which = (passkeys.c.id == ident) & rises
    return conn.execute(update(passkeys).where(which).values(counter=counter, used=now)).rowcount == 1


def remove(conn: Connection, username: str, ident: int) -> bool:
    which = (passkeys.c.username == username) & (passkeys.c.id == ident)
    return conn.execute(delete(passkeys).where(which)).rowcount == 1


def forget_all(conn: Connection, username: str) -> None:
    conn.execute(delete(passkeys).where(passkeys.c.username == username))


def give_challenge(conn: Connection, challenge: str, username: str, *, now: UtcTime, expires: int) -> None:
    conn.execute(delete(challenges).where(challenges.c.expires <= now))
    conn.execute(insert(challenges).values(challenge=challenge, username=username, expires=expires))


def take_challenge(conn: Connection, challenge: str, username: str, now: UtcTime) -> bool:
    """Whether it was given out for this and is still good; it is not any more afterwards."""
    c = challenges.c
    which = (c.challenge == challenge) & (c.username == username) & (c.expires > now)
    return conn.execute(delete(challenges).where(which)).rowcount == 1


def waiting(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(challenges)).scalar_one()
