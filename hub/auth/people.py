"""Looking after accounts: who may log in, with which roles. Whatever takes something away ends the open sessions.

A manager (`Right.PEOPLE`) looks after those whose roles all lie in the own area, and gives roles there; a person
without any role is the province's. Nobody takes away the own account or the own right to manage.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from hub import audit
from hub.areas import store as areas
from hub.auth import passkey_store, store
from hub.auth.actions import check_new_person, check_password
from hub.auth.passwords import hash_password
from hub.auth.roles import RIGHTS, Grant, Person, Right
from hub.context import Hub
from hub.errors import N_, BadInputError, ConflictError, NotAllowedError, NotFoundError
from wire.areas import ancestry


def manageable(hub: Hub, manager: Person) -> list[tuple[Person, bool]]:
    """Everybody whom the manager looks after, and whether the account is active."""
    with hub.reading() as conn:
        return [(one, active) for one, active in store.all_found(conn) if _looks_after(hub, manager, one.grants)]


def managed(hub: Hub, conn: Connection, manager: Person, username: str) -> tuple[Person, bool]:
    """One of them. Raises NotFoundError for anybody else, so that names of others are not told."""
    found = store.find(conn, username)
    if found is None or not _looks_after(hub, manager, found[0].grants):
        raise NotFoundError
    return found


def add(hub: Hub, manager: Person, *, username: str, name: str, password: str, held: Sequence[Grant]) -> None:
    """A new account. Raises BadInputError, ConflictError, NotAllowedError."""
    check_new_person(username, name, password, held)
    hashed, now = hash_password(password), hub.now()
    with hub.writing() as conn:
        _check_grants(hub, conn, manager, held)
        if store.find(conn, username) is not None:
            raise ConflictError(N_("There is already an account of this name."))
        store.add_person(conn, username=username, name=name.strip(), password=hashed, now=now)
        store.set_grants(conn, username, list(held))
        _note(hub, conn, manager, "person-new", username, held)


def set_roles(hub: Hub, manager: Person, username: str, held: Sequence[Grant]) -> None:
    """Replace a person's roles; the open sessions end. Raises NotFoundError, NotAllowedError, BadInputError."""
    with hub.writing() as conn:
        managed(hub, conn, manager, username)
        if not held:
            raise BadInputError(N_("A person keeps at least one role. Close the account instead."))
        _check_grants(hub, conn, manager, held)
        if username == manager.username and not any(Right.PEOPLE in RIGHTS[grant.role] for grant in held):
            raise BadInputError(N_("Nobody takes away the own right to manage accounts."))
        store.set_grants(conn, username, list(dict.fromkeys(held)))
        store.end_sessions_of(conn, username)
        _note(hub, conn, manager, "person-roles", username, held)


def set_active(hub: Hub, manager: Person, username: str, *, active: bool) -> None:
    """Let a person log in again, or not any more, which ends the open sessions at once."""
    with hub.writing() as conn:
        person, _ = managed(hub, conn, manager, username)
        if username == manager.username and not active:
            raise BadInputError(N_("Nobody closes the own account."))
        store.change(conn, username, active=active)
        store.end_sessions_of(conn, username)
        _note(hub, conn, manager, "person-opened" if active else "person-closed", username, person.grants)


def reset_password(hub: Hub, manager: Person, username: str, password: str) -> None:
    """Give a new password; locks, open sessions and passkeys for logging in end."""
    check_password(password)
    hashed = hash_password(password)
    with hub.writing() as conn:
        person, _ = managed(hub, conn, manager, username)
        store.change(conn, username, password=hashed)
        store.unlock(conn, username)
        store.end_sessions_of(conn, username)
        passkey_store.forget_all(conn, username)
        _note(hub, conn, manager, "person-password", username, person.grants)


def _looks_after(hub: Hub, manager: Person, held: Sequence[Grant]) -> bool:
    places = {grant.area for grant in held} or {hub.config.province}
    return all(manager.may(Right.PEOPLE, area) for area in places)


def _check_grants(hub: Hub, conn: Connection, manager: Person, held: Sequence[Grant]) -> None:
    if not _looks_after(hub, manager, held):
        raise NotAllowedError
    for grant in held:
        if areas.get(conn, grant.area) is None:
            raise BadInputError(N_("There is no area {area}."), area=grant.area)


def _note(hub: Hub, conn: Connection, manager: Person, verb: str, username: str, held: Sequence[Grant]) -> None:
    roles = ", ".join(f"{grant.role}:{grant.area}" for grant in held)
    audit.note(
        conn, at=hub.now(), person=manager.username, verb=verb, area=_common(held), subject=username, detail=roles
    )


def _common(held: Sequence[Grant]) -> str:
    """The lowest area that has all these roles at or below it: who reads its log reads this line."""
    if not held:
        return ""
    first, *others = (ancestry(grant.area) for grant in held)
    shared = [area for area in first if all(area in path for path in others)]
    return shared[-1] if shared else ""
