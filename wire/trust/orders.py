"""Emergency envelopes, judged end to end but for time and memory: named role, its scope, its keys, its threshold."""

from __future__ import annotations

from dataclasses import dataclass

from wire.alert import ALERT_TYPE, MAX_ALERT_BYTES, Order, alert_id, read_order
from wire.envelope import peek, verify
from wire.errors import MalformedError
from wire.trust.authority import Authority, emergency_authority
from wire.trust.held import Held
from wire.units import UtcTime


@dataclass(frozen=True)
class SignedOrder:
    """A verified order. `key_ids` are all keys whose signatures are good (limits count them)."""

    id: str
    order: Order
    key_ids: frozenset[str]


@dataclass(frozen=True)
class HalfSigned:
    """An order that an officer has signed and that waits for others. Nobody obeys it yet."""

    signed: SignedOrder
    threshold: int


def verify_order(raw: bytes, held: Held, *, floor: UtcTime) -> SignedOrder:
    """Verify an alert's envelope against the held metadata. Expiry, replay and reach are the caller's next questions.

    Raises:
        MalformedError, UnknownKindError: not an order that this program understands, or over 16 KiB.
        NotAllowedError: the role does not speak for the order's area.
        UnknownKeyError: keys or role are not in what is held: hold it, refresh, judge again.
        BadSignatureError: too few signatures; while `targets` is expired by the floor, fewer than two.
    """
    order, who = _order_and_authority(raw, held, floor)
    return _verified(raw, order, who, who.threshold)


def verify_half(raw: bytes, held: Held, *, floor: UtcTime) -> HalfSigned:
    """An envelope that one officer at least has signed, and how many must. Raises as `verify_order`."""
    order, who = _order_and_authority(raw, held, floor)
    return HalfSigned(_verified(raw, order, who, 1), who.threshold)


def _order_and_authority(raw: bytes, held: Held, floor: UtcTime) -> tuple[Order, Authority]:
    payload_type, unverified = peek(raw, MAX_ALERT_BYTES)
    if payload_type != ALERT_TYPE:
        raise MalformedError(f"payload type {payload_type!r} is no alert")
    order = read_order(unverified)
    return order, emergency_authority(held, order.role, order.area, floor=floor)


def _verified(raw: bytes, order: Order, who: Authority, threshold: int) -> SignedOrder:
    opened = verify(raw, payload_type=ALERT_TYPE, keys=who.keys, threshold=threshold, limit=MAX_ALERT_BYTES)
    return SignedOrder(alert_id(opened.payload), order, opened.key_ids)
