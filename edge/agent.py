"""The device's main program: builds its parts bottom up, runs one loop, takes everything down in reverse order.

The only joiner of the rooms. The loop never waits for disk, network or sound: workers and the sound process do, and put
what they find on the inbox. Decisions about *when* stand at this level; about *what*, in the rooms.
"""

from __future__ import annotations

import logging
import random
import sys
import time
from functools import partial
from typing import Final

from edge.alarm import Alarm
from edge.config import Config
from edge.connections import make_fetcher, make_link
from edge.errors import DiskFullError, EdgeError
from edge.inbox import Inbox, Timers, Urgency
from edge.keeping import CertificateKeeper, make_renewal
from edge.link import Arrived, Connected, Delivered, Disconnected, LinkEvent
from edge.listening import Listening
from edge.logbook import Logbook
from edge.parts import Parts
from edge.plan.checks import Checks
from edge.plan.fallback import rung_of
from edge.plan.inputs import situation_of
from edge.plan.planner import Planner
from edge.play.pipe import Event
from edge.play.process import Gone
from edge.report.acks import Acks
from edge.report.outbox import Outbox
from edge.report.playlog import PlayLog
from edge.sense.power import PowerSensor
from edge.sounding import PlannerNotes, Sounding
from edge.speaker import Speaker
from edge.standing import Standing
from edge.sticks import Sticks
from edge.supply_line import Hauled, Refreshed, StickOutcome, Supply, SupplyLine, Tell
from edge.supplying import Supplying
from edge.sync.fetch import Fetcher
from edge.sync.receive import Receiver
from edge.timekeeping import Timekeeper
from edge.worker import Call, Worker
from wire.playlog import Receipt
from wire.timeline import TimeQuality
from wire.topics import device_subscriptions, emergency_area
from wire.trust.held import Refusal as TrustRefusal
from wire.units import SECOND, UtcTime

SWITCH_S: Final = 0.001
"""How long a thread that computes may keep the main loop from an emergency."""
HOUSEKEEPING_S: Final = 600.0
PUMP_S: Final = 5.0
STICK_S: Final = 2.0
STATUS_S: Final = 1.0
MOVED_NS: Final = 1_000_000
JUMPED_NS: Final = 1_000_000_000
PRUNE_EVERY: Final = 36
"""Rounds of housekeeping: six hours."""

log = logging.getLogger(__name__)


