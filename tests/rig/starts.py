"""How far from its scheduled instant is a play heard? For tests and for `scripts/bench start`.

Runs the real play process on the card `dac` and finds each burst in what the card took. Absolute error of the rig:
1-2 ms.
"""
from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import soundfile

from edge.play.pipe import Play, Ready
from edge.play.process import PlayProcess
from edge.play.source import to_int16
from tests.rig.capture import RATE_HZ, Samples, make_noise
from tests.rig.cards import Cards, start_cards
from tests.rig.listen import listening

SETTLE_S = 6.0          # the latency that PulseAudio states wanders for some seconds after opening
GAP_S = 0.8
LEAD_S = 2.0            # commands are sent this long ahead
BURST_S = 0.3
EARLY_S, LATE_S = 0.2, 0.4
LATENCY_S = 0.05


@dataclass(frozen=True)
class StartsRun:
    """`errors_ms`: heard minus asked, None if it was not heard. `card`: what the fake card says of itself."""

    errors_ms: list[float | None]
    card: dict[str, object]


def measure_starts(count: int, *, latency_s: float = LATENCY_S, output: str = "sounddevice") -> list[float]:
    """Heard minus asked, in ms, of `count` scheduled starts. Raises `AssertionError` if one was not heard."""
    run = run_starts(count, latency_s=latency_s, output=output)
    heard = [error for error in run.errors_ms if error is not None]
    assert len(heard) == count, f"{count - len(heard)} of {count} starts were not heard; the card: {run.card}"
    return heard


def run_starts(count: int, *, latency_s: float = LATENCY_S, output: str = "sounddevice") -> StartsRun:
    """`count` scheduled starts, none left out. `late_ticks`: the machine was busy; `starved`: it was, or play was."""
    burst = make_noise(7, BURST_S)
    with start_cards("dac") as cards:
        path = cards.run / "burst.wav"
        soundfile.write(path, burst, RATE_HZ, subtype="PCM_16")
        with listening(cards, "dac") as ear:
            instants_ns = play_bursts(cards, path, count, latency_s=latency_s, output=output)
        asked_s = [at_ns / 1e9 for at_ns in instants_ns]
        heard_s = [ear.capture.heard_at(0, burst, at_s - EARLY_S, at_s + LATE_S) for at_s in asked_s]
    errors_ms = [None if heard is None else (heard - asked) * 1000
                 for heard, asked in zip(heard_s, asked_s, strict=True)]
    return StartsRun(errors_ms, ear.figures)


def play_bursts(cards: Cards, path: Path, count: int, *, latency_s: float, output: str) -> list[int]:
    """Returns the instants asked for, after the last of them was played."""
    play = PlayProcess(output=output, device="dac0", latency_s=latency_s, environment=cards.environment)
    try:
        assert isinstance(play.events.get(timeout=20), Ready)
        time.sleep(SETTLE_S)
        first_ns = time.monotonic_ns() + int(LEAD_S * 1e9)
        instants_ns = [first_ns + round(n * GAP_S * 1e9) for n in range(count)]
        for n, at_ns in enumerate(instants_ns):
            time.sleep(max(0.0, at_ns / 1e9 - LEAD_S - time.monotonic()))
            play.send(Play(id=f"burst-{n}", source=str(path), at_ns=at_ns))
        time.sleep(LEAD_S + BURST_S + LATE_S)
        return instants_ns
    finally:
        play.close()


def samples_of(path: Path) -> Samples:
    """A sound file as the play process decodes it: 16 bit. (libsndfile's own rounding differs for lossy formats.)"""
    decoded, _ = soundfile.read(path, dtype="float32", always_2d=True)
    return to_int16(decoded)
