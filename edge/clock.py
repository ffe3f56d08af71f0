"""The clock that schedules sound: UTC = CLOCK_BOOTTIME + offset, disciplined by sources of stated quality (design §5).

The floor, a durable lower bound that only refuses old things, is beside it: `sync.truststore` raises it by what was
signed, this file by time itself. Reading the sources is `time_sources`; asking the hub is `sync.fetch`.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import dataclass, replace
from typing import Final, Protocol

import msgspec

from edge.store import Store, drop_values, put_values
from wire.timeline import TimeQuality
from wire.units import DAY, HOUR, SECOND, UtcTime

NS_PER_MS: Final = 1_000_000
LARGEST_MOVE_NS: Final = HOUR * NS_PER_MS
DRIFT_PPM: Final = 50
"""What a cheap crystal may be off."""
SYNCED_ERROR_MS: Final = 2 * SECOND
"""A time that was exact once and may be further off by now counts as `same boot`."""
AGREE_NS: Final = 60 * SECOND * NS_PER_MS
HUB: Final = "hub"
"""The source that is not of this machine."""
FLOOR: Final = "floor"
ANCHOR: Final = "anchor"
DISTRUST: Final = "clock_reset"
"""The store's word that our time was wrong: until the hub or the kernel says it, the battery clock is not believed."""
READINGS: Final = 5
TOGETHER_NS: Final = 20_000
NO_LIMIT: Final = UtcTime(2**53)


class Clock(Protocol):
    """What the rooms may ask."""

    def now(self) -> UtcTime: ...

    def quality(self) -> TimeQuality: ...

    def monotonic_ns(self, instant: UtcTime) -> int:
        """The CLOCK_MONOTONIC instant of a UTC instant (negative before boot)."""

    def utc_at(self, monotonic_ns: int) -> UtcTime: ...


@dataclass(frozen=True)
class Saying:
    """One source's idea of the time at one instant of CLOCK_BOOTTIME."""

    source: str
    quality: TimeQuality
    utc_ns: int
    boottime_ns: int
    error_ns: int
    tolerance_ns: int = 0
    """The clock is left alone while it lies this near: sources that know the time to a second do not shake one that
    knew it to a millisecond."""

    @property
    def offset_ns(self) -> int:
        return self.utc_ns - self.boottime_ns


class Anchor(msgspec.Struct, frozen=True):
    """The offset as last believed in a boot: after a restart of the program in the same boot it still holds."""

    boot_id: str
    offset_ns: int
    error_ns: int


@dataclass(frozen=True)
class _State:
    offset_ns: int
    quality: TimeQuality
    set_at_ns: int
    error_ns: int
    anchor_ns: int
    """The offset that this boot's first good source gave, or that two agreed on: many small moves are one large one."""


