"""A battery clock (RTC) for loudspeakers without a network: a file that counts seconds, as /sys/class/rtc does."""

from __future__ import annotations

import threading
import time
from pathlib import Path


class BatteryClock:
    """Ticks in `path` from `start` to `stop`, once a second on the second; `ahead_s` whole seconds fast."""

    def __init__(self, path: Path, *, ahead_s: int = 0) -> None:
        self._path = path
        self._ahead_s = ahead_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="battery clock", daemon=True)

    def start(self) -> None:
        if not self._thread.is_alive():
            self._write()
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _tick(self) -> None:
        while not self._stopping.wait(1 - time.time() % 1) and self._path.parent.exists():
            self._write()

    def _write(self) -> None:
        part = self._path.with_suffix(".part")
        part.write_text(f"{int(time.time()) + self._ahead_s}\n")
        part.replace(self._path)
