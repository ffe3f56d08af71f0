"""The approval app's JSON interface: signing in, proposals, their sounds, signing and sending back.

Emergencies are `api_emergency`, passkeys `api_passkey`. Each POST has been checked for origin and token before it gets
here (`station`).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from flask import Blueprint, Response, g, jsonify, send_file
from msgspec import Meta, Struct

from provisioning.approval import emergency, proposals
from provisioning.approval.context import Station, desk, form, login, session, station, words
from provisioning.approval.faults import StationError
from provisioning.approval.proposals import Shown
from provisioning.approval.shapes import key_entry, pending_entry, shown_proposal
from provisioning.approval.signing import handed_in, shown_for_signing
from provisioning.approval.words import N_
from provisioning.errors import HubRefusedError, HubUnreachableError
from provisioning.hub_api import Login, Person
from wire.content import Sha256

blueprint = Blueprint("api", __name__, url_prefix="/api")
Secret = Annotated[str, Meta(min_length=1, max_length=1_000)]


class LoginForm(Struct, frozen=True):
    username: Annotated[str, Meta(min_length=1, max_length=100)]
    password: Secret


class SignForm(Struct, frozen=True):
    digest: Sha256
    passphrase: Secret
    key: Annotated[str, Meta(max_length=100)] = ""


class ReturnForm(Struct, frozen=True):
    reason: Annotated[str, Meta(min_length=1, max_length=1_000)]


@blueprint.get("/words")
def read_words() -> Response:
    """The catalogue of the language asked for."""
    chosen = words()
    return jsonify(language=chosen.language, languages=list(station().words), catalogue=dict(chosen.catalogue))


@blueprint.get("/session")
def read_session() -> Response:
    """Who is signed in, with which keys; the token for every POST."""
    here, person = station(), session().login
    keys = here.keyring.keys_of(person.person.username) if person else []
    fingerprint = here.store.held.root_fingerprint
    return jsonify(
        csrf=session().csrf,
        hub=here.config.hub_url,
        province=here.store.held.province,
        province_name=_province_name(here),
        root_fingerprint=" ".join(fingerprint[n : n + 4] for n in range(0, 24, 4)),
        person={"username": person.person.username, "name": person.person.name} if person else None,
        keys=[key_entry(key) for key in keys],
        emergency=bool(person) and bool(emergency.officers(desk(), emergency.START_KIND)),
        drill=bool(person) and bool(emergency.officers(desk(), emergency.DRILL_KIND)),
    )


@blueprint.post("/login")
def sign_in() -> Response:
    """Sign in with the hub's account, and learn what this person's keys may sign."""
    here, asked = station(), form(LoginForm)
    try:
        answer = here.hub.login(asked.username, asked.password)
    except HubRefusedError as error:
        if error.status != HTTPStatus.UNAUTHORIZED:
            raise
        raise StationError(N_("The user name or the password is not right."), code="login", status=401) from error
    here.keyring.close(session().ident)
    g.session = here.sessions.sign_in(session(), answer)
    with here.lock:
        here.refresh(here.hub, here.keyring.keys_of(answer.person.username))
        emergency.templates(desk())  # kept for the night on which the hub is away
    return read_session()


@blueprint.post("/login/away")
def sign_in_without_hub() -> Response:
    """While the hub does not answer: who opens an own key may send emergencies from this machine, and nothing else."""
    here, asked = station(), form(LoginForm)
    try:
        here.hub.metadata("timestamp.json")
    except HubUnreachableError:
        here.keyring.open(asked.username, asked.password)
    else:
        raise StationError(N_("The system answers again. Sign in with its account."), code="hub_is_there", status=409)
    here.keyring.close(session().ident)
    g.session = here.sessions.sign_in(session(), Login("", Person(asked.username, asked.username)))
    return read_session()


@blueprint.post("/logout")
def sign_out() -> Response:
    here = station()
    here.keyring.close(session().ident)
    here.sessions.end(session())
    g.session = here.sessions.start()
    return jsonify({})


@blueprint.get("/pending")
def read_pending() -> Response:
    """What waits for this person, the most urgent first."""
    at_desk, now = desk(), station().store.now()
    found = sorted(at_desk.hub.pending(), key=lambda one: (one.sign_before or 2**62, one.submitted_at))
    return jsonify(pending=[pending_entry(one, now, words()) for one in found])


@blueprint.get("/pending/<ident>")
def read_proposal(ident: str) -> Response:
    """One proposal, verified and compared. What is answered here is what may be signed."""
    at_desk, here = desk(), station()
    proposal = at_desk.hub.proposal(ident)
    with here.lock:
        refused = here.refresh(at_desk.hub, at_desk.keys)
        shown = proposals.look(at_desk, proposal, refused)
    session().shown[ident] = shown
    session().sounds |= {one.media.sha256: one.media.size for one in shown.review.media}
    return jsonify(shown_proposal(shown, login().person.username, here.store.now(), words()))


@blueprint.post("/pending/<ident>/sign")
def sign_proposal(ident: str) -> Response:
    """Build, sign and hand in the role file for a proposal that was shown in this session."""
    at_desk, here, asked = desk(), station(), form(SignForm)
    shown = shown_for_signing(ident, asked.digest)
    signer = here.keyring.open(_key_name(shown, asked.key), asked.passphrase)
    with here.lock:
        refused = here.refresh(at_desk.hub, at_desk.keys)
        signed = proposals.sign(at_desk, shown, signer, refused)
    return handed_in(ident, shown, signed)


@blueprint.post("/pending/<ident>/return")
def return_proposal(ident: str) -> Response:
    desk().hub.send_back(ident, form(ReturnForm).reason)
    session().shown.pop(ident, None)
    return jsonify({})


@blueprint.get("/sounds/<sha256>")
def read_sound(sha256: str) -> Response:
    """A recording that a shown page names, verified, from this machine's own disk."""
    at_desk, size = desk(), session().sounds.get(sha256)
    if size is None:
        raise StationError(N_("No page that is open here names this recording."), code="not_found", status=404)
    path = station().blobs.bring(sha256, size, at_desk.hub)
    return send_file(path, mimetype="audio/ogg", conditional=True, etag=sha256, max_age=3600)


def _key_name(shown: Shown, wanted: str) -> str:
    """The key to sign with: the one asked for, or the first that may."""
    for key in (one for one in shown.keys if one.passkey is None):
        if wanted in ("", key.name):
            return key.name
    raise StationError(N_("No key on this machine may sign this."), code="no_key", status=403)


def _province_name(here: Station) -> str:
    _, province = words(), here.store.held.province
    return _("province {code}", code=province) if province else ""
