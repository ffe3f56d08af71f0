"""Tickets: a technician's permission to ask, made by a registrar for an area, a time and a number of devices.

The letters are shown once and stored as a hash. A ticket counts only as long as whoever made it still may.
"""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import Connection

from hub import audit
from hub.areas import store as areas
from hub.auth import store as persons
from hub.auth.roles import Person, Right
from hub.context import Hub
from hub.devices import store as devices
from hub.devices.state import SPARE_TAG
from hub.enrolment import store
from hub.enrolment.model import LONGEST_HOURS, MOST_DEVICES, Ticket
from hub.errors import N_, BadInputError, NotAllowedError, NotFoundError
from wire.joining import TICKET_LENGTH, TICKET_LETTERS, Place, read_ticket
from wire.units import HOUR

MOST_PLACES = 500


class TicketError(NotAllowedError):
    """The technician's permission does not cover this; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def make_ticket(hub: Hub, person: Person, *, area: str, name: str, most: int, lasts_ms: int) -> str:
    """A permission to enrol `most` devices in an area; its letters, which are told this once and stored nowhere."""
    person.require(Right.PLACE, area)
    if not name.strip() or not 1 <= most <= MOST_DEVICES or not 0 < lasts_ms <= LONGEST_HOURS * HOUR:
        raise BadInputError(N_("Name, number or time of the permission is not acceptable."))
    code = "".join(secrets.choice(TICKET_LETTERS) for _ in range(TICKET_LENGTH))
    now = hub.now()
    with hub.writing() as conn:
        if areas.get(conn, area) is None:
            raise NotFoundError(N_("There is no area {area}."), area=area)
        ident = store.add_ticket(
            conn, code=_hash(code), area=area, name=name.strip()[:200], most=most, made_by=person.username, made_at=now,
            expires_at=now + lasts_ms,
        )  # fmt: skip
        audit.note(conn, at=now, person=person.username, verb="enrol-ticket", area=area, subject=f"ticket-{ident}",
                   detail=f"{name.strip()[:200]}, {most}")  # fmt: skip
    return code


def end_ticket(hub: Hub, person: Person, ident: int) -> None:
    """From now on nothing can be asked by it; what was asked goes on waiting for the registrar."""
    with hub.writing() as conn:
        found = store.ticket(conn, ident)
        if found is None or not person.may(Right.VIEW, found.area):
            raise NotFoundError
        person.require(Right.PLACE, found.area)
        if store.end_ticket(conn, ident, hub.now()):
            audit.note(conn, at=hub.now(), person=person.username, verb="enrol-ticket-end", area=found.area,
                       subject=f"ticket-{ident}")  # fmt: skip


def places(hub: Hub, typed: str) -> list[Place]:
    """The clusters that a ticket reaches, and who stands there. Raises TicketError."""
    with hub.reading() as conn:
        ticket = usable(hub, conn, typed)
        names = areas.names(conn)
        standing = {row["cluster"]: row["id"] for row in devices.devices_below(conn, ticket.area)}
        rows = [row for row in devices.clusters_below(conn, ticket.area) if SPARE_TAG not in row["tags"]]
    return [
        Place(cluster=row["id"], name=row["name"], area=names.get(row["area"], row["area"]),
              device=standing.get(row["id"], ""))
        for row in rows[:MOST_PLACES]
    ]  # fmt: skip


def usable(hub: Hub, conn: Connection, typed: str) -> Ticket:
    """A ticket that counts: open, and made by somebody who still may."""
    found = store.ticket_of(conn, _hash(read_ticket(typed[:40])))
    if found is None:
        raise TicketError("ticket_unknown", N_("This permission is not known. Type it again."))
    state = found.state(hub.now())
    if state == "used_up":
        raise TicketError("ticket_used_up", N_("This permission has been used for all its devices."))
    maker = persons.load(conn, found.made_by)
    if state != "open" or maker is None or not maker.may(Right.PLACE, found.area):
        raise TicketError("ticket_over", N_("This permission has ended. Ask for a new one."))
    return found


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
