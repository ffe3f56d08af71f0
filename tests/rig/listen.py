"""Runs the recorder of a card around a `with` block; afterwards the capture lies ready."""
from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.rig.capture import Capture
from tests.rig.cards import Cards, end

ROOT = Path(__file__).resolve().parents[2]
RECORDERS = {"room": "tests.rig.record", "dac": "tests.rig.fakedac"}
SAVE_LIMIT_S = 30


@dataclass
class Ear:
    """`capture` and the recorder's own `figures` are there once the `with` block has ended."""

    figures: dict[str, object] = field(default_factory=dict)
    _capture: Capture | None = None

    @property
    def capture(self) -> Capture:
        assert self._capture is not None, "still listening"
        return self._capture


@contextlib.contextmanager
def listening(cards: Cards, card: str, *options: str) -> Iterator[Ear]:
    """Record `room` or `dac`; the block begins when the recorder hears. `options` go to `fakedac`."""
    out = cards.run / f"{card}.npz"
    recorder = start_recorder([sys.executable, "-m", RECORDERS[card], "--run", str(cards.run), "--out", str(out),
                               *options], cards)
    ear = Ear()
    try:
        yield ear
        output, errors = recorder.communicate(timeout=SAVE_LIMIT_S)     # closes its standard input: it saves and exits
        assert recorder.returncode == 0, errors.decode()
        ear.figures, ear._capture = json.loads(output), Capture.load(out)
    finally:
        if recorder.poll() is None:
            end(recorder)
        close_pipes(recorder)


def start_recorder(command: Sequence[str], cards: Cards) -> subprocess.Popen[bytes]:
    recorder = subprocess.Popen(command, cwd=ROOT, env=cards.environment, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert recorder.stderr
    line = recorder.stderr.readline()
    if line.strip() != b"recording":
        end(recorder)
        said = (line + recorder.stderr.read()).decode()
        close_pipes(recorder)
        raise RuntimeError(f"the recorder did not start: {said}")
    return recorder


def close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()
