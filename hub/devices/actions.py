"""Registering devices and clusters, and proposing placements, which the registrar signs in the approval app.

Registering lets a device talk to the broker and its log be believed; only the signed placement gives it a place to
speak for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from hub import audit
from hub.areas import store as areas
from hub.auth.roles import Grant, Person, Right, Role
from hub.certificates import actions as certificates
from hub.context import Hub
from hub.devices import store
from hub.devices.model import Contact, contact_of, read_request
from hub.devices.state import SPARE_TAG
from hub.enrolment import store as enrolments
from hub.errors import N_, BadInputError, NotAllowedError, NotFoundError
from hub.publishing import actions as publishing
from hub.publishing import repository
from wire.areas import contains, placements_target
from wire.codec import encode
from wire.content import Ident
from wire.enrolment import Placement, Placements, read_placements
from wire.units import SECOND, UtcTime

KINDS = ("loudspeaker", "board")


def put_cluster(  # noqa: PLR0913 - what a cluster consists of
    hub: Hub, person: Person, ident: Ident, *, area: str, name: str, kind: str = "loudspeaker",
    lat: float | None = None, lon: float | None = None, languages: Sequence[str] = ("vi",), tags: Sequence[str] = (),
    note: str = "",
) -> None:  # fmt: skip
    """Add a cluster or correct it. Raises BadInputError, NotAllowedError, NotFoundError."""
    person.require(Right.DEVICES, area)
    if kind not in KINDS or not name.strip() or len(name) > 200 or not languages:
        raise BadInputError(N_("Name, kind or languages of the cluster are missing."))
    with hub.writing() as conn:
        if areas.get(conn, area) is None:
            raise NotFoundError(N_("There is no area {area}."), area=area)
        before = store.cluster(conn, ident)
        if before:
            person.require(Right.DEVICES, before["area"])
        store.put_cluster(
            conn, ident, area=area, name=name.strip(), kind=kind, lat=lat, lon=lon, languages=list(languages),
            tags=list(tags), note=note,
        )  # fmt: skip
        audit.note(conn, at=hub.now(), person=person.username, verb="cluster", area=area, subject=ident, detail=name)


def register_device(hub: Hub, person: Person, request: bytes, *, cluster: str) -> str:
    """Enter a device by its `request.json` and propose its placement at a cluster; the device's id.

    The stand-in for enrolment in a demo, by whoever may run commands on the hub. A device that is known already is
    entered anew (another card, another key); its place must be signed again. One whose registration was ended comes
    back by `loa-provision enrol` alone.
    """
    asked = read_request(request)
    now = hub.now()
    with hub.writing() as conn:
        place = _cluster(conn, person, cluster)
        known = store.device(conn, asked.device)
        if known:
            person.require(Right.DEVICES, known["area"])
            if known["revoked_at"]:
                raise NotAllowedError(N_("The registration of {device} was ended: enrol it anew."), device=asked.device)
        n = known["placement_n"] if known else 0
        store.put_device(
            conn, asked.device, key=asked.key, serial=asked.serial, board=asked.board, cluster=cluster, placement_n=n,
            broker_hash=asked.broker_password_hash, registered_at=now, registered_by=person.username, revoked_at=None,
        )  # fmt: skip
        audit.note(conn, at=now, person=person.username, verb="register", area=place["area"], subject=asked.device)
    propose_placement(hub, person, asked.device, cluster=cluster)
    return asked.device


def propose_placement(
    hub: Hub, person: Person, device: str, *, cluster: str, languages: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Propose that a device stands at a cluster (again); leaving another commune is a proposal of its own."""
    now = hub.now()
    with hub.writing() as conn:
        place = _cluster(conn, person, cluster)
        known = store.device(conn, device)
        if known is None or known["revoked_at"]:
            raise NotFoundError
        person.require(Right.DEVICES, known["area"])
        n = next_n(conn, hub.config.province, device)
        enrolled = enrolments.admitted_of(conn, device)
        store.put_device(conn, device, **{**_columns(known), "cluster": cluster, "placement_n": n})
    placement = Placement(
        device=device, keys=[known["key"]], serial=known["serial"], area=place["area"], cluster=cluster, n=n,
        issued=now, kind=place["kind"], tags=list(place["tags"] if tags is None else tags),
        languages=list(place["languages"] if languages is None else languages), spare=SPARE_TAG in place["tags"],
        root=enrolled.root if enrolled and enrolled.key == known["key"] else "",
    )  # fmt: skip
    submit_placement(hub, person, placement)


