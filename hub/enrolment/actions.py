"""A device asks, in a technician's hands: its request becomes a proposal that the registrar signs, or is answered.

A ticket lets a technician *ask*, nothing more; who is let in, and when, is `admission`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from hub import audit
from hub.areas import store as areas
from hub.auth.roles import Person
from hub.certificates import actions as certificates
from hub.certificates.authority import ed25519_hex
from hub.context import Hub
from hub.devices import store as devices
from hub.devices.actions import next_n, submit_placement
from hub.devices.state import SPARE_TAG
from hub.enrolment import store
from hub.enrolment.admission import admit, certificate_for, why_not
from hub.enrolment.model import Enrolment, Ticket
from hub.enrolment.tickets import TicketError, usable
from hub.errors import N_, BadInputError, ConflictError, NotFoundError
from hub.publishing import actions as publishing
from hub.publishing import store as proposals
from hub.publishing.model import State
from wire.areas import placements_target
from wire.enrolment import Placement, read_placements
from wire.joining import Answer, JoinRequest, Wish, read_join
from wire.units import UtcTime


class KnownDeviceError(ConflictError):
    """Other hardware, or another key, under an id that is in use: that is what `replace` is for."""

    code = "known_device"


def ask(hub: Hub, wish: Wish) -> Answer:
    """Take a request, or say how it stands. Asking again, with or without the ticket, changes nothing that stands.

    Raises:
        WireError: not a request that its own key signed.
        TicketError: no ticket, or one that does not reach so far.
        KnownDeviceError: the id is in use by other hardware or another key, and this is no `replace`.
    """
    join = read_join(wish.request.encode())
    if ed25519_hex(join.csr.encode()) != join.key:
        raise BadInputError(N_("The certificate request is for another key."))
    admit(hub, join.device)
    with hub.reading() as conn:
        standing = _standing(hub, conn, join)
    if standing is not None:
        return standing
    with hub.reading() as conn:
        _check_in_use(devices.device(conn, join.device), join)
    if not wish.ticket:
        return _answer(hub, join.device, _unwanted(hub, join))
    enrolment, holder = _enter(hub, wish, join)
    _propose(hub, holder, enrolment)
    return _waiting(hub, enrolment)


def _enter(hub: Hub, wish: Wish, join: JoinRequest) -> tuple[Enrolment, Person]:
    """Store the request under the ticket, with the number that its placement will have."""
    now = hub.now()
    with hub.writing() as conn:
        ticket = usable(hub, conn, wish.ticket)
        known = devices.device(conn, join.device)
        _check_known(ticket, known, join)
        place = _spare_place(conn, ticket, wish, join.device) if wish.spare_of else _place(conn, ticket, wish, known)
        store.add(
            conn, device=join.device, key=join.key, serial=join.serial, board=join.board, root=join.root,
            has_rtc=join.has_rtc, replaces=join.replaces, spare=bool(wish.spare_of), csr=join.csr,
            broker_hash=join.broker_password_hash, cluster=place["id"], area=place["area"],
            placement_n=next_n(conn, hub.config.province, join.device), ticket=ticket.id, asked_at=now,
        )  # fmt: skip
        said = f"{place['id']} {join.key} {join.serial}"
        audit.note(conn, at=now, person=ticket.holder.username, verb="replace" if join.replaces else "enrol",
                   area=place["area"], subject=join.device, detail=said)  # fmt: skip
        found = store.waiting_of(conn, join.device)
    if found is None:
        raise NotFoundError
    return found, ticket.holder


def _check_known(ticket: Ticket, known: dict[str, Any] | None, join: JoinRequest) -> None:
    if known is None:
        if join.replaces:
            raise NotFoundError(N_("There is no device {device} to be replaced."), device=join.device)
        return
    if not ticket.reaches(known["area"]):
        raise TicketError("ticket_scope", N_("This permission is for another area."))
    _check_in_use(known, join)


def _check_in_use(known: dict[str, Any] | None, join: JoinRequest) -> None:
    if known is None or known["revoked_at"] or join.replaces:
        return
    if (known["key"], known["serial"]) != (join.key, join.serial):
        raise KnownDeviceError(N_("{device} is in use. Replacing its hardware is `replace`."), device=join.device)


def _place(conn: Connection, ticket: Ticket, wish: Wish, known: dict[str, Any] | None) -> dict[str, Any]:
    """The cluster that was chosen; a replacement keeps the place of what it replaces."""
    ident = wish.cluster or (known["cluster"] if known else "")
    place = devices.cluster(conn, ident)
    if place is None:
        raise NotFoundError(N_("There is no cluster {cluster}."), cluster=ident)
    if not ticket.reaches(place["area"]):
        raise TicketError("ticket_scope", N_("This permission is for another area."))
    return place


def _spare_place(conn: Connection, ticket: Ticket, wish: Wish, device: str) -> dict[str, Any]:
    """A spare stands nowhere: it has an entry of its own in its commune."""
    if areas.get(conn, wish.spare_of) is None:
        raise NotFoundError(N_("There is no area {area}."), area=wish.spare_of)
    if not ticket.reaches(wish.spare_of):
        raise TicketError("ticket_scope", N_("This permission is for another area."))
    ident = f"spare-{device}"
    devices.put_cluster(
        conn, ident, area=wish.spare_of, name=f"Dự phòng {device}", kind="loudspeaker", lat=None, lon=None,
        languages=["vi"], tags=[SPARE_TAG], note="",
    )  # fmt: skip
    return {"id": ident, "area": wish.spare_of}


def _propose(hub: Hub, holder: Person, one: Enrolment) -> None:
    with hub.reading() as conn:
        place = devices.cluster(conn, one.cluster)
    if place is None:
        raise NotFoundError
    submit_placement(hub, holder, Placement(
        device=one.device, keys=[one.key], serial=one.serial, area=place["area"], cluster=place["id"],
        n=one.placement_n, issued=UtcTime(one.asked_at), kind=place["kind"], tags=list(place["tags"]),
        languages=list(place["languages"]), spare=one.spare, root=one.root,
    ))  # fmt: skip


def _standing(hub: Hub, conn: Connection, join: JoinRequest) -> Answer | None:
    """What can be said without a ticket: it is in, or its request waits. None: it would have to be asked for anew."""
    known = devices.device(conn, join.device)
    waits = store.waiting_of(conn, join.device)
    if waits is not None and waits.is_of(join.key, join.serial) and _is_proposed(conn, waits):
        return _waiting(hub, waits)
    if why_not(conn, known, join.key) or known is None or known["serial"] != join.serial:
        return None
    return _answer(hub, join.device, State.RELEASED, known=known, csr=join.csr.encode(), key=join.key)


def _is_proposed(conn: Connection, one: Enrolment) -> bool:
    """Whether the registrar is still to look at it."""
    proposal = publishing.waiting_for(conn, placements_target(one.area))
    raw = proposal.targets[placements_target(one.area)] if proposal else None
    found = read_placements(raw).of(one.device) if raw else None
    return found is not None and found.n == one.placement_n


def _unwanted(hub: Hub, join: JoinRequest) -> State | None:
    """How a request stands that is neither in nor waiting: RETURNED by the registrar, or (None) none that counts."""
    with hub.reading() as conn:
        waits = store.waiting_of(conn, join.device)
    return State.RETURNED if waits is not None and waits.is_of(join.key, join.serial) else None


def _waiting(hub: Hub, one: Enrolment) -> Answer:
    with hub.reading() as conn:
        place = devices.cluster(conn, one.cluster)
    return _answer(hub, one.device, State.WAITING, known={"cluster": one.cluster}, name=place["name"] if place else "")


def _answer(
    hub: Hub, device: str, state: State | None, *, known: dict[str, Any] | None = None, csr: bytes = b"", key: str = "",
    name: str = "",
) -> Answer:  # fmt: skip
    """An answer in the state: with what the device needs to come in, unless nobody wants it there."""
    words = {State.WAITING: "waiting", State.RELEASED: "placed", State.RETURNED: "returned", None: "ended"}
    if state in (State.RETURNED, None):
        return Answer(device=device, state=words[state], detail=_reason(hub, device) if state else "")
    host, port = _broker(hub)
    has_ca = certificates.has_authority(hub)
    authority = certificates.load_authority(hub).certificate_pem.decode() if has_ca else ""
    made = certificate_for(hub, device, key, csr).decode() if has_ca and state is State.RELEASED else ""
    return Answer(
        device=device, state=words[state], cluster=(known or {}).get("cluster", ""), place=name, certificate=made,
        authority=authority, broker_host=host, broker_port=port,
    )  # fmt: skip


def _reason(hub: Hub, device: str) -> str:
    """What the registrar wrote when the request was returned."""
    with hub.reading() as conn:
        waits = store.waiting_of(conn, device)
        path = placements_target(waits.area) if waits else ""
        returned = proposals.find(conn, state=State.RETURNED, kind="placements", limit=50) if waits else []
    named = (one for one in returned if path in one.targets and read_placements(one.targets[path]).of(device))
    return next((one.reason for one in named), "")


def _broker(hub: Hub) -> tuple[str, int]:
    """Where devices find the broker, which may have another name inside than outside."""
    host, _, port = hub.config.device_broker.rpartition(":")
    return (host, int(port)) if host else (hub.config.broker_host, hub.config.broker_port)
