"""From a stream's own clock to CLOCK_MONOTONIC.

PortAudio does not say which clock its streams use; under Linux it is the wall clock, which may be stepped at any time.
So the two are compared anew at each use.
"""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

NS_PER_S: Final = 1_000_000_000
READ_NS: Final = 200_000        # two readings further apart than this were torn apart by the scheduler
TRIES: Final = 3


def monotonic_of(stream_s: float, stream_time: Callable[[], float]) -> int:
    """The monotonic instant, in nanoseconds, of an instant of the stream's clock."""
    for _ in range(TRIES):
        before_ns = time.monotonic_ns()
        now_s = stream_time()
        if time.monotonic_ns() - before_ns < READ_NS:
            break
    return before_ns + round((stream_s - now_s) * NS_PER_S)
