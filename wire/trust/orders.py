"""Emergency envelopes, judged end to end but for time and memory: named role, its scope, its keys, its threshold."""

from __future__ import annotations

from dataclasses import dataclass

from wire.alert import ALERT_TYPE, MAX_ALERT_BYTES, Order, alert_id, read_order
from wire.envelope import peek, verify
from wire.errors import MalformedError
from wire.trust.authority import emergency_authority
from wire.trust.held import Held
from wire.units import UtcTime


@dataclass(frozen=True)
class SignedOrder:
    """A verified order. `key_ids` are all keys whose signatures are good (limits count them)."""

    id: str
    order: Order
    key_ids: frozenset[str]


def verify_order(raw: bytes, held: Held, *, floor: UtcTime) -> SignedOrder:
    """Verify an alert's envelope against the held metadata. Expiry, replay and reach are the caller's next questions.

    Raises:
        MalformedError, UnknownKindError: not an order that this program understands, or over 16 KiB.
        NotAllowedError: the role does not speak for the order's area.
        UnknownKeyError: keys or role are not in what is held: hold it, refresh, judge again.
        BadSignatureError: too few signatures; while `targets` is expired by the floor, fewer than two.
    """
    payload_type, unverified = peek(raw, MAX_ALERT_BYTES)
    if payload_type != ALERT_TYPE:
        raise MalformedError(f"payload type {payload_type!r} is no alert")
    order = read_order(unverified)
    who = emergency_authority(held, order.role, order.area, floor=floor)
    opened = verify(raw, payload_type=ALERT_TYPE, keys=who.keys, threshold=who.threshold, limit=MAX_ALERT_BYTES)
    return SignedOrder(alert_id(opened.payload), order, opened.key_ids)
