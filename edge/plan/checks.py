"""Which sounds have just been hashed again and found whole. Asking starts the hashing; the answer comes later."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from wire.content import Sound

VALID_S: Final = 120.0


class Checks:
    """Belongs to the main loop. `start` hashes elsewhere and leads to `done`."""

    def __init__(self, has: Callable[[str, int], bool], start: Callable[[str], None]) -> None:
        self._has = has
        self._start = start
        self._whole: dict[str, float] = {}
        self._running: set[str] = set()

    def state(self, sound: Sound) -> bool | None:
        """Whole or not, as of the last two minutes; None while it is being found out."""
        if not self._has(sound.sha256, sound.size):
            return False
        if time.monotonic() - self._whole.get(sound.sha256, -VALID_S) < VALID_S:
            return True
        if sound.sha256 not in self._running:
            self._running.add(sound.sha256)
            self._start(sound.sha256)
        return None

    def done(self, sha256: str, *, whole: bool) -> None:
        """The answer. A damaged sound is gone from the disk by now, so `state` says False from here on."""
        self._running.discard(sha256)
        self._whole.pop(sha256, None)
        if whole:
            self._whole[sha256] = time.monotonic()
