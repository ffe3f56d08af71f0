"""What a device knows for certain, read from its durable half; and whether it still knows what it had acknowledged.

The same reading is taken of the running device, each time it has said "done", and of what starts on a crash state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from edge.parts import Parts
from edge.plan.inputs import situation_of
from edge.plan.needs import alert_needs, needs_of
from edge.report.playlog import PlayLog
from wire.playlog import FIRST_PREVIOUS, row_hash
from wire.trust.rolefile import sha256_hex


@dataclass(frozen=True)
class Facts:
    """Values that a device may not lose, or whose sinking is a rollback."""

    chain: str
    rows: Mapping[int, str]
    """Hash by sequence."""
    versions: Mapping[str, int]
    files: Mapping[str, str]
    """Metadata that is held, by role: hash."""
    in_force: Mapping[str, str]
    """Targets that are in force and can be read, by path: hash."""
    playable: Mapping[str, bool]
    """Sounds that the device would play, by hash: whether they are what was signed."""
    seen: Mapping[str, int]
    """Orders remembered: when issued."""
    cancelled: frozenset[str]
    levels: Mapping[str, int]
    """Numbers that may only rise: floors, placement, cursor."""
    is_chained: bool = True
    open_plays: int = 0


@dataclass(frozen=True)
class Truth:
    """What was ever signed, by hash, in the order of its release; which sounds it names."""

    signed: Mapping[str, int]
    blobs: frozenset[str]


@dataclass
class Verdict:
    """What is wrong with a state, by sort."""

    lost: list[str] = field(default_factory=list)
    rolled_back: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    does_not_start: list[str] = field(default_factory=list)

    @property
    def is_bad(self) -> bool:
        return bool(self.lost or self.rolled_back or self.unverified or self.does_not_start)


def facts_of(parts: Parts, playlog: PlayLog) -> Facts:
    """Read everything as the agent does; sounds are hashed as they are before each play."""
    held, library = parts.trust.held, parts.library
    seen = dict(parts.alerts._memory.seen)  # noqa: SLF001 - the memory itself
    rows = playlog.rows_after(0, 1_000_000)
    hashes = [row_hash(row) for row in rows]
    chained = [row.previous for row in rows] == [FIRST_PREVIOUS, *hashes][: len(rows)]
    placement = parts.syncer.placement
    return Facts(
        chain=playlog.chain,
        rows={row.seq: digest for row, digest in zip(rows, hashes, strict=True)},
        versions=dict(held.versions),
        files={name: sha256_hex(raw) for name, raw in held.files.items()},
        in_force={path: sha256 for path, sha256 in library.in_force.items() if library.raw(path, sha256)},
        playable=_playable(parts),
        seen={ident: one.order.issued for ident, one in seen.items()},
        cancelled=frozenset(ident for ident, one in seen.items() if one.cancelled_at is not None),
        levels={
            "floor": parts.clock.floor, "em_floor": parts.alerts._memory.em_floor,  # noqa: SLF001
            "placement": placement.n if placement else 0, "cursor": playlog.cursor,
        },
        is_chained=chained and [row.seq for row in rows] == list(range(1, len(rows) + 1)),
    )  # fmt: skip


def judge(acked: Facts | None, found: Facts, truth: Truth) -> Verdict:
    """Compare what started on a crash state with what had been acknowledged before the power failed."""
    verdict = Verdict(unverified=list(_unsigned(found, truth)))
    if not found.is_chained:
        verdict.lost.append("the log is no chain any more")
    if acked is not None:
        verdict.lost += _lost(acked, found)
        verdict.rolled_back += _rolled_back(acked, found, truth)
    return verdict


def _playable(parts: Parts) -> dict[str, bool]:
    holdings = parts.library.holdings(parts.syncer.placement)
    situation = situation_of(holdings, serial=parts.me.serial)
    needs = [*alert_needs(holdings), *(needs_of(situation, parts.clock.now()) if situation else [])]
    here = [need for need in needs if parts.cache.has(need.sha256, need.size) and parts.cache.check(need.sha256)]
    return {n.sha256: hashlib.sha256(parts.cache.path(n.sha256).read_bytes()).hexdigest() == n.sha256 for n in here}


def _unsigned(found: Facts, truth: Truth) -> Iterable[str]:
    yield from (f"metadata {name}" for name, sha256 in found.files.items() if sha256 not in truth.signed)
    yield from (f"target {path}" for path, sha256 in found.in_force.items() if sha256 not in truth.signed)
    yield from (f"sound {sha256}" for sha256, good in found.playable.items() if not good or sha256 not in truth.blobs)


def _lost(acked: Facts, found: Facts) -> Iterable[str]:
    if acked.chain != found.chain:
        yield "the chain of the log"
    yield from (f"row {seq}" for seq, digest in acked.rows.items() if found.rows.get(seq) != digest)
    yield from (f"metadata of {name}" for name in acked.files if name not in found.files)
    yield from (f"target {path}" for path in acked.in_force if path not in found.in_force)
    yield from (f"cancel of {ident[:12]}" for ident in acked.cancelled - found.cancelled if ident in found.seen)
    forgotten = [ident for ident, issued in acked.seen.items() if ident not in found.seen and issued > _em_floor(found)]
    yield from (f"order {ident[:12]}" for ident in forgotten)


def _rolled_back(acked: Facts, found: Facts, truth: Truth) -> Iterable[str]:
    yield from (f"{name} v{v}" for name, v in acked.versions.items() if found.versions.get(name, 0) < v)
    yield from (f"{name} of {value}" for name, value in acked.levels.items() if found.levels[name] < value)
    for path, sha256 in acked.in_force.items():
        if path in found.in_force and truth.signed.get(found.in_force[path], 0) < truth.signed[sha256]:
            yield f"target {path}"


def _em_floor(found: Facts) -> int:
    return found.levels["em_floor"]
