"""Keeps the clock disciplined: one thread that asks the kernel and the battery clock, and saves what is believed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from edge.clock import DeviceClock, Saying
from edge.errors import StoreError
from edge.time_sources import await_rtc_tick, read_kernel, read_rtc

LOOK_EVERY_S: Final = 30.0
SAVE_EVERY: Final = 20
"""Looks, that is ten minutes: how much of the floor a power cut may cost."""


class Timekeeper:
    """`first_look` at boot, then `start`. `changed` and `failed` are called from the thread."""

    def __init__(
        self,
        clock: DeviceClock,
        *,
        rtc: str,
        trust_kernel: bool,
        changed: Callable[[], None],
        failed: Callable[[StoreError], None],
    ) -> None:
        self._clock = clock
        self._rtc = rtc
        self._trust_kernel = trust_kernel
        self._changed = changed
        self._failed = failed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="time", daemon=True)

    def first_look(self) -> None:
        """What can be known at once."""
        self._hear(read_rtc(self._rtc) if self._rtc else None)
        self._hear(read_kernel() if self._trust_kernel else None)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        self._hear(await_rtc_tick(self._rtc) if self._rtc else None)
        looks = 0
        quality = None
        while True:
            if looks % SAVE_EVERY == 0 or quality != self._clock.quality():
                self._save()
            quality = self._clock.quality()
            self._changed()
            if self._stopping.wait(LOOK_EVERY_S):
                break
            looks += 1
            self.first_look()
        self._save()

    def _hear(self, saying: Saying | None) -> None:
        if saying is not None:
            self._clock.hear(saying)

    def _save(self) -> None:
        try:
            self._clock.save()
        except StoreError as error:
            self._failed(error)
