"""The province's layout: which roles there are, who delegates to whom, and what each may list (design §5).

Checked on every file before it is held, so that the rest of `wire.trust` may follow delegations by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from securesystemslib.signer import Key
from tuf.api.metadata import DelegatedRole, Root, Targets

from wire.areas import emergency_scope, leaf, policy_target, programme_target
from wire.bundle import MAX_TARGET_BYTES
from wire.errors import MalformedError, NotAllowedError
from wire.trust.passkey import Passkey
from wire.trust.rolefile import unique_keys

_CODE = "[0-9a-z]{1,10}"
_NAMES = re.compile(rf"(?P<kind>ea|ef|ed|[pdch])(?P<code>{_CODE})|(?P<pair>[gv])(?P<outer>{_CODE})-(?P<inner>{_CODE})")
_PROVINCE = re.compile(f"p{_CODE}")
_LITERAL = re.compile(r"[^*?\[]*")
_IDENT = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
EMERGENCY_KINDS = frozenset({"ea", "ef", "ed"})
FILELESS_KINDS = EMERGENCY_KINDS | {"v"}
"""Roles that sign envelopes only: their keys stand in the delegation, and no metadata file exists."""
LEAF_KINDS = frozenset({"c", "d", "tpl", "sw"})
"""Roles whose file delegates to nobody: nothing rests on it but what it lists."""
REMOTE_KINDS = frozenset({"c"})
"""Roles that a passkey of another origin than the holder's own machine may hold: ordinary programmes (design §5)."""


@dataclass(frozen=True)
class RoleName:
    """A delegated role by kind and by the area that it speaks for (a group: the province)."""

    name: str
    kind: str
    area: str


def parse_role_name(name: str, province: str) -> RoleName | None:
    """What a delegated role's name means in this province; None for a kind that this program does not know."""
    if name in ("tpl", "sw"):
        return RoleName(name, name, province)
    match = _NAMES.fullmatch(name)
    if match is None:
        return None
    kind, code = match["kind"] or match["pair"], match["code"] or match["outer"]
    if kind == "v":
        return RoleName(name, kind, f"{province}/{code}/{match['inner']}")
    if kind in ("p", "d", "g"):
        return RoleName(name, kind, code)
    return RoleName(name, kind, province if kind in EMERGENCY_KINDS and code == province else f"{province}/{code}")


def delegation_paths(role: RoleName, communes: Iterable[str] = ()) -> list[str]:
    """The path patterns of a role's delegation. For a group, `communes` are the paths of the areas in it."""
    area = role.area
    fixed = {
        # `*` does not cross `/` and a role is visited only where its paths match: every depth is listed.
        "p": [f"areas/{area}/*", f"areas/{area}/*/*", f"areas/{area}/*/*/*"],
        "d": [f"areas/{area}/*/placements.json"],
        "c": [programme_target(area), policy_target(area)],
        "h": [f"say/{area}/*/*"],
        "v": [f"say/{area}/*"],
        "tpl": [f"templates/{area}/*"],
        "sw": ["software/*"],
    }
    if role.kind == "g":
        return [f"areas/{commune}/{depth}" for commune in communes for depth in ("*", "*/*")]
    return fixed.get(role.kind) or [emergency_scope(area)]


def covers(delegation: DelegatedRole, path: str) -> bool:
    """Whether a target path is delegated, as TUF says (`is_delegated_path`).

    A province has hundreds of patterns: most are told apart by what stands before their first wildcard.
    """
    if delegation.paths is not None and not path.startswith(_literal_parts(tuple(delegation.paths))):
        return False
    return delegation.is_delegated_path(path)


def group_communes(delegation: DelegatedRole, province: str) -> frozenset[str]:
    """The paths of the communes in a group, from its delegation in p. Raises NotAllowedError."""
    pattern = re.compile(rf"areas/({re.escape(province)}/{_CODE})/\*(/\*){{0,2}}")
    matches = [pattern.fullmatch(path) for path in delegation.paths or [""]]
    if not all(matches):
        raise NotAllowedError(f"{delegation.name}: paths that are not its communes'")
    return frozenset(match[1] for match in matches if match)


def province_of(targets: Targets) -> str:
    """The province's code: that of the one p-role to which `targets` delegates. Raises NotAllowedError."""
    names = targets.delegations.roles or {} if targets.delegations else {}
    provinces = [name[1:] for name in names if _PROVINCE.fullmatch(name)]
    if len(provinces) != 1:
        raise NotAllowedError("targets must delegate to exactly one province")
    return provinces[0]


