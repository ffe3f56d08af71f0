"""The interface of technicians and devices: /device/enrol, and EST (RFC 7030) for certificates.

Nobody logs in here. A technician's ticket, and a device's own signature, say who asks.
"""

from __future__ import annotations

from flask import Blueprint, Response, request
from msgspec import Struct

from hub.auth import guard
from hub.certificates import actions as certificates
from hub.certificates.authority import MAX_CSR_BYTES, as_pkcs7
from hub.enrolment import actions, admission, tickets
from hub.errors import N_, NotFoundError
from wire.codec import decode, encode
from wire.joining import MAX_JOIN_BYTES, Ticket, read_wish

blueprint = Blueprint("enrolment_api", __name__)
PKCS7 = "application/pkcs7-mime"


class AskPlaces(Struct, frozen=True):
    ticket: Ticket


@blueprint.post("/device/enrol/places")
@guard.public
@guard.machine
@guard.body_limit(1_024)
def places() -> Response:
    """The clusters that a ticket reaches."""
    asked = decode(request.get_data(), AskPlaces, limit=1_024)
    return _json(tickets.places(guard.current_hub(), asked.ticket))


@blueprint.post("/device/enrol")
@guard.public
@guard.machine
@guard.body_limit(3 * MAX_JOIN_BYTES)
def enrol() -> Response:
    return _json(actions.ask(guard.current_hub(), read_wish(request.get_data())))


@blueprint.get("/.well-known/est/cacerts")
@guard.public
@guard.machine
def authority() -> Response:
    hub = guard.current_hub()
    if not certificates.has_authority(hub):
        raise NotFoundError(N_("No certificates are made here yet: the administrator must first run broker-config."))
    return _pkcs7(certificates.load_authority(hub).certificate_pem)


@blueprint.post("/.well-known/est/simpleenroll")
@blueprint.post("/.well-known/est/simplereenroll")
@guard.public
@guard.machine
@guard.body_limit(2 * MAX_CSR_BYTES)
def certificate() -> Response:
    """For a device that is registered and placed; an expired certificate is no obstacle, an ended registration is."""
    return _pkcs7(admission.renew(guard.current_hub(), request.get_data()))


def _json(value: object) -> Response:
    return Response(encode(value), mimetype="application/json")


def _pkcs7(pem: bytes) -> Response:
    answer = Response(as_pkcs7(pem), content_type=f"{PKCS7}; smime-type=certs-only")
    answer.headers["Content-Transfer-Encoding"] = "base64"
    return answer
