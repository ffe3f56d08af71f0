"""Letting a device in once the registrar has signed, and handing out its certificate then and ever after.

What lets it in is a released placement that names its key and serial under a number that no earlier one had: so nobody
comes back by an old one, and nobody whose registration has ended gets a certificate.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from hub import audit
from hub.certificates import actions as certificates
from hub.certificates import store as issued
from hub.certificates.authority import certified_hex, request_of
from hub.context import Hub
from hub.devices import store as devices
from hub.devices.actions import released_placement
from hub.enrolment import store
from hub.enrolment.model import RENEW_BEFORE_MS, Enrolment
from hub.errors import N_, NotAllowedError
from hub.security import store as security
from wire.enrolment import Placement


class EndedError(NotAllowedError):
    """The registration has ended, or never began."""

    code = "not_registered"


def admit(hub: Hub, device: str) -> bool:
    """Let a device in whose placement the registrar has signed since it asked; whether that was news."""
    with hub.reading() as conn:
        waits = store.waiting_of(conn, device)
        if waits is None or _signed(conn, waits) is None:
            return False
    with hub.writing() as conn:
        waits = store.waiting_of(conn, device)
        signed = _signed(conn, waits) if waits else None
        if waits is None or signed is None or not store.admit(conn, waits.id, hub.now()):
            return False
        _register(hub, conn, waits, signed)
    return True


def admit_signed(hub: Hub) -> int:
    """Every device whose placement was signed; how many. For the worker: those on sticks never ask again."""
    with hub.reading() as conn:
        waiting = store.all_waiting(conn)
    return sum(admit(hub, one.device) for one in waiting)


def renew(hub: Hub, body: bytes) -> bytes:
    """EST's (re-)enrolment: the device's certificate (PEM) for a request that its registered key signed.

    One that lasts long is handed out again. Raises BadInputError, EndedError; ConfigError where this hub has no CA.
    """
    csr, key, device = request_of(body)
    admit(hub, device)
    with hub.reading() as conn:
        known = devices.device(conn, device)
        refusal = why_not(conn, known, key)
    if refusal:
        _note_refusal(hub, known, refusal)
        raise EndedError(refusal)
    return certificate_for(hub, device, key, csr)


def why_not(conn: Connection, known: dict[str, Any] | None, key: str) -> str:
    """Why a key gets no certificate; nothing where it does."""
    if known is None:
        return N_("This device is not registered.")
    if known["revoked_at"]:
        return N_("The registration of this device was ended.")
    if known["key"] != key:
        return N_("This device is registered with another key.")
    placed = released_placement(conn, known["id"], known["area"])
    return "" if placed and key in placed.keys else N_("The registrar has not signed where this device stands.")


def certificate_for(hub: Hub, device: str, key: str, csr: bytes) -> bytes:
    """The one that it has, while that lasts long and is for this key; else a new one."""
    with hub.reading() as conn:
        live = issued.live_of(conn, device)
    if live and live["pem"] and live["expires_at"] - hub.now() > RENEW_BEFORE_MS:
        pem = str(live["pem"]).encode()
        if certified_hex(pem) == key:
            return pem
    return certificates.issue_device(hub, csr, device)


def _signed(conn: Connection, one: Enrolment) -> Placement | None:
    """The released placement that answers this request: its key, its hardware, and no earlier number."""
    found = released_placement(conn, one.device, one.area)
    is_it = found and found.n >= one.placement_n and one.key in found.keys and found.serial == one.serial
    return found if is_it else None


def _register(hub: Hub, conn: Connection, one: Enrolment, signed: Placement) -> None:
    now = hub.now()
    known = devices.device(conn, one.device)
    if known and known["key"] != one.key:
        certificates.revoke(hub, conn, one.device, why="replaced", person=f"ticket-{one.ticket}")
    devices.put_device(
        conn, one.device, key=one.key, serial=one.serial, board=one.board, cluster=signed.cluster,
        placement_n=signed.n, broker_hash=one.broker_hash, registered_at=now, registered_by=f"ticket-{one.ticket}",
        revoked_at=None,
    )  # fmt: skip
    audit.note(conn, at=now, person=f"ticket-{one.ticket}", verb="admit", area=one.area, subject=one.device,
               detail=f"placement {signed.n}")  # fmt: skip


def _note_refusal(hub: Hub, known: dict[str, Any] | None, refusal: str) -> None:
    """A device that was revoked and calls all the same is worth a line; a stranger leaves no trace."""
    if known is not None:
        with hub.writing() as conn:
            devices.add_event(conn, known["id"], "certificate_refused", refusal, hub.now())
            if known["revoked_at"]:
                security.note(conn, security.Kind.REVOKED_CALL, known["id"], now=hub.now(), detail=refusal)
