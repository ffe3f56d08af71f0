"""Writes events to the parent, each not before it is true: `started` leaves when the sample is heard, not when it is
rendered, so that a process killed in between has claimed nothing.
"""
from __future__ import annotations

import logging
import queue
import threading
import time
from typing import Protocol

from edge.play.pipe import Event, encode

log = logging.getLogger(__name__)


class Stream(Protocol):
    def write(self, line: bytes, /) -> int | None: ...


class EventWriter:
    """`emit` never waits and may be called from any thread, the output's too."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def emit(self, event: Event) -> None:
        self._queue.put(event)

    def close(self) -> None:
        """Write what is left."""
        self._queue.put(None)
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while (event := self._queue.get()) is not None:
            at_ns: int = getattr(event, "at_ns", 0)
            time.sleep(max(0, at_ns - time.monotonic_ns()) / 1e9)
            try:
                self._stream.write(encode(event))       # unbuffered: a whole line or none, see `LINE_LIMIT`
            except OSError:
                log.info("nobody reads the events any more")    # the end of standard input says the same
                return
