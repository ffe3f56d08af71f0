"""The device's certificate: asked for by its own key, taken in only if it is for this key and this device.

It admits to the broker and says nothing about speech. How long it counts is judged by whoever reads it: a device below
the quality of a battery clock does not look at dates (design §5).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates
from cryptography.x509.oid import NameOID

from edge.errors import IdentityError
from edge.identity import Identity
from wire.units import SECOND, UtcTime

CERTIFICATE_FILE: Final = "device.crt"
AUTHORITY_FILE: Final = "ca.crt"
RENEW_AFTER: Final = 0.8
"""Share of its life after which a certificate is renewed: two years before the end of ten."""


@dataclass(frozen=True)
class Certificate:
    """One that is ours."""

    pem: bytes
    begins: UtcTime
    ends: UtcTime

    def is_due(self, now: UtcTime) -> bool:
        return now >= self.begins + (self.ends - self.begins) * RENEW_AFTER


def make_request(identity: Identity, device: str) -> x509.CertificateSigningRequest:
    """A PKCS #10 request, signed by the device's own key: that signature is what renewal rests on."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device)])
    return x509.CertificateSigningRequestBuilder().subject_name(subject).sign(identity.private, None)


def request_pem(identity: Identity, device: str) -> str:
    return make_request(identity, device).public_bytes(Encoding.PEM).decode()


def request_est(identity: Identity, device: str) -> bytes:
    """As RFC 7030 sends it: DER in base64."""
    return base64.encodebytes(make_request(identity, device).public_bytes(Encoding.DER))


def read_est(raw: bytes) -> bytes:
    """The certificate (PEM) of an answer: certs-only PKCS #7 in base64. Raises IdentityError."""
    try:
        found = load_der_pkcs7_certificates(base64.b64decode(raw))
    except (ValueError, binascii.Error) as error:
        raise IdentityError(f"no certificate came: {error}") from error
    if not found:
        raise IdentityError("no certificate came")
    return found[0].public_bytes(Encoding.PEM)


def check_certificate(pem: bytes, identity: Identity, device: str, *, authority: bytes) -> Certificate:
    """Raises IdentityError for one that is not of this key, this device and this authority (PEM)."""
    try:
        made, issuer = x509.load_pem_x509_certificate(pem), x509.load_pem_x509_certificate(authority)
        made.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise IdentityError(f"the certificate is not the province's: {error or 'bad signature'}") from error
    if made.public_key() != identity.private.public_key():
        raise IdentityError("the certificate is for another key")
    names = [name.value for name in made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [device]:
        raise IdentityError(f"the certificate is for {names}")
    return Certificate(pem, _at(made.not_valid_before_utc.timestamp()), _at(made.not_valid_after_utc.timestamp()))


def check_authority(pem: bytes) -> None:
    """Raises IdentityError for what is no certificate of an authority."""
    try:
        made = x509.load_pem_x509_certificate(pem)
        may_sign = made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, x509.ExtensionNotFound) as error:
        raise IdentityError(f"no certificate of an authority: {error}") from error
    if not may_sign:
        raise IdentityError("no certificate of an authority")


def _at(seconds: float) -> UtcTime:
    return UtcTime(int(seconds) * SECOND)
