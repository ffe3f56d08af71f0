"""The hub's clock: UTC in whole milliseconds. Handed to what needs it, so that tests can set it."""

from __future__ import annotations

import time
from collections.abc import Callable

from wire.units import UtcTime

Clock = Callable[[], UtcTime]


def system_clock() -> UtcTime:
    return UtcTime(time.time_ns() // 1_000_000)
