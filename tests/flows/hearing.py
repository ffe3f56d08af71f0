"""Compares what the sound cards recorded with what should have sounded.

`room` counts samples on one clock: content, joins and places are compared exactly. `dac` knows the time: instants.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.rig.capture import RATE_HZ, Capture, Samples, find
from tests.rig.cards import DACS, SPEAKERS, Cards
from tests.rig.listen import Ear, listening
from tests.rig.starts import samples_of

PROBE_FRAMES = RATE_HZ
QUIET = 40
"""Below it, a sample is silence."""


@dataclass(frozen=True)
class Recording:
    """What one loudspeaker said. Instants are seconds of the wall clock."""

    samples: Samples
    rate_hz: float
    first_s: float

    def find(self, expected: Samples, *, after_s: float, before_s: float, like: int = 0) -> int:
        """Index at which `expected` begins; AssertionError where nothing is like it."""
        at = self.look_for(expected, after_s=after_s, before_s=before_s, like=like)
        assert at is not None, "what should have sounded was not heard"
        return at

    def look_for(self, expected: Samples, *, after_s: float, before_s: float, like: int = 0) -> int | None:
        """The same, or None. It is found by its loudest second after frame `like`: what repeats itself has no place."""
        first, last = max(0, self.index(after_s)), self.index(before_s)
        offset = like + loudest(expected[like:])
        at = find(self.samples[first:last], expected[offset : offset + PROBE_FRAMES])
        return None if at is None else first + at - offset

    def index(self, instant_s: float) -> int:
        return int((instant_s - self.first_s) * self.rate_hz)

    def instant(self, index: int) -> float:
        return self.first_s + index / self.rate_hz

    def assert_plays(self, expected: Samples, at: int, *, but: str = "") -> None:
        """Every sample from `at` on is what it should be; rounding apart."""
        heard = self.samples[at : at + len(expected)]
        assert len(heard) == len(expected), "the recording ends too early"
        wrong = np.flatnonzero(np.abs(heard.astype(int) - expected) > 1)
        assert not len(wrong), f"{len(wrong)} samples differ, the first {wrong[0] / RATE_HZ:.3f} s in {but}"

    def assert_silent(self, from_s: float, to_s: float) -> None:
        part = self.samples[self.index(from_s) : self.index(to_s)]
        assert len(part), "nothing was recorded then"
        loud = np.flatnonzero(np.abs(part.astype(int)) > QUIET)
        assert not len(loud), f"sound {loud[0] / self.rate_hz:.2f} s in, for {len(loud) / self.rate_hz:.2f} s"

    def stretches(self, from_s: float, to_s: float, *, gap_s: float = 0.3) -> list[tuple[float, float]]:
        """When there was sound, and when it ended again: silences shorter than `gap_s` count as sound."""
        begin = self.index(from_s)
        loud = begin + np.flatnonzero(np.abs(self.samples[begin : self.index(to_s)].astype(int)) > QUIET)
        if not len(loud):
            return []
        edges = np.flatnonzero(np.diff(loud) > gap_s * self.rate_hz)
        starts = [loud[0], *loud[edges + 1]]
        ends = [*loud[edges], loud[-1]]
        return [(self.instant(int(a)), self.instant(int(b))) for a, b in zip(starts, ends, strict=True)]


@dataclass
class Ears:
    """Both recorders. `of` answers once the block has ended."""

    dac: Ear
    room: Ear

    @classmethod
    @contextlib.contextmanager
    def open(cls, cards: Cards) -> Iterator[Ears]:
        with listening(cards, "dac") as dac, listening(cards, "room") as room:
            yield cls(dac, room)

    def of(self, channel: str) -> Recording:
        """What was heard on `dac0`, `spk2`, …"""
        names, ear = (DACS, self.dac) if channel in DACS else (SPEAKERS, self.room)
        capture: Capture = ear.capture
        number = names.index(channel)
        wall_s = time.time() - time.monotonic()
        return Recording(capture.channels[number], capture.rates_hz[number], capture.first_s + wall_s)


def played(blob: Path, volume_percent: int) -> Samples:
    """A sound as the play process says it at a volume."""
    level = np.float32(10 ** (20 * np.log10(volume_percent / 100) / 20))
    samples = samples_of(blob)
    return samples if level == 1 else np.rint(samples.astype(np.float32) * level).astype(np.int16)


def loudest(samples: Samples) -> int:
    """Where the loudest second begins."""
    energy = np.cumsum(np.concatenate([[0.0], samples.astype(float) ** 2]))
    length = min(PROBE_FRAMES, len(samples))
    return int(np.argmax(energy[length:] - energy[: len(energy) - length]))
