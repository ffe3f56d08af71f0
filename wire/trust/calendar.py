"""When which role must be signed again: asked for 60, 30 and 7 days before it expires (design §5, "Expiry")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wire.errors import UnknownKeyError
from wire.trust.authority import Authority, authority
from wire.trust.held import Held
from wire.trust.rolefile import AnyRoleFile
from wire.units import DAY, UtcTime

ASK_DAYS = (60, 30, 7)
"""People are asked at these distances; from the last on it is urgent."""


@dataclass(frozen=True)
class Due:
    """One role's end. `stage` is the smallest of `ASK_DAYS` that has been reached, or None."""

    role: str
    version: int
    expires: UtcTime
    days_left: int
    """Whole days; negative once it has expired."""
    stage: int | None
    who: Authority

    @property
    def is_urgent(self) -> bool:
        return self.stage == ASK_DAYS[-1]


def calendar(held: Held, now: UtcTime) -> list[Due]:
    """Every role that people sign, the one that ends first before the others."""
    return sorted(_dues(held, now), key=lambda due: (due.expires, due.role))


def _dues(held: Held, now: UtcTime) -> Iterator[Due]:
    files: list[AnyRoleFile] = [held.root, *held.roles.values()]
    for file in files:
        try:
            who = authority(held, file.name)
        except UnknownKeyError:
            continue    # nobody may sign it any more: it ends with its delegator's next version
        days_left = (file.expires - now) // DAY
        stage = min((days for days in ASK_DAYS if days_left < days), default=None)
        yield Due(file.name, file.version, file.expires, days_left, stage, who)
