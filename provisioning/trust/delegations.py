"""The first metadata of a province, from the roster and public keys: pure, unsigned, the layout of design §5."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from securesystemslib.signer import Key
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Role, Root, Snapshot, TargetFile, Targets, Timestamp

from provisioning.trust.roster import Roster
from wire.areas import COMMUNES_PER_GROUP
from wire.release import expires_after
from wire.trust.layout import RoleName, delegation_paths, parse_role_name
from wire.units import UtcTime

Keys = Mapping[str, Key]
PROVINCIAL = ("d", "p", "tpl", "sw", "ea", "ef", "ed")
"""Order of the delegations of `targets`. The registrar stands before the province: both match placements."""


class FirstMetadata:
    """Builds version 1 of each role that can exist before anybody has said anything."""

    def __init__(
        self, roster: Roster, people: Keys, online: Keys, issued: UtcTime, *, targets: Mapping[str, bytes] | None = None
    ) -> None:
        """`targets` by path: what the province's role lists from the beginning."""
        self._roster = roster
        self._holders = roster.holders_by_role()
        self._people = people
        self._online = online
        self._issued = issued
        self._first_targets = targets or {}

    def roles(self) -> dict[str, bytes]:
        """Role name to unsigned file: root, targets, the province, its groups, hamlets of communes that have heads."""
        files: dict[str, Root | Targets] = {Root.type: self._root(), Targets.type: self._targets()}
        files[f"p{self._roster.province}"] = self._province()
        for group, communes in self.groups().items():
            files[group] = self._group(communes)
        for commune in self._roster.communes:
            if heads := self._hamlet_roles(commune):
                files[f"h{commune}"] = self._delegating(f"h{commune}", heads)
        return {name: _unsigned(signed) for name, signed in files.items()}

    def signers(self, role: str) -> list[str]:
        """The names of those who sign a role's first file: groups and hamlet lists are the province's."""
        kind = self._kind(role)
        return self._holders_of(f"p{self._roster.province}" if kind in ("g", "h") else role)

    def groups(self) -> dict[str, list[str]]:
        """Group name to its communes, at most eight, in the order of their codes."""
        communes = sorted(self._roster.communes)
        starts = range(0, len(communes), COMMUNES_PER_GROUP)
        return {
            f"g{self._roster.province}-{n:02d}": communes[start : start + COMMUNES_PER_GROUP]
            for n, start in enumerate(starts, 1)
        }

    def _root(self) -> Root:
        root = Root(version=1, expires=self._expires(Root.type), unrecognized_fields=self._dated())
        for name in (Root.type, Targets.type):
            keys = [self._people[person] for person in self._holders_of(name)]
            self._fill(root, name, keys, self._roster.threshold(name))
        for name in (Snapshot.type, Timestamp.type):
            self._fill(root, name, [self._online[name]], 1)
        return root

    @staticmethod
    def _fill(root: Root, name: str, keys: Iterable[Key], threshold: int) -> None:
        root.roles[name] = Role([], threshold)
        for key in keys:
            root.add_key(key, name)

    def _targets(self) -> Targets:
        held = [role for role in self._holders if role not in (Root.type, Targets.type)]
        provincial = [role for role in held if "/" not in self._parse(role).area]
        ordered = sorted(provincial, key=lambda role: PROVINCIAL.index(self._parse(role).kind))
        return self._delegating(Targets.type, ordered)

    def _province(self) -> Targets:
        signed = self._delegating(f"p{self._roster.province}", list(self.groups()), self.groups())
        for path, raw in self._first_targets.items():
            signed.targets[path] = TargetFile.from_data(path, raw, ["sha256"])
        return signed

    def _group(self, communes: Sequence[str]) -> Targets:
        candidates = [f"{kind}{commune}" for commune in communes for kind in ("c", "h", "ea", "ef", "ed")]
        existing = [role for role in candidates if role.startswith("h") or role in self._holders]
        return self._delegating("g", existing)

    def _hamlet_roles(self, commune: str) -> list[str]:
        return sorted(role for role in self._holders if role.startswith(f"v{commune}-"))

    def _delegating(self, name: str, roles: Iterable[str], groups: Mapping[str, list[str]] | None = None) -> Targets:
        delegations = Delegations({}, {})
        signed = Targets(
            version=1,
            expires=self._expires(name),
            delegations=delegations,
            unrecognized_fields=self._dated(),
        )
        for role in roles:
            self._delegate(signed, role, [f"{self._roster.province}/{c}" for c in (groups or {}).get(role, [])])
        return signed

    def _delegate(self, signed: Targets, role: str, communes: Iterable[str]) -> None:
        source = f"p{self._roster.province}" if self._kind(role) in ("g", "h") else role
        keys = [self._people[person] for person in self._holders_of(source)]
        delegate(signed, self._parse(role), keys, self._roster.threshold(source), communes=communes)

    def _holders_of(self, role: str) -> list[str]:
        return self._holders.get(role, [])

    def _kind(self, role: str) -> str:
        return role if role in (Root.type, Targets.type) else self._parse(role).kind

    def _parse(self, role: str) -> RoleName:
        name = parse_role_name(role, self._roster.province)
        if name is None:
            raise ValueError(f"no such role: {role}")
        return name

    def _expires(self, role: str) -> datetime:
        return expires_after(role, self._issued)

    def _dated(self) -> dict[str, Any]:
        return {"issued": self._issued}


def delegate(
    signed: Targets, role: RoleName, keys: Iterable[Key], threshold: int, *, communes: Iterable[str] = ()
) -> None:
    """Name a role in a file that delegates. `communes`: of a group."""
    if signed.delegations is None or signed.delegations.roles is None:
        raise ValueError(f"the file that should delegate to {role.name} has no delegations")
    made = DelegatedRole(role.name, [], threshold, terminating=True, paths=delegation_paths(role, communes))
    roles = {**signed.delegations.roles, role.name: made}
    # The registrar stands before the province: both match placements, and the first decides.
    first = {name: one for name, one in roles.items() if name == role.name and role.kind == "d"}
    signed.delegations.roles = first | roles
    for key in keys:
        signed.add_key(key, role.name)


def _unsigned(signed: Root | Targets) -> bytes:
    metadata: Metadata[Any] = Metadata(signed)
    return metadata.to_bytes()
