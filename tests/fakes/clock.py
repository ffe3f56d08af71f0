"""A clock that stands until it is moved. Keeps the rules of `edge.clock.Clock`: instants map both ways, exactly."""

from __future__ import annotations

from wire.timeline import TimeQuality
from wire.units import UtcTime

NS_PER_MS = 1_000_000
BOOT_NS = 5_000_000_000


class FakeClock:
    """`at` is the present instant; monotonic time began 5 s before the instant that the clock was made with."""

    def __init__(self, at: UtcTime, quality: TimeQuality = TimeQuality.SYNCED) -> None:
        self.at = at
        self.level = quality
        self._zero = at

    def now(self) -> UtcTime:
        return self.at

    def quality(self) -> TimeQuality:
        return self.level

    def monotonic_ns(self, instant: UtcTime) -> int:
        return BOOT_NS + (instant - self._zero) * NS_PER_MS

    def utc_at(self, monotonic_ns: int) -> UtcTime:
        return UtcTime(self._zero + (monotonic_ns - BOOT_NS) // NS_PER_MS)

    def move(self, by_ms: int) -> None:
        self.at = UtcTime(self.at + by_ms)
