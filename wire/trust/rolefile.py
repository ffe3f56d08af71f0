"""One metadata file as it travels: bytes parsed with python-tuf, checked for what the parser lets pass, verified."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from securesystemslib.signer import Key, Signature
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError, SerializationError

from wire.errors import BadSignatureError, MalformedError
from wire.trust.passkey import Passkey
from wire.trust.strict import check_types
from wire.units import UtcTime, utc

S = TypeVar("S", Root, Timestamp, Snapshot, Targets)
MAX_ROLE_BYTES = 512 * 1024
MAX_TIMESTAMP_BYTES = 16 * 1024


@dataclass(frozen=True)
class RoleFile(Generic[S]):
    """A parsed metadata file. Nothing is known about its signatures until `verify_by` returns."""

    name: str
    raw: bytes
    signed: S
    payload: bytes
    """The canonical bytes that are signed."""
    signatures: Mapping[str, Signature]

    @property
    def version(self) -> int:
        return self.signed.version

    @property
    def expires(self) -> UtcTime:
        return utc(self.signed.expires)

    @property
    def issued(self) -> UtcTime:
        return UtcTime(int(self.signed.unrecognized_fields.get("issued", 0)))

    def verify_by(self, delegator: Root | Targets) -> None:
        """Raise BadSignatureError unless the delegator's threshold of keys for this role signed it."""
        try:
            delegator.verify_delegate(self.name, self.payload, dict(self.signatures))
        except (UnsignedMetadataError, ValueError) as error:
            raise BadSignatureError(f"{self.name} v{self.version}: {error}") from error


AnyRoleFile = RoleFile[Root] | RoleFile[Timestamp] | RoleFile[Snapshot] | RoleFile[Targets]
Delegator = RoleFile[Root] | RoleFile[Targets]


def parse_role_file(name: str, raw: bytes, kind: type[S], *, limit: int = MAX_ROLE_BYTES) -> RoleFile[S]:
    """Parse bytes as the metadata of role `name`. Raises MalformedError."""
    if len(raw) > limit:
        raise MalformedError(f"{name}: {len(raw)} bytes, more than {limit}")
    check_types(name, raw)
    try:
        metadata = Metadata[S].from_bytes(raw)
        payload = metadata.signed_bytes
    except (DeserializationError, SerializationError) as error:
        raise MalformedError(f"{name}: not metadata ({error.__cause__ or error})") from error
    if not isinstance(metadata.signed, kind):
        raise MalformedError(f"{name}: of type {metadata.signed.type}")
    return RoleFile(name, raw, metadata.signed, payload, metadata.signatures)


def unique_keys(keys: Mapping[str, Key]) -> None:
    """Raise MalformedError where one key stands under two ids: it would count twice towards a threshold."""
    if len({_material(key) for key in keys.values()}) != len(keys):
        raise MalformedError("one key under two ids")


def _material(key: Key) -> tuple[str, str, str]:
    """What makes a key the same key: a passkey is one at however many origins it is listed."""
    is_passkey = isinstance(key, Passkey)
    return key.keytype, key.scheme, str(key.keyval["public"] if is_passkey else sorted(key.keyval.items()))


def metadata_file_name(role: str, version: int) -> str:
    """A role file's name under /tuf/metadata and in bundles."""
    return "timestamp.json" if role == Timestamp.type else f"{version}.{role}.json"


def target_file_name(path: str, sha256: str) -> str:
    """A target's name with consistent snapshots: `areas/08/00694/<sha256>.programme.json`."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/{sha256}.{name}"


def signer_ids(raw: bytes) -> frozenset[str]:
    """The ids of the keys whose signatures stand in a timestamp; none of them is verified. Raises MalformedError."""
    return frozenset(parse_role_file(Timestamp.type, raw, Timestamp).signatures)


def target_hashes(role: str, raw: bytes) -> dict[str, str]:
    """The SHA-256 (hex) of each target that a role's file lists, by path; empty for root. Raises MalformedError."""
    if role == Root.type:
        return {}
    listed = parse_role_file(role, raw, Targets).signed.targets
    return {path: target.hashes["sha256"] for path, target in listed.items()}


def sha256_hex(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
