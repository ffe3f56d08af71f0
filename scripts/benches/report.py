"""How a benchmark reports: a table for people, or one JSON object on one line."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted values lie; with fewer than 100 values p99 is the maximum."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values: Sequence[float]) -> dict[str, float]:
    return {"p50_ms": statistics.median(values), "p99_ms": percentile(values, 0.99), "max_ms": max(values)}


def machine() -> str:
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())  # fmt: skip
    return f"{model}, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def print_report(bench: str, *, figures: dict[str, float], peers: dict[str, object], runs: int, as_json: bool) -> None:
    rounded = {name: round(value, 3) for name, value in figures.items()}
    if as_json:
        print(json.dumps({"bench": bench, "figures": rounded, "peers": peers, "runs": runs, "machine": machine()}))
        return
    print(f"{bench} ({runs} runs, {machine()})")
    for name, value in rounded.items():
        print(f"  {name:<24} {value}")
    for name, words in peers.items():
        print(f"  peer {name:<19} {words}")


def parser(description: str | None) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", action="store_true", help="print one JSON object on one line")
    return made
