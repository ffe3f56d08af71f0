"""Tickets and enrolments, and what may become of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hub.auth.roles import Grant, Person, Role
from wire.areas import contains
from wire.units import DAY, HOUR, UtcTime

LONGEST_HOURS = 14 * 24
MOST_DEVICES = 200
RENEW_BEFORE_MS = 3 * 365 * DAY
"""A certificate that lasts longer is handed out again, not made anew; the device asks two years before its end."""
HOURS = {"8": 8 * HOUR, "24": DAY, "72": 3 * DAY, "168": 7 * DAY, "336": 14 * DAY}


@dataclass(frozen=True)
class Ticket:
    """A technician's permission: an area, a time, a number of requests."""

    id: int
    area: str
    name: str
    most: int
    made_by: str
    made_at: UtcTime
    expires_at: UtcTime
    ended_at: UtcTime | None
    used: int

    def state(self, now: UtcTime) -> str:
        if self.ended_at is not None:
            return "ended"
        if now >= self.expires_at:
            return "expired"
        return "used_up" if self.used >= self.most else "open"

    @property
    def holder(self) -> Person:
        """Who acts by it: a technician who signs nothing and has no account.

        Placements are proposed for a whole commune; how far the ticket itself reaches is asked before (`reaches`).
        """
        commune = "/".join(self.area.split("/")[:2])
        return Person(f"ticket-{self.id}", self.name, (Grant(Role.TECHNICIAN, commune),))

    def reaches(self, area: str) -> bool:
        return contains(self.area, area)


@dataclass(frozen=True)
class Enrolment:
    """A device's request, and the placement number under which the registrar is asked to sign it."""

    id: int
    device: str
    key: str
    serial: str
    board: str
    root: str
    has_rtc: bool
    replaces: bool
    spare: bool
    csr: str
    broker_hash: str
    cluster: str
    area: str
    placement_n: int
    ticket: int
    asked_at: UtcTime
    admitted_at: UtcTime | None
    ended_at: UtcTime | None

    def is_of(self, key: str, serial: str) -> bool:
        return (self.key, self.serial) == (key, serial)
