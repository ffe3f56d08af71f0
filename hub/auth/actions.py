"""Logging in and out, and adding persons.

Wrong passwords lock out where they come from, not whose name they use: ten from one address lock that address for that
account for fifteen minutes. Fifty from addresses where the account never logged in lock it for such addresses alone, so
that nobody can keep an officer out of the office's own machine. An unknown name costs the same time and gets the same
answer as a wrong password, so that names cannot be fished for.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from hub import audit
from hub.auth import passkey_store, store
from hub.auth.passwords import NOBODYS, hash_password, is_password
from hub.auth.roles import Grant, Person
from hub.context import Hub
from hub.errors import N_, BadInputError, NotAllowedError, TooManyError
from hub.security import store as security
from wire.areas import check_path
from wire.errors import MalformedError
from wire.units import HOUR, MINUTE, UtcTime

MAX_FAILURES = 10
MAX_BY_STRANGERS = 50
LOCK_MS = 15 * MINUTE
MIN_PASSWORD = 10
USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")


class WrongPasswordError(NotAllowedError):
    code = "wrong_password"
    status = 401


def log_in(hub: Hub, username: str, password: str, *, kind: str = "page", origin: str = "") -> tuple[str, Person]:
    """A new session's token (told once, stored as a hash) and the person. `origin`: the address that asks.

    Raises WrongPasswordError, or TooManyError while the account is locked for this address.
    """
    now = hub.now()
    with hub.reading() as conn:
        row = store.credentials(conn, username[:64])
        seen = store.login_origin(conn, username[:64], origin)
    if row and (seen.locked_until > now or (row["locked_until"] > now and not seen.succeeded)):
        raise TooManyError(N_("Too many wrong passwords. Try again in a quarter of an hour."))
    right = is_password(password[:200], row["password"] if row else NOBODYS)  # slow: outside any transaction
    if not row or not right or not row["active"]:
        _count_failure(hub, username, origin)
        raise WrongPasswordError(N_("User name or password is wrong."))
    with hub.writing() as conn:
        store.put_login_origin(conn, username, origin, store.LoginOrigin(succeeded=now), now=now)
        token = open_session(hub, conn, username, kind=kind)
        person = store.load(conn, username)
    if person is None:  # removed meanwhile
        raise WrongPasswordError(N_("User name or password is wrong."))
    return token, person


def open_session(hub: Hub, conn: Connection, username: str, *, kind: str, verb: str = "login") -> str:
    """The token of a new session of somebody who has shown who they are."""
    token, now = secrets.token_urlsafe(32), hub.now()
    lasts = hub.config.session_hours * HOUR
    store.add_session(conn, token=_hash(token), username=username, kind=kind, now=now, expires=now + lasts)
    audit.note(conn, at=now, person=username, verb=verb, subject=kind)
    return token


def log_out(hub: Hub, token: str) -> None:
    with hub.writing() as conn:
        store.end_session(conn, _hash(token))


def person_of(hub: Hub, token: str) -> Person | None:
    """Whose session a token is, or None."""
    with hub.reading() as conn:
        return store.session_person(conn, _hash(token), hub.now())


def add_person(
    hub: Hub, *, username: str, name: str, password: str, held: Sequence[Grant], keys: Sequence[tuple[str, str]] = ()
) -> None:
    """Add a person, or give an existing one these roles, keys and this password.

    `keys` are (key id, public key) of signing keys. Old sessions and passkeys for logging in end.
    For the command line: no rights are asked.
    """
    check_new_person(username, name, password, held)
    hashed = hash_password(password)
    now = hub.now()
    with hub.writing() as conn:
        if not store.change(conn, username, name=name, password=hashed, active=True, failures=0, locked_until=0):
            store.add_person(conn, username=username, name=name, password=hashed, now=now)
        store.set_grants(conn, username, list(held))
        passkey_store.forget_all(conn, username)
        for keyid, public in keys:
            store.set_key(conn, username, keyid, public)
        store.end_sessions_of(conn, username)
        roles = ", ".join(f"{grant.role}:{grant.area}" for grant in held)
        audit.note(conn, at=now, person="system", verb="person", subject=username, detail=roles)


def change_password(hub: Hub, person: Person, *, old: str, new: str, token: str, origin: str = "") -> None:
    """The person's own. All other sessions end; that of `token` goes on. Raises WrongPasswordError, BadInputError."""
    check_own_password(hub, person, old, origin=origin)
    check_password(new)
    hashed = hash_password(new)
    with hub.writing() as conn:
        store.change(conn, person.username, password=hashed)
        store.end_sessions_of(conn, person.username, but=_hash(token))
        audit.note(conn, at=hub.now(), person=person.username, verb="password")


def check_own_password(hub: Hub, person: Person, password: str, *, origin: str = "") -> None:
    """Before something that a session left open must not do. Counts as trying to log in; raises as `log_in` does."""
    with hub.reading() as conn:
        row = store.credentials(conn, person.username)
        seen = store.login_origin(conn, person.username, origin)
    if row is None or seen.locked_until > hub.now():
        raise TooManyError(N_("Too many wrong passwords. Try again in a quarter of an hour."))
    if not is_password(password[:200], row["password"]):
        _count_failure(hub, person.username, origin)
        raise WrongPasswordError(N_("The password is wrong."))


def check_new_person(username: str, name: str, password: str, held: Sequence[Grant]) -> None:
    """Raise BadInputError saying which value is not acceptable."""
    if not USERNAME.fullmatch(username):
        raise BadInputError(N_("A user name has 2 to 40 small letters, digits, dots or dashes."))
    if not name.strip() or len(name) > 200:
        raise BadInputError(N_("The name is missing or too long."))
    check_password(password)
    for grant in held:
        try:
            check_path(grant.area)
        except MalformedError as error:
            raise BadInputError(N_("There is no area {area}."), area=grant.area) from error


def check_password(password: str) -> None:
    """Raise BadInputError for one that is too short."""
    if len(password) < MIN_PASSWORD:
        raise BadInputError(N_("A password has at least {n} characters."), n=MIN_PASSWORD)


def _count_failure(hub: Hub, username: str, origin: str) -> None:
    now = hub.now()
    with hub.writing() as conn:
        row = store.credentials(conn, username[:64])
        if row is None:
            return
        seen = store.login_origin(conn, username, origin)
        failures, locked = _counted(seen.failures, MAX_FAILURES, now)
        shut = UtcTime(0)
        store.put_login_origin(conn, username, origin, replace(seen, failures=failures, locked_until=locked), now=now)
        if not seen.succeeded:
            of_strangers, shut = _counted(row["failures"], MAX_BY_STRANGERS, now)
            store.change(conn, username, failures=of_strangers, locked_until=shut or row["locked_until"])
        audit.note(conn, at=now, person=username, verb="login-failed", detail=f"{origin} locked" if locked else origin)
        if locked or shut:
            security.note(conn, security.Kind.LOCKOUT, username, now=now, detail=origin)


def _counted(failures: int, most: int, now: UtcTime) -> tuple[int, UtcTime]:
    """The count after one more failure, and until when that locks (0: it does not)."""
    return (failures + 1, UtcTime(0)) if failures + 1 < most else (0, UtcTime(now + LOCK_MS))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
