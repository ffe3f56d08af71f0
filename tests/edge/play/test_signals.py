from __future__ import annotations

import numpy as np
import pytest

from edge.play.pipe import RATE_HZ
from edge.play.signals import make_signals

SIGNALS = make_signals()


def loudest_hz(samples: np.ndarray) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * RATE_HZ / len(samples))


@pytest.mark.parametrize("name", SIGNALS)
def test_signal_is_the_same_every_time(name):
    assert np.array_equal(make_signals()[name], SIGNALS[name])


@pytest.mark.parametrize("name", SIGNALS)
def test_signal_neither_clips_nor_clicks(name):
    samples = SIGNALS[name].astype(int)
    assert samples[0] == 0
    assert abs(samples[-1]) < 10
    assert np.abs(samples).max() < 32767
    assert np.abs(np.diff(samples)).max() < 6000


def test_attention_has_two_tones_in_turn():
    tones = SIGNALS["attention"].reshape(-1, RATE_HZ // 2)
    assert [round(loudest_hz(tone)) for tone in tones] == [960, 770] * 4


def test_attention_never_pauses_and_the_drill_does():
    quiet = {name: np.abs(SIGNALS[name]).reshape(-1, 480).max(axis=1) == 0 for name in ("attention", "drill")}
    assert not quiet["attention"].any()
    assert quiet["drill"].mean() > 0.4


def test_test_tone_is_1_kilohertz():
    assert loudest_hz(SIGNALS["test"]) == 1000
