"""What stands on the page of security events: what was counted, and what is found by looking: gaps, keys that end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from hub.auth.roles import Person, Right
from hub.certificates import actions as certificates
from hub.certificates import store as certificate_store
from hub.certificates.authority import CERTIFICATE_FILE, ends_at
from hub.context import Hub
from hub.devices import store as devices
from hub.errors import ConfigError
from hub.playlog import store as playlog
from hub.security import store
from hub.security.store import Kind
from hub.security.words import KINDS
from wire.units import DAY, HOUR, UtcTime

SHOWN_DAYS = 30
MOST_SUBJECTS = 20
WARN_DAYS = (60, 30, 7)
GAP_AFTER_MS = HOUR
"""Batches overtake one another; what is missing for so long is a gap."""


@dataclass(frozen=True)
class Subject:
    name: str
    area: str
    count: int
    last_at: UtcTime
    detail: str


@dataclass(frozen=True)
class Finding:
    """One kind of event in the last days."""

    kind: Kind
    count: int
    first_at: UtcTime
    last_at: UtcTime
    subjects: tuple[Subject, ...]
    """The ones that were last concerned, at most `MOST_SUBJECTS`."""
    others: int


@dataclass(frozen=True)
class Ending:
    """A key or certificate that ends soon. `within`: 60, 30 or 7 days; 0: it has ended."""

    name: str
    area: str
    expires: UtcTime
    within: int


@dataclass(frozen=True)
class Gap:
    """Rows of a device's log that never came, although later ones did."""

    device: str
    area: str
    first: int
    last: int
    since: UtcTime


def findings(hub: Hub, conn: Connection, person: Person) -> list[Finding]:
    rows = [row for row in store.since(conn, UtcTime(hub.now() - SHOWN_DAYS * DAY)) if _concerns(hub, person, row)]
    found = []
    for kind in KINDS:
        mine = [row for row in rows if row["kind"] == kind]
        if mine:
            found.append(_finding(kind, mine))
    return found


def endings(hub: Hub, conn: Connection, person: Person) -> list[Ending]:
    """Roles of the signed tree, the CA and the certificates, that end within 60 days; the first to end first."""
    found = [*_role_endings(hub, conn), *_certificate_endings(hub, conn)]
    now = hub.now()
    last = now + WARN_DAYS[0] * DAY
    mine = [
        Ending(name, area, expires, within_days(expires, now))
        for name, area, expires in found
        if expires <= last and person.may(Right.AUDIT, area or hub.config.province)
    ]
    return sorted(mine, key=lambda ending: ending.expires)


def gaps(hub: Hub, conn: Connection, person: Person) -> list[Gap]:
    """The oldest first."""
    late = hub.now() - GAP_AFTER_MS
    found = [gap for chain in playlog.incomplete(conn) for gap in _gaps_of(conn, chain)]
    mine = [gap for gap in found if gap.since <= late and person.may(Right.AUDIT, gap.area or hub.config.province)]
    return sorted(mine, key=lambda gap: gap.since)


def within_days(expires: UtcTime, now: UtcTime) -> int:
    """The narrowest of 60, 30 and 7 days in which it ends; 0 for what has ended."""
    if expires <= now:
        return 0
    return min(days for days in WARN_DAYS if expires <= now + days * DAY)


def _finding(kind: Kind, rows: Sequence[dict[str, Any]]) -> Finding:
    """`rows`: the newest first."""
    merged: dict[str, Subject] = {}
    for row in rows:
        before = merged.get(row["subject"])
        count = row["count"] + (before.count if before else 0)
        newest = before or Subject(row["subject"], row["area"], 0, UtcTime(row["last_at"]), row["detail"])
        merged[row["subject"]] = Subject(newest.name, newest.area, count, newest.last_at, newest.detail)
    shown = tuple(merged.values())[:MOST_SUBJECTS]
    return Finding(
        kind, sum(row["count"] for row in rows), UtcTime(min(row["first_at"] for row in rows)),
        UtcTime(max(row["last_at"] for row in rows)), shown, len(merged) - len(shown),
    )  # fmt: skip


def _concerns(hub: Hub, person: Person, row: dict[str, Any]) -> bool:
    """What is of no area is the province's."""
    return person.may(Right.AUDIT, row["area"] or hub.config.province)


def _role_endings(hub: Hub, conn: Connection) -> list[tuple[str, str, UtcTime]]:
    try:
        held = hub.trusted.held(conn)
    except ConfigError:  # no root yet: nothing to end
        return []
    roles = [(name, _area_of(name, hub.config.province), file.expires) for name, file in held.roles.items()]
    return [(held.root.name, "", held.root.expires), *roles]


def _area_of(role: str, province: str) -> str:
    """The commune of a commune's roles, else none: they are the province's."""
    return f"{province}/{role[1:]}" if role[:1] in ("c", "h") and role[1:].isalnum() else ""


def _certificate_endings(hub: Hub, conn: Connection) -> list[tuple[str, str, UtcTime]]:
    if not certificates.has_authority(hub):
        return []
    soon = certificate_store.ending(conn, UtcTime(hub.now() + WARN_DAYS[0] * DAY))
    authority = certificates.ca_folder(hub) / CERTIFICATE_FILE
    found = [(name, _place(conn, name), expires) for name, expires in soon]
    return [*found, (CERTIFICATE_FILE, "", ends_at(authority.read_bytes()))]


def _gaps_of(conn: Connection, chain: dict[str, Any]) -> list[Gap]:
    device = chain["device"]
    missing = playlog.gaps(conn, device, chain["chain"], start=chain["whole_to"])
    found = [(first, last, playlog.received_at(conn, device, chain["chain"], last + 1)) for first, last in missing]
    return [Gap(device, _place(conn, device), first, last, since) for first, last, since in found]


def _place(conn: Connection, device: str) -> str:
    known = devices.device(conn, device)
    return str(known["area"]) if known else ""
