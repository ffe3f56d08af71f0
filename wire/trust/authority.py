"""Who may sign what: delegations found by target path (TUF's preorder walk) or by role name, down the held metadata."""

from __future__ import annotations

from dataclasses import dataclass

from securesystemslib.signer import Key
from tuf.api.metadata import TOP_LEVEL_ROLE_NAMES, Role, Root, TargetFile, Targets

from wire.alert import FREE
from wire.areas import contains, programme_target
from wire.errors import MalformedError, NotAllowedError, UnknownKeyError
from wire.trust.floor import is_targets_expired
from wire.trust.held import Held, delegations
from wire.trust.layout import EMERGENCY_KINDS, RoleName, covers, parse_role_name
from wire.trust.rolefile import Delegator, RoleFile, parse_role_file, sha256_hex, target_file_name
from wire.units import UtcTime


@dataclass(frozen=True)
class Authority:
    """The keys that may sign for a role, how many of them must, and the area that the role speaks for."""

    role: str
    area: str
    keys: tuple[Key, ...]
    threshold: int

    @property
    def key_ids(self) -> frozenset[str]:
        return frozenset(key.keyid for key in self.keys)


@dataclass(frozen=True)
class Target:
    """A target as the signed metadata names it."""

    path: str
    role: str
    version: int
    """Of the role file that lists it."""
    length: int
    sha256: str

    @property
    def file_name(self) -> str:
        """Where it lies below /tuf/targets: with its hash before the name."""
        return target_file_name(self.path, self.sha256)

    def check(self, raw: bytes) -> None:
        """Raise MalformedError unless these are the signed bytes."""
        if len(raw) != self.length or sha256_hex(raw) != self.sha256:
            raise MalformedError(f"{self.path}: not the bytes that {self.role} v{self.version} names")


@dataclass(frozen=True)
class Signatures:
    """How far a role file is signed."""

    good: frozenset[str]
    threshold: int

    @property
    def is_complete(self) -> bool:
        return len(self.good) >= self.threshold


def find_target(held: Held, path: str) -> Target | None:
    """The target at `path`, from the first role in delegation order that may list it; None where nobody released it."""
    role = _find_role(held, held.targets, path)
    target = role.signed.targets.get(path) if role else None
    return _target(path, role, target) if role and target else None


def targets_of(held: Held, role: str) -> dict[str, Target]:
    """Every target that one role lists, by path; empty where the role has not been signed yet."""
    file = held.roles.get(role)
    return {path: _target(path, file, target) for path, target in file.signed.targets.items()} if file else {}


def authority(held: Held, role: str) -> Authority:
    """The keys and threshold of any role by its name, online and emergency roles too.

    Raises:
        NotAllowedError: no such role can exist.
        UnknownKeyError: what is held does not (yet) delegate to it.
    """
    if role in TOP_LEVEL_ROLE_NAMES:
        return _authority_of(held.root, held.root.signed.roles[role], RoleName(role, role, held.province or ""))
    name = _parse(held, role)
    delegator = held.roles.get(_delegator_name(held, name))
    delegation = delegations(delegator.signed).get(role) if delegator else None
    if delegator is None or delegation is None:
        raise UnknownKeyError(f"no delegation to {role} is held")
    return _authority_of(delegator, delegation, name)


def emergency_authority(held: Held, role: str, area: str, *, floor: UtcTime) -> Authority:
    """Who may alarm `area` under `role`; two keys at least for free text, and while `targets` is expired by the floor.

    Raises NotAllowedError where the role's own area does not contain `area`; UnknownKeyError as in `authority`.
    """
    name = _parse(held, role)
    if name.kind not in EMERGENCY_KINDS or not contains(name.area, area):
        raise NotAllowedError(f"{role} does not speak for {area}")
    found = authority(held, role)
    needs_two = name.kind == FREE or is_targets_expired(held, floor)
    threshold = max(found.threshold, 2) if needs_two else found.threshold
    return Authority(role, found.area, found.keys, threshold)


def roles_of_key(held: Held, key_id: str) -> list[str]:
    """The names of all roles, top-level ones first, that a key may sign according to what is held."""
    found = [name for name, role in held.root.signed.roles.items() if key_id in role.keyids]
    for file in held.roles.values():
        found += [name for name, delegation in delegations(file.signed).items() if key_id in delegation.keyids]
    return found


def delegator_of(held: Held, role: str) -> Delegator:
    """The held file that names a role's keys. Raises as `authority` does."""
    if role in TOP_LEVEL_ROLE_NAMES:
        return held.root
    authority(held, role)
    return held.roles[_delegator_name(held, _parse(held, role))]


def delegator_name(held: Held, role: str) -> str:
    """The role whose file names, or would name, the keys of a role. Raises NotAllowedError, UnknownKeyError."""
    return Root.type if role in TOP_LEVEL_ROLE_NAMES else _delegator_name(held, _parse(held, role))


def count_signatures(held: Held, role: str, raw: bytes) -> Signatures:
    """How far a role's file is signed by the keys that may. Raises MalformedError, and as `authority` does."""
    file = parse_role_file(role, raw, Targets)
    result = delegator_of(held, role).signed.get_verification_result(role, file.payload, dict(file.signatures))
    return Signatures(frozenset(result.signed), result.threshold)


def _find_role(held: Held, start: RoleFile[Targets] | None, path: str) -> RoleFile[Targets] | None:
    """The preorder walk. A delegated role without a file lists nothing; terminating delegations end the search."""
    if start is None or path in start.signed.targets:
        return start
    for name, delegation in delegations(start.signed).items():
        if parse_role_name(name, held.province or "") is None or not covers(delegation, path):
            continue
        found = _find_role(held, held.roles.get(name), path)
        if found is not None or delegation.terminating:
            return found
    return None


def _delegator_name(held: Held, role: RoleName) -> str:
    if role.kind == "g":
        return f"p{held.province}"
    if role.kind == "v":
        return f"h{role.area.split('/')[1]}"
    if "/" not in role.area:
        return Targets.type
    return group_of(held, role.area)


def group_of(held: Held, commune: str) -> str:
    """The name of the group that delegates a commune's roles. Raises UnknownKeyError."""
    province = held.roles.get(f"p{held.province}")
    wanted = programme_target(commune)
    for name, delegation in (delegations(province.signed) if province else {}).items():
        if covers(delegation, wanted) and parse_role_name(name, held.province or ""):
            return name
    raise UnknownKeyError(f"no group with {commune} is held")


def _parse(held: Held, role: str) -> RoleName:
    name = parse_role_name(role, held.province) if held.province else None
    if name is None:
        raise (NotAllowedError if held.province else UnknownKeyError)(f"no role {role[:40]!r} here")
    return name


def _authority_of(delegator: Delegator, role: Role, name: RoleName) -> Authority:
    known = delegator.signed.keys if isinstance(delegator.signed, Root) else _keys(delegator.signed)
    keys = tuple(known[key_id] for key_id in role.keyids if key_id in known)
    return Authority(name.name, name.area, keys, role.threshold)


def _keys(signed: Targets) -> dict[str, Key]:
    return signed.delegations.keys if signed.delegations else {}


def _target(path: str, role: RoleFile[Targets], target: TargetFile) -> Target:
    return Target(path, role.name, role.version, target.length, target.hashes["sha256"])
