"""Every crash state of a recording, started and judged, on all processors.

A state is written to a folder, the durable half of an agent is started on it as at boot, asked what it knows, and must
go on: a row more, and whatever the province says by now. States that are equal byte for byte are started once.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from edge.report.playlog import Draft, PlayLog
from scripts.benches.cutting.disk import CrashState, Kind, Op, Tree, crash_states, numbered
from scripts.benches.cutting.facts import Facts, Verdict, facts_of, judge
from scripts.benches.cutting.story import Recording, open_parts, supply_line
from wire.trust.expiry import NETWORK

SCRATCH = Path("/dev/shm")  # noqa: S108 - memory, where there is such a folder
MOST_TOLD = 20


@dataclass(frozen=True)
class Finding:
    """A state that is bad, and why."""

    after: int
    op: str
    how: str
    why: str


@dataclass
class Tally:
    """What became of the states."""

    states: int = 0
    distinct: int = 0
    lost: int = 0
    rolled_back: int = 0
    unverified: int = 0
    does_not_start: int = 0
    bad: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, state: CrashState, op: Op, verdict: Verdict) -> None:
        self.states += 1
        self.kinds[state.how] += 1
        self.lost += bool(verdict.lost)
        self.rolled_back += bool(verdict.rolled_back)
        self.unverified += bool(verdict.unverified)
        self.does_not_start += bool(verdict.does_not_start)
        self.bad += verdict.is_bad
        if verdict.is_bad:
            why = [*verdict.does_not_start, *verdict.unverified, *verdict.rolled_back, *verdict.lost]
            self.findings.append(Finding(state.after, f"{op.kind.value} {op.path}", state.how, "; ".join(why)[:300]))

    def join(self, other: Tally) -> None:
        for name in ("states", "distinct", "lost", "rolled_back", "unverified", "does_not_start", "bad"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.kinds += other.kinds
        self.findings = (self.findings + other.findings)[:MOST_TOLD]


@dataclass(frozen=True)
class Share:
    """One process's part of the work: every `of`-th operation."""

    recording: Recording
    each: int
    seed: str
    every: int = 1
    number: int = 0
    of: int = 1

    def has(self, number: int, op: Op) -> bool:
        return op.kind is not Kind.MARK and number % self.every == 0 and number // self.every % self.of == self.number


def try_all(recording: Recording, *, each: int, seed: str, workers: int, every: int = 1) -> Tally:
    """Judge at most `each` states after every operation, or every so many."""
    shares = [Share(recording, each, seed, every, number, workers) for number in range(workers)]
    if workers == 1:
        return try_share(shares[0])
    total = Tally()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for tally in pool.map(try_share, shares):
            total.join(tally)
    return total


def try_share(share: Share) -> Tally:
    logging.getLogger("edge").setLevel(logging.ERROR)  # what is damaged on the disk is no news here
    recording = share.recording
    disk, ops = numbered(recording.ops, recording.first)
    acked = acknowledged_by(ops, recording.acked)
    tally, known = Tally(), {}
    with tempfile.TemporaryDirectory(dir=SCRATCH if SCRATCH.is_dir() else None) as scratch:
        for state in crash_states(disk, ops, each=share.each, seed=share.seed, wanted=share.has):
            digest = digest_of(state.tree)
            if digest not in known:
                known[digest] = start_on(state.tree, Path(scratch) / "device", recording)
            tally.add(state, ops[state.after], verdict_on(known[digest], acked[state.after], recording))
    tally.distinct = len(known)
    return tally


def acknowledged_by(ops: list[Op], acked: list[Facts]) -> list[Facts | None]:
    """For every operation, what the device had said before it."""
    found, latest = [], None
    for op in ops:
        if op.kind is Kind.MARK:
            latest = acked[op.offset]
        found.append(latest)
    return found


def start_on(tree: Tree, folder: Path, recording: Recording) -> Facts | str:
    """Start the durable half of an agent on these files, as after a power cut; what it knows, or why it is mute."""
    write_tree(tree, folder)
    try:
        parts = open_parts(folder, recording.now, boot="after")
        playlog = PlayLog(parts.store)
        playlog.close_broken(recording.now, 0)
        line = supply_line(parts)
        line.load()
        facts = facts_of(parts, playlog)
        playlog.append(Draft(recording.now, 0, "event", detail="after the power cut"))
        report = parts.syncer.refresh(recording.source, NETWORK)
        after = facts_of(parts, playlog)
        line.stop()
        parts.store.close()
    except Exception as error:  # noqa: BLE001 - whatever it is, the loudspeaker is mute
        return f"{type(error).__name__}: {error}"
    if report.refusals or not after.is_chained or len(after.rows) != len(facts.rows) + 1:
        return f"starts, but does not go on: {report.refusals}"
    return facts


def verdict_on(found: Facts | str, acked: Facts | None, recording: Recording) -> Verdict:
    if isinstance(found, str):
        return Verdict(does_not_start=[found])
    return judge(acked, found, recording.truth)


def write_tree(tree: Tree, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    for path, content in tree.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o600)


def digest_of(tree: Mapping[str, bytes]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(tree):
        digest.update(f"{path} {len(tree[path])} ".encode())
        digest.update(tree[path])
    return digest.digest()
