"""Build the next version of metadata, the same bytes on whichever machine does it, and check what others built.

Nothing is taken over from a proposal: it is built anew from the last verified release and the shown change, and must
come out equal (review §9). Files are canonical: compact JSON, sorted keys, signatures in the order of their key ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Key, Signature, Signer
from tuf.api.metadata import Delegations, Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from wire.errors import BadSignatureError, MalformedError, NotAllowedError, OutOfDateError
from wire.trust.layout import parse_role_name
from wire.trust.rolefile import (
    MAX_ROLE_BYTES,
    RoleFile,
    metadata_file_name,
    parse_role_file,
    sha256_hex,
    target_file_name,
)
from wire.units import DAY, HOUR, SECOND, Milliseconds, UtcTime

__all__ = [
    "add_signatures", "attach_signature", "build_changed", "build_role", "build_snapshot", "build_timestamp",
    "check_rebuilt", "expires_after", "metadata_file_name", "sign_role", "signed_bytes", "target_file_name",
]  # fmt: skip

S = TypeVar("S", Root, Timestamp, Snapshot, Targets)

Changes = Mapping[str, bytes | None]
"""Target path to its new content; None takes it out."""

YEAR_MS = 365 * DAY
LENGTHS: Mapping[str, Milliseconds] = {
    "root": 2 * YEAR_MS, "targets": YEAR_MS, "p": YEAR_MS, "g": YEAR_MS, "h": YEAR_MS, "d": YEAR_MS, "tpl": YEAR_MS,
    "sw": YEAR_MS, "c": 180 * DAY, "snapshot": 30 * DAY, "timestamp": 3 * DAY,
}  # fmt: skip
"""How long a role's file is valid after `issued` (design §5, "Expiry")."""

CLOCK_TOLERANCE_MS = HOUR
"""How far in the future a colleague's `issued` may lie."""


class _SignedPart(Struct, frozen=True):
    version: int


class _Versioned(Struct, frozen=True):
    """All that a snapshot needs of a role's file; hundreds are read at each release."""

    signed: _SignedPart