class DeviceClock:
    """Thread-safe; `hear` is called by whoever read a source."""

    def __init__(self, store: Store, *, boot_id: str, system_offset_ns: int = 0) -> None:
        self._store = store
        self._boot_id = boot_id
        self._lock = threading.Lock()
        self._refused: Saying | None = None
        self._heard: dict[bool, int] = {}
        """The offset that the hub (True) and that this machine's own sources (False) said last in this boot."""
        self._distrusts_rtc = store.get(DISTRUST) is not None
        self._floor = UtcTime(int(store.get(FLOOR) or 0))
        self._ceiling = NO_LIMIT
        self._floor_ceiling = UtcTime(0)
        self._state = self._first_state(system_offset_ns)

    def now(self) -> UtcTime:
        return UtcTime(self._now_ns() // NS_PER_MS)

    def quality(self) -> TimeQuality:
        """Where the clock stands on the ladder: an exact time ages, and then counts as `same boot`."""
        quality = self._state.quality
        return TimeQuality.SAME_BOOT if quality == TimeQuality.SYNCED and self.error_ms() > SYNCED_ERROR_MS else quality

    def error_ms(self) -> int:
        """How far off the clock may be, drift since the last source included."""
        state = self._state
        drift_ns = (boottime_ns() - state.set_at_ns) * DRIFT_PPM // 1_000_000
        return min(DAY, (state.error_ns + drift_ns) // NS_PER_MS)

    def monotonic_ns(self, instant: UtcTime) -> int:
        return instant * NS_PER_MS - self._state.offset_ns - _slept_ns()

    def utc_at(self, monotonic_ns: int) -> UtcTime:
        return UtcTime(round((monotonic_ns + _slept_ns() + self._state.offset_ns) / NS_PER_MS))

    @property
    def floor(self) -> UtcTime:
        """Nothing older is installed or obeyed."""
        return self._floor

    @property
    def refusal(self) -> Saying | None:
        """The last time that was not believed because it was too far off; None once that is settled."""
        return self._refused

    @property
    def offset_ns(self) -> int:
        """Changes whenever instants mean other moments of CLOCK_MONOTONIC."""
        return self._state.offset_ns

    def hear(self, saying: Saying) -> bool:
        """Take in a source's idea of the time; False when it is not believed."""
        with self._lock:
            self._heard[saying.source == HUB] = saying.offset_ns
            if saying.quality < self.quality():
                return True
            if not self._is_believable(saying):
                self._refused = saying
                return False
            self._refused = None
            self._take(saying)
        return True

    def witnessed(self) -> UtcTime:
        """The time, if the hub and a source of this machine agree on it within an hour; else the beginning of time.

        Only this raises the floor: a wrong floor outlasts its cause, so no single source may make one.
        """
        offset_ns = self._state.offset_ns
        agree = [abs(heard - offset_ns) <= LARGEST_MOVE_NS for heard in self._heard.values()]
        return self.now() if agree == [True, True] else UtcTime(0)

    def forget(self, connection: sqlite3.Connection) -> None:
        """Part of the transaction that lowers the floor: neither this boot's offset nor the battery clock counts."""
        drop_values(connection, ANCHOR)
        put_values(connection, **{DISTRUST: "1"})

    def begin_at(self, floor: UtcTime) -> None:
        """The time is not known any more, but that it is not before `floor`."""
        with self._lock:
            now_ns = boottime_ns()
            offset_ns = floor * NS_PER_MS - now_ns
            self._floor, self._refused, self._heard, self._distrusts_rtc = floor, None, {}, True
            self._state = _State(offset_ns, TimeQuality.FLOOR_ONLY, now_ns, DAY * NS_PER_MS, offset_ns)

    def limit(self, *, floor: UtcTime, ceiling: UtcTime, floor_ceiling: UtcTime) -> None:
        """What verified metadata say: it is not before `floor`, no time beyond `ceiling` (root's end) is believed, and
        time itself raises the floor no further than `floor_ceiling` (the end of `targets`).

        The caller has stored the floor in the transaction that installed the metadata.
        """
        with self._lock:
            self._floor, self._ceiling = max(self._floor, floor), ceiling
            self._floor_ceiling = floor_ceiling
            if self._now_ns() < self._floor * NS_PER_MS and self._state.quality == TimeQuality.FLOOR_ONLY:
                offset_ns = self._floor * NS_PER_MS - boottime_ns()
                self._state = replace(self._state, offset_ns=offset_ns, anchor_ns=offset_ns)

    def save(self) -> None:
        """Raise the durable floor to the witnessed time, keep the offset while this boot lasts. Raises StoreError."""
        state = self._state
        if state.quality == TimeQuality.FLOOR_ONLY:
            return
        self._floor = max(self._floor, min(self.witnessed(), self._floor_ceiling))
        anchor = Anchor(self._boot_id, state.offset_ns, self.error_ms() * NS_PER_MS)
        with self._store.change() as connection:
            put_values(connection, **{FLOOR: str(self._floor), ANCHOR: msgspec.json.encode(anchor).decode()})
            if not self._distrusts_rtc:
                drop_values(connection, DISTRUST)

    def _first_state(self, system_offset_ns: int) -> _State:
        """The offset of the same boot if it is known; else the system's clock, which nobody vouches for."""
        now_ns = boottime_ns()
        raw = self._store.get(ANCHOR)
        anchor = msgspec.json.decode(raw, type=Anchor) if raw else None
        if anchor is not None and anchor.boot_id == self._boot_id:
            return _State(anchor.offset_ns, TimeQuality.SAME_BOOT, now_ns, anchor.error_ns, anchor.offset_ns)
        guess_ns = time.time_ns() + system_offset_ns
        utc_ns = max(guess_ns, self._floor * NS_PER_MS)
        return _State(utc_ns - now_ns, TimeQuality.FLOOR_ONLY, now_ns, DAY * NS_PER_MS, utc_ns - now_ns)

    def _is_believable(self, saying: Saying) -> bool:
        if not self._floor - SECOND <= saying.utc_ns // NS_PER_MS <= self._ceiling:
            return False
        if self._distrusts_rtc and saying.quality == TimeQuality.RTC:
            return False
        return self._is_near_anchor(saying) or self._state.quality < TimeQuality.RTC or self._has_second_witness(saying)

    def _is_near_anchor(self, saying: Saying) -> bool:
        drift_ns = boottime_ns() * DRIFT_PPM // 1_000_000
        return abs(saying.offset_ns - self._state.anchor_ns) <= LARGEST_MOVE_NS + drift_ns

    def _has_second_witness(self, saying: Saying) -> bool:
        """No single source moves the clock by more than an hour in a boot; two that agree do."""
        other = self._refused
        if other is None or other.source == saying.source:
            return False
        return abs(other.offset_ns - saying.offset_ns) < AGREE_NS

    def _take(self, saying: Saying) -> None:
        is_near = abs(saying.offset_ns - self._state.offset_ns) <= saying.tolerance_ns
        offset_ns = self._state.offset_ns if is_near else saying.offset_ns
        keeps_anchor = self._state.quality >= TimeQuality.RTC and self._is_near_anchor(saying)
        anchor_ns = self._state.anchor_ns if keeps_anchor else offset_ns
        self._state = _State(offset_ns, saying.quality, saying.boottime_ns, saying.error_ns, anchor_ns)
        self._distrusts_rtc = self._distrusts_rtc and saying.quality < TimeQuality.SYNCED

    def _now_ns(self) -> int:
        return boottime_ns() + self._state.offset_ns


def boottime_ns() -> int:
    """Nanoseconds since boot, sleep included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def _slept_ns() -> int:
    """CLOCK_BOOTTIME − CLOCK_MONOTONIC, read again if something came between the readings."""
    for _ in range(READINGS):
        before = time.monotonic_ns()
        boottime = boottime_ns()
        if time.monotonic_ns() - before < TOGETHER_NS:
            break
    return max(0, boottime - before) if boottime - before > TOGETHER_NS else 0
