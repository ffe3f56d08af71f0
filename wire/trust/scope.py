"""Which delegated roles somebody keeps: a device (and a bundle for it) those of its own path, the hub all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tuf.api.metadata import DelegatedRole

from wire.areas import ancestry, contains, placements_target, policy_target, programme_target
from wire.trust.layout import FILELESS_KINDS, parse_role_name


class Scope(Protocol):
    """Says of a delegation, met on the way down, whether its file is to be fetched and followed."""

    def wants(self, delegation: DelegatedRole, province: str) -> bool: ...


@dataclass(frozen=True)
class DeviceScope:
    """One device at `area`, or one that does not know its place yet (None): then what the whole province shares."""

    area: str | None

    def wants(self, delegation: DelegatedRole, province: str) -> bool:
        if not _has_file(delegation.name, province):
            return False
        return any(delegation.is_delegated_path(path) for path in self._paths(province))

    def _paths(self, province: str) -> list[str]:
        paths = [f"templates/{province}/any", "software/any", f"areas/{province}/any/placements.json"]
        if self.area is None or not contains(province, self.area):
            return [*paths, programme_target(province)]
        levels = ancestry(self.area)
        here = [target(level) for level in levels for target in (programme_target, policy_target)]
        hamlets = [f"say/{'/'.join(self.area.split('/')[:2])}/any/any"]
        return [*paths, *here, *hamlets, *([placements_target(self.area)] if len(levels) > 1 else [])]


class WholeProvince:
    """Every role: the hub's and the registrar's."""

    def wants(self, delegation: DelegatedRole, province: str) -> bool:
        return _has_file(delegation.name, province)


def _has_file(name: str, province: str) -> bool:
    role = parse_role_name(name, province)
    return role is not None and role.kind not in FILELESS_KINDS
