"""Hostile input by the million: mutants of signed metadata, envelopes and log batches, and of what is not signed.

A finding is a change that was accepted although nobody signed it, an error that is not the parser's own, more than
3 s of processor time for one input, or memory that is not given back. Mutants that say, to the signed byte, what the
good input says are no change: white space, order and unknown fields of the unsigned wrapper.

The same --seed makes the same mutants, by trial and number. Each finding is written to a file, with how to repeat it.
There is no peer: no other program parses these messages.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.benches.fuzzing.pool import judge_again, run_everywhere
from scripts.benches.fuzzing.trial import Finding, Tally
from scripts.benches.report import load_average, parser, print_report

MINUTES = 1.0
FINDINGS_DIR = Path("var/fuzz")


def save(findings: Sequence[Finding], folder: Path, seed: str) -> list[Path]:
    """A file each: one line of JSON that says what it is, then the input as it was."""
    paths = []
    for finding in findings:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{finding.trial}-{finding.kind}-{seed}-{finding.number}"
        told = {"trial": finding.trial, "kind": finding.kind, "about": finding.about, "detail": finding.detail,
                "seed": seed, "number": finding.number}  # fmt: skip
        path.write_bytes(json.dumps(told).encode() + b"\n" + finding.raw)
        paths.append(path)
    return paths


def repeat(path: Path) -> str:
    """Show a saved input to its trial again: how it ends, or the error that it makes."""
    head, _, raw = path.read_bytes().partition(b"\n")
    told = json.loads(head)
    return judge_again(told["trial"], told["about"], raw)


def figures_of(tally: Tally, seconds: float) -> dict[str, float]:
    return {"mutants": tally.mutants, "per_s": tally.mutants / seconds, "findings": len(tally.findings)}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--minutes", type=float, default=MINUTES, help=f"how long (default: {MINUTES:g})")
    options.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (one a processor)")
    options.add_argument("--seed", help="of an earlier run, to make its mutants again")
    options.add_argument("--out", type=Path, default=FINDINGS_DIR, help=f"for findings (default: {FINDINGS_DIR})")
    options.add_argument("--repeat", type=Path, metavar="FILE", help="judge one saved finding, and nothing else")
    args = options.parse_args()
    if args.repeat:
        print(repeat(args.repeat))
        return
    sys.exit(_run(args))


def _run(args: argparse.Namespace) -> int:
    seed = args.seed or secrets.token_hex(4)
    print(f"seed {seed}", file=sys.stderr)
    began = time.monotonic()
    tally = run_everywhere(seed, seconds=args.minutes * 60, workers=args.workers)
    took_s = time.monotonic() - began
    for finding, path in zip(tally.findings, save(tally.findings, args.out, seed), strict=True):
        print(f"{finding.kind} in {finding.trial}: {finding.detail}", file=sys.stderr)
        print(f"    repeat: scripts/bench fuzz --repeat {path}", file=sys.stderr)
    details = {
        "seed": seed, "minutes": args.minutes, "workers": args.workers, "grown_mb": round(tally.grown_mb, 1),
        **dict(sorted(tally.verdicts.items())), "load": load_average(),
    }  # fmt: skip
    print_report("fuzz", figures=figures_of(tally, took_s), peers={}, runs=1, as_json=args.json, details=details)
    return 1 if tally.findings else 0


if __name__ == "__main__":
    main()
