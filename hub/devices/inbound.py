"""A device announces itself or is gone: who is connected, is it really that one, and what must it fetch."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from hub import outbox
from hub.context import Hub
from hub.devices import store
from hub.devices.actions import released_placement
from hub.publishing import repository
from hub.security import store as security
from wire.areas import contains
from wire.enrolment import Placement
from wire.errors import MalformedError
from wire.telemetry import Birth, Command, encode_message, read_birth, read_death
from wire.topics import CMD
from wire.units import DAY, HOUR, UtcTime

DUPLICATE_WITHIN_MS = DAY


def take_birth(hub: Hub, conn: Connection, device: str, raw: bytes, root: str) -> tuple[Birth, str] | None:
    """Note who connected, and queue a request to fetch where it holds less than it should. `root`: our fingerprint.

    The birth and the area where the device stands; None for a device that is not registered. Raises MalformedError.
    """
    birth = read_birth(raw)
    if birth.device != device:
        raise MalformedError(f"{device} announces {birth.device}")
    known = store.device(conn, device)
    now = hub.now()
    if known and known["revoked_at"]:
        security.note(conn, security.Kind.REVOKED_CALL, device, now=now, area=known["area"], detail="birth")
    if known is None or known["revoked_at"]:
        return None
    before = store.presence_of(conn, device)
    _note_oddities(conn, birth, known, before, root, now)
    if before and before["session"] != birth.session:
        store.remember_session(conn, device, before["session"], now)
    store.put_presence(conn, device, **_presence(birth, now))
    placement = released_placement(conn, device, known["area"])
    if placement and _holds_less(conn, birth, placement):
        call = Command(kind="refresh", area=placement.area)
        outbox.put(conn, CMD.of(device), encode_message(call), now=now, lasts_ms=HOUR, urgency=outbox.FIRST)
    return birth, _area(birth, placement) if placement else known["area"]


def take_death(hub: Hub, conn: Connection, device: str, raw: bytes) -> None:
    """The broker lost the device. Counts only for the session that is known as the live one."""
    store.end_presence(conn, device, read_death(raw).session, hub.now())


def _note_oddities(
    conn: Connection, birth: Birth, known: dict[str, Any], before: dict[str, Any] | None, root: str, now: UtcTime
) -> None:
    """What a technician should look at: another board, another province, a second device of the same name."""
    if birth.serial != known["serial"] and (before is None or before["serial"] != birth.serial):
        store.add_event(conn, birth.device, "other_hardware", f"{birth.serial}, registered {known['serial']}", now)
    if birth.root_fingerprint != root and (before is None or before["root_fingerprint"] != birth.root_fingerprint):
        store.add_event(conn, birth.device, "other_root", birth.root_fingerprint, now)
    newer = _unknown_here(conn, birth)
    if newer and (before is None or dict(before["versions"]) != dict(birth.versions)):
        store.add_event(conn, birth.device, "hub_behind", newer, now)
    if before is None or before["session"] == birth.session:
        return
    came_back = store.is_past_session(conn, birth.device, birth.session, now - DUPLICATE_WITHIN_MS)
    two_boards = before["online"] and before["serial"] != birth.serial
    if came_back or two_boards:
        store.add_event(conn, birth.device, "duplicate_session", f"{before['serial']} and {birth.serial}", now)


def _unknown_here(conn: Connection, birth: Birth) -> str:
    """What the device has that this hub never signed or took in: it was restored from an older backup, or is false."""
    here = repository.role_versions(conn)
    newer = [f"{role} {number}" for role, number in sorted(birth.versions.items()) if number > here.get(role, 0)]
    return ", ".join(newer[:5])


def _presence(birth: Birth, now: UtcTime) -> dict[str, Any]:
    return {
        "online": True, "session": birth.session, "heard_at": now, "born_at": now, "ended_at": None,
        "serial": birth.serial, "boot": birth.boot, "software": birth.software,
        "root_fingerprint": birth.root_fingerprint, "area": birth.area, "cluster": birth.cluster,
        "placement_n": birth.placement_n, "versions": dict(birth.versions), "time_quality": birth.time_quality,
        "supplied_until": birth.supplied_until,
    }  # fmt: skip


def _area(birth: Birth, placement: Placement) -> str:
    """Where it stands; a spare may stand in for a cluster anywhere in its commune, which it says itself."""
    return birth.area if placement.spare and contains(placement.area, birth.area) else placement.area


def _holds_less(conn: Connection, birth: Birth, placement: Placement) -> bool:
    if birth.placement_n != placement.n or birth.area != _area(birth, placement):
        return True
    newest = repository.role_versions(conn)
    return any(version < newest.get(role, 0) for role, version in birth.versions.items())