def expires_after(role: str, issued: UtcTime) -> datetime:
    """The expiry that the calendar gives to a role's file issued at `issued`."""
    kind = role if role in LENGTHS else getattr(parse_role_name(role, ""), "kind", "")
    if kind not in LENGTHS:
        raise NotAllowedError(f"{role[:40]} has no file")
    return datetime.fromtimestamp((issued + LENGTHS[kind]) // SECOND, UTC)


def build_role(current: bytes | None, role: str, changes: Changes, issued: UtcTime, *, after: int = 0) -> bytes:
    """The unsigned next version of a role: targets of `changes` put in or taken out, all else unchanged.

    With no change at all it is a prolongation. `current` must be the verified last release, None if there is none. Then
    `after` is the version that it follows all the same (`last_version`): of a file whose holders were all taken out.

    Raises:
        OutOfDateError: `issued` is not after that of `current`, but within a day of it. (A release dated further ahead
            is a stolen key's: it must not keep its owner from signing until then. What orders releases is the version.)
        NotAllowedError: a path to take out that is not there, or a role without a file.
    """
    signed = parse_role_file(role, current, Targets).signed if current is not None else Targets(version=after + 1)
    if current is not None:
        _advance(role, signed, issued)
    for path, content in changes.items():
        if content is not None:
            signed.targets[path] = TargetFile(len(content), {"sha256": sha256_hex(content)}, path)
        elif signed.targets.pop(path, None) is None:
            raise NotAllowedError(f"{role} does not list {path}")
    _date(role, signed, issued)
    return _file(Metadata(signed))


def build_changed(role: str, current: bytes | None, edit: Callable[[Any], object], issued: UtcTime) -> bytes:
    """The unsigned next version of root, or of a role that delegates, as `edit` leaves what it says.

    For the ceremony; `current` is None for a group or a list of hamlets that is only made now. Raises OutOfDateError as
    `build_role` does, MalformedError, and what `edit` raises.
    """
    kind: type[Any] = Root if role == Root.type else Targets
    if current is None:
        signed: Any = Targets(version=1, delegations=Delegations({}, {}))
    else:
        signed = parse_role_file(role, current, kind).signed
        _advance(role, signed, issued)
    edit(signed)
    _date(role, signed, issued)
    return _file(Metadata(signed))


def check_rebuilt(
    proposed: bytes, current: bytes | None, role: str, changes: Changes, *, now: UtcTime, after: int = 0
) -> bytes:
    """A colleague's proposal, if it says exactly what building it anew says; for second signers and for the hub.

    Raises:
        MalformedError: not metadata.
        NotAllowedError: it differs (the message says in what), or was issued in the future.
        OutOfDateError: it is not newer than the last release.
    """
    theirs = parse_role_file(role, proposed, Targets)
    if theirs.issued > now + CLOCK_TOLERANCE_MS:
        raise NotAllowedError(f"{role} was issued in the future")
    ours = parse_role_file(role, build_role(current, role, changes, theirs.issued, after=after), Targets)
    if ours.payload != theirs.payload:
        raise NotAllowedError(f"{role} differs from what was shown: {', '.join(_differences(ours, theirs))}")
    return proposed


def sign_role(raw: bytes, signer: Signer) -> bytes:
    """The same file with one more person's signature. What it says must have been built or checked here."""
    metadata = _open(raw)
    metadata.sign(signer, append=True)
    return _file(metadata)


def attach_signature(raw: bytes, key: Key, signature: Signature) -> bytes:
    """The same file with a signature that was made elsewhere (a passkey's), once it has been verified.

    Raises BadSignatureError where it is not this key's over exactly these bytes.
    """
    metadata = _open(raw)
    try:
        key.verify_signature(signature, metadata.signed_bytes)
    except UnverifiedSignatureError as error:
        raise BadSignatureError(str(error)) from error
    metadata.signatures[key.keyid] = Signature(key.keyid, signature.signature)
    return _file(metadata)


def signed_bytes(raw: bytes) -> bytes:
    """What is signed of a role's file. Raises MalformedError."""
    return _open(raw).signed_bytes


def add_signatures(raw: bytes, other: bytes) -> bytes:
    """One file with the signatures of two copies of it; whether they are good is not judged here.

    Raises MalformedError unless both say the same. Where both have one of a key, that of `raw` stays.
    """
    one, two = _open(raw), _open(other)
    if one.signed_bytes != two.signed_bytes:
        raise MalformedError("two files that say different things cannot share signatures")
    one.signatures = {**two.signatures, **one.signatures}
    return _file(one)


def build_snapshot(current: bytes | None, roles: Mapping[str, bytes], issued: UtcTime, *, rise: int = 1) -> bytes:
    """The unsigned next snapshot over all role files, `targets` and delegated ones, by name; `rise` versions on.

    It names versions alone: every role file is signed by its own people, and hashes would quadruple what each device of
    the province fetches whenever one commune changes something.
    """
    before = parse_role_file(Snapshot.type, current, Snapshot).version if current is not None else 0
    meta = {f"{name}.json": MetaFile(_version(name, raw)) for name, raw in roles.items()}
    signed = Snapshot(version=before + rise, meta=meta)
    _date(Snapshot.type, signed, issued)
    return _file(Metadata(signed))


def build_timestamp(current: bytes | None, snapshot: bytes, issued: UtcTime, *, rise: int = 1) -> bytes:
    """The unsigned next timestamp, naming a signed snapshot."""
    before = parse_role_file(Timestamp.type, current, Timestamp).version if current is not None else 0
    named = parse_role_file(Snapshot.type, snapshot, Snapshot)
    meta = MetaFile(named.version, len(snapshot), {"sha256": sha256_hex(snapshot)})
    signed = Timestamp(version=before + rise, snapshot_meta=meta)
    _date(Timestamp.type, signed, issued)
    return _file(Metadata(signed))


def _version(name: str, raw: bytes) -> int:
    try:
        return msgspec.json.decode(raw, type=_Versioned).signed.version
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedError(f"{name}: not metadata ({error})") from error


def _advance(role: str, signed: Root | Targets, issued: UtcTime) -> None:
    before = signed.unrecognized_fields.get("issued", 0)
    if issued <= before <= issued + DAY:
        raise OutOfDateError(f"{role} v{signed.version} was issued at {before}, not before {issued}: check the clock")
    signed.version += 1


def _date(role: str, signed: Root | Timestamp | Snapshot | Targets, issued: UtcTime) -> None:
    signed.expires = expires_after(role, issued)
    signed.unrecognized_fields["issued"] = issued


def _open(raw: bytes) -> Metadata[Any]:
    if len(raw) > MAX_ROLE_BYTES:
        raise MalformedError(f"{len(raw)} bytes, more than {MAX_ROLE_BYTES}")
    try:
        return Metadata.from_bytes(raw)
    except DeserializationError as error:
        raise MalformedError(f"not metadata ({error.__cause__})") from error


def _file(metadata: Metadata[S]) -> bytes:
    metadata.signatures = dict(sorted(metadata.signatures.items()))
    return metadata.to_bytes()


def _differences(ours: RoleFile[Targets], theirs: RoleFile[Targets]) -> list[str]:
    mine, yours = ours.signed.to_dict(), theirs.signed.to_dict()
    return [name for name in _unequal(mine, yours) if name != "targets"] + _unequal(mine["targets"], yours["targets"])


def _unequal(mine: dict[str, Any], yours: dict[str, Any]) -> list[str]:
    return sorted(name for name in mine.keys() | yours.keys() if mine.get(name) != yours.get(name))
