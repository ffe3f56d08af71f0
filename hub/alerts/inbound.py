"""Receipts of devices, and what a device that comes back must be told."""

from __future__ import annotations

import base64

from sqlalchemy import Connection

from hub import outbox
from hub.alerts import store
from hub.context import Hub
from hub.devices import store as devices
from wire.envelope import key_from_hex, open_envelope, peek
from wire.errors import BadSignatureError
from wire.playlog import ACK_TYPE, read_receipt
from wire.telemetry import Birth, Command, encode_message
from wire.topics import ACK, CMD
from wire.units import UtcTime


def take_ack(hub: Hub, raw: bytes, *, carrier: str | None = None) -> bool:
    """Store a receipt that the device's own key signed; whether it said anything new. Raises WireError."""
    _kind, payload = peek(raw, ACK.max_bytes)
    device = read_receipt(payload).device
    with hub.reading() as conn:
        key = devices.live_key(conn, device)
    if key is None or (carrier is not None and carrier != device):
        raise BadSignatureError(f"no receipt of {device} is taken from {carrier or 'a stick'}")
    signed = open_envelope(raw, payload_type=ACK_TYPE, keys=[key_from_hex(key)], threshold=1, limit=ACK.max_bytes)
    receipt = read_receipt(signed)
    now = hub.now()
    with hub.writing() as conn:
        if carrier is not None:
            devices.heard(conn, device, now)
        values = {"at": receipt.at, "received_at": now, "time_quality": receipt.time_quality, "detail": receipt.detail}
        new = [store.add_receipt(conn, receipt.alert, device, state, **values) for state in receipt.states]
    return any(new)


def answer_birth(conn: Connection, birth: Birth, area: str, now: UtcTime) -> None:
    """Queue the running orders and cancels that the device does not know yet, at once and before all else."""
    for alert in store.unexpired_for(conn, area, now):
        if alert["id"] not in birth.alerts:
            command = Command(kind="envelope", id=alert["id"], body=base64.b64encode(alert["envelope"]).decode())
            lasts_ms = alert["expires"] - now
            topic = CMD.of(birth.device)
            outbox.put(conn, topic, encode_message(command), now=now, lasts_ms=lasts_ms, urgency=outbox.FIRST)
