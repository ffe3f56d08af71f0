"""Persons, their roles, keys' names and sessions. Passwords and tokens are stored as hashes only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)  # fmt: skip

from hub.auth.roles import Grant, Person, Role
from hub.db import for_update, metadata, upsert
from hub.secrets.columns import Blind, Sealed
from wire.units import DAY, UtcTime

persons = Table(
    "persons",
    metadata,
    Column("username", String(64), primary_key=True),
    Column("name", Sealed("persons.name"), nullable=False),
    Column("password", String(300), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    Column("username", ForeignKey("persons.username", ondelete="CASCADE"), primary_key=True),
    Column("role", String(20), primary_key=True),
    Column("area", String(80), primary_key=True),
)

person_keys = Table(
    "person_keys",
    metadata,
    Column("keyid", String(64), primary_key=True),
    Column("username", ForeignKey("persons.username", ondelete="CASCADE"), nullable=False, index=True),
    Column("public", Text, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("username", ForeignKey("persons.username", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", String(10), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
)


login_origins = Table(
    "login_origins",
    metadata,
    Column("username", ForeignKey("persons.username", ondelete="CASCADE"), primary_key=True),
    Column("origin", Blind("login_origins.origin"), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("locked_until", BigInteger, nullable=False),
    Column("succeeded", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
)
"""Addresses from which an account was tried, as keyed hashes. `persons.failures` counts those that never succeeded."""

STRANGERS_KEPT_MS = 1 * DAY
NEVER = UtcTime(0)


@dataclass(frozen=True)
class LoginOrigin:
    """What is known of one address for one account; `succeeded` is when a password was right there, or 0."""

    failures: int = 0
    locked_until: UtcTime = NEVER
    succeeded: UtcTime = NEVER


def login_origin(conn: Connection, username: str, origin: str) -> LoginOrigin:
    c = login_origins.c
    query = select(c.failures, c.locked_until, c.succeeded).where(c.username == username, c.origin == origin[:64])
    row = conn.execute(query).first()
    return LoginOrigin(*row) if row else LoginOrigin()


def put_login_origin(conn: Connection, username: str, origin: str, seen: LoginOrigin, *, now: UtcTime) -> None:
    """Remember it; addresses that only failed are forgotten after a day."""
    c = login_origins.c
    conn.execute(delete(login_origins).where(c.succeeded == 0, c.changed < now - STRANGERS_KEPT_MS))
    key = {"username": username, "origin": origin[:64]}
    upsert(conn, login_origins, key, {**asdict(seen), "changed": now})


def add_person(conn: Connection, *, username: str, name: str, password: str, now: UtcTime) -> None:
    conn.execute(
        insert(persons).values(
            username=username, name=name, password=password, active=True, failures=0, locked_until=0, created=now
        )
    )


def set_grants(conn: Connection, username: str, held: list[Grant]) -> None:
    conn.execute(delete(grants).where(grants.c.username == username))
    for grant in held:
        conn.execute(insert(grants).values(username=username, role=grant.role.value, area=grant.area))


def set_key(conn: Connection, username: str, keyid: str, public: str) -> None:
    conn.execute(delete(person_keys).where(person_keys.c.keyid == keyid))
    conn.execute(insert(person_keys).values(keyid=keyid, username=username, public=public))


def change(conn: Connection, username: str, **values: Any) -> bool:
    return conn.execute(update(persons).where(persons.c.username == username).values(**values)).rowcount == 1


def credentials(conn: Connection, username: str) -> dict[str, Any] | None:
    """The person's row for checking a password, locked against parallel guesses until the transaction ends."""
    row = conn.execute(for_update(conn, select(persons).where(persons.c.username == username))).mappings().first()
    return dict(row) if row else None


def load(conn: Connection, username: str) -> Person | None:
    """An active person with roles and keys."""
    row = conn.execute(select(persons.c.name).where(persons.c.username == username, persons.c.active)).first()
    if row is None:
        return None
    keys = conn.execute(select(person_keys.c.keyid).where(person_keys.c.username == username)).scalars()
    return Person(username, row.name, _grants(conn, username), frozenset(keys))


def names(conn: Connection) -> dict[str, str]:
    """Full name by user name."""
    return {row.username: row.name for row in conn.execute(select(persons.c.username, persons.c.name))}


def end_all_sessions(conn: Connection) -> int:
    return conn.execute(delete(sessions)).rowcount


def any_name(conn: Connection) -> str | None:
    """Somebody's name, if there is anybody: whether names can be opened at all."""
    return conn.execute(select(persons.c.name).limit(1)).scalar()


def everybody(conn: Connection) -> list[Person]:
    names = conn.execute(select(persons.c.username).order_by(persons.c.username)).scalars().all()
    return [person for name in names if (person := load(conn, name))]


def find(conn: Connection, username: str) -> tuple[Person, bool] | None:
    """A person, and whether the account is active."""
    row = conn.execute(select(persons.c.name, persons.c.active).where(persons.c.username == username)).first()
    return (Person(username, row.name, _grants(conn, username)), row.active) if row else None


def all_found(conn: Connection) -> list[tuple[Person, bool]]:
    """Everybody with roles, and whether the account is active, by name."""
    held: dict[str, list[Grant]] = {}
    for row in conn.execute(select(grants).order_by(grants.c.area, grants.c.role)):
        held.setdefault(row.username, []).append(Grant(Role(row.role), row.area))
    rows = conn.execute(select(persons).order_by(persons.c.name, persons.c.username))
    return [(Person(row.username, row.name, tuple(held.get(row.username, ()))), row.active) for row in rows]


def unlock(conn: Connection, username: str) -> None:
    """Wrong passwords of before count no more."""
    conn.execute(delete(login_origins).where(login_origins.c.username == username))
    change(conn, username, failures=0, locked_until=0)


def add_session(conn: Connection, *, token: str, username: str, kind: str, now: UtcTime, expires: int) -> None:
    conn.execute(delete(sessions).where(sessions.c.expires <= now))
    conn.execute(insert(sessions).values(token=token, username=username, kind=kind, created=now, expires=expires))


def session_person(conn: Connection, token: str, now: UtcTime) -> Person | None:
    """Whose live session it is; `token` is the stored hash."""
    found = select(sessions.c.username).where(sessions.c.token == token, sessions.c.expires > now)
    username = conn.execute(found).scalar()
    return load(conn, username) if username else None


def end_session(conn: Connection, token: str) -> None:
    conn.execute(delete(sessions).where(sessions.c.token == token))


def end_sessions_of(conn: Connection, username: str, *, but: str = "") -> None:
    """All sessions of a person, except the one of the stored hash `but`."""
    conn.execute(delete(sessions).where(sessions.c.username == username, sessions.c.token != but))


def _grants(conn: Connection, username: str) -> tuple[Grant, ...]:
    rows = conn.execute(select(grants.c.role, grants.c.area).where(grants.c.username == username)).all()
    return tuple(Grant(Role(row.role), row.area) for row in rows)
