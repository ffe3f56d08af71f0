"""How loud one play is from sample to sample: straight ramps, so that neither a start, a stop nor a new gain clicks."""
from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

LONGEST_RAMP: Final = 480       # 10 ms

_STEPS: Final = np.arange(1, LONGEST_RAMP + 1, dtype=np.float32)


class Envelope:
    """At level 1 and at rest the samples are not touched, so they stay exact."""

    def __init__(self, level: float) -> None:
        self.level = level
        self._target = level
        self._left = 0
        self._ramp = np.empty(LONGEST_RAMP, dtype=np.float32)

    def move(self, target: float, frames: int) -> None:
        """Go to `target` within so many frames, `LONGEST_RAMP` at most."""
        self._target, self._left = target, min(frames, LONGEST_RAMP)

    @property
    def frames_left(self) -> int:
        return self._left

    def apply(self, samples: NDArray[np.float32]) -> None:
        """Multiply the next samples in place."""
        moving = min(self._left, len(samples))
        if moving:
            self._apply_ramp(samples[:moving])
        if self.level != 1.0 and moving < len(samples):
            samples[moving:] *= np.float32(self.level)

    def _apply_ramp(self, samples: NDArray[np.float32]) -> None:
        count = len(samples)
        step = (self._target - self.level) / self._left
        ramp = self._ramp[:count]
        np.multiply(_STEPS[:count], np.float32(step), out=ramp)
        ramp += np.float32(self.level)
        samples *= ramp
        self._left -= count
        self.level = self._target if not self._left else self.level + step * count


def gain_of(gain_db: float) -> float:
    return float(10 ** (gain_db / 20))