def submit_placement(hub: Hub, person: Person, placement: Placement) -> None:
    """Propose a placement, and that the device leaves every other commune."""
    commune = commune_of(placement.area)
    for other in _communes_holding(hub, placement.device) - {commune}:
        _submit(hub, person, other, placement.device, None)
    _submit(hub, person, commune, placement.device, placement)


def revoke_device(hub: Hub, person: Person, device: str, *, why: str = "") -> None:
    """End a device's registration, its certificates and what waits for it; its placement is proposed away.

    The worker silences a live connection at once. It comes back only by a new enrolment that the registrar signs.
    """
    with hub.writing() as conn:
        known = store.device(conn, device)
        if known is None:
            raise NotFoundError
        person.require(Right.DEVICES, known["area"])
        now = hub.now()
        end_device(hub, conn, device, why=why, person=person.username)
        audit.note(
            conn, at=now, person=person.username, verb="revoke", area=known["area"], subject=device, detail=why
        )
    # Nobody wrote this: a registrar who revokes may sign what follows from it, and what technicians propose beside it.
    consequence = Person("system", "loa-hub", (Grant(Role.TECHNICIAN, hub.config.province),))
    for commune in _communes_holding(hub, device):
        _submit(hub, consequence, commune, device, None)


def end_device(hub: Hub, conn: Connection, device: str, *, why: str, person: str) -> None:
    """Registration, certificates, waiting enrolments: all that lets a device in. Part of the caller's transaction."""
    store.end_registration(conn, device, hub.now())
    certificates.revoke(hub, conn, device, why=why or "revoked", person=person)
    enrolments.end_waiting(conn, device, hub.now())


def contact(hub: Hub, row: dict[str, Any]) -> Contact:
    """Whether the device of a row of `store.devices_below` is heard."""
    return contact_of(
        online=row["online"], heard_at=row["heard_at"], now=hub.now(),
        unheard_after_ms=hub.config.unheard_after_s * SECOND,
    )  # fmt: skip


def commune_of(area: str) -> str:
    """The commune (or province) whose placements hold the devices of an area."""
    return "/".join(area.split("/")[:2])


def released_placement(conn: Connection, device: str, area: str) -> Placement | None:
    """The signed placement of a device in the commune of `area`, if there is one."""
    raw = repository.current_target(conn, placements_target(area))
    return read_placements(raw).of(device) if raw else None


def _cluster(conn: Connection, person: Person, ident: str) -> dict[str, Any]:
    place = store.cluster(conn, ident)
    if place is None:
        raise NotFoundError(N_("There is no cluster {cluster}."), cluster=ident)
    person.require(Right.DEVICES, place["area"])
    return place


def _columns(known: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in known.items() if key not in ("id", "area")}


def next_n(conn: Connection, province: str, device: str) -> int:
    """Above all that was ever signed or asked for, should this hub's own table be younger than the signatures."""
    known = store.device(conn, device)
    found = [known["placement_n"] if known else 0, enrolments.highest_n(conn, device)]
    for path in repository.target_paths(conn, f"areas/{province}/", "placements.json"):
        raw = repository.current_target(conn, path)
        placement = read_placements(raw).of(device) if raw else None
        found.append(placement.n if placement else 0)
    return max(found) + 1


def _communes_holding(hub: Hub, device: str) -> set[str]:
    """The communes in whose released or waiting placements a device stands."""
    held = set()
    with hub.reading() as conn:
        prefix = f"areas/{hub.config.province}/"
        for path in repository.target_paths(conn, prefix, "placements.json"):
            raw = repository.current_target(conn, path)
            if raw and read_placements(raw).of(device):
                held.add(path.removeprefix("areas/").removesuffix("/placements.json"))
        for proposal in publishing.waiting(conn, kind="placements"):
            held |= {proposal.area for raw in proposal.targets.values() if read_placements(raw).of(device)}
    return {area for area in held if contains(hub.config.province, area)}


def _submit(hub: Hub, person: Person, commune: str, device: str, placement: Placement | None) -> None:
    """Propose the commune's placements with this device's replaced or, with None, taken out."""
    path = placements_target(commune)
    with hub.reading() as conn:
        earlier = publishing.waiting_for(conn, path)
        raw = earlier.targets[path] if earlier else repository.current_target(conn, path)
    others = [p for p in read_placements(raw).placements if p.device != device] if raw else []
    listed = sorted([*others, placement] if placement else others, key=lambda p: p.device)
    content = encode(Placements(area=commune, issued=UtcTime(hub.now()), placements=listed))
    title = f"{device} → {placement.cluster}" if placement else f"{device} ✕"
    publishing.submit(
        hub, person, area=commune, kind="placements", targets={path: content},
        authors=[*(earlier.authors if earlier else []), person.username], title=title,
    )  # fmt: skip
