"""How a benchmark reports: a table for people, or one JSON object on one line."""

from __future__ import annotations

import argparse
import json
import os
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


def load_average() -> list[float]:
    """How busy the machine was, with us, over the last 1, 5 and 15 minutes: part of what a figure means."""
    return [round(load, 1) for load in os.getloadavg()]


def print_report(
    bench: str, *, figures: dict[str, float], peers: dict[str, object], runs: int, as_json: bool,
    details: dict[str, object] | None = None,
) -> None:  # fmt: skip
    """`details`: how a figure came about, and what stands behind it."""
    rounded = {name: round(value, 3) for name, value in figures.items()}
    if as_json:
        report = {"bench": bench, "figures": rounded, "peers": peers, "runs": runs, "machine": machine()}
        print(json.dumps(report | ({"details": details} if details else {}), ensure_ascii=False))
        return
    print(f"{bench} ({runs} runs, {machine()})")
    for name, value in rounded.items():
        print(f"  {name:<24} {value}")
    for name, words in peers.items():
        print(f"  peer {name:<19} {words}")
    for name, told in (details or {}).items():
        _print_detail(name, told)


def _print_detail(name: str, told: object) -> None:
    if not isinstance(told, dict):
        print(f"  {name:<24} {told}")
        return
    print(f"  {name}")
    for inner, value in told.items():
        print(f"    {inner:<22} {value}")


def parser(description: str | None) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", action="store_true", help="print one JSON object on one line")
    return made
