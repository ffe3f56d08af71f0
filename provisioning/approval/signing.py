"""What signing by key file and by passkey share: only what was shown is signed, never one's own work."""

from __future__ import annotations

import base64

from flask import Response, jsonify

from provisioning.approval.context import desk, login, session, words
from provisioning.approval.faults import OWN_WORK, StationError, changed
from provisioning.approval.proposals import Shown
from provisioning.approval.words import N_


def shown_for_signing(ident: str, digest: str) -> Shown:
    """The proposal as this session saw it. Raises StationError: not shown, other by now, or this person's own work."""
    shown = session().shown.get(ident)
    if shown is None or shown.digest != digest:
        raise changed()
    if login().person.username in shown.proposal.authors:
        raise StationError(OWN_WORK, code="own_work", status=403)
    return shown


def handed_in(ident: str, shown: Shown, signed: bytes) -> Response:
    """Post a signed role to the hub and say what became of it."""
    answer = desk().hub.send_signature(ident, shown.digest, base64.b64encode(signed).decode())
    del session().shown[ident]
    is_released = answer.get("state") == "released"
    said = (
        N_("Signed and released.") if is_released else N_("Signed. Another signature is needed before it is released.")
    )
    return jsonify(state="released" if is_released else "signed", message=words()(said))
