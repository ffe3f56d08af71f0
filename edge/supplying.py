"""When the device refreshes and fetches: nudged, at intervals, spread in time, with growing pauses after failures.

Belongs to the main loop; the work itself is `supply_line`.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass, field
from typing import Final

from edge.config import Pace
from edge.errors import DiskFullError, FetchError, WrongContentError
from edge.inbox import Timers
from edge.logbook import Logbook
from edge.plan.needs import NOW
from edge.standing import Standing
from edge.supply_line import Hauled, Refreshed, Supply, SupplyLine
from edge.sync.fetch import Backoff
from edge.sync.receive import Receiver, Refusal
from edge.sync.refresh import Report
from wire.units import SECOND, UtcTime

KEYS_JITTER_S: Final = 2.0
KEYS_EVERY_S: Final = 60.0

log = logging.getLogger(__name__)


@dataclass
class Supplying:
    """One device's schedule of refreshes and fetches."""

    line: SupplyLine
    timers: Timers
    pace: Pace
    standing: Standing
    logbook: Logbook
    receiver: Receiver
    is_possible: bool
    """Whether there is a hub to ask."""
    _refresh_pause: Backoff = field(init=False)
    _haul_pause: Backoff = field(init=False)
    _is_refreshing: bool = False
    _is_hauling: bool = False
    _again_in_s: float | None = None
    _hint: str = ""
    _keys_at: float = -KEYS_EVERY_S
    """The instant of CLOCK_MONOTONIC of the last refresh that an unknown key asked for."""
    _known: set[tuple[str, str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._refresh_pause = Backoff(self.pace.retry_s)
        self._haul_pause = Backoff(self.pace.retry_s)

    def ask(self, *, jitter_s: float, hint: str = "") -> None:
        """Refresh soon. One more asked for while one is under way follows it."""
        if not self.is_possible:
            return
        self._hint = hint or self._hint
        self._ask_in(random.uniform(0, jitter_s))  # noqa: S311

    def ask_for_keys(self) -> None:
        """An order came that unknown keys signed: a new officer's, or a forger's. A flood of these must not make a
        fleet flood the hub: the first asks within seconds, others a minute apart.
        """
        if not self.is_possible:
            return
        now = time.monotonic()
        self._keys_at = max(now + random.uniform(0, KEYS_JITTER_S), self._keys_at + KEYS_EVERY_S)  # noqa: S311
        self._keys_at = min(self._keys_at, now + KEYS_EVERY_S)
        self._ask_in(self._keys_at - now)

    def _ask_in(self, after_s: float) -> None:
        if self._is_refreshing:
            self._again_in_s = min(after_s, self._again_in_s if self._again_in_s is not None else after_s)
        else:
            self.timers.set_no_later("refresh", after_s, self._refresh)

    def refreshed(self, done: Refreshed) -> None:
        """A refresh has ended; the next is set."""
        self._is_refreshing = False
        if done.report is None:
            log.info("refresh: %s", done.error)
            self.timers.set("refresh", self._refresh_pause.failed(), self._refresh)
            self._note_disk(done.error)
            return
        self._refresh_pause.reset()
        self.note(done.report)
        every = self.pace.refresh_s * random.uniform(0.9, 1.1)  # noqa: S311
        self.timers.set("refresh", every if self._again_in_s is None else self._again_in_s, self._refresh)
        self._again_in_s = None

    def note(self, report: Report) -> None:
        """Write down what was refused and what ended; the same refusal at every refresh is written once."""
        for refusal in report.refusals:
            key = (refusal.role, refusal.code, refusal.detail)
            self.receiver.refused[refusal.code] += 1
            if key not in self._known:
                self.logbook.refused(Refusal(refusal.code, refusal.detail, refusal.role))
                self._known.add(key)
        for refusal in report.dropped:
            self.logbook.event(f"dropped {refusal.role}: {refusal.code} {refusal.detail}")
        for what in report.ignored:
            self.receiver.refused["unknown_kind"] += 1
            self.logbook.event(f"ignored {what}")
        if not report.refusals:
            self._known.clear()

    def plan_haul(self, supply: Supply, now: UtcTime) -> None:
        """Fetch what is missing: alert clips at once, the rest spread before its first use."""
        if not supply.missing or self._is_hauling or not self.is_possible:
            return
        first = supply.missing[0].first
        left_s = max(0.0, (first - now) / SECOND) if first > NOW else 0.0
        after = random.uniform(0, min(self.pace.fetch_jitter_s, left_s / 2))  # noqa: S311
        self.timers.set_no_later("haul", after, self._haul)

    def hauled(self, done: Hauled, now: UtcTime) -> None:
        """Fetching has ended; what is still missing is tried again after a pause."""
        self._is_hauling = False
        self._note_disk(done.error)
        if done.error is None:
            self._haul_pause.reset()
            self.plan_haul(self.standing.supply, now)
            return
        log.warning("fetching: %s", done.error)
        if isinstance(done.error, WrongContentError):
            self.logbook.refused(Refusal("malformed", str(done.error), "content"))
        if isinstance(done.error, FetchError | DiskFullError):
            self.timers.set("haul", self._haul_pause.failed(), self._haul)

    def _refresh(self) -> None:
        self._is_refreshing = True
        hint, self._hint = self._hint, ""
        self.line.refresh(hint)

    def _haul(self) -> None:
        missing = self.standing.supply.missing
        if missing and not self._is_hauling:
            self._is_hauling = True
            self.line.haul(missing)

    def _note_disk(self, error: Exception | None) -> None:
        is_full = isinstance(error, DiskFullError)
        self.standing.set_fault("disk_full", is_on=is_full, why=str(error) if is_full else "")
