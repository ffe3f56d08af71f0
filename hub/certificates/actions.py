"""Issuing and ending certificates: the row and the line on record in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection

from hub import audit
from hub.certificates import store
from hub.certificates.authority import CERTIFICATE_FILE, Authority, ends_at, serial_of
from hub.context import Hub
from wire.units import UtcTime


def ca_folder(hub: Hub) -> Path:
    return hub.config.root / "ca"


def has_authority(hub: Hub) -> bool:
    """Whether this hub admits by certificate; the embedded one admits by password."""
    return (ca_folder(hub) / CERTIFICATE_FILE).exists()


def make_authority(hub: Hub) -> Authority:
    """The CA, made where there is none."""
    if has_authority(hub):
        return load_authority(hub)
    return Authority.create(ca_folder(hub), hub.keys, hub.config.province, now=hub.now())


def load_authority(hub: Hub) -> Authority:
    """Raises ConfigError where this hub has no CA."""
    return Authority.load(ca_folder(hub), hub.keys)


def issue_device(hub: Hub, csr_pem: bytes, device: str) -> bytes:
    """Raises BadInputError, ConfigError where this hub has no CA."""
    authority = load_authority(hub)
    return _issue(hub, device, lambda now: authority.issue_device(csr_pem, device, now=now))


def issue_station(hub: Hub, csr_pem: bytes, name: str) -> bytes:
    """Raises BadInputError, ConfigError where this hub has no CA."""
    authority = load_authority(hub)
    return _issue(hub, name, lambda now: authority.issue_station(csr_pem, name, now=now))


def revoke(hub: Hub, conn: Connection, name: str, *, why: str, person: str) -> None:
    """End every certificate of a name; the worker writes the broker's files again. Part of the caller's transaction."""
    if store.revoke(conn, name, why=why, now=hub.now()):
        audit.note(conn, at=hub.now(), person=person, verb="certificate-revoke", subject=name, detail=why)


def _issue(hub: Hub, name: str, make: Callable[[UtcTime], bytes]) -> bytes:
    now = hub.now()
    made = make(now)
    with hub.writing() as conn:
        store.add(
            conn, serial=serial_of(made), name=name, pem=made.decode(), now=now, expires=ends_at(made)
        )
        audit.note(conn, at=now, person="system", verb="certificate", subject=name)
    return made
