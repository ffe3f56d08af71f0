"""The sounds that are made by code: the attention signal before an alert, the drill signal, and the test tone.

Deterministic, so that a recording can be compared with them, and made once at start, since an alert cannot wait.

- `attention`: two tones in turn, 960 Hz and 770 Hz, half a second each, eight of them: 4 s without a pause. Both lie
  where a horn is loudest and the ear keenest, and nothing else on a village loudspeaker sounds like it.
- `drill`: three soft rising notes (523, 659, 784 Hz) with pauses between, twice: 4 s. Never to be taken for the other.
- `test`: a steady 1 kHz at -20 dB for 2 s, for measuring and for the technician.
"""
from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.play.pipe import RATE_HZ

ATTENTION_HZ: Final = (960.0, 770.0)
ATTENTION_TURNS: Final = 4
ATTENTION_TONE_S: Final = 0.5
ATTENTION_LEVEL: Final = 0.5            # of full scale, with overtones: as loud as speech at -23 LUFS and then some
DRILL_HZ: Final = (523.25, 659.25, 783.99)
DRILL_NOTE_S: Final = 0.3
DRILL_PAUSE_S: Final = 0.2
DRILL_REST_S: Final = 0.5
DRILL_TURNS: Final = 2
DRILL_LEVEL: Final = 0.25
TEST_HZ: Final = 1000.0
TEST_S: Final = 2.0
TEST_LEVEL: Final = 0.1
EDGE_S: Final = 0.005                   # each sound begins and ends this softly, so that it does not click

Samples = NDArray[np.int16]


def make_signals() -> dict[str, Samples]:
    """Every signal by the name that commands use after `signal:`."""
    return {"attention": make_attention(), "drill": make_drill(), "test": make_test_tone()}


def make_attention() -> Samples:
    """The two tones run on with continuous phase: the step from one to the other does not click."""
    hz = np.repeat(np.tile(ATTENTION_HZ, ATTENTION_TURNS), _frames(ATTENTION_TONE_S))
    phase = 2 * np.pi * np.cumsum(hz) / RATE_HZ
    # The third overtone carries on small horns, which give little below 500 Hz and much near 2.5 kHz.
    return _finish((np.sin(phase) + 0.3 * np.sin(3 * phase)) / 1.3, ATTENTION_LEVEL)


def make_drill() -> Samples:
    pause = np.zeros(_frames(DRILL_PAUSE_S), dtype=np.int16)
    rest = np.zeros(_frames(DRILL_REST_S), dtype=np.int16)
    notes = [part for hz in DRILL_HZ for part in (_tone(hz, DRILL_NOTE_S, DRILL_LEVEL), pause)]
    return np.concatenate([*notes, rest] * DRILL_TURNS)


def make_test_tone() -> Samples:
    return _tone(TEST_HZ, TEST_S, TEST_LEVEL)


def _tone(hz: float, seconds: float, level: float) -> Samples:
    return _finish(np.sin(2 * np.pi * hz / RATE_HZ * np.arange(_frames(seconds))), level)


def _finish(wave: NDArray[np.float64], level: float) -> Samples:
    edge = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, _frames(EDGE_S)))
    wave[:len(edge)] *= edge
    wave[-len(edge):] *= edge[::-1]
    return np.rint(wave * level * 32767).astype(np.int16)


def _frames(seconds: float) -> int:
    return round(seconds * RATE_HZ)
