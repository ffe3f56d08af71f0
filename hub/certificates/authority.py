"""The province's issuing CA: admits devices, stations and the worker to the broker, and proves nothing about speech.

Its key is sealed on disk. Keys are P-256, so that the smallest board makes one in no time. Dates are generous: a device
checks none of them, and a CRL past its nextUpdate would make mosquitto refuse everybody (design §5).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization.pkcs7 import serialize_certificates
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hub.errors import N_, BadInputError, ConfigError
from hub.secrets.keyring import Keyring
from wire.units import SECOND, UtcTime

KEY_FILE, CERTIFICATE_FILE = "ca.key", "ca.crt"
AUTHORITY_DAYS, DEVICE_DAYS, STATION_DAYS, SERVER_DAYS, CRL_DAYS = 30 * 365, 10 * 365, 2 * 365, 2 * 365, 10 * 365
MAX_CSR_BYTES = 8 * 1024
STATION_PREFIX = "station-"
_DEVICE = re.compile(r"[a-z0-9-]{1,40}")
_STATION = re.compile(rf"{STATION_PREFIX}[a-z0-9-]{{1,30}}")
_PEM = serialization.Encoding.PEM


class Authority:
    """Key and certificate of one CA. `create` once, `load` afterwards."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._certificate = certificate

    @classmethod
    def create(cls, folder: Path, keys: Keyring, province: str, *, now: UtcTime) -> Self:
        """A new CA in `folder`. Raises ConfigError where there is one: its certificates would count no more."""
        if (folder / KEY_FILE).exists():
            raise ConfigError("{path} exists already", path=folder / KEY_FILE)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"Loa {province} CA")
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        made = (
            _dated(x509.CertificateBuilder(), now, AUTHORITY_DAYS).subject_name(name).issuer_name(name)
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        keys.write(folder / KEY_FILE, _private_pem(key))
        (folder / CERTIFICATE_FILE).write_bytes(made.public_bytes(_PEM))
        return cls(key, made)

    @classmethod
    def load(cls, folder: Path, keys: Keyring) -> Self:
        """Raises ConfigError."""
        try:
            key = serialization.load_pem_private_key(keys.read(folder / KEY_FILE), password=None)
            made = x509.load_pem_x509_certificate((folder / CERTIFICATE_FILE).read_bytes())
        except (OSError, ValueError) as error:
            raise ConfigError("{path} holds no CA: {reason}", path=folder, reason=error) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != made.public_key():
            raise ConfigError("{path} holds no CA: {reason}", path=folder, reason="key and certificate do not match")
        return cls(key, made)

    @property
    def certificate_pem(self) -> bytes:
        return self._certificate.public_bytes(_PEM)

    def issue_device(self, csr_pem: bytes, device: str, *, now: UtcTime) -> bytes:
        """A device's certificate for ten years. What its request says of names is ignored. Raises BadInputError."""
        if not _DEVICE.fullmatch(device) or device.startswith(STATION_PREFIX) or device == "hub":
            raise BadInputError(N_("No certificate can be made for a device of the name {name}."), name=device[:60])
        return self._issue(_requested_key(csr_pem), device, now, DEVICE_DAYS, ExtendedKeyUsageOID.CLIENT_AUTH)

    def issue_station(self, csr_pem: bytes, name: str, *, now: UtcTime) -> bytes:
        """The certificate of an officer's station, `station-…`: it may say emergencies and nothing else."""
        if not _STATION.fullmatch(name):
            raise BadInputError(N_("A station's name begins with station- and has small letters and digits."))
        return self._issue(_requested_key(csr_pem), name, now, STATION_DAYS, ExtendedKeyUsageOID.CLIENT_AUTH)

    def issue_client(self, name: str, *, now: UtcTime) -> tuple[bytes, bytes]:
        """Key and certificate of a program of the hub, such as its worker."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._issue(key.public_key(), name, now, SERVER_DAYS, ExtendedKeyUsageOID.CLIENT_AUTH)
        return _private_pem(key), made

    def issue_server(self, names: Sequence[str], *, now: UtcTime) -> tuple[bytes, bytes]:
        """Key and certificate of a server that is reached under these host names or addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        made = self._issue(
            key.public_key(), names[0], now, SERVER_DAYS, ExtendedKeyUsageOID.SERVER_AUTH, alternatives
        )
        return _private_pem(key), made

    def revocation_list(self, revoked: Iterable[tuple[int, UtcTime]], *, now: UtcTime) -> bytes:
        """The CRL (PEM) of these serial numbers and when each ended; always newer than the one before."""
        builder = (
            x509.CertificateRevocationListBuilder().issuer_name(self._certificate.subject)
            .last_update(_moment(now) - timedelta(days=1)).next_update(_moment(now) + timedelta(days=CRL_DAYS))
            .add_extension(x509.CRLNumber(now), critical=False)
        )  # fmt: skip
        for serial, ended in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(_moment(ended)).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM)

    def revoked_in(self, list_pem: bytes) -> list[tuple[int, UtcTime]]:
        """What an earlier CRL of this CA says; nothing where it is another's or none."""
        try:
            found = x509.load_pem_x509_crl(list_pem)
        except ValueError:
            return []
        if not found.is_signature_valid(self._key.public_key()):
            return []
        return [(one.serial_number, UtcTime(int(one.revocation_date_utc.timestamp()) * SECOND)) for one in found]

    def _issue(
        self, key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey, name: str, now: UtcTime, days: int,
        use: x509.ObjectIdentifier, alternatives: x509.SubjectAlternativeName | None = None,
    ) -> bytes:  # fmt: skip
        builder = (
            _dated(x509.CertificateBuilder(), now, days).subject_name(_name(name))
            .issuer_name(self._certificate.subject).public_key(key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )  # fmt: skip
        if alternatives is not None:
            builder = builder.add_extension(alternatives, critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM)


def request_of(body: bytes) -> tuple[bytes, str, str]:
    """An EST request (PKCS #10, DER in base64): as PEM, the raw Ed25519 key in hex, the name that it gives itself.

    Its own signature has been verified: whoever sent it has the private key, or has heard somebody send it who does.
    Raises BadInputError.
    """
    try:
        request = x509.load_der_x509_csr(base64.b64decode(body[: 2 * MAX_CSR_BYTES]))
        names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        name = str(names[0].value) if names else ""
    except (ValueError, binascii.Error) as error:
        raise BadInputError(N_("This is no certificate request.")) from error
    pem = request.public_bytes(_PEM)
    return pem, ed25519_hex(pem), name[:60]


def ed25519_hex(csr_pem: bytes) -> str:
    """The raw key of a device's request in hex. Raises BadInputError."""
    key = _requested_key(csr_pem)
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise BadInputError(N_("A device's certificate is made for its own Ed25519 key."))
    return key.public_bytes_raw().hex()


def certified_hex(certificate_pem: bytes) -> str:
    """The raw Ed25519 key of a certificate in hex; nothing for one of another kind of key."""
    key = x509.load_pem_x509_certificate(certificate_pem).public_key()
    return key.public_bytes_raw().hex() if isinstance(key, ed25519.Ed25519PublicKey) else ""


def as_pkcs7(*certificates_pem: bytes) -> bytes:
    """Certs-only PKCS #7 in base64, as RFC 7030 answers."""
    made = [x509.load_pem_x509_certificate(pem) for pem in certificates_pem]
    return base64.encodebytes(serialize_certificates(made, serialization.Encoding.DER))


def serial_of(certificate_pem: bytes) -> int:
    return x509.load_pem_x509_certificate(certificate_pem).serial_number


def ends_at(certificate_pem: bytes) -> UtcTime:
    made = x509.load_pem_x509_certificate(certificate_pem)
    return UtcTime(int(made.not_valid_after_utc.timestamp()) * SECOND)


def _requested_key(csr_pem: bytes) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey:
    """The public key of a PKCS#10 request that proves to have the private one."""
    try:
        request = x509.load_pem_x509_csr(csr_pem[: MAX_CSR_BYTES + 1])
        key, is_good = request.public_key(), request.is_signature_valid
    except (ValueError, TypeError) as error:
        raise BadInputError(N_("This is no certificate request.")) from error
    is_p256 = isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
    if len(csr_pem) > MAX_CSR_BYTES or not is_good:
        raise BadInputError(N_("This is no certificate request."))
    if isinstance(key, ed25519.Ed25519PublicKey) or (is_p256 and isinstance(key, ec.EllipticCurvePublicKey)):
        return key
    raise BadInputError(N_("A certificate is made for P-256 and Ed25519 keys only."))


def _dated(builder: x509.CertificateBuilder, now: UtcTime, days: int) -> x509.CertificateBuilder:
    """Valid from yesterday on: clocks differ."""
    begins = _moment(now) - timedelta(days=1)
    ends = _moment(now) + timedelta(days=days)
    return builder.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _moment(at: UtcTime) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
