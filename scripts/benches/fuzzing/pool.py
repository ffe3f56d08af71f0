"""The trials on every processor at once, each worker with parsers, hub and share of the numbers of its own."""

from __future__ import annotations

import logging
import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from hub.playlog.inbound import open_batch
from scripts.benches.fuzzing.answers import Answers
from scripts.benches.fuzzing.doors import Broker, Web
from scripts.benches.fuzzing.engine import Share, close_all, run_trials
from scripts.benches.fuzzing.hub_side import HubSide
from scripts.benches.fuzzing.messages import Messages, Targets
from scripts.benches.fuzzing.province import make_ground
from scripts.benches.fuzzing.signed import LogBatches, Orders, Refreshes, Replays, RoleFiles
from scripts.benches.fuzzing.trial import Finding, Seed, Tally, Trial

SIGNED_TURNS = 4
"""Of a round, so many turns go to each of the three signed parsers, and one to every other door."""
MEMORY_DISK = Path("/dev/shm")  # noqa: S108 - a hub that commits thousands of times a minute, and is thrown away


@contextmanager
def all_trials() -> Iterator[list[Trial]]:
    """Every trial of the bench, over a province and a hub in a folder that ends with the block."""
    shm = MEMORY_DISK if MEMORY_DISK.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="loa-fuzz-", dir=shm) as made:
        ground, folder = make_ground(), Path(made)
        side = HubSide(ground, folder)
        trials: list[Trial] = [
            RoleFiles(ground), Orders(ground), LogBatches(lambda raw: open_batch(side.hub, raw)),
            Refreshes(ground), Replays(ground, folder), Targets(ground), Messages(ground), Broker(ground, side),
            Web(ground, side), Answers(),
        ]  # fmt: skip
        try:
            yield trials
        finally:
            close_all(trials)
            side.close()


def weigh(trials: Sequence[Trial]) -> list[Trial]:
    """A round: the signed parsers come more often than the rest."""
    return [*list(trials[:3]) * SIGNED_TURNS, *trials[3:]]


def run_everywhere(seed: str, *, seconds: float, workers: int, turn_s: float = 0.5) -> Tally:
    """What all workers saw. A worker that dies is a finding too."""
    tally = Tally()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        shares = [Share(seed, first, workers) for first in range(workers)]
        running = [pool.submit(_work, share, seconds, turn_s) for share in shares]
        for done in as_completed(running):
            try:
                tally.add(done.result())
            except BrokenProcessPool as error:
                tally.findings.append(Finding("all", "crash", f"a worker died: {error}", 0, "", b""))
    return tally


def judge_again(trial: str, about: str, raw: bytes) -> str:
    """What becomes now of an input that was found. Raises what it raises, ValueError for a trial that is not there."""
    with all_trials() as trials:
        logging.disable(logging.CRITICAL)
        for one in trials:
            if one.name == trial:
                seed = next((seed for seed in one.seeds if seed.about == about), Seed(raw, about))
                return one.judge(raw, seed).value
    raise ValueError(f"no trial is named {trial!r}")


def _work(share: Share, seconds: float, turn_s: float) -> Tally:
    with all_trials() as trials:
        logging.disable(logging.CRITICAL)  # refusals are the point
        return run_trials(weigh(trials), share, seconds=seconds, turn_s=turn_s)
