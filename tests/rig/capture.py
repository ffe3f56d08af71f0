"""What a recorder leaves behind, and how to find a known sound in it.

A capture keeps every channel with its own true rate, because two fake cards may run at different speeds. Instants are
seconds of CLOCK_MONOTONIC.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48_000
BURST_S = 0.5
MATCH_S = 0.2          # how much of a pattern is correlated
MATCH_SHARE = 0.4      # of the pattern's own energy, below which it counts as not heard

Samples = NDArray[np.int16]


@dataclass(frozen=True)
class Capture:
    channels: list[Samples]
    rates_hz: list[float]           # true frames per second
    first_s: float                  # instant of frame 0

    def save(self, path: Path) -> None:
        arrays = {f"channel{n}": samples for n, samples in enumerate(self.channels)}
        np.savez(path, allow_pickle=False, rates_hz=np.array(self.rates_hz), first_s=np.array(self.first_s), **arrays)

    @classmethod
    def load(cls, path: Path) -> Capture:
        with np.load(path) as stored:
            rates = [float(rate) for rate in stored["rates_hz"]]
            return cls([stored[f"channel{n}"] for n in range(len(rates))], rates, float(stored["first_s"]))

    def cut(self, channel: int, from_s: float, to_s: float) -> tuple[Samples, float]:
        """Samples between two instants, and the instant of the first one."""
        rate = self.rates_hz[channel]
        first = max(0, int((from_s - self.first_s) * rate))
        last = max(first, int((to_s - self.first_s) * rate))
        return self.channels[channel][first:last], self.first_s + first / rate

    def heard_at(self, channel: int, pattern: Samples, from_s: float, to_s: float) -> float | None:
        """Instant at which the pattern's first sample left the speaker; None if it was not heard in this window."""
        samples, starts_s = self.cut(channel, from_s, to_s)
        at = find(samples, pattern[:int(MATCH_S * RATE_HZ)])
        return None if at is None else starts_s + at / self.rates_hz[channel]

    def first_sound_after(self, channel: int, from_s: float, *, threshold: int = 300) -> float | None:
        """Instant of the first sample louder than `threshold` at or after `from_s`."""
        ends_s = self.first_s + len(self.channels[channel]) / self.rates_hz[channel]
        samples, starts_s = self.cut(channel, from_s, ends_s)
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > threshold)
        return starts_s + int(loud[0]) / self.rates_hz[channel] if len(loud) else None


def find(samples: Samples, pattern: Samples) -> int | None:
    """Index at which the pattern begins, by cross-correlation; None if nothing there is like it."""
    if len(samples) < len(pattern):
        return None
    likeness = np.abs(correlate(samples, pattern))
    best = int(np.argmax(likeness))
    energy = float((pattern.astype(float) ** 2).sum())
    return best if likeness[best] >= MATCH_SHARE * energy else None


def correlate(samples: Samples, pattern: Samples) -> NDArray[np.float64]:
    """Sliding dot product, for every place where the pattern fits."""
    size = 1 << (len(samples) + len(pattern) - 1).bit_length()
    product = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(pattern, size))
    return np.fft.irfft(product, size)[:len(samples) - len(pattern) + 1]


def make_noise(seed: int, seconds: float) -> Samples:
    """White noise, the same in every process: its autocorrelation is one sample wide."""
    noise = np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ)) * 6000
    return noise.clip(-30000, 30000).astype(np.int16)
