"""When the device looks after its certificate: at start, now and then, and sooner while it waits for its first one.

Belongs to the main loop; asking is `renewal`, on a thread of its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from edge.certificate import Certificate
from edge.config import Pace
from edge.inbox import Timers
from edge.link import Link
from edge.logbook import Logbook
from edge.parts import Parts
from edge.renewal import Renewal
from edge.sync.fetch import Fetcher
from edge.worker import Worker
from wire.units import local_day


@dataclass
class CertificateKeeper:
    """Does nothing for a device that comes in by password, or has no hub to ask."""

    renewal: Renewal | None
    link: Link
    timers: Timers
    pace: Pace
    logbook: Logbook
    worker: Worker
    _was_shut_out: bool = field(default=False, init=False)

    def start(self) -> None:
        if self.renewal is not None:
            self._look(self.renewal)

    def stop(self) -> None:
        self.worker.stop()

    def renewed(self, fresh: Certificate) -> None:
        """A new one lies on the disk."""
        self.link.renew()
        self.logbook.event(f"certificate until {local_day(fresh.ends).isoformat()}")

    def _look(self, renewal: Renewal) -> None:
        """A broker that keeps us out from one look to the next may know why: then it is asked for whatever it says."""
        is_shut_out = not self.link.is_connected
        self.worker.submit(partial(renewal.run, is_shut_out=is_shut_out and self._was_shut_out))
        self._was_shut_out = is_shut_out
        pace = self.pace
        after = min(pace.retry_s, pace.certificate_s) if renewal.is_missing else pace.certificate_s
        again = partial(self._look, renewal)
        self.timers.set("certificate", after * random.uniform(0.5, 1), again)  # noqa: S311 - spreads load


def make_renewal(parts: Parts, fetcher: Fetcher | None, done: Callable[[Certificate], None]) -> Renewal | None:
    """Where the device comes in by certificate and has a hub to ask for the next."""
    if fetcher is None or not parts.config.broker.tls_certificate:
        return None
    return Renewal(parts.folder, parts.me.device, parts.identity, parts.clock, fetcher, done)
