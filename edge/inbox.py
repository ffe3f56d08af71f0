"""The main loop's queue and its timers: events by urgency, then by arrival; what is due, when.

Other threads only `put`. The queue is bounded: what can be asked for again is dropped when it is full; an emergency
waits for its place, and with it the network's own thread, which is what slows a sender down.
"""

from __future__ import annotations

import itertools
import queue
import time
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final

MOST_WAITING: Final = 2_000
LONGEST_WAIT_S: Final = 60.0


class Urgency(IntEnum):
    """Lower comes first."""

    EMERGENCY = 0
    SOUND = 1
    OWN = 2
    MESSAGE = 3


class Inbox:
    """Events for one reader."""

    def __init__(self) -> None:
        self._queue: queue.PriorityQueue[tuple[int, int, Any]] = queue.PriorityQueue(MOST_WAITING)
        self._numbers = itertools.count()
        self.dropped = 0

    def put(self, event: object, urgency: Urgency = Urgency.OWN) -> None:
        """Only messages of the network are ever dropped; they come again."""
        entry = (int(urgency), next(self._numbers), event)
        if urgency < Urgency.MESSAGE:
            self._queue.put(entry)
            return
        try:
            self._queue.put_nowait(entry)
        except queue.Full:
            self.dropped += 1

    def get(self, wait_s: float) -> Any:
        """The next event, or None after `wait_s`."""
        try:
            return self._queue.get(timeout=max(0.0, wait_s))[2]
        except queue.Empty:
            return None


class Timers:
    """Named instants of CLOCK_MONOTONIC; setting one again moves it."""

    def __init__(self) -> None:
        self._due: dict[str, tuple[float, Callable[[], None]]] = {}

    def set(self, name: str, after_s: float, function: Callable[[], None]) -> None:
        self._due[name] = (time.monotonic() + max(0.0, after_s), function)

    def set_no_later(self, name: str, after_s: float, function: Callable[[], None]) -> None:
        """Unless it is due earlier already."""
        if name not in self._due or self._due[name][0] > time.monotonic() + after_s:
            self.set(name, after_s, function)

    def drop(self, name: str) -> None:
        self._due.pop(name, None)

    def wait_s(self) -> float:
        """Until the first is due."""
        first = min((due for due, _ in self._due.values()), default=time.monotonic() + LONGEST_WAIT_S)
        return min(LONGEST_WAIT_S, first - time.monotonic())

    def take_due(self) -> list[Callable[[], None]]:
        now = time.monotonic()
        due = sorted((at, name) for name, (at, _) in self._due.items() if at <= now)
        return [self._due.pop(name)[1] for _, name in due]
