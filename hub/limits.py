"""How often somebody may ask: counted in memory, in windows of a minute or an hour. The guard asks before each view.

A signed-in person is counted by name, everybody else by address (an IPv6 customer has a /64). Several hub machines
count each for itself. Zero as a setting means: without limit.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from hub.config import Config

MOST_KEYS = 50_000
"""Beyond so many callers in one window it begins anew, rather than to fill the memory."""
MINUTE_S, HOUR_S = 60.0, 3_600.0


class Limit(StrEnum):
    """What is counted. Each has a setting of its own (`limit_…`)."""

    LOGIN = "login"
    """Passwords and passkeys tried, by address."""
    REQUESTS = "requests"
    """Pages and the interface of programs."""
    DEVICES = "devices"
    """What anybody may fetch: signed files, sounds, the time, styles and scripts. By address: many stand behind one."""
    UPLOADS = "uploads"
    """Recordings and sticks, which cost work."""


@dataclass(frozen=True)
class Answer:
    """`wait_s` is 0 for whoever may come in; `is_news` the first time in a window that somebody may not."""

    wait_s: int = 0
    is_news: bool = False


@dataclass
class _Window:
    lasts_s: float
    most: int
    ends: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)


class Limiter:
    """One for a web process. Thread-safe."""

    def __init__(self, config: Config, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows = {
            Limit.LOGIN: _Window(MINUTE_S, config.limit_logins_per_minute),
            Limit.REQUESTS: _Window(MINUTE_S, config.limit_requests_per_minute),
            Limit.DEVICES: _Window(MINUTE_S, config.limit_device_requests_per_minute),
            Limit.UPLOADS: _Window(HOUR_S, config.limit_uploads_per_hour),
        }

    def ask(self, limit: Limit, who: str) -> Answer:
        """Count one more of `who`."""
        window = self._windows[limit]
        if not window.most:
            return Answer()
        with self._lock:
            now = self._clock()
            if now >= window.ends or len(window.counts) >= MOST_KEYS:
                window.counts.clear()
                window.ends = now + window.lasts_s
            window.counts[who] += 1
            count = window.counts[who]
            if count <= window.most:
                return Answer()
            return Answer(max(1, round(window.ends - now)), is_news=count == window.most + 1)


def caller_of(address: str) -> str:
    """By what an address is counted."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
