"""The device's side of `bench trust`, in a process of its own: one loudspeaker's folder, opened and refreshed as told.

`python -m scripts.benches.parts.refresher DIR`: once ready it says so; then a JSON object a line on standard input, an
answer a line on standard output.
{"do": "refresh", "hub": URL, "hint": AREA} · {"do": "judge", "envelopes": [base64, ...]}
"""

from __future__ import annotations

import base64
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.config import load_config
from edge.parts import Parts, build_parts
from edge.sync.alerts import Accepted, Moment
from edge.sync.fetch import HttpFetcher, HubSource
from wire.trust.expiry import NETWORK
from wire.trust.orders import verify_order

MS = 1_000_000
Answer = dict[str, Any]


class Refresher:
    """One device. A hub that it has talked to keeps its connection, as the agent's does."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._fetchers: dict[str, HttpFetcher] = {}

    def answer(self, asked: Answer) -> Answer:
        if asked["do"] == "refresh":
            return self._refresh(asked["hub"], asked["hint"])
        return self._judge([base64.b64decode(one) for one in asked["envelopes"]])

    def _refresh(self, hub: str, hint: str) -> Answer:
        fetcher = self._fetchers.setdefault(hub, HttpFetcher(hub))
        began = time.perf_counter_ns()
        report = self._parts.syncer.refresh(HubSource(fetcher), NETWORK, hint=hint)
        took_ms = (time.perf_counter_ns() - began) / MS
        refused = [f"{one.role}: {one.code} {one.detail}" for one in report.refusals]
        return {"ms": took_ms, "installed": report.installed, "refused": refused}

    def _judge(self, envelopes: Sequence[bytes]) -> Answer:
        """Each is new. `verify` is `wire.trust` alone, `judge` all that a device asks before it sounds."""
        parts, verify, judge = self._parts, [], []
        holdings, held, now = parts.library.holdings(parts.syncer.placement), parts.trust.held, parts.clock.now()
        moment = Moment(now=now, trusted=now, floor=parts.clock.floor)
        for raw in envelopes:
            began = time.perf_counter_ns()
            verify_order(raw, held, floor=moment.floor)
            between = time.perf_counter_ns()
            judged = parts.alerts.judge(raw, held, holdings, moment)
            judge.append((time.perf_counter_ns() - between) / MS)
            verify.append((between - began) / MS)
            if not isinstance(judged, Accepted):
                return {"refused": str(judged)}
        return {"verify_ms": statistics.median(verify), "judge_ms": statistics.median(judge), "slowest_ms": max(judge)}


def main(folder: Path) -> None:
    refresher = Refresher(build_parts(folder, load_config(folder, {})))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(refresher.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
