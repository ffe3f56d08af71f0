"""What a situation comes down to for its endpoint: shelves by area, policy in force, languages, volumes, order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wire.areas import contains
from wire.codec import encode
from wire.policy import PolicyInForce, policy_in_force
from wire.programme import Programme
from wire.timeline.shelf import Shelf
from wire.timeline.situation import Situation


@dataclass(frozen=True)
class Rules:
    """Worked out once for all days of a situation."""

    shelves: Mapping[str, Shelf]
    """By area, the province first; only areas on the endpoint's path."""
    policy: PolicyInForce
    targets: frozenset[str]
    languages: tuple[str, ...]
    is_board: bool
    ranks: Mapping[str, int]
    """Of the items in the commune's signed order."""
    ordinary_volume: int
    priority_volume: int

    @classmethod
    def of(cls, situation: Situation) -> Rules:
        endpoint = situation.endpoint
        policy = policy_in_force(situation.policies, endpoint.area)
        shelves = {p.area: Shelf(p) for p in _on_path(situation.programmes, endpoint.area)}
        commune = shelves.get("/".join(endpoint.area.split("/")[:2]))
        allowed = policy.languages
        ordinary, priority = volumes(policy, situation.volume_percent)
        return cls(
            shelves=shelves,
            policy=policy,
            targets=endpoint.targets,
            languages=tuple(dict.fromkeys(x for x in endpoint.languages if allowed is None or x in allowed)),
            is_board=endpoint.kind == "board",
            ranks={ident: rank for rank, ident in enumerate(commune.programme.order)} if commune else {},
            ordinary_volume=ordinary,
            priority_volume=priority,
        )


def volumes(policy: PolicyInForce, set_percent: int) -> tuple[int, int]:
    """Of ordinary and of priority items, where the device is set to `set_percent`."""
    ordinary = min(set_percent, policy.max_volume)
    return ordinary, max(ordinary, policy.min_priority_volume)


def _on_path(programmes: Iterable[Programme], area: str) -> list[Programme]:
    """The newest programme of each area of the path, the province first."""
    held: dict[str, list[Programme]] = {}
    for programme in programmes:
        if contains(programme.area, area):
            held.setdefault(programme.area, []).append(programme)
    return [_newest(held[path]) for path in sorted(held, key=len)]


def _newest(programmes: list[Programme]) -> Programme:
    return programmes[0] if len(programmes) == 1 else max(programmes, key=lambda p: (p.issued, encode(p)))
