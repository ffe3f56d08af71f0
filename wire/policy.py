"""The safety envelope: hours, volume and length that an area's signed policy allows, and how policies combine.

The strictest of each field over the path is in force (design §4). Enforced on the device by `wire.timeline`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from wire.areas import contains
from wire.codec import SCHEMA, decode
from wire.content import AreaPath, Language
from wire.errors import MalformedError
from wire.programme import Day
from wire.units import DAY, HOUR, Milliseconds, UtcTime

MAX_POLICY_BYTES = 64 * 1024
BUILT_IN_HOURS = (5 * HOUR, 21 * HOUR)
"""No ordinary or priority sound outside 05:00-21:00, whatever any policy says (design §4)."""

Volume = Annotated[int, Meta(ge=0, le=100)]
Edge = Annotated[int, Meta(ge=0, le=DAY)]


class Hours(Struct, frozen=True):
    """A stretch of the local day in which sound is allowed, milliseconds after midnight."""

    start_ms: Edge
    end_ms: Edge


class QuietException(Struct, frozen=True):
    """Sound outside the built-in hours, on one date, in some areas. Only the province's policy may hold one."""

    day: Day
    hours: Hours
    areas: Annotated[list[AreaPath], Meta(min_length=1, max_length=200)]
    reason: Annotated[str, Meta(min_length=1, max_length=300)]


class OnBattery(Struct, frozen=True):
    """What plays without mains; below `low_percent` only emergencies."""

    priority: bool = True
    ordinary: bool = False
    low_percent: Annotated[int, Meta(ge=0, le=100)] = 30


class Policy(Struct, frozen=True):
    """An area's policy. A commune's may only tighten; what it says that loosens has no effect."""

    area: AreaPath
    issued: UtcTime
    hours: Annotated[list[Hours], Meta(max_length=12)] | None = None
    max_volume: Volume = 100
    min_volume: Volume = 0
    """Province only: the least volume at which its priority items play."""
    emergency_volume: Volume = 100
    max_item_ms: Annotated[int, Meta(gt=0, le=DAY)] = DAY
    languages: Annotated[list[Language], Meta(min_length=1, max_length=40)] | None = None
    exceptions: Annotated[list[QuietException], Meta(max_length=100)] = msgspec.field(default_factory=list)
    on_battery: OnBattery = msgspec.field(default_factory=OnBattery)
    schema: int = SCHEMA


def read_policy(raw: bytes) -> Policy:
    """Decode a policy (≤ 64 KiB). Raises MalformedError or UnknownKindError."""
    policy = decode(raw, Policy, limit=MAX_POLICY_BYTES)
    stretches = [*(policy.hours or []), *(exception.hours for exception in policy.exceptions)]
    if any(hours.start_ms >= hours.end_ms for hours in stretches):
        raise MalformedError("hours that end before they begin")
    return policy


@dataclass(frozen=True)
class PolicyInForce:
    """What binds one endpoint. `hours` are allowed stretches of any local day, sorted and apart."""

    hours: tuple[tuple[Milliseconds, Milliseconds], ...]
    exceptions: tuple[QuietException, ...]
    max_volume: int
    min_priority_volume: int
    emergency_volume: int
    max_item_ms: Milliseconds
    languages: frozenset[str] | None
    priority_on_battery: bool
    ordinary_on_battery: bool
    low_battery_percent: int


def policy_in_force(policies: Sequence[Policy], area: str) -> PolicyInForce:
    """Combine the policies of an endpoint's path; policies of areas off the path, and their order, do not matter."""
    ours = sorted((p for p in policies if contains(p.area, area)), key=lambda p: p.area.count("/"))
    province = [p for p in ours if "/" not in p.area]
    hours: tuple[tuple[int, int], ...] = (BUILT_IN_HOURS,)
    for policy in ours:
        if policy.hours is not None:
            hours = _intersect(hours, [(h.start_ms, h.end_ms) for h in policy.hours])
    languages = [frozenset(p.languages) for p in ours if p.languages is not None]
    return PolicyInForce(
        hours=hours,
        exceptions=tuple(e for p in province for e in p.exceptions if any(contains(a, area) for a in e.areas)),
        max_volume=min((p.max_volume for p in ours), default=100),
        min_priority_volume=max((p.min_volume for p in province), default=0),
        emergency_volume=min((p.emergency_volume for p in province), default=100),
        max_item_ms=min((p.max_item_ms for p in ours), default=DAY),
        languages=frozenset.intersection(*languages) if languages else None,
        priority_on_battery=all(p.on_battery.priority for p in ours),
        ordinary_on_battery=bool(ours) and all(p.on_battery.ordinary for p in ours),
        low_battery_percent=max((p.on_battery.low_percent for p in ours), default=OnBattery().low_percent),
    )


def _intersect(left: Sequence[tuple[int, int]], right: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    both = ((max(a, c), min(b, d)) for a, b in left for c, d in right)
    return tuple(sorted((start, end) for start, end in both if start < end))
