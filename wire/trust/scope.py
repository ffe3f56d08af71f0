"""Which delegated roles somebody keeps: a device (and a bundle for it) those of its own path, the hub all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from tuf.api.metadata import DelegatedRole

from wire.areas import ancestry, contains, placements_target, policy_target, programme_target
from wire.trust.layout import FILELESS_KINDS, covers, parse_role_name


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
        return any(covers(delegation, path) for path in _paths(self.area, province))


class WholeProvince:
    """Every role: the hub's and the registrar's."""

    def wants(self, delegation: DelegatedRole, province: str) -> bool:
        return _has_file(delegation.name, province)


def _has_file(name: str, province: str) -> bool:
    role = parse_role_name(name, province)
    return role is not None and role.kind not in FILELESS_KINDS


@lru_cache(maxsize=8)
def _paths(area: str | None, province: str) -> list[str]:
    """A path of each sort that a device at `area` may need."""
    paths = [f"templates/{province}/any", "software/any", f"areas/{province}/any/placements.json"]
    if area is None or not contains(province, area):
        return [*paths, programme_target(province)]
    levels = ancestry(area)
    here = [target(level) for level in levels for target in (programme_target, policy_target)]
    hamlets = [f"say/{'/'.join(area.split('/')[:2])}/any/any"]
    return [*paths, *here, *hamlets, *([placements_target(area)] if len(levels) > 1 else [])]
