"""The roster: the province's communes, and the people with the roles whose keys they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from tuf.api.metadata import Root, Targets

from provisioning.errors import ProvisioningError
from wire.trust.layout import RoleName, parse_role_name

MAX_ROSTER_BYTES = 4 * 1024 * 1024
MAX_PEOPLE = 30_000
"""Three holders of each role in a province of 124 communes with 15 hamlets each are 7,100 people."""
Code = Annotated[str, Meta(pattern="^[0-9a-z]{1,10}$")]
PersonName = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,59}$")]

THRESHOLDS: Mapping[str, int] = {
    "root": 2, "targets": 2, "p": 2, "tpl": 2, "sw": 2, "d": 1, "c": 1, "v": 1, "ea": 1, "ef": 2, "ed": 1,
}  # fmt: skip
"""How many of a role's holders must sign (design §5). A commune's may be raised to 2 in the roster."""

NEEDED = (Root.type, Targets.type)
FULL_EMERGENCY_CREW = 3


class RosterError(ProvisioningError):
    """The roster cannot be turned into a province. The detail names the role or person."""

    code = "roster"


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    """One person with one key for all of their roles."""

    name: PersonName
    roles: Annotated[list[str], Meta(min_length=1, max_length=100)]


class Roster(Struct, frozen=True, forbid_unknown_fields=True):
    """What `loa-provision trust init` is told."""

    province: Code
    communes: Annotated[list[Code], Meta(min_length=1, max_length=2_000)]
    people: Annotated[list[Person], Meta(min_length=1, max_length=MAX_PEOPLE)]
    thresholds: dict[str, Annotated[int, Meta(ge=1, le=5)]] = {}
    """Communes' roles that need more than one signature: {"c00694": 2}."""

    def holders(self, role: str) -> list[str]:
        """The names of those who hold a role, in the roster's order."""
        return [person.name for person in self.people if role in person.roles]

    def holders_by_role(self) -> dict[str, list[str]]:
        """`holders` of every role that somebody holds: one walk instead of one for each of a province's 2,500 roles."""
        found: dict[str, list[str]] = {}
        for person in self.people:
            for role in dict.fromkeys(person.roles):
                found.setdefault(role, []).append(person.name)
        return found

    def held_roles(self) -> list[str]:
        """Every role that somebody holds, once each."""
        return list(dict.fromkeys(role for person in self.people for role in person.roles))

    def threshold(self, role: str) -> int:
        kind = role if role in NEEDED else parse_held_role(role, self.province).kind
        return self.thresholds.get(role, THRESHOLDS[kind])


def parse_held_role(role: str, province: str) -> RoleName:
    """A delegated role that a person can hold. Groups and hamlet lists are signed with the province's keys."""
    name = parse_role_name(role, province)
    if name is None or name.kind not in THRESHOLDS:
        raise RosterError(f"{role!r} is no role that a person can hold")
    return name


def read_roster(raw: bytes) -> Roster:
    """Decode and check a roster. Raises RosterError, naming what is wrong."""
    if len(raw) > MAX_ROSTER_BYTES:
        raise RosterError(f"the roster has {len(raw)} bytes, more than {MAX_ROSTER_BYTES}")
    try:
        roster = msgspec.json.decode(raw, type=Roster)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RosterError(f"the roster is not as expected: {error}") from error
    _check_names(roster)
    holders = roster.holders_by_role()
    for role in dict.fromkeys((*NEEDED, f"p{roster.province}", *holders)):
        _check_role(roster, role, len(holders.get(role, [])))
    return roster


def thin_crews(roster: Roster) -> list[str]:
    """Emergency roles with fewer than three holders: allowed, but one holiday away from silence."""
    return [
        role
        for role, holders in roster.holders_by_role().items()
        if role[:2] in ("ea", "ef", "ed") and len(holders) < FULL_EMERGENCY_CREW
    ]


def _check_names(roster: Roster) -> None:
    for what, names in (("person", [person.name for person in roster.people]), ("commune", roster.communes)):
        doubled = next((name for name, times in Counter(names).items() if times > 1), None)
        if doubled:
            raise RosterError(f"{what} {doubled} stands twice in the roster")
    if roster.province in roster.communes:
        raise RosterError(f"{roster.province} cannot be both province and commune")
    strangers = set(roster.thresholds) - {role for role in roster.held_roles() if role.startswith("c")}
    if strangers:
        raise RosterError(f"a threshold may only be set for a commune's role, not {min(strangers)}")


def _check_role(roster: Roster, role: str, holders: int) -> None:
    if role not in NEEDED:
        _check_area(roster, role)
    needed = roster.threshold(role)
    if holders < needed:
        raise RosterError(f"{role} needs {needed} holders, the roster has {holders}")


def _check_area(roster: Roster, role: str) -> None:
    parts = parse_held_role(role, roster.province).area.split("/")
    if parts[0] != roster.province or (len(parts) > 1 and parts[1] not in roster.communes):
        raise RosterError(f"{role} belongs to no commune of province {roster.province}")
