"""A role that is not there yet: which files must name it, and what is edited in each. Pure.

A commune that joins later, a hamlet that gets a head, an emergency role that nobody held at the first ceremony.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from securesystemslib.signer import Key
from tuf.api.metadata import Targets

from provisioning.approval.words import N_
from provisioning.errors import ProvisioningError
from provisioning.trust.delegations import delegate
from provisioning.trust.roster import THRESHOLDS, parse_held_role
from wire.areas import COMMUNES_PER_GROUP, leaf
from wire.errors import UnknownKeyError
from wire.trust.authority import authority, group_of
from wire.trust.held import Held, delegations
from wire.trust.layout import RoleName, delegation_paths, group_communes, parse_role_name

Edit = Callable[[Any], object]


class ChangeError(ProvisioningError):
    """Such a change would leave a role that nobody can sign, or changes nothing."""

    code = "change"


@dataclass
class Making:
    """What one change has made already: commune or list to the file that names it; whether communes may come in."""

    may_add_areas: bool = False
    homes: dict[str, str] = field(default_factory=dict)


def opening(held: Held, role: str, keys: Sequence[Key], made: Making) -> Iterator[tuple[str, Edit]]:
    """(file, edit) of each file that must change for `keys` to hold a new role. Raises ChangeError, RosterError."""
    name = parse_held_role(role, held.province or "")
    needed = THRESHOLDS[name.kind]
    if len(keys) < needed:
        raise ChangeError(N_("{role} is new and needs {n} holders: give --key {n} times"), role=role, n=needed)
    if name.kind == "v":
        home = f"h{name.area.split('/')[1]}"
        yield from _hamlet_list(held, home, made)
    elif "/" in name.area:
        home = yield from _group(held, name.area, made)
    else:
        home = Targets.type
    yield home, lambda signed: delegate(signed, name, keys, needed)


def _hamlet_list(held: Held, home: str, made: Making) -> Iterator[tuple[str, Edit]]:
    """The delegation to a commune's list of hamlets, where its group lacks it."""
    listed = _name(held, home)
    group = yield from _group(held, listed.area, made)
    if group in held.roles and home not in delegations(held.roles[group].signed) and home not in made.homes:
        made.homes[home] = group
        yield group, _mirroring(held, listed)


def _group(held: Held, commune: str, made: Making) -> Generator[tuple[str, Edit], None, str]:
    """The group of a commune; one that still has room, or a new one, where the commune is new. Returns its name."""
    try:
        return made.homes.get(commune) or group_of(held, commune)
    except UnknownKeyError:
        made.homes[commune] = yield from _new_place(held, commune, made)
        return made.homes[commune]


def _new_place(held: Held, commune: str, made: Making) -> Generator[tuple[str, Edit], None, str]:
    if not made.may_add_areas:
        raise ChangeError(N_("{area} is no commune of the province: --new-area, if it is a new one"), area=commune)
    province = f"p{held.province}"
    groups = {name: one for name, one in delegations(held.roles[province].signed).items() if name.startswith("g")}
    sizes = {name: len(group_communes(one, held.province or "")) for name, one in groups.items()}
    room = next((name for name, size in sizes.items() if size < COMMUNES_PER_GROUP), None)
    if room is not None:
        more = delegation_paths(_name(held, room), [commune])
        yield province, lambda signed: signed.delegations.roles[room].paths.extend(more)
    else:
        room = f"g{held.province}-{len(groups) + 1:02d}"
        yield province, _mirroring(held, _name(held, room), commune)
    listed = _name(held, f"h{leaf(commune)}")
    made.homes[listed.name] = room
    yield room, _mirroring(held, listed)
    return room


def _mirroring(held: Held, role: RoleName, *communes: str) -> Edit:
    """Names a role that is signed with the province's keys."""
    who = authority(held, f"p{held.province}")
    return lambda signed: delegate(signed, role, who.keys, who.threshold, communes=communes)


def _name(held: Held, role: str) -> RoleName:
    name = parse_role_name(role, held.province or "")
    if name is None:
        raise ChangeError(f"{role!r} is no role")
    return name
