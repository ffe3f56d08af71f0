"""Taking an officer's signed order, sending it on at once, and telling what became of it on every device.

The hub cannot start an alert: it only carries an envelope that the keys of the area's emergency role signed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from hub import audit, outbox
from hub.alerts import store
from hub.auth.roles import Person, Right
from hub.context import Hub
from hub.devices import store as devices
from hub.devices.actions import contact
from hub.devices.model import Contact
from hub.errors import N_, BadInputError, NotFoundError
from hub.publishing import repository
from wire.alert import (
    Cancel,
    Order,
    Start,
    Template,
    alert_id,
    check_current,
    check_start,
    ends_everywhere,
    is_drill,
    read_template,
)
from wire.areas import template_target
from wire.envelope import peek
from wire.topics import EMERGENCY, dotted
from wire.trust.orders import HalfSigned, SignedOrder, verify_half, verify_order
from wire.units import UtcTime

_IN_ORDER = ("received", "verified", "not_stored", "started", "finished", "cancelled", "refused")
"""States that share a message share an instant; this is the order in which a device reaches them."""


@dataclass(frozen=True)
class DeviceState:
    """What is known of one device that is meant by an order. `states` in the order in which they were reached."""

    device: str
    cluster: str
    cluster_name: str
    area: str
    states: tuple[str, ...]
    at: int | None
    detail: str
    contact: Contact

    @property
    def is_silent(self) -> bool:
        """Expected to say something, and said nothing."""
        return not self.states

    @property
    def is_mute(self) -> bool:
        """Took the order, and has not sounded: a device reports as much only after waiting for the sound."""
        return bool(self.states) and not {"started", "finished", "cancelled", "refused"} & set(self.states)


@dataclass(frozen=True)
class Sent:
    """What became of an order that was handed in."""

    id: str
    signatures: int
    threshold: int

    @property
    def is_complete(self) -> bool:
        return self.signatures >= self.threshold


def send_alert(hub: Hub, person: Person, envelope: bytes) -> Sent:
    """Verify an order, store it and queue it for its area. The same order again is no second one.

    One that fewer officers have signed than must is kept for the others, and told to no device. A refusal is on record.
    Raises a WireError where devices would refuse it, NotAllowedError without the right to alarm the area.
    """
    with audit.refusals(hub, person=person.username, verb="alert"):
        with hub.reading() as conn:
            half = _look_through(hub, conn, envelope)
            title, severity = _title(conn, half.signed.order)
        person.require(Right.ALERT, half.signed.order.area)
    signed, order = half.signed, half.signed.order
    sent = Sent(signed.id, len(signed.key_ids), half.threshold)
    with hub.writing() as conn:
        if not sent.is_complete:
            _keep_half(hub, conn, signed, envelope, title=title, severity=severity, taken_from=person.username)
        elif store_order(hub, conn, signed, envelope, title=title, severity=severity, taken_from=person.username):
            now = hub.now()
            topic = EMERGENCY.of(dotted(order.area))
            outbox.put(conn, topic, envelope, now=now, lasts_ms=order.expires - now, urgency=outbox.FIRST)
            audit.note(conn, at=now, person=person.username, verb="alert", area=order.area, subject=signed.id,
                       detail=title)  # fmt: skip
    return sent


def half_signed(hub: Hub, person: Person) -> list[dict[str, Any]]:
    """Orders that wait for another officer, in the areas that this person may alarm."""
    with hub.reading() as conn:
        return store.halves(conn, person.areas(Right.ALERT), hub.now())


def _keep_half(
    hub: Hub, conn: Connection, signed: SignedOrder, envelope: bytes, *, title: str, severity: int, taken_from: str
) -> None:
    if store.get(conn, signed.id):
        return
    order, now = signed.order, hub.now()
    store.keep_half(
        conn, now, id=signed.id, role=order.role, area=order.area, template=getattr(order, "template", ""),
        title=title, severity=severity, drill=is_drill(order), issued=order.issued, expires=order.expires,
        cancels=list(getattr(order, "cancels", [])), envelope=envelope, key_ids=sorted(signed.key_ids), taken_at=now,
        taken_from=taken_from,
    )  # fmt: skip
    audit.note(conn, at=now, person=taken_from, verb="alert-half", area=order.area, subject=signed.id, detail=title)


def take_from_broker(hub: Hub, envelope: bytes) -> None:
    """An order seen on the broker: its own, or one that a station sent straight there. Raises WireError."""
    with hub.reading() as conn:
        if store.get(conn, alert_id(peek(envelope, EMERGENCY.max_bytes)[1])):
            return
        signed = _verify(hub, conn, envelope)
        title, severity = _title(conn, signed.order)
    with hub.writing() as conn:
        store_order(hub, conn, signed, envelope, title=title, severity=severity, taken_from="broker")


def store_order(
    hub: Hub, conn: Connection, signed: SignedOrder, envelope: bytes, *, title: str, severity: int, taken_from: str
) -> bool:
    """Keep an order; False where it is known. What it cancels, or what cancels it, is marked."""
    order = signed.order
    cancels = list(order.cancels) if isinstance(order, Cancel) else []
    new = store.add(
        conn, id=signed.id, kind="cancel" if cancels else "start", role=order.role, area=order.area,
        template=order.template if isinstance(order, Start) else "", title=title, severity=severity,
        drill=is_drill(order), issued=order.issued, expires=order.expires, cancels=cancels, envelope=envelope,
        key_ids=sorted(signed.key_ids), taken_at=hub.now(), taken_from=taken_from,
    )  # fmt: skip
    if new and cancels:
        known = store.among(conn, cancels)
        ended = [a["id"] for a in known if ends_everywhere(order.role, order.area, a["role"], a["area"])]
        store.mark_cancelled(conn, ended, signed.id)
    elif new:
        earlier = store.cancels_of(conn, signed.id, hub.now())
        by = [c["id"] for c in earlier if ends_everywhere(c["role"], c["area"], order.role, order.area)]
        store.mark_cancelled(conn, [signed.id] if by else [], by[0] if by else "")
    return new


def look_at(hub: Hub, person: Person, ident: str) -> tuple[dict[str, Any], list[DeviceState]]:
    """An order, and every device that it means, the silent ones first. Raises NotFoundError."""
    with hub.reading() as conn:
        alert = store.get(conn, ident)
        if alert is None or not _may_see(person, alert["area"]):
            raise NotFoundError
        return alert, device_states(hub, conn, alert)


def visible(hub: Hub, person: Person, *, limit: int = 100) -> list[dict[str, Any]]:
    """The newest orders that concern this person's areas."""
    with hub.reading() as conn:
        return store.latest(conn, person.areas(Right.VIEW), limit=limit)


