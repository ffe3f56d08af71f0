"""The power fails after every single operation of a device's disk, in every way that the disk allows.

A device lives some days on a file system that records what reaches it (FUSE): it refreshes, fetches, takes alerts, logs
plays, is told `logged`, restarts. After each operation crash states are made of what no fsync had committed: dropped,
names without bytes, in part, torn at 512 bytes. On each the durable half of the agent is started. A state is bad if it
lost what the device had acknowledged, went back, would play what nobody signed, or does not start and go on.

The model orders as ext4 does (scripts/benches/cutting/disk.py); cards that lie about having written are beyond it.
There is no peer here; trust.md section 6 has figures of other write patterns. `--plant` shows that it finds faults.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import tempfile
import time
from pathlib import Path

from scripts.benches.cutting.planted import PLANTS, planted
from scripts.benches.cutting.story import record
from scripts.benches.cutting.trial import SCRATCH, Tally, try_all
from scripts.benches.report import load_average, parser, print_report

ROUNDS, EACH = 6, 16


def run(*, rounds: int, each: int, seed: str, workers: int = 1, plant: str = "", every: int = 1) -> Tally:
    """Record a device's life and judge the crash states of every so many operations; a fault holds for both."""
    with tempfile.TemporaryDirectory(dir=SCRATCH if SCRATCH.is_dir() else None) as folder, planted(plant):
        recording = record(Path(folder), rounds=rounds)
        return try_all(recording, each=each, seed=seed, workers=workers, every=every)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=ROUNDS, help=f"days that the device lives (default: {ROUNDS})")
    options.add_argument("--each", type=int, default=EACH, help=f"states after an operation, at most (default: {EACH})")
    options.add_argument("--seed", help="of an earlier run, to make its choices again")
    options.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (one a processor)")
    options.add_argument("--plant", choices=sorted(PLANTS), default="", help="a fault; one process, `bad` must rise")
    sys.exit(_run(options.parse_args()))


def _run(args: argparse.Namespace) -> int:
    seed = args.seed or secrets.token_hex(4)
    began = time.monotonic()
    workers = 1 if args.plant else args.workers
    tally = run(rounds=args.rounds, each=args.each, seed=seed, workers=workers, plant=args.plant)
    for finding in tally.findings:
        print(f"after {finding.after} ({finding.op}), {finding.how}: {finding.why}", file=sys.stderr)
    figures = {"states": tally.states, "bad": tally.bad}
    details = {
        "lost": tally.lost, "rolled_back": tally.rolled_back, "unverified": tally.unverified,
        "does_not_start": tally.does_not_start, "distinct": tally.distinct, "kinds": dict(tally.kinds), "seed": seed,
        "rounds": args.rounds, "took_s": round(time.monotonic() - began), "load": load_average(),
    }  # fmt: skip
    print_report("powercut", figures=figures, peers={}, runs=1, as_json=args.json, details=details)
    return 1 if tally.bad else 0


if __name__ == "__main__":
    main()
