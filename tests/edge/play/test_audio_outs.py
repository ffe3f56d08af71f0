"""The one contract that every output keeps, run on real PortAudio through both libraries and on the WAV writer."""
from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.play.audio_out import AudioOut, AudioOutError, HeardAt
from edge.play.frame_clock import frames_to_ns
from edge.play.pipe import EXIT_NO_DEVICE, RATE_HZ
from edge.play.pyaudio_out import PyaudioOut
from edge.play.sounddevice_out import SounddeviceOut
from edge.play.wav_out import WavOut
from tests.rig.cards import Cards
from tests.rig.listen import listening

LIMIT_S = 10.0
Make = Callable[[], AudioOut]


@pytest.fixture(scope="module")
def sound_environment(room: Cards) -> Iterator[None]:
    """These outputs live in the test's own process, so it must see the cards; a listener makes the null sink run."""
    before = dict(os.environ)
    os.environ.update(room.environment)
    with listening(room, "room"):
        yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(params=["sounddevice", "pyaudio", "wav"])
def make_out(request: pytest.FixtureRequest, sound_environment: None, tmp_path: Path) -> Make:
    return {"sounddevice": lambda: SounddeviceOut("spk3", latency_s=0.05),
            "pyaudio": lambda: PyaudioOut("spk3", latency_s=0.05),
            "wav": lambda: WavOut(tmp_path / "out.wav")}[request.param]


@pytest.fixture(params=["sounddevice", "pyaudio", "wav"])
def missing_out(request: pytest.FixtureRequest, sound_environment: None, tmp_path: Path) -> AudioOut:
    return {"sounddevice": SounddeviceOut("no such card", latency_s=0.05),
            "pyaudio": PyaudioOut("no such card", latency_s=0.05),
            "wav": WavOut(tmp_path / "no such folder" / "out.wav")}[request.param]


class Filler:
    """Notes what the output asks for."""

    def __init__(self, enough: int = 50) -> None:
        self.calls: list[tuple[int, int, int]] = []         # frames, said to be heard at, asked at
        self.shapes: set[tuple[int, ...]] = set()
        self.enough = threading.Event()
        self._want = enough

    def __call__(self, out: np.ndarray, heard_at: HeardAt, underrun: bool) -> None:  # noqa: FBT001
        self.calls.append((len(out), heard_at(), time.monotonic_ns()))
        self.shapes.add(out.shape[1:])
        assert out.dtype == np.int16
        out.fill(0)
        if len(self.calls) >= self._want:
            self.enough.set()


def test_output_asks_for_sound_in_real_time(make_out):
    out, filler = make_out(), Filler(enough=60)
    out.start(filler)
    assert filler.enough.wait(LIMIT_S)
    out.close()
    steady = filler.calls[15:]
    frames = sum(count for count, _, _ in steady[:-1])
    asked_s = (steady[-1][2] - steady[0][2]) / 1e9
    assert frames / RATE_HZ == pytest.approx(asked_s, rel=0.25)
    assert filler.shapes == {()}


def test_output_says_when_each_buffer_will_be_heard(make_out):
    out, filler = make_out(), Filler(enough=60)
    out.start(filler)
    assert filler.enough.wait(LIMIT_S)
    latency_s = out.latency_s
    out.close()
    lead_ms = [(heard - asked) / 1e6 for _, heard, asked in filler.calls[15:]]
    assert 0 < np.median(lead_ms) < 1000 * latency_s + 300
    begins = np.cumsum([0] + [count for count, _, _ in filler.calls])[:-1]
    origins_ms = [(heard - frames_to_ns(int(frame))) / 1e6
                  for (_, heard, _), frame in zip(filler.calls[15:], begins[15:], strict=True)]
    assert np.percentile(origins_ms, 90) - np.percentile(origins_ms, 10) < 20


def test_output_is_alive_between_start_and_close(make_out):
    out, filler = make_out(), Filler(enough=3)
    assert not out.is_alive()
    out.start(filler)
    assert filler.enough.wait(LIMIT_S)
    assert out.is_alive()
    out.close()
    assert not out.is_alive()


def test_closed_output_asks_for_nothing_more_and_closes_twice(make_out):
    out, filler = make_out(), Filler(enough=3)
    out.start(filler)
    assert filler.enough.wait(LIMIT_S)
    out.close()
    count = len(filler.calls)
    out.close()
    assert not threading.Event().wait(0.2)
    assert len(filler.calls) == count


def test_output_can_be_started_again(make_out):
    out = make_out()
    for _ in range(2):
        filler = Filler(enough=3)
        out.start(filler)
        assert filler.enough.wait(LIMIT_S)
        out.close()


def test_output_states_its_name_device_and_latency(make_out):
    out, filler = make_out(), Filler(enough=3)
    out.start(filler)
    assert out.name in {"sounddevice", "pyaudio", "wav"}
    assert out.device
    assert 0 < out.latency_s < 1
    out.close()


def test_missing_output_is_said_loudly(missing_out):
    with pytest.raises(AudioOutError, match="no such") as refusal:
        missing_out.start(Filler())
    assert refusal.value.exit_code == EXIT_NO_DEVICE
    assert not missing_out.is_alive()
    missing_out.close()
