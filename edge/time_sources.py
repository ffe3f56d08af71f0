"""Reading what knows the time on this machine: the kernel's clock if something disciplines it, and the battery clock.

The hub's attestation, the third source, comes through `sync.fetch`. What is believed is `clock`'s decision.
"""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from typing import Final

from edge.clock import Saying, boottime_ns
from wire.timeline import TimeQuality

STA_UNSYNC: Final = 0x40
TIME_ERROR: Final = 5
NS_PER_S: Final = 1_000_000_000
TICK_WAIT_S: Final = 1.2
POLL_S: Final = 0.01


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2), 64-bit Linux; read only."""

    _fields_ = (
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("constant", ctypes.c_long),
        ("precision", ctypes.c_long), ("tolerance", ctypes.c_long), ("tv_sec", ctypes.c_long),
        ("tv_usec", ctypes.c_long), ("tick", ctypes.c_long), ("rest", ctypes.c_byte * 256),
    )  # fmt: skip


def read_kernel() -> Saying | None:
    """The wall clock, if chrony or another daemon keeps it synchronised."""
    timex = _Timex()
    state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    if state in (-1, TIME_ERROR) or timex.status & STA_UNSYNC:
        return None
    return Saying("kernel", TimeQuality.SYNCED, time.time_ns(), boottime_ns(), timex.esterror * 1_000)


def read_rtc(path: str) -> Saying | None:
    """The battery clock, good to its second; None where there is none, or where it does not run."""
    seconds = _seconds(path)
    if seconds is None:
        return None
    half = NS_PER_S // 2
    return Saying("rtc", TimeQuality.RTC, seconds * NS_PER_S + half, boottime_ns(), half, tolerance_ns=NS_PER_S)


def await_rtc_tick(path: str) -> Saying | None:
    """The battery clock at the moment at which it counts on: good to some 10 ms. Waits up to 1.2 s."""
    first = _seconds(path)
    deadline = time.monotonic() + TICK_WAIT_S
    while first is not None and time.monotonic() < deadline:
        time.sleep(POLL_S)
        seconds = _seconds(path)
        if seconds == first + 1:
            error_ns = 2 * int(POLL_S * NS_PER_S)
            return Saying("rtc", TimeQuality.RTC, seconds * NS_PER_S, boottime_ns(), error_ns, tolerance_ns=error_ns)
    return None


def _seconds(path: str) -> int | None:
    try:
        seconds = int(Path(path).read_text())
    except (OSError, ValueError):
        return None
    return seconds if 0 < seconds < 2**40 else None