def check_root(root: Root) -> None:
    """Raise NotAllowedError or MalformedError unless it is a root as a province has one."""
    if not root.consistent_snapshot:
        raise NotAllowedError("root without consistent snapshots")
    unique_keys(root.keys)
    if any(_is_remote(key) for key in root.keys.values()):
        raise NotAllowedError("root with a passkey of another origin than a station's")


def check_shape(name: str, signed: Targets, *, province: str, communes: frozenset[str] = frozenset()) -> None:
    """Raise unless a role lists and delegates only what its kind may; `communes` are those of a group.

    Raises:
        NotAllowedError: a target or delegation outside the role's own area and kind.
        MalformedError: a target without SHA-256 or beyond the size limit, or one key under two ids.
    """
    role = RoleName(name, name, province) if name == Targets.type else parse_role_name(name, province)
    if role is None or role.kind in FILELESS_KINDS:
        raise NotAllowedError(f"{name} has no file")
    _check_targets(role, signed, province)
    _check_delegations(role, signed, province, communes)


@lru_cache(maxsize=512)
def _literal_parts(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Of each pattern what stands before its first wildcard."""
    return tuple(match[0] for match in map(_LITERAL.match, patterns) if match)


def _is_remote(key: Key) -> bool:
    return isinstance(key, Passkey) and key.is_remote


def _check_targets(role: RoleName, signed: Targets, province: str) -> None:
    allowed = {
        "p": f"areas/{role.area}/(programme|policy)\\.json",
        "c": f"areas/{role.area}/(programme|policy)\\.json",
        "d": f"areas/{province}/{_CODE}/placements\\.json",
        "tpl": f"templates/{province}/{_IDENT}\\.json",
        "sw": f"software/{_IDENT}",
    }.get(role.kind)
    for path, target in signed.targets.items():
        if allowed is None or not re.fullmatch(allowed, path):
            raise NotAllowedError(f"{role.name} may not list {path[:120]}")
        if "sha256" not in target.hashes or (role.kind != "sw" and target.length > MAX_TARGET_BYTES):
            raise MalformedError(f"{path}: without SHA-256, or larger than {MAX_TARGET_BYTES} bytes")


def _check_delegations(role: RoleName, signed: Targets, province: str, communes: frozenset[str]) -> None:
    if signed.delegations is None:
        return
    if role.kind in LEAF_KINDS or signed.delegations.roles is None:
        raise NotAllowedError(f"{role.name} may not delegate")
    unique_keys(signed.delegations.keys)
    seen: set[str] = set()
    for delegation in signed.delegations.roles.values():
        inner = parse_role_name(delegation.name, province)
        if inner is None:
            continue  # a kind of a later version: it has no power here
        _check_delegation(role, inner, delegation, communes)
        held = [signed.delegations.keys[key] for key in delegation.keyids if key in signed.delegations.keys]
        if inner.kind not in REMOTE_KINDS and any(_is_remote(key) for key in held):
            raise NotAllowedError(f"{inner.name} with a passkey of another origin than a station's")
        if inner.kind == "g":
            group = group_communes(delegation, province)
            if seen & group:
                raise NotAllowedError(f"{inner.name}: a commune stands in two groups")
            seen |= group


def _check_delegation(outer: RoleName, inner: RoleName, delegation: DelegatedRole, communes: frozenset[str]) -> None:
    province = outer.area.split("/")[0]
    permitted = {
        "targets": inner.kind in ("p", "d", "tpl", "sw") or inner.kind in EMERGENCY_KINDS,
        "p": inner.kind == "g",
        "g": inner.kind in ("c", "h") or inner.kind in EMERGENCY_KINDS,
        "h": inner.kind == "v",
    }[outer.kind]
    home = communes if outer.kind == "g" else {outer.area}
    inside = inner.area.rsplit("/", 1)[0] in home if outer.kind == "h" else inner.area in home
    # Roles of a commune with the province's own code would bear the province's names; a hamlet's name its commune too.
    doubled = inner.kind not in ("g", "v") and leaf(inner.area) == province and "/" in inner.area
    if not (permitted and inside) or doubled:
        raise NotAllowedError(f"{outer.name} may not delegate to {inner.name}")
    allowed = delegation.paths if inner.kind == "g" else delegation_paths(inner)
    if not delegation.paths or not set(delegation.paths) <= set(allowed or []):
        raise NotAllowedError(f"{outer.name}: {inner.name} has paths that are not its own")
