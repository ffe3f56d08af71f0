"""Shows mutants to trials for a while, and notes what should not have happened. One process, main thread."""

from __future__ import annotations

import gc
import random
import resource
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psutil

from scripts.benches.fuzzing.mutate import mutant
from scripts.benches.fuzzing.trial import AcceptedChangeError, Finding, Seed, Tally, Trial

CPU_LIMIT_S = 3.0
"""Processor time for one input, of at most 256 KiB."""
HANG_S = 60.0
PEAK_MB = 96
"""What one input may make the process's peak of memory rise by, once it has warmed up."""
GROWTH_MB = 64
"""What all of them together may leave behind."""
WARM = 200
"""Mutants of each trial before memory is watched: caches fill, modules are imported."""
MOST_FINDINGS = 20
KIB_PER_MB = 1024


@dataclass(frozen=True)
class Share:
    """Which mutants are this worker's: numbers `first`, `first + step`, … of each trial under `seed`."""

    seed: str
    first: int = 0
    step: int = 1


class _HungError(BaseException):
    """Not an Exception, so that nobody who means well swallows it."""


def make_mutant(seed: str, trial: Trial, number: int) -> tuple[bytes, Seed]:
    """Mutant `number` of a trial: the same bytes whenever and wherever it is asked for."""
    rng = random.Random(f"{seed}:{trial.name}:{number}")  # noqa: S311 - to be repeatable
    chosen = trial.seeds[rng.randrange(len(trial.seeds))]
    return mutant(rng, chosen.raw, [other.raw for other in trial.seeds]), chosen


def run_trials(trials: Sequence[Trial], share: Share, *, seconds: float, turn_s: float = 0.5) -> Tally:
    """Turn by turn, each trial for `turn_s`, until the time is up or there are too many findings to read."""
    tally = Tally()
    numbers = {trial.name: share.first for trial in trials}
    deadline = time.monotonic() + seconds
    before_mb = None
    with _alarm():
        while time.monotonic() < deadline and len(tally.findings) < MOST_FINDINGS:
            for trial in trials:
                _forget_peak()
                end = min(deadline, time.monotonic() + turn_s)
                for number in _while_time(numbers[trial.name], share.step, end):
                    raw, chosen = make_mutant(share.seed, trial, number)
                    tally_one(tally, trial, raw, chosen, number, watch=number - share.first >= WARM * share.step)
                    numbers[trial.name] = number + share.step
                    if len(tally.findings) >= MOST_FINDINGS:
                        break
            before_mb = before_mb or _rss_mb()
    tally.grown_mb = max(0.0, _rss_mb() - (before_mb or 0.0)) if before_mb else 0.0
    if tally.grown_mb > GROWTH_MB:
        detail = f"{tally.grown_mb:.0f} MB were not given back after {tally.mutants} mutants"
        tally.findings.append(Finding("all", "memory", detail, share.first, "", b""))
    return tally


def tally_one(tally: Tally, trial: Trial, raw: bytes, chosen: Seed, number: int, *, watch: bool = True) -> None:
    """Judge one mutant. Everything that is raised but the trial's own refusal is a finding."""
    peak, began = _peak_mb(), time.process_time()
    kind, detail = "", ""
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    try:
        tally.count(trial.name, trial.judge(raw, chosen).value)
    except AcceptedChangeError as error:
        kind, detail = "accepted", str(error)
    except _HungError:
        kind, detail = "slow", f"no end within {HANG_S:g} s"
    except Exception as error:  # noqa: BLE001 - what is looked for
        kind, detail = "crash", f"{type(error).__name__}: {error}"[:500]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if not kind and (took_s := time.process_time() - began) > CPU_LIMIT_S:
        kind, detail = "slow", f"{took_s:.1f} s of processor time"
    if not kind and watch and (grown := _peak_mb() - peak) > PEAK_MB:
        kind, detail = "memory", f"{len(raw)} bytes took {grown:.0f} MB"
    if kind:
        tally.count(trial.name, kind)
        tally.findings.append(Finding(trial.name, kind, detail, number, chosen.about, raw))


def close_all(trials: Iterable[Trial]) -> None:
    for trial in trials:
        trial.close()


def _while_time(first: int, step: int, end: float) -> Iterator[int]:
    number = first
    while time.monotonic() < end:
        yield number
        number += step


@contextmanager
def _alarm() -> Iterator[None]:
    def hung(_number: int, _frame: FrameType | None) -> None:
        raise _HungError

    before = signal.signal(signal.SIGALRM, hung)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)


def _rss_mb() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6


def _forget_peak() -> None:
    """Begin to measure the peak anew (proc(5), clear_refs): one large input must not hide the next."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MB
