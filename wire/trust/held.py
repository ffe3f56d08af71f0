"""What is trusted at this moment, as an immutable value, and how a store hands it back at boot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from tuf.api.metadata import DelegatedRole, Root, Snapshot, Targets, Timestamp

from wire.errors import WireError
from wire.trust.layout import check_root, check_shape, group_communes, province_of
from wire.trust.rolefile import Delegator, RoleFile, S, parse_role_file, sha256_hex


@dataclass(frozen=True)
class Refusal:
    """A file that was not accepted. `code` is that of a WireError, or `missing`."""

    role: str
    code: str
    detail: str


@dataclass(frozen=True)
class Held:
    """Verified metadata, and the highest version of each role ever accepted (which outlives the files)."""

    root: RoleFile[Root]
    timestamp: RoleFile[Timestamp] | None = None
    snapshot: RoleFile[Snapshot] | None = None
    roles: Mapping[str, RoleFile[Targets]] = field(default_factory=dict)
    """`targets` and delegated roles by name, delegators before those to whom they delegate."""
    versions: Mapping[str, int] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, bytes]:
        """Role name to bytes: all that a store must keep beside `versions`."""
        online = {file.name: file.raw for file in (self.root, self.timestamp, self.snapshot) if file is not None}
        return online | {name: file.raw for name, file in self.roles.items()}

    @property
    def targets(self) -> RoleFile[Targets] | None:
        return self.roles.get(Targets.type)

    @cached_property
    def province(self) -> str | None:
        """The province's code; None as long as no `targets` is held."""
        return province_of(self.targets.signed) if self.targets else None

    @property
    def root_fingerprint(self) -> str:
        """SHA-256 (hex) of what the root's holders signed; the same whoever of them did."""
        return sha256_hex(self.root.payload)


def pin_root(raw: bytes) -> Held:
    """The first trust: a root.json that a person brought, verified by itself alone. Raises WireError."""
    root = parse_role_file(Root.type, raw, Root)
    check_root(root.signed)
    root.verify_by(root.signed)
    return Held(root, versions={Root.type: root.version})


def load_held(files: Mapping[str, bytes], versions: Mapping[str, int]) -> tuple[Held, list[Refusal]]:
    """Verify at boot what a store kept; damaged or unverifiable files are left out and named.

    Raises WireError if the root itself is damaged: the caller pins the one that it was enrolled with again.
    """
    pinned = pin_root(files[Root.type])
    refusals: list[Refusal] = []
    timestamp = _load_online(files, Timestamp.type, Timestamp, pinned.root, refusals)
    snapshot = _load_online(files, Snapshot.type, Snapshot, pinned.root, refusals)
    roles: dict[str, RoleFile[Targets]] = {}
    _load_role(Targets.type, pinned.root, None, files, (roles, refusals))
    held = Held(pinned.root, timestamp, snapshot, roles)
    return replace(held, versions=highest_versions(versions, held)), refusals


def verify_role(name: str, raw: bytes, delegator: Delegator, province: str | None) -> RoleFile[Targets]:
    """A role's file, if its delegator's keys signed it and it says only what its kind may.

    Raises MalformedError, BadSignatureError or NotAllowedError.
    """
    file = parse_role_file(name, raw, Targets)
    file.verify_by(delegator.signed)
    province = province or province_of(file.signed)
    delegation = delegations(delegator.signed).get(name) if isinstance(delegator.signed, Targets) else None
    in_group = delegation is not None and name.startswith("g")
    communes = group_communes(delegation, province) if delegation and in_group else frozenset()
    check_shape(name, file.signed, province=province, communes=communes)
    return file


def delegations(signed: Targets) -> Mapping[str, DelegatedRole]:
    """The delegated roles by name, in their order."""
    return (signed.delegations.roles if signed.delegations else None) or {}


def last_version(held: Held, role: str) -> int:
    """The highest version of a role that ever was, also of a file whose signers have all been taken out since.

    What they signed is held no more, but its number is spent: devices remember it, and the snapshot names it.
    """
    named = held.snapshot.signed.meta.get(f"{role}.json") if held.snapshot else None
    return max(held.versions.get(role, 0), named.version if named else 0)


def highest_versions(before: Mapping[str, int], held: Held) -> dict[str, int]:
    """The highest version of each role: those remembered, raised by the files that are held."""
    seen = dict(before)
    for file in (held.root, held.timestamp, held.snapshot, *held.roles.values()):
        if file is not None:
            seen[file.name] = max(seen.get(file.name, 0), file.version)
    return seen


def _load_role(
    name: str,
    delegator: Delegator,
    province: str | None,
    files: Mapping[str, bytes],
    into: tuple[dict[str, RoleFile[Targets]], list[Refusal]],
) -> None:
    roles, refusals = into
    if name not in files or name in roles:
        return
    try:
        file = verify_role(name, files[name], delegator, province)
    except WireError as error:
        refusals.append(Refusal(name, error.code, error.detail))
        return
    roles[name] = file
    for inner in delegations(file.signed):
        _load_role(inner, file, province or province_of(file.signed), files, into)


def _load_online(
    files: Mapping[str, bytes], name: str, kind: type[S], root: RoleFile[Root], refusals: list[Refusal]
) -> RoleFile[S] | None:
    if name not in files:
        return None
    try:
        file = parse_role_file(name, files[name], kind)
        file.verify_by(root.signed)
    except WireError as error:
        refusals.append(Refusal(name, error.code, error.detail))
        return None
    return file
