"""The approval app's JSON interface for passkeys: registering one on this machine, and signing a proposal with it.

The page computes the challenge itself from the bytes that it is given (`static/js/passkey.js`), and what it brings is
verified here by the rule that every device applies, before it is handed on.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from flask import Blueprint, Response, jsonify
from msgspec import Meta, Struct

from provisioning.approval import proposals
from provisioning.approval.context import HOST_NAME, desk, form, login, session, station
from provisioning.approval.faults import StationError, changed
from provisioning.approval.keyring import KeyFile
from provisioning.approval.proposals import Assertion
from provisioning.approval.signing import handed_in, shown_for_signing
from provisioning.approval.words import N_
from provisioning.passkeys import Credential, StoredPasskey
from wire.content import Sha256
from wire.key_request import RoleAsked, fingerprint, key_request
from wire.release import signed_bytes
from wire.trust.authority import roles_of_key
from wire.trust.passkey import passkey_from

blueprint = Blueprint("api_passkey", __name__, url_prefix="/api")
Part = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,2048}$")]


class RegisterForm(Struct, frozen=True):
    credential: Credential
    public: Annotated[str, Meta(pattern="^04[0-9a-f]{128}$")]


class RequestForm(Struct, frozen=True):
    role: RoleAsked


class PrepareForm(Struct, frozen=True):
    digest: Sha256


class AssertionForm(Struct, frozen=True):
    digest: Sha256
    authenticator_data: Part
    client_data: Part
    signature: Part


@blueprint.get("/passkey")
def read_passkey() -> Response:
    """The person's passkey on this machine, and what a new one has to be bound to."""
    desk()
    found = station().keyring.passkey_of(login().person.username)
    return jsonify(rpid=HOST_NAME, username=login().person.username, passkey=_entry(found) if found else None)


@blueprint.post("/passkey")
def register() -> Response:
    """Remember a passkey that the browser has just made for this person, at this machine's own origin."""
    desk()
    here, asked, name = station(), form(RegisterForm), login().person.username
    if here.keyring.passkey_of(name) is not None:
        raise StationError(N_("You have a passkey on this machine already."), code="passkey_exists", status=409)
    key = passkey_from(asked.public, HOST_NAME, [here.config.origin])
    kept = here.keyring.keep_passkey(StoredPasskey(name, asked.credential, key))
    return jsonify(rpid=HOST_NAME, username=name, passkey=_entry(kept))


@blueprint.post("/passkey/request")
def request_role() -> Response:
    """The request for a role, to be handed to the ceremony."""
    desk()
    found = station().keyring.passkey_of(login().person.username)
    if found is None or found.passkey is None:
        raise StationError(N_("You have no passkey on this machine."), code="no_key", status=404)
    text = key_request(found.passkey.name, form(RequestForm).role, found.passkey.key)
    return jsonify(text=text.decode(), fingerprint=fingerprint(found.key_id))


@blueprint.post("/pending/<ident>/prepare")
def prepare(ident: str) -> Response:
    """The bytes that this person's passkey is to sign for a proposal that was shown in this session."""
    at_desk, here = desk(), station()
    shown = shown_for_signing(ident, form(PrepareForm).digest)
    stored = _stored(shown.keys)
    with here.lock:
        refused = here.refresh(at_desk.hub, at_desk.keys)
        unsigned = proposals.unsigned(at_desk, shown, refused)
    session().unsigned[ident] = unsigned
    payload = base64.b64encode(signed_bytes(unsigned)).decode()
    return jsonify(payload=payload, rpid=stored.key.rpid, credential=stored.credential)


@blueprint.post("/pending/<ident>/assertion")
def sign_by_passkey(ident: str) -> Response:
    """Verify what the passkey answered for the prepared bytes, and hand the signed role in."""
    at_desk, here, asked = desk(), station(), form(AssertionForm)
    shown = shown_for_signing(ident, asked.digest)
    prepared = session().unsigned.pop(ident, None)
    if prepared is None:
        raise changed()
    parts = (_bytes(asked.authenticator_data), _bytes(asked.client_data), _bytes(asked.signature))
    with here.lock:
        refused = here.refresh(at_desk.hub, at_desk.keys)
        assertion = Assertion(_stored(shown.keys).key, parts)
        signed = proposals.sign_elsewhere(at_desk, shown, prepared, assertion, refused)
    return handed_in(ident, shown, signed)


def _stored(keys: tuple[KeyFile, ...]) -> StoredPasskey:
    for stored in (key.passkey for key in keys if key.passkey is not None):
        if station().config.origin in stored.key.origins:
            return stored
        raise StationError(
            N_("Your passkey works at {origin} only. Start the app there."), code="other_origin", status=409,
            origin=stored.key.origins[0],
        )  # fmt: skip
    raise StationError(N_("No key on this machine may sign this."), code="no_key", status=403)


def _entry(key: KeyFile) -> dict[str, Any]:
    return {"fingerprint": fingerprint(key.key_id), "roles": roles_of_key(station().store.held, key.key_id)}


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise StationError(N_("The passkey gave no signature."), code="malformed") from error
