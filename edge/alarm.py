"""The 2 a.m. path: an envelope's bytes become sound within milliseconds, whatever else the device is doing.

Verify, remember (at most 100 ms), hand to the planner. Belongs to the main loop; the rules are `sync.alerts`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from edge.clock import DeviceClock
from edge.errors import StoreError
from edge.logbook import Logbook
from edge.plan.cues import Cue, RunningAlert, round_ms
from edge.plan.needs import Has, message_clips
from edge.plan.planner import Planner
from edge.report.acks import Acks
from edge.sync.alerts import Accepted, Alerts, HeldBack, Moment, Refused, Seen, message_of
from edge.sync.library import Holdings
from edge.sync.receive import Receiver, Refusal
from edge.worker import Worker
from wire.alert import Start, is_drill
from wire.errors import NotAllowedError
from wire.timeline import ActiveAlert, TimeQuality
from wire.trust.held import Held
from wire.units import HOUR, UtcTime

COMMIT_LIMIT_S: Final = 0.1
LONGEST_ALERT_MS: Final = 2 * HOUR

log = logging.getLogger(__name__)


class Alarm:
    """Orders in, running alerts out to the planner, receipts and rows on the way."""

    def __init__(
        self,
        alerts: Alerts,
        *,
        planner: Planner,
        acks: Acks,
        logbook: Logbook,
        receiver: Receiver,
        clock: DeviceClock,
        has: Has,
        committer: Worker,
        ask_refresh: Callable[[], None],
    ) -> None:
        self._alerts = alerts
        self._planner = planner
        self._acks = acks
        self._logbook = logbook
        self._receiver = receiver
        self._clock = clock
        self._has = has
        self._committer = committer
        self._ask_refresh = ask_refresh
        self._running: dict[str, RunningAlert] = {}
        self._heard: set[str] = set()
        self._over: set[str] = set()
        self._told: set[tuple[str, str]] = set()
        self.holdings = Holdings()

    @property
    def is_active(self) -> bool:
        return bool(self._running)

    def take(self, raw: bytes, held: Held, *, is_last_chance: bool = False) -> bool:
        """Judge an envelope and obey it; True if the plan has changed. `is_last_chance`: right after a refresh."""
        judged = self._alerts.judge(raw, held, self.holdings, self._moment(is_after_refresh=is_last_chance))
        match judged:
            case HeldBack():
                log.warning("an order is held back: %s", judged.detail)
                self._ask_refresh()
            case Refused():
                self._refuse(judged)
            case Accepted(seen=Seen(order=Start())):
                return self._begin(judged)
            case Accepted():
                return self._cancel(judged)
        return False

    def take_held(self, held: Held) -> bool:
        """After a refresh: judge again what was signed by unknown keys."""
        taken = [self.take(raw, held, is_last_chance=True) for raw in self._alerts.take_held()]
        return any(taken)

    def set_holdings(self, holdings: Holdings) -> None:
        """New templates or another place; at the first time, alerts of before a restart go on where they are.

        Cancelled ones count too: others took turns with them.
        """
        self.holdings = holdings
        starts = self._alerts.starts()
        earlier = [seen for seen in starts if seen.id not in self._running and not self._is_over(seen)]
        for seen in earlier:
            self._run(seen)
        self._publish()
        # What became of those that are over was said before the restart.
        self._over |= {seen.id for seen in earlier if not self._planner.has_rounds_left(seen.id)}

    def shift(self, by_ms: int) -> None:
        """The clock moved: what runs goes on from where it is."""
        self._running = {
            ident: RunningAlert(replace(r.alert, accepted_at=UtcTime(r.alert.accepted_at + by_ms)), r.clips)
            for ident, r in self._running.items()
        }
        self._publish()

    def cue_started(self, cue: Cue) -> None:
        alert = getattr(cue.about, "alert", "")
        if alert and alert not in self._heard:
            self._heard.add(alert)
            self._acks.started(alert)

    def cannot_sound(self, alert: str, why: str) -> None:
        """A round is due and the device is mute: said once for the alert."""
        if (alert, why) not in self._told:
            self._told.add((alert, why))
            self._acks.silent(alert, f"{why}: it sounds as soon as it can")

    def retire(self) -> None:
        """Say which alerts have no round left. They stay as long as others run, which took turns with them: without
        them the others' rounds would lie elsewhere.
        """
        for ident, running in self._running.items():
            if ident in self._over or self._planner.has_rounds_left(ident) or self._sounds(ident):
                continue
            self._over.add(ident)  # nor may a clock that is set back bring it back
            if running.alert.cancelled_at is None:
                self._say_over(ident)
        if self._over.issuperset(self._running):
            self._running.clear()
            self._publish()

    def _say_over(self, ident: str) -> None:
        if ident in self._heard:
            self._acks.done(ident, "finished")
        else:
            self._acks.done(ident, "refused", detail="no_sound: its time passed and nothing had sounded")

    def _begin(self, accepted: Accepted) -> bool:
        seen = accepted.seen
        self._acks.accepted(seen.id)
        stored = self._remember(accepted)
        if accepted.overtaken:
            self._acks.done(seen.id, "cancelled", detail="its cancel came first")
        else:
            self._run(seen)
            self._publish()
        if not stored:
            self._acks.not_stored(seen.id)
            self._logbook.event("alert not_stored: it sounds all the same", area=seen.order.area)
        return not accepted.overtaken

    def _cancel(self, accepted: Accepted) -> bool:
        """Silence first; the store may take its time."""
        for ident in accepted.cancels:
            running = self._running.get(ident)
            if running is not None:
                cancelled = replace(running.alert, cancelled_at=accepted.seen.accepted_at)
                self._running[ident] = RunningAlert(cancelled, running.clips)
                self._acks.done(ident, "cancelled")
        self._publish()
        self._acks.accepted(accepted.seen.id)
        self._acks.done(accepted.seen.id, "finished")
        self._committer.submit(self._alerts.remember, accepted)
        return True

    def _refuse(self, refused: Refused) -> None:
        refusal = Refusal(refused.code, refused.detail, "alert")
        self._receiver.refused[refused.code] += 1
        self._logbook.refused(refusal, item=refused.id)
        if refused.id and (refused.id, refused.code) not in self._told:
            self._told.add((refused.id, refused.code))  # once: a thousand replays must not push out other receipts
            self._acks.refused(refused.id, f"{refused.code}: {refused.detail}")

    def _run(self, seen: Seen) -> None:
        """From here on the planner knows it."""
        start = seen.order
        stored = message_of(start, self.holdings) if isinstance(start, Start) else None
        if not isinstance(start, Start) or stored is None or self.holdings.placement is None:
            return
        try:
            clips = message_clips(start, stored.template, self.holdings.placement.languages, self._has)
            if stored.sha256 != start.template_sha256:  # replaced since: the signal alone, not what nobody ordered
                clips = []
        except NotAllowedError as error:
            log.warning("alert %s: %s", seen.id, error.detail)
            clips = []
        alert = ActiveAlert(
            id=seen.id, start=start, severity=stored.template.severity, drill=is_drill(start),
            accepted_at=seen.accepted_at, round_ms=round_ms(clips), cancelled_at=seen.cancelled_at,
        )  # fmt: skip
        self._logbook.titles[seen.id] = (stored.template.title, start.area)
        self._running[seen.id] = RunningAlert(alert, tuple(clips))

    def _remember(self, accepted: Accepted) -> bool:
        """Store it, waiting 100 ms at most: a stalled card must not cost an evacuation its minutes."""
        stored, failed = threading.Event(), threading.Event()

        def commit() -> None:
            try:
                self._alerts.remember(accepted)
            except StoreError:
                failed.set()
                stored.set()
                raise
            stored.set()

        self._committer.submit(commit)
        return stored.wait(COMMIT_LIMIT_S) and not failed.is_set()

    def _publish(self) -> None:
        self._planner.inputs.alerts = tuple(self._running.values())

    def _sounds(self, ident: str) -> bool:
        cue = self._planner.sounding
        return cue is not None and getattr(cue.about, "alert", "") == ident

    def _is_over(self, seen: Seen) -> bool:
        return seen.id in self._over or self._clock.now() > seen.accepted_at + LONGEST_ALERT_MS

    def _moment(self, *, is_after_refresh: bool) -> Moment:
        now, floor = self._clock.now(), self._clock.floor
        trusted = now if self._clock.quality() > TimeQuality.FLOOR_ONLY else floor
        return Moment(now, trusted, floor, is_after_refresh)
