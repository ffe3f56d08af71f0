"""Emergency messages and drills: what an officer may send where, the order that is signed, and its end."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from securesystemslib.signer import Signer

from provisioning.approval.faults import StationError
from provisioning.approval.keyring import KeyFile
from provisioning.approval.proposals import Desk
from provisioning.approval.words import N_
from provisioning.errors import HubUnreachableError
from provisioning.trusted import subareas
from wire.alert import ALERT_TYPE, MAX_ALERT_BYTES, Cancel, Repeat, Start, Template, is_drill, read_template
from wire.areas import contains
from wire.blanks import takes_letters
from wire.codec import encode
from wire.envelope import add_signature, seal
from wire.trust.authority import roles_of_key, targets_of
from wire.trust.layout import RoleName, parse_role_name
from wire.trust.orders import HalfSigned, SignedOrder, verify_half, verify_order
from wire.units import HOUR, MINUTE, UtcTime

CANCEL_VALID_MS = 1 * HOUR
START_KIND, FREE_KIND, DRILL_KIND = "ea", "ef", "ed"


@dataclass(frozen=True)
class Officer:
    """A key of this machine in one emergency role."""

    key: KeyFile
    role: RoleName


@dataclass(frozen=True)
class SignedTemplate:
    """A released template and the hash that an order names it by."""

    template: Template
    sha256: str


@dataclass(frozen=True)
class Wish:
    """What an officer wants to send."""

    drill: bool
    area: str
    template: str
    blanks: Mapping[str, str]
    minutes: int
    times: int
    template_sha256: str = ""
    """Of the template that was read over; filled in by then."""
    own: Template | None = None
    """Own words, which two officers sign."""


def kind_of(wish: Wish, template: Template | None = None) -> str:
    """The kind of role that may send it: letters of one's own take two officers."""
    if wish.drill:
        return DRILL_KIND
    is_free = wish.own is not None or (template is not None and takes_letters(template.blanks))
    return FREE_KIND if is_free else START_KIND


def officers(desk: Desk, kind: str) -> list[Officer]:
    """Every way in which this person's key files may speak for an area, narrowest area first.

    Passkeys are not offered: a storm takes the network first, and an order must not wait for a person's phone.
    """
    held = desk.store.held
    found = []
    for key in (one for one in desk.keys if one.passkey is None):
        names = [parse_role_name(role, held.province or "") for role in roles_of_key(held, key.key_id)]
        found += [Officer(key, name) for name in names if name is not None and name.kind == kind]
    return sorted(found, key=lambda officer: -officer.role.area.count("/"))


def officer_for(candidates: Sequence[Officer], area: str) -> Officer:
    """The narrowest role that speaks for `area`. Raises StationError where none does."""
    for officer in candidates:
        if contains(officer.role.area, area):
            return officer
    raise StationError(N_("No key on this machine may send to {area}."), code="not_allowed", status=403, area=area)


def areas_of(desk: Desk, candidates: Sequence[Officer]) -> list[str]:
    """All areas to which these officers may send."""
    return sorted({area for officer in candidates for area in subareas(desk.store.held, officer.role.area)})


def templates(desk: Desk) -> list[SignedTemplate]:
    """Every released template, the gravest first. Raises NotTrustedError where the hub gives other bytes."""
    found = []
    for path, target in targets_of(desk.store.held, "tpl").items():
        raw = _kept_or_brought(desk, path)
        if raw is not None:
            found.append(SignedTemplate(read_template(raw), target.sha256))
    return sorted(found, key=lambda one: (-one.template.severity, one.template.title))


def _kept_or_brought(desk: Desk, path: str) -> bytes | None:
    """A template; None where this machine does not have it yet and the hub does not answer: others can be sent."""
    try:
        return desk.store.target(path, desk.hub)
    except HubUnreachableError:
        return None


def message_of(desk: Desk, wish: Wish) -> SignedTemplate:
    """What a wish says: own words, or the released template of that name. Raises StationError."""
    if wish.own is not None:
        return SignedTemplate(wish.own, hashlib.sha256(encode(wish.own)).hexdigest())
    return template_of(desk, wish.template)


def template_of(desk: Desk, ident: str) -> SignedTemplate:
    for one in templates(desk):
        if one.template.id == ident:
            return one
    raise StationError(N_("The province has not signed this template."), code="no_template", status=404)


def start_order(desk: Desk, wish: Wish, officer: Officer, template: SignedTemplate, nonce: str) -> Start:
    """The order as it will be signed, dated now."""
    now = desk.store.now()
    return Start(
        role=officer.role.name,
        area=wish.area,
        template=template.template.id,
        template_sha256=template.sha256,
        issued=now,
        expires=UtcTime(now + wish.minutes * MINUTE),
        repeat=Repeat(times=wish.times),
        blanks=dict(wish.blanks),
        nonce=nonce,
        own=wish.own,
    )


def cancel_order(desk: Desk, order: SignedOrder, officer: Officer, nonce: str) -> Cancel:
    """An end for one alert: where the officer's area is smaller than the alert's, only there."""
    now = desk.store.now()
    start = order.order
    area = start.area if contains(officer.role.area, start.area) else officer.role.area
    expires = max(start.expires, UtcTime(now + CANCEL_VALID_MS))
    return Cancel(officer.role.name, area, [order.id], now, UtcTime(min(expires, now + 24 * HOUR)), nonce)


def canceller(desk: Desk, start: Start) -> Officer | None:
    """Who on this machine may end an alert, wholly or (then the widest) in a part of its area. One signature is enough,
    for what two have started too.
    """
    candidates = officers(desk, DRILL_KIND if is_drill(start) else START_KIND)
    whole = [officer for officer in candidates if contains(officer.role.area, start.area)]
    parts = [officer for officer in reversed(candidates) if contains(start.area, officer.role.area)]
    return next(iter([*whole, *parts]), None)


def seal_order(desk: Desk, order: Start | Cancel, signer: Signer) -> bytes:
    """The envelope with this officer's signature. Raises WireError where no device would take it."""
    envelope = seal(encode(order), ALERT_TYPE, [signer])
    look_at(desk, envelope)
    return envelope


def add_officer(desk: Desk, envelope: bytes, signer: Signer) -> bytes:
    """The same order with one more officer's signature. Raises StationError where that person has signed it already."""
    before = look_at(desk, envelope).signed.key_ids
    if signer.public_key.keyid in before:
        raise StationError(N_("You have signed this already. Another officer must sign."), code="own_work", status=403)
    return add_signature(envelope, signer, limit=MAX_ALERT_BYTES)


def look_at(desk: Desk, envelope: bytes) -> HalfSigned:
    """An order that one officer at least has signed, verified. Raises WireError."""
    return verify_half(envelope, desk.store.held, floor=desk.store.floor)


def read_envelope(desk: Desk, envelope: str) -> SignedOrder:
    """An alert of the hub, verified as a loudspeaker would."""
    return verify_order(base64.b64decode(envelope), desk.store.held, floor=desk.store.floor)
