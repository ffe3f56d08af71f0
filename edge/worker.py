"""A thread of the agent that does one kind of slow thing in order; the main loop never waits for disk or network."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from edge.errors import EdgeError

STOP_LIMIT_S: Final = 5.0

log = logging.getLogger(__name__)
Task = Callable[[], None]


@dataclass(frozen=True)
class Call:
    """Something for the main loop to do, put on its queue by another thread."""

    function: Callable[..., None]
    arguments: tuple[Any, ...] = ()


class Worker:
    """Runs tasks one after the other. What a task raises is handed to `failed`; the next task runs all the same."""

    def __init__(self, name: str, failed: Callable[[str, EdgeError], None], *, most_waiting: int = 10_000) -> None:
        self.name = name
        self._failed = failed
        self._tasks: queue.Queue[Task | None] = queue.Queue(most_waiting)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, function: Callable[..., object], *arguments: object) -> None:
        """Do it when everything before it is done. A worker that is hopelessly behind says so and drops it."""
        try:
            self._tasks.put_nowait(lambda: _discard(function(*arguments)))
        except queue.Full:
            self._failed(self.name, EdgeError(f"{self.name} is too far behind"))

    def stop(self) -> None:
        """Finish what waits, for a few seconds at most."""
        self._tasks.put(None)
        self._thread.join(STOP_LIMIT_S)

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except EdgeError as error:
                self._failed(self.name, error)
            except Exception as error:
                log.exception("%s", self.name)
                self._failed(self.name, EdgeError(f"{type(error).__name__}: {error}"))


def _discard(_: object) -> None:
    """A task's result is what it put on the queue."""