def device_states(hub: Hub, conn: Connection, alert: dict[str, Any]) -> list[DeviceState]:
    """Expected devices (those at and below the order's area) and others that reported, the silent ones first."""
    reported: dict[str, list[dict[str, Any]]] = {}
    for receipt in store.receipts_of(conn, alert["id"]):
        reported.setdefault(receipt["device"], []).append(receipt)
    found = [_state(hub, row, reported.pop(row["id"], [])) for row in devices.devices_below(conn, alert["area"])]
    for device, states in reported.items():  # a device that was moved or revoked meanwhile
        row = devices.device(conn, device) or {"id": device, "cluster": "", "area": ""}
        found.append(_state(hub, {"cluster_name": row["cluster"], "online": None, "heard_at": None, **row}, states))
    return sorted(found, key=lambda s: (not s.is_silent, not s.is_mute, "refused" not in s.states, s.area, s.device))


def _state(hub: Hub, row: dict[str, Any], states: list[dict[str, Any]]) -> DeviceState:
    states = sorted(states, key=lambda s: (s["received_at"], _IN_ORDER.index(s["state"])))
    return DeviceState(
        device=row["id"], cluster=row["cluster"], cluster_name=row["cluster_name"], area=row["area"],
        states=tuple(s["state"] for s in states), at=states[-1]["at"] if states else None,
        detail=next((s["detail"] for s in states if s["detail"]), ""), contact=contact(hub, row),
    )  # fmt: skip


def _verify(hub: Hub, conn: Connection, envelope: bytes) -> SignedOrder:
    now = hub.now()
    signed = verify_order(envelope, hub.trusted.held(conn), floor=now)
    check_current(signed.order, now=now, floor=UtcTime(0), em_floor=UtcTime(0))
    return signed


def _look_through(hub: Hub, conn: Connection, envelope: bytes) -> HalfSigned:
    """As `_verify`, but some of the signatures may be missing still."""
    now = hub.now()
    half = verify_half(envelope, hub.trusted.held(conn), floor=now)
    check_current(half.signed.order, now=now, floor=UtcTime(0), em_floor=UtcTime(0))
    return half


def _title(conn: Connection, order: Order) -> tuple[str, int]:
    """Title and severity for people. Raises BadInputError for a template that is not the released one, NotAllowedError
    for blanks that devices would refuse.
    """
    if isinstance(order, Cancel):
        started = store.get(conn, order.cancels[0])
        return (started["title"], started["severity"]) if started else ("", 0)
    template = _template(conn, order)
    if template is None:
        raise BadInputError(N_("The template of this order is not the one that is released."))
    check_start(order, template)
    return template.title, template.severity


def _template(conn: Connection, order: Start) -> Template | None:
    """What it says: the released template, or the officers' own words, whose hash `read_order` has compared."""
    if order.own is not None:
        return order.own
    raw = repository.current_target(conn, template_target(order.area.split("/")[0], order.template))
    if raw is None or hashlib.sha256(raw).hexdigest() != order.template_sha256:
        return None
    return read_template(raw)


def _may_see(person: Person, area: str) -> bool:
    """Those of the area, and those below it, whom it reaches."""
    return person.may(Right.VIEW, area) or any(own.startswith(area + "/") for own in person.areas(Right.VIEW))
