"""Sound files as the hub makes them, and the events of a play process in order."""
from __future__ import annotations

import queue
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile

from edge.play.pipe import Event
from edge.play.process import Gone, PlayProcess
from tests.rig.capture import RATE_HZ, make_noise
from tests.rig.cards import Cards, start_cards

EVENT_LIMIT_S = 15.0


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three different sounds of 1.3 s, none a whole number of decoder blocks, in the three formats."""
    folder = tmp_path_factory.mktemp("sounds")
    for seed, (name, subtype) in enumerate({"wav": "PCM_16", "flac": "PCM_16"}.items()):
        soundfile.write(folder / f"{name}.{name}", make_noise(seed, 1.3) // 2, RATE_HZ, subtype=subtype)
    speech = ["espeak-ng", "-v", "vi", "-w", str(folder / "speech.wav"), "Thông báo của ủy ban nhân dân xã"]
    subprocess.run(speech, check=True)
    encode = ["ffmpeg", "-loglevel", "error", "-i", str(folder / "speech.wav"), "-t", "1.3", "-ar", "48000", "-ac", "1",
              "-c:a", "libopus", "-b:a", "32k", str(folder / "opus.ogg")]
    subprocess.run(encode, check=True)
    return {"wav": folder / "wav.wav", "flac": folder / "flac.flac", "opus": folder / "opus.ogg"}


@pytest.fixture(scope="session")
def room() -> Iterator[Cards]:
    with start_cards("room") as cards:
        yield cards


class Listener:
    """A play process and what it has said so far."""

    def __init__(self, play: PlayProcess) -> None:
        self.play = play
        self.said: list[Event | Gone] = []

    def wait_for(self, is_it: Callable[[Event | Gone], bool], *, limit_s: float = EVENT_LIMIT_S) -> Event | Gone:
        """The first event from now on for which `is_it` is true."""
        give_up_at = time.monotonic() + limit_s
        while True:
            try:
                event = self.play.events.get(timeout=max(0.0, give_up_at - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"not said within {limit_s} s; said: {self.said}") from None
            self.said.append(event)
            if is_it(event):
                return event

    def wait_for_event(self, kind: type, **fields: object) -> Event | Gone:
        return self.wait_for(lambda event: isinstance(event, kind)
                             and all(getattr(event, name) == value for name, value in fields.items()))


@pytest.fixture
def start_play() -> Iterator[Callable[..., Listener]]:
    """Start play processes that are ended after the test."""
    started: list[PlayProcess] = []

    def start(**options: object) -> Listener:
        started.append(PlayProcess(**options))
        return Listener(started[-1])

    yield start
    for play in started:
        play.close()
