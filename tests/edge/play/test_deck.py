"""How often the deck looks at the stream's clock: seldom while nothing sounds or waits, at each buffer otherwise."""

from __future__ import annotations

import time

import numpy as np
import pytest

from edge.play.audio_out import Fill
from edge.play.deck import LOOK_EVERY, Deck
from edge.play.pipe import Event, Play, Started

BUFFER_FRAMES = 960
BUFFER_NS = 20_000_000


class SteppedOut:
    """An output that asks for a buffer when the test says so, and counts who wants to know when it is heard."""

    name, device, latency_s = "stepped", "", 0.04

    def __init__(self) -> None:
        self.looks = 0
        self.sound = np.zeros(0, dtype=np.int16)
        self._heard_ns = time.monotonic_ns()

    def start(self, fill: Fill) -> None:
        self._fill = fill

    def is_alive(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing runs."""

    def step(self, count: int) -> None:
        for _ in range(count):
            out = np.full(BUFFER_FRAMES, 7, dtype=np.int16)
            self._fill(out, self._look, False)
            self.sound = np.concatenate([self.sound, out])
            self._heard_ns += BUFFER_NS

    def _look(self) -> int:
        self.looks += 1
        return self._heard_ns


@pytest.fixture
def played():
    events: list[Event] = []
    out = SteppedOut()
    deck = Deck(out, events.append)
    deck.open()
    yield out, deck, events
    out.step(LOOK_EVERY)
    deck.close()


def test_at_rest_every_fourth_buffer_is_looked_at_and_all_are_silent(played):
    out, _, _ = played
    out.step(40)
    assert out.looks == 40 // LOOK_EVERY
    assert not out.sound.any()


def test_what_waits_is_looked_after_at_every_buffer(played):
    out, deck, _ = played
    deck.obey(Play(id="later", source="signal:test", at_ns=time.monotonic_ns() + 3_600_000_000_000))
    out.step(10)
    assert out.looks == 10


@pytest.mark.parametrize("rested", range(LOOK_EVERY))
def test_an_alert_begins_with_the_next_buffer_however_long_it_was_silent(played, rested):
    out, deck, events = played
    out.step(20 + rested)
    deck.obey(Play(id="alert", source="signal:attention", asap=True))
    out.step(1)
    assert [event.id for event in events if isinstance(event, Started)] == ["alert"]
    assert out.sound[-BUFFER_FRAMES:].any()
