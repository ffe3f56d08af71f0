"""The second officer, on another machine: look at what a colleague has signed, sign it too, send it.

The half-signed order comes from the hub, or as a file that the colleague saved. It is shown from its own bytes, and
exactly those are signed.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Annotated

from flask import Blueprint, Response, jsonify
from msgspec import Meta, Struct

from provisioning.approval import carrying, emergency
from provisioning.approval.api_emergency import READ_AGAIN, StartForm, signer_of, told_order
from provisioning.approval.context import desk, form, session, station, words
from provisioning.approval.emergency import Officer, SignedTemplate
from provisioning.approval.faults import StationError
from provisioning.approval.proposals import Desk
from provisioning.approval.words import N_
from wire.alert import Start, check_start
from wire.bundle import MAX_ENVELOPE_BYTES
from wire.errors import MalformedError
from wire.trust.layout import parse_role_name

blueprint = Blueprint("api_second", __name__, url_prefix="/api")


class EnvelopeForm(Struct, frozen=True):
    envelope: Annotated[str, Meta(max_length=2 * MAX_ENVELOPE_BYTES)]


@blueprint.post("/emergency/second/look")
def look() -> Response:
    """What a colleague has signed, verified and told word by word. The answer's `order` signs exactly this."""
    here, at_desk, _ = station(), desk(), words()
    envelope = _decode(form(EnvelopeForm).envelope)
    with here.lock:
        here.try_refresh(at_desk.hub, at_desk.keys)
        start, message = _start_of(at_desk, envelope)
    half = emergency.look_at(at_desk, envelope)
    officer = _officer(at_desk, start, half.signed.key_ids)
    token = secrets.token_urlsafe(16)
    session().half = {token: envelope}
    return jsonify(
        order=token, key=officer.key.name, signatures=len(half.signed.key_ids), threshold=half.threshold,
        role_text=_("{role}, key {key}", role=start.role, key=officer.key.name),
        brokers=[broker.address for broker in here.brokers], **told_order(start, message, _),
    )  # fmt: skip


@blueprint.post("/emergency/second")
def sign() -> Response:
    """Add this officer's signature to the order that was looked at last, and send it."""
    at_desk, asked = desk(), form(StartForm)
    envelope = session().half.get(asked.order)
    if envelope is None:
        raise StationError(READ_AGAIN, code="not_prepared", status=409)
    start, _message = _start_of(at_desk, envelope)
    officer = _officer(at_desk, start, emergency.look_at(at_desk, envelope).signed.key_ids)
    whole = emergency.add_officer(at_desk, envelope, signer_of(officer, asked.passphrase))
    sent = carrying.send(whole, asked.carrier)
    session().half.clear()
    return jsonify(sent)


def _start_of(at_desk: Desk, envelope: bytes) -> tuple[Start, SignedTemplate]:
    """The order and what it says. Raises StationError where it is none that can be shown, WireError."""
    order = emergency.look_at(at_desk, envelope).signed.order
    if not isinstance(order, Start):
        raise StationError(N_("What the system holds as this alert is none."), code="no_alert", status=409)
    message = (
        SignedTemplate(order.own, order.template_sha256)
        if order.own is not None
        else emergency.template_of(at_desk, order.template)
    )
    if message.sha256 != order.template_sha256:
        raise StationError(READ_AGAIN, code="changed", status=409)
    check_start(order, message.template)
    if order.expires <= at_desk.store.now():
        raise StationError(N_("It is no longer valid."), code="expired", status=409)
    return order, message


def _officer(at_desk: Desk, start: Start, signed_by: frozenset[str]) -> Officer:
    """The person who is signed in, in the role that the order names. Raises StationError."""
    role = parse_role_name(start.role, at_desk.store.held.province or "")
    mine = [one for one in emergency.officers(at_desk, role.kind if role else "") if one.role.name == start.role]
    if any(one.key.key_id in signed_by for one in mine):
        raise StationError(N_("You have signed this already. Another officer must sign."), code="own_work", status=403)
    return emergency.officer_for(mine, start.area)


def _decode(envelope: str) -> bytes:
    try:
        return base64.b64decode(envelope, validate=True)
    except binascii.Error as error:
        raise MalformedError(f"not base64: {error}") from error
