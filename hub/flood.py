"""A device that floods the broker is found and its registration ended: one opened device must not drown the others."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

from hub import audit
from hub.context import Hub
from hub.devices import store as devices
from hub.devices.actions import end_device
from wire.topics import split_up

MOST_A_MINUTE = 6_000
"""A device that comes back after months sends its log as fast as it is confirmed, some 50 messages a second."""
MINUTE_S = 60.0

log = logging.getLogger(__name__)


class Meter:
    """Counts what each device says in a minute. `ends` is called once for a device that says too much."""

    def __init__(
        self, ends: Callable[[str], None], *, most: int = MOST_A_MINUTE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ends = ends
        self._most = most
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._since = clock()

    def lets_in(self, topic: str) -> bool:
        """Whether a message is to be dealt with."""
        if self._clock() - self._since >= MINUTE_S:
            self._counts.clear()
            self._since = self._clock()
        device, _ = split_up(topic) or ("", "")
        self._counts[device] += 1
        if device and self._counts[device] == self._most + 1:
            self._ends(device)
        return not device or self._counts[device] <= self._most

    def is_over(self, topic: str) -> bool:
        """Whether its sender said too much this minute: what of it waits in line is not worth the work."""
        device, _ = split_up(topic) or ("", "")
        return bool(device) and self._counts[device] > self._most


def end_flooding(hub: Hub, device: str) -> None:
    """Registration and certificate end; the worker's next round silences the connection."""
    why = f"more than {MOST_A_MINUTE} messages in a minute"
    log.error("%s floods: %s; its registration is ended", device, why)
    with hub.writing() as conn:
        known = devices.device(conn, device)
        if known is None or known["revoked_at"] is not None:
            return
        now = hub.now()
        end_device(hub, conn, device, why=why, person="system")
        devices.add_event(conn, device, "flood", why, now)
        audit.note(conn, at=now, person="system", verb="revoke", area=known["area"], subject=device, detail=why)
