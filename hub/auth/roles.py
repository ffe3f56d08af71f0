"""Who may do what: a person holds roles, each on an area and all below it. What is not granted here is denied. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hub.errors import NotAllowedError
from wire.areas import contains


class Right(StrEnum):
    VIEW = "view"
    """See what is planned, played and broken in the area and below."""
    EDIT = "edit"
    """Write items and programmes, submit them, make bundles."""
    APPROVE = "approve"
    """Sign or return programmes, policies and templates, in the approval app."""
    ALERT = "alert"
    """Hand in emergency orders that the own key signed."""
    DEVICES = "devices"
    """Register devices and clusters, propose placements, take in a stick's log."""
    PLACE = "place"
    """Sign or return placements, in the approval app."""
    PEOPLE = "people"
    """Manage persons, roles and keys' names."""
    AUDIT = "audit"
    """Read the log of what people did, and the security events."""


class Role(StrEnum):
    VIEWER = "viewer"
    EDITOR = "editor"
    APPROVER = "approver"
    OFFICER = "officer"
    TECHNICIAN = "technician"
    REGISTRAR = "registrar"
    ADMIN = "admin"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.VIEW}),
    Role.EDITOR: frozenset({Right.VIEW, Right.EDIT}),
    Role.APPROVER: frozenset({Right.VIEW, Right.APPROVE}),
    Role.OFFICER: frozenset({Right.VIEW, Right.ALERT}),
    Role.TECHNICIAN: frozenset({Right.VIEW, Right.DEVICES}),
    Role.REGISTRAR: frozenset({Right.VIEW, Right.DEVICES, Right.PLACE}),
    Role.ADMIN: frozenset({Right.VIEW, Right.PEOPLE, Right.AUDIT}),
}


@dataclass(frozen=True)
class Grant:
    role: Role
    area: str


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in. `keys` are the ids of the signing keys that are known as this person's."""

    username: str
    name: str
    grants: tuple[Grant, ...] = ()
    keys: frozenset[str] = frozenset()

    def may(self, right: Right, area: str | None = None) -> bool:
        """Whether the right is held for `area`; without an area, whether it is held anywhere."""
        return any(
            right in RIGHTS[grant.role] and (area is None or contains(grant.area, area)) for grant in self.grants
        )

    def require(self, right: Right, area: str) -> None:
        """Raise NotAllowedError unless the right is held for `area`."""
        if not self.may(right, area):
            raise NotAllowedError

    def areas(self, right: Right = Right.VIEW) -> tuple[str, ...]:
        """The highest areas for which the right is held, each covering all below it."""
        held = sorted({grant.area for grant in self.grants if right in RIGHTS[grant.role]})
        return tuple(area for area in held if not any(contains(other, area) and other != area for other in held))
