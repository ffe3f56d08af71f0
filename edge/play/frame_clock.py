"""Which frame of the endless output stream leaves the speaker at which instant.

The output says, once a buffer, when that buffer's first frame will be heard; each such saying is off by some tenths
of a millisecond, so the median of the last few seconds is believed. Instants are nanoseconds of CLOCK_MONOTONIC.
"""
from __future__ import annotations

from typing import Final

import numpy as np

from edge.play.pipe import RATE_HZ

NS_PER_S: Final = 1_000_000_000
WINDOW: Final = 256                     # sayings remembered: 2 to 5 s
REFIT_EVERY: Final = 32                 # unless somebody asks: an idle stream should cost nothing
JUMP_NS: Final = 30_000_000             # further off than sayings scatter: the stream stood still for a while
JUMPS_BELIEVED: Final = 16              # in a row; a few are a hiccup


class FrameClock:
    """Fed by the output's thread, asked by the player on the same thread; other threads may only ask."""

    def __init__(self) -> None:
        self._offsets = np.zeros(WINDOW, dtype=np.int64)
        self._count = 0
        self._offset_ns = 0
        self._fitted_count = 0
        self._jumps = 0

    def observe(self, frame: int, at_ns: int) -> None:
        """Take in when `frame` will be heard. After a jump of the stream all frames mean other instants."""
        offset_ns = at_ns - frames_to_ns(frame)
        if self._has_jumped(offset_ns):
            self.reset()
        self._offsets[self._count % WINDOW] = offset_ns
        self._count += 1
        if self._count - self._fitted_count >= REFIT_EVERY:
            self._fit()

    def reset(self) -> None:
        """Forget everything: the stream was opened anew."""
        self._count = self._fitted_count = self._jumps = self._offset_ns = 0

    def frame_at(self, at_ns: int) -> int:
        """The frame that leaves the speaker at this instant, or next to it; negative before the stream began."""
        return ns_to_frames(at_ns - self._offset())

    def ns_at(self, frame: int) -> int:
        return self._offset() + frames_to_ns(frame)

    def _offset(self) -> int:
        if self._count != self._fitted_count:
            self._fit()
        return self._offset_ns

    def _fit(self) -> None:
        known = self._offsets[:min(self._count, WINDOW)]
        if len(known):
            self._offset_ns = int(np.partition(known, len(known) // 2)[len(known) // 2])    # the median, cheaply
        self._fitted_count = self._count

    def _has_jumped(self, offset_ns: int) -> bool:
        if not self._fitted_count or abs(offset_ns - self._offset_ns) < JUMP_NS:
            self._jumps = 0
            return False
        self._jumps += 1
        return self._jumps >= JUMPS_BELIEVED


def frames_to_ns(frames: int) -> int:
    return frames * NS_PER_S // RATE_HZ


def ns_to_frames(ns: int) -> int:
    """Rounded to the nearest frame."""
    return (ns * RATE_HZ + NS_PER_S // 2) // NS_PER_S
