"""Sending an order from the approval app: the hub first, the brokers where it does not answer, a file for a stick.

What was sent is remembered in the session, so that it can be watched, cancelled and saved while the hub is away.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from provisioning.approval import emergency
from provisioning.approval.context import desk, session, station
from provisioning.approval.faults import StationError
from provisioning.approval.words import N_
from provisioning.carriers import BROKER, FILE, Carried, carry
from provisioning.errors import HubRefusedError, HubUnreachableError

UNKNOWN = frozenset({401, 404})
"""A hub that came back does not know this session, or not yet the order."""


def send(envelope: bytes, carrier: str) -> dict[str, Any]:
    """Send it; what the page says of it. An order that is not carried is kept all the same, to be saved as a file."""
    here, at_desk = station(), desk()
    half = emergency.look_at(at_desk, envelope)
    session().sent[half.signed.id] = envelope
    kept = Carried(half.signed.id, (), len(half.signed.key_ids), half.threshold)
    hub = None if carrier == BROKER else at_desk.hub
    try:
        carried = kept if carrier == FILE else carry(envelope, half, hub, here.brokers)
    except HubUnreachableError:
        if kept.is_complete:
            raise
        carried = kept
    return {
        "id": carried.id, "by": list(carried.by), "by_hub": carried.by == (at_desk.hub.url,),
        "signatures": carried.signatures, "threshold": carried.threshold, "is_complete": carried.is_complete,
    }  # fmt: skip


def find_alert(ident: str) -> Mapping[str, Any]:
    """An alert as the hub tells it; where that does not answer, the one that this session sent, without receipts.

    Raises HubUnreachableError or HubRefusedError where neither knows it.
    """
    at_desk, sent = desk(), session().sent.get(ident)
    try:
        return at_desk.hub.alert(ident)
    except (HubUnreachableError, HubRefusedError) as error:
        if sent is None or (isinstance(error, HubRefusedError) and error.status not in UNKNOWN):
            raise
    return {"envelope": base64.b64encode(sent).decode(), "receipts": [], "cancelled_by": "", "is_hub_away": True}


def envelope_of(ident: str) -> bytes:
    """The bytes of an order that this session sent or the hub holds. Raises StationError."""
    if (sent := session().sent.get(ident)) is not None:
        return sent
    try:
        return base64.b64decode(str(find_alert(ident).get("envelope", "")), validate=True)
    except ValueError as error:
        raise StationError(N_("What the system holds as this alert is none."), code="no_alert", status=409) from error
