"""The process of one loudspeaker of `bench trust`, as its parent drives it: `refresher` is what runs in it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, cast

import psutil

from scripts.province.processes import DemoError

Answer = dict[str, Any]


class Device:
    """Ready once it is made; `close` ends it."""

    def __init__(self, folder: Path) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "scripts.benches.parts.refresher", str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._read()

    def refresh(self, hub: str, *, hint: str = "") -> Answer:
        """Raises DemoError where anything was refused."""
        done = self._ask({"do": "refresh", "hub": hub, "hint": hint})
        if done["refused"]:
            raise DemoError(f"refused: {done['refused'][:3]}")
        return done

    def judge(self, envelopes: Sequence[bytes]) -> Answer:
        done = self._ask({"do": "judge", "envelopes": [base64.b64encode(one).decode() for one in envelopes]})
        if "refused" in done:
            raise DemoError(f"an alert was refused: {done['refused']}")
        return done

    def rss_mb(self) -> float:
        return float(psutil.Process(self._child.pid).memory_info().rss) / 1e6

    def close(self) -> None:
        self._child.communicate()

    def _ask(self, asked: Answer) -> Answer:
        door = cast("IO[str]", self._child.stdin)
        door.write(json.dumps(asked) + "\n")
        door.flush()
        return self._read()

    def _read(self) -> Answer:
        line = cast("IO[str]", self._child.stdout).readline()
        if not line:
            raise DemoError("the device's process ended; its reason stands above")
        answer: Answer = json.loads(line)
        return answer
