"""What the network asks for: messages of the broker become acts of the parts that deal with them.

Belongs to the main loop. Nothing here is trusted: orders are verified by `alarm`, metadata by a refresh, and what an
unsigned command may do is harmless and bounded.
"""

from __future__ import annotations

import base64
import binascii
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.alarm import Alarm
from edge.inbox import Timers
from edge.link import Arrived, Connected, Delivered, Disconnected, Link, LinkEvent
from edge.logbook import Logbook
from edge.parts import Parts
from edge.plan.inputs import TurnedDown, encode_mutes, with_mute
from edge.plan.planner import Planner
from edge.report.outbox import Outbox
from edge.standing import Standing
from edge.supplying import Supplying
from edge.sync.receive import EnvelopeArrived, Receiver, Refusal
from edge.worker import Worker
from wire.codec import encode
from wire.playlog import Logged
from wire.telemetry import Command, Versions
from wire.timeline import Mute
from wire.timeline.situation import MAX_MUTE_MS
from wire.units import UtcTime

COMMANDS_A_MINUTE: Final = 30
"""Beyond it unsigned commands are only counted: each writes a row, plans anew or sends, and evidence has a quota."""
MINUTE_S: Final = 60

log = logging.getLogger(__name__)


@dataclass
class Listening:
    """One device's ear. `replan` and `restrained` are the agent's."""

    parts: Parts
    link: Link
    receiver: Receiver
    alarm: Alarm
    planner: Planner
    supplying: Supplying
    standing: Standing
    logbook: Logbook
    outbox: Outbox
    reporter: Worker
    timers: Timers
    replan: Callable[[], None]
    restrained: Callable[[], None]
    """A mute or a lower volume has been stored."""
    _session: str = ""
    _commands_in: tuple[int, int] = (0, 0)

    def take(self, event: LinkEvent) -> None:
        """One event of the link."""
        match event:
            case Arrived():
                self._take_message(event)
            case Connected(session=session):
                log.info("connected, session %s", session)
                self._session = session
                self.reporter.submit(self.outbox.restart)
                self.timers.drop("birth")
                self.ask_birth()
            case Disconnected(why=why):
                log.info("not connected: %s", why)
                self.timers.drop("birth")
            case Delivered(number=number):
                self.reporter.submit(self.outbox.mark_delivered, number)

    def take_envelope(self, raw: bytes) -> None:
        """An order, from whichever carrier."""
        if self.alarm.take(raw, self.parts.trust.held):
            self.replan()

    def ask_birth(self) -> None:
        """Announce ourselves soon; under an alert at once, since the answer may be its cancel."""
        jitter_s = 0 if self.alarm.is_active else self.parts.config.pace.birth_jitter_s
        self.timers.set_no_later("birth", random.uniform(0, jitter_s), self._say_birth)  # noqa: S311

    def _take_message(self, event: Arrived) -> None:
        message = self.receiver.read(event.topic, event.payload)
        match message:
            case EnvelopeArrived(raw=raw):
                self.take_envelope(raw)
            case Versions():
                self._nudged(message, is_news=not event.retained)
            case Command():
                self._obey(message)
            case Logged():
                self.reporter.submit(self.outbox.mark_logged, message)
            case Refusal():
                self.logbook.refused(message)

    def _nudged(self, versions: Versions, *, is_news: bool) -> None:
        """Refresh if there is something newer. The hub says the same again when its worker is back: what we announced
        meanwhile it has not heard.
        """
        timestamp = self.parts.trust.held.timestamp
        if timestamp is None or versions.timestamp > timestamp.version:
            self.supplying.ask(jitter_s=self.parts.config.pace.refresh_jitter_s)
        elif is_news:
            self.ask_birth()

    def _obey(self, command: Command) -> None:
        if command.kind != "envelope" and not self._has_share_left():
            self.receiver.refused["too_many"] += 1
            return
        match command.kind:
            case "refresh":
                self.supplying.ask(jitter_s=self.parts.config.pace.refresh_jitter_s, hint=command.area)
            case "health":
                self.standing.say_health()
            case "log":
                self.reporter.submit(self.outbox.rewind, command.seq)
            case "envelope":
                self._take_carried(command.body)
            case "quieter":
                self._be_quieter(command)

    def _has_share_left(self) -> bool:
        """Whether the minute's share of unsigned commands is not used up."""
        minute = int(time.monotonic()) // MINUTE_S
        count = self._commands_in[1] + 1 if self._commands_in[0] == minute else 1
        self._commands_in = (minute, count)
        return count <= COMMANDS_A_MINUTE

    def _take_carried(self, body: str) -> None:
        try:
            raw = base64.b64decode(body, validate=True)
        except (ValueError, binascii.Error) as error:
            self.logbook.refused(Refusal("malformed", str(error), "cmd"))
            return
        self.take_envelope(raw)

    def _be_quieter(self, command: Command) -> None:
        """Stop, mute or volume down, 30 days at most; none of them touches an emergency. Louder takes a signature."""
        now = self.parts.clock.now()
        cue = self.planner.sounding
        until = command.until or (cue.end if cue is not None and not cue.is_alert else now)
        mutes = self.parts.mutes()
        muted = with_mute(mutes, Mute(now, UtcTime(until))) if until > now else mutes
        is_lower = command.volume_percent < self.parts.volume_percent()
        if muted == mutes and not is_lower:
            return
        self.parts.store.put(mutes=encode_mutes(muted))
        if is_lower:
            lower = TurnedDown(command.volume_percent, UtcTime(now + MAX_MUTE_MS))
            self.parts.store.put(turned_down=encode(lower).decode())
        self.logbook.event(f"quieter until {until} volume {self.parts.volume_percent()}")
        self.restrained()

    def _say_birth(self) -> None:
        if self.link.is_connected:
            self.standing.say_birth(self._session)
            self.standing.say_health()
            self.reporter.submit(self.outbox.pump)