class Agent:
    """One device. `run` returns the exit code."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._config: Config = parts.config
        self._clock = parts.clock
        self._inbox = Inbox()
        self._timers = Timers()
        self._rounds = 0
        self._offset_ns = parts.clock.offset_ns
        self._subscribed = ""
        self._build()

    def run(self) -> int:
        """Until a signal. Whatever one event does wrong, the next one is dealt with."""
        sys.setswitchinterval(SWITCH_S)
        try:
            self._start()
            while True:
                self._step()
        except (KeyboardInterrupt, SystemExit):
            return 0
        finally:
            self._stop()

    # -- building, bottom up --

    def _build(self) -> None:
        parts, config = self._parts, self._config
        self._reporter = Worker("report", self._worker_failed)
        self._committer = Worker("alerts", self._worker_failed)
        self._checker = Worker("check", self._worker_failed)
        self._receiver = Receiver(parts.me.device)
        self._link = make_link(parts, self._put_message)
        self._playlog = PlayLog(parts.store)
        self._outbox = Outbox(parts.store, self._playlog, self._link, parts.identity, parts.me)
        self._logbook = Logbook(self._clock, self._playlog, self._outbox, self._reporter)
        self._speaker = Speaker(config.output, self._clock, parts.cache.path, self._put_sound)
        self._checks = Checks(parts.cache.has, lambda sha256: self._checker.submit(self._check, sha256))
        notes = PlannerNotes(self._logbook, lambda *told: self._alarm.cannot_sound(*told))  # noqa: PLW0108 - made below
        self._planner = Planner(self._clock, self._speaker, self._checks.state, notes)
        self._acks = Acks(parts.me.device, config.pace.ack_jitter_s, self._send_receipt, self._now)
        self._power = PowerSensor(config.power.mains_online, config.power.battery_capacity)
        fetcher = make_fetcher(parts)
        self._line = self._make_line(fetcher)
        self._supply = self._line.load()
        self._standing = Standing(
            parts, self._playlog, self._outbox, self._receiver, self._planner, self._link, self._logbook, self._supply
        )
        self._supplying = Supplying(
            self._line, self._timers, config.pace, self._standing, self._logbook, self._receiver, bool(config.hub_url)
        )
        self._alarm = Alarm(
            parts.alerts, planner=self._planner, acks=self._acks, logbook=self._logbook, receiver=self._receiver,
            clock=self._clock, has=parts.cache.has, committer=self._committer,
            ask_refresh=self._supplying.ask_for_keys,
        )  # fmt: skip
        self._listening = Listening(
            parts, self._link, self._receiver, self._alarm, self._planner, self._supplying, self._standing,
            self._logbook, self._outbox, self._reporter, self._timers, self._replan,
            restrained=lambda: self._take_supply(self._supply),
        )  # fmt: skip
        self._sounding = Sounding(
            self._speaker, self._planner, self._alarm, self._logbook, self._standing, self._timers, self._replan
        )
        bundle_found = partial(self._call, self._line.take_bundle)
        self._sticks = Sticks(parts, self._playlog, self._outbox, found=bundle_found, ordered=self._put_order)
        self._keeper = CertificateKeeper(
            make_renewal(parts, fetcher, lambda fresh: self._call(self._keeper.renewed, fresh)), self._link,
            self._timers, config.pace, self._logbook, Worker("certificate", self._worker_failed),
        )  # fmt: skip
        self._timekeeper = Timekeeper(
            self._clock, rtc=config.rtc, trust_kernel=not config.rig.clock_offset_s,
            changed=lambda: self._call(self._clock_heard), failed=lambda error: self._worker_failed("time", error),
        )  # fmt: skip

    def _make_line(self, fetcher: Fetcher | None) -> SupplyLine:
        parts = self._parts
        tell = Tell(
            supply=partial(self._call, self._take_supply),
            refreshed=partial(self._call, self._refreshed),
            hauled=partial(self._call, self._hauled),
            stick=partial(self._call, self._stick_done),
            clock_refused=partial(self._call, self._clock_refused),
        )
        return SupplyLine(
            me=parts.me, trust=parts.trust, library=parts.library, cache=parts.cache, syncer=parts.syncer,
            clock=self._clock, fetcher=fetcher, tell=tell, failed=self._worker_failed,
        )  # fmt: skip

    # -- running --

    def _start(self) -> None:
        self._timekeeper.first_look()
        self._sounding.begin()
        broken = self._playlog.close_broken(*self._now())
        quality = self._clock.quality()
        self._logbook.event(f"start boot {self._parts.boot_id} time {quality.name.lower()} broken_off {broken}")
        for refusal in self._parts.trust.boot_refusals:
            self._note_damage(refusal)
        self._read_power()
        self._take_supply(self._supply)
        self._clock_heard()
        self._timekeeper.start()
        self._link.start(self._subscriptions())
        self._supplying.ask(jitter_s=self._config.pace.refresh_jitter_s)
        for name, every_s, task in self._chores():
            self._repeat(name, every_s, task)
        self._keeper.start()
        log.info("programme known: %s, %s", self._standing.rung, quality.name.lower())

    def _chores(self) -> list[tuple[str, float, partial[None]]]:
        config = self._config
        return [
            ("power", config.power.interval_s or 5.0, partial(self._read_power)),
            ("health", config.pace.health_s, partial(self._standing.say_health)),
            ("pump", PUMP_S, partial(self._pump)),
            ("stick", STICK_S, partial(self._sticks.look)),
            ("status", STATUS_S, partial(self._standing.write_status)),
            ("housekeeping", HOUSEKEEPING_S, partial(self._keep_house)),
        ]

    def _repeat(self, name: str, every_s: float, task: partial[None]) -> None:
        """Do it now and then again, a fleet's devices drifting apart."""
        task()
        after = every_s * random.uniform(0.9, 1.1)  # noqa: S311
        self._timers.set(name, after, partial(self._repeat, name, every_s, task))

    def _step(self) -> None:
        """One event, or what is due."""
        event = self._inbox.get(self._timers.wait_s())
        try:
            if event is not None:
                self._handle(event)
            for task in self._timers.take_due():
                task()
        except Exception as error:
            log.exception("the loop goes on")
            self._logbook.event(f"internal {type(error).__name__}: {error}"[:500])

    def _stop(self) -> None:
        self._acks.flush()
        self._link.stop()
        for cue in self._planner.lost_all():
            self._logbook.ended(cue, None)
        self._speaker.stop()
        self._timekeeper.stop()
        self._sticks.stop()
        self._keeper.stop()
        self._line.stop()
        for worker in (self._checker, self._committer, self._reporter):
            worker.stop()

    def _handle(self, event: object) -> None:
        match event:
            case Call(function=function, arguments=arguments):
                function(*arguments)
            case Arrived() | Connected() | Disconnected() | Delivered():
                self._listening.take(event)
            case _:
                self._sounding.take(event)
        self._tick_acks()

    # -- from the workers --

    def _take_supply(self, supply: Supply) -> None:
        """What is held has changed, or what restrains it: plan anew."""
        self._supply = self._standing.supply = supply
        holdings = supply.holdings
        parts = self._parts
        self._receiver.area = holdings.area
        self._planner.inputs.situation = situation_of(
            holdings, serial=parts.me.serial, mutes=parts.mutes(), volume_percent=parts.volume_percent()
        )
        self._planner.forget_plan()
        self._alarm.set_holdings(holdings)
        if self._subscribed != holdings.area:
            self._subscribed = holdings.area
            self._link.subscribe(self._subscriptions())
            self._listening.ask_birth()
        self._replan()
        self._note_rung()
        self._supplying.plan_haul(supply, self._clock.now())

    def _note_rung(self) -> None:
        supply, situation = self._supply, self._planner.inputs.situation
        rung = rung_of(supply.holdings, situation, self._clock.now(), content_missing=supply.content_missing)
        if rung != self._standing.rung:
            self._standing.rung = rung
            self._logbook.event(f"rung {rung}", area=supply.holdings.area)
        self._standing.set_fault("content_missing", is_on=supply.content_missing)
        placement = supply.holdings.placement
        is_elsewhere = placement is not None and placement.serial != self._parts.me.serial
        self._standing.set_fault("duplicate_identity", is_on=is_elsewhere, why="placed with another hardware serial")

    def _refreshed(self, done: Refreshed) -> None:
        self._supplying.refreshed(done)
        self._standing.set_fault("metadata_stale", is_on=self._standing.is_stale())
        if done.report is not None:
            if self._alarm.take_held(self._parts.trust.held):
                self._replan()
            self._clock_heard()
            if done.report.installed:
                self._listening.ask_birth()  # the hub shows what each device holds

    def _hauled(self, done: Hauled) -> None:
        self._supplying.hauled(done, self._clock.now())

    def _stick_done(self, outcome: StickOutcome) -> None:
        self._supplying.note(outcome.report)
        what = f"refused: {outcome.error}" if outcome.error else f"taken: {len(outcome.report.installed)} new"
        self._logbook.event(f"bundle {outcome.path.name} {what}"[:500])
        if outcome.report.installed and self._alarm.take_held(self._parts.trust.held):
            self._replan()
        for raw in outcome.envelopes:
            self._listening.take_envelope(raw)
        # The rows about this stick go onto it too: first stored, then written.
        self._reporter.submit(self._sticks.answer, outcome)

    def _check(self, sha256: str) -> None:
        whole = self._parts.cache.check(sha256)
        self._call(self._checked, sha256, whole)

    def _checked(self, sha256: str, whole: bool) -> None:  # noqa: FBT001 - a worker's answer
        self._checks.done(sha256, whole=whole)
        if not whole:
            self._logbook.event(f"content {sha256} is damaged and will be fetched anew")
            self._line.settle()
        self._replan()

    def _clock_heard(self) -> None:
        """A source of time was asked. If instants mean other moments now, what is handed out is handed out anew."""
        moved_ns = self._clock.offset_ns - self._offset_ns
        self._offset_ns = self._clock.offset_ns
        self._standing.set_fault("no_time", is_on=self._clock.quality() == TimeQuality.FLOOR_ONLY)
        refusal = self._clock.refusal
        self._standing.set_fault("clock_refused", is_on=refusal is not None, why=refusal.source if refusal else "")
        if abs(moved_ns) < MOVED_NS:
            return
        log.info("clock moved by %.3f s, %s", moved_ns / 1e9, self._clock.quality().name.lower())
        if abs(moved_ns) >= JUMPED_NS:
            self._alarm.shift(moved_ns // 1_000_000)
            self._logbook.event(f"clock moved by {moved_ns // 1_000_000} ms to {self._clock.quality().name.lower()}")
        self._planner.recue(all_of_it=abs(moved_ns) >= JUMPED_NS)
        self._replan()

    def _clock_refused(self, why: str) -> None:
        self._logbook.event(f"clock_refused {why}"[:500])

    def _worker_failed(self, name: str, error: EdgeError) -> None:
        """Called by any thread."""
        self._call(self._note_failure, name, error)

    def _note_failure(self, name: str, error: EdgeError) -> None:
        log.error("%s: %s", name, error)
        if name == "sync":
            self._refreshed(Refreshed(None, error))
        if name == "haul":
            self._hauled(Hauled(error))
        if name in ("report", "alerts", "time"):
            fault = "disk_full" if isinstance(error, DiskFullError) else "store_failing"
            self._standing.set_fault(fault, is_on=True, why=str(error))

    # -- chores --

    def _replan(self) -> None:
        wake_at = self._planner.replan()
        self._timers.set("plan", (wake_at - self._clock.now()) / SECOND, self._replan)
        if self._alarm.is_active:
            self._alarm.retire()

    def _read_power(self) -> None:
        power = self._power.read()
        if power != self._planner.inputs.power:
            percent = "" if power.percent is None else f" {power.percent} %"
            self._logbook.event(f"power {power.source.name.lower()}{percent}")
            self._planner.inputs.power = power
            self._replan()

    def _pump(self) -> None:
        self._reporter.submit(self._outbox.pump)

    def _tick_acks(self) -> None:
        due = self._acks.tick()
        if due is not None:
            self._timers.set("acks", due - time.monotonic(), self._tick_acks)

    def _keep_house(self) -> None:
        now, quality = self._now()
        self._rounds += 1
        if quality > TimeQuality.FLOOR_ONLY:
            self._committer.submit(self._parts.alerts.forget, now)
        if self._rounds % PRUNE_EVERY == 0:
            limits = self._config.store
            self._reporter.submit(partial(self._playlog.prune, now, most_rows=limits.log_rows, days=limits.log_days))
            self._line.settle()
        self._note_rung()
        self._standing.set_fault("metadata_stale", is_on=self._standing.is_stale())

    def _send_receipt(self, receipt: Receipt) -> None:
        self._reporter.submit(self._outbox.add_receipt, receipt)

    def _note_damage(self, refusal: TrustRefusal) -> None:
        self._logbook.event(f"metadata {refusal.role} damaged on the disk: {refusal.code} {refusal.detail}"[:500])

    def _subscriptions(self) -> list[tuple[str, int]]:
        return device_subscriptions(self._parts.me.device, self._supply.holdings.area or None)

    def _now(self) -> tuple[UtcTime, TimeQuality]:
        return self._clock.now(), self._clock.quality()

    def _call(self, function: object, *arguments: object) -> None:
        self._inbox.put(Call(function, arguments))  # type: ignore[arg-type]

    def _put_order(self, raw: bytes) -> None:
        self._inbox.put(Call(self._listening.take_envelope, (raw,)), Urgency.EMERGENCY)

    def _put_sound(self, event: Event | Gone) -> None:
        self._inbox.put(event, Urgency.SOUND)

    def _put_message(self, event: LinkEvent) -> None:
        """Called by the link's thread: only hands over."""
        is_message = isinstance(event, Arrived) and emergency_area(event.topic) is None
        is_emergency = isinstance(event, Arrived) and not is_message
        self._inbox.put(event, Urgency.MESSAGE if is_message else Urgency.EMERGENCY if is_emergency else Urgency.OWN)
