"""What a change of trust says and its review does not: such a change is never signed.

A change file comes from somebody else's machine. Its next version is built here once more, from what is held and from
exactly what the review tells (holders, thresholds, communes of groups, a reset of clocks); it must come out equal. So
nobody can hide, beside a line that is read, a path, another key under a known id, a programme, or a date.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from securesystemslib.formats import encode_canonical
from tuf.api.metadata import Root, Targets

from provisioning.approval.words import N_
from provisioning.trust.opening import ChangeError
from wire.errors import NotAllowedError
from wire.release import CLOCK_TOLERANCE_MS, expires_after
from wire.trust.held import Held
from wire.trust.layout import delegation_paths, parse_role_name
from wire.trust.rolefile import AnyRoleFile
from wire.trust.time_reset import FIELD
from wire.units import UtcTime

TOLD = ("keyids", "threshold")
KEY_TYPES = frozenset({"ed25519", "webauthn"})


def check_told(held: Held, before: AnyRoleFile | None, after: AnyRoleFile, now: UtcTime) -> None:
    """Raise ChangeError unless everything that changes is what `review` tells."""
    if after.issued > now + CLOCK_TOLERANCE_MS:
        raise ChangeError(N_("{role} is dated in the future: do not sign it"), role=after.name)
    plain: dict[str, Any] = after.signed.to_dict()
    expected = _rebuilt(held, before, after, plain)
    differ = sorted(name for name in plain.keys() | expected.keys() if plain.get(name) != expected.get(name))
    if differ:
        raise ChangeError(
            N_("{role} changes more than can be shown ({what}): do not sign it"),
            role=after.name, what=", ".join(differ),
        )  # fmt: skip


def _rebuilt(held: Held, before: AnyRoleFile | None, after: AnyRoleFile, plain: Mapping[str, Any]) -> dict[str, Any]:
    """What would follow `before` by what the review tells of `after`."""
    old: dict[str, Any] = copy.deepcopy(before.signed.to_dict()) if before else _first()
    expires = expires_after(after.name, after.issued)
    old |= {"version": (before.version if before else 0) + 1, "issued": after.issued,
            "expires": f"{expires:%Y-%m-%dT%H:%M:%SZ}"}  # fmt: skip
    if after.name == Targets.type and FIELD in plain:
        old[FIELD] = plain[FIELD]
    if after.name == Root.type:
        was = old["roles"]
        old["roles"] = {name: {**was.get(name, {}), **_told(role)} for name, role in plain["roles"].items()}
        old["keys"] = _keys(old["keys"], plain["keys"], plain["roles"].values())
    elif "delegations" in old and "delegations" in plain:
        inner, new = old["delegations"], plain["delegations"]
        inner["roles"] = list(_delegations(held, inner["roles"], new["roles"]))
        inner["keys"] = _keys(inner["keys"], new["keys"], new["roles"])
    return old


def _first() -> dict[str, Any]:
    return Targets(delegations=None).to_dict() | {"delegations": {"keys": {}, "roles": []}}


def _delegations(held: Held, old: list[Any], new: list[Any]) -> Iterator[dict[str, Any]]:
    """Each as it was, with the holders that are told; in the order that they were in, the registrar's before all."""
    known = {role["name"]: role for role in old}
    fresh = [role for role in new if role["name"] not in known]
    first = [role for role in fresh if role["name"].startswith("d")]
    named = {role["name"]: role for role in new}
    kept = [named[name] for name in known if name in named]
    for role in (*first, *kept, *(one for one in fresh if one not in first)):
        yield {**known.get(role["name"], {"name": role["name"], "terminating": True}), **_told(role),
               "paths": _paths(held, known.get(role["name"]), role)}  # fmt: skip


def _paths(held: Held, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> list[str]:
    """The paths that a role must have; a group's are those of the communes that are told."""
    province = held.province or ""
    name = parse_role_name(str(new["name"]), province)
    if name is None:
        raise NotAllowedError(f"{new['name']}: no such role")
    if name.kind != "g":
        return list(old["paths"]) if old else delegation_paths(name)
    communes = [path.removesuffix("/*").removeprefix("areas/") for path in new["paths"] if path.count("*") == 1]
    return delegation_paths(name, communes)


def _told(role: Mapping[str, Any]) -> dict[str, Any]:
    return {field: role[field] for field in TOLD}


def _keys(old: Mapping[str, Any], new: Mapping[str, Any], roles: Any) -> dict[str, Any]:
    """Known keys as they were; new ones under the id that their content gives; none that stands in no role."""
    used = {key_id for role in roles for key_id in role["keyids"]}
    return {key_id: old.get(key_id, _under_its_own_id(key_id, new.get(key_id))) for key_id in used}


def _under_its_own_id(key_id: str, key: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if key is None or key.get("keytype") not in KEY_TYPES:
        return None
    return key if hashlib.sha256(str(encode_canonical(key)).encode()).hexdigest() == key_id else None
