"""What the sound process says: cues begin and end, the card comes and goes, the process dies and is started again.

Belongs to the main loop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from edge.alarm import Alarm
from edge.inbox import Timers
from edge.logbook import Logbook
from edge.plan.planner import Planner
from edge.play.pipe import (
    EXIT_NO_DEVICE,
    EXIT_NO_LIBRARY,
    INTERRUPTED,
    Failed,
    Finished,
    Ready,
    Started,
    Stopped,
    Trouble,
    Underrun,
)
from edge.play.process import Gone
from edge.speaker import Speaker
from edge.standing import Standing
from wire.timeline import AlertRound, Omission, PlannedPlay

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlannerNotes:
    """What the planner tells becomes rows; an alert that cannot be heard becomes a receipt too."""

    logbook: Logbook
    cannot_sound: Callable[[str, str], None]
    """Takes the alert's id and why."""

    def omitted(self, omission: Omission) -> None:
        self.logbook.omitted(omission)

    def unheard(self, play: PlannedPlay | AlertRound, why: str) -> None:
        self.logbook.unheard(play, why)
        if isinstance(play, AlertRound):
            self.cannot_sound(play.alert, why)


@dataclass
class Sounding:
    """One device's hand on the sound process. `replan` is the agent's."""

    speaker: Speaker
    planner: Planner
    alarm: Alarm
    logbook: Logbook
    standing: Standing
    timers: Timers
    replan: Callable[[], None]

    def begin(self) -> None:
        """Start the sound process. Until it says that it is ready nothing can be heard."""
        self.planner.sound_lost()
        self.speaker.start()

    def take(self, event: object) -> None:
        """One event of the sound process."""
        match event:
            case Started(id=ident):
                self._cue_started(ident, event)
            case Stopped(id=ident, why=why) if why == INTERRUPTED:
                self._cue_ended(ident, event, resumes=True)
            case Finished(id=ident) | Stopped(id=ident) | Failed(id=ident):
                self._cue_ended(ident, event, resumes=False)
            case Ready(output=output, device=device):
                self.standing.output = f"{output} {device}".strip()
                self.standing.set_fault("no_sound_device", is_on=False)
                self.standing.set_fault("play_restarting", is_on=False)
                self.planner.sound_back()
            case Trouble(why=why):
                self.standing.set_fault("no_sound_device", is_on=True, why=why)
                self._lose_sound()
            case Underrun(count=count):
                self.logbook.event(f"underrun {count}")
            case Gone(exit_code=code):
                self._died(code)
            case _:
                log.warning("the sound process: %s", event)

    def _cue_started(self, ident: str, event: Started) -> None:
        cue = self.planner.started(ident)
        if cue is not None:
            self.logbook.started(cue, event)
            self.alarm.cue_started(cue)

    def _cue_ended(self, ident: str, event: Finished | Stopped | Failed, *, resumes: bool) -> None:
        is_for_good = not isinstance(event, Stopped)
        cue = self.planner.paused(ident) if resumes else self.planner.ended(ident, for_good=is_for_good)
        if cue is None:
            return
        if isinstance(event, Failed):
            log.warning("%s did not sound: %s", cue.part, event.why)
        self.logbook.ended(cue, event)
        self.replan()

    def _died(self, code: int) -> None:
        log.warning("the sound process ended with %s", code)
        for cue in self.planner.lost_all():
            self.logbook.ended(cue, None)
        fault = "no_sound_device" if code in (EXIT_NO_DEVICE, EXIT_NO_LIBRARY) else "play_restarting"
        self.standing.set_fault(fault, is_on=True, why=f"exit code {code}")
        self.timers.set("speaker", self.speaker.pause_after_death(code), self._restart)
        self._lose_sound()

    def _lose_sound(self) -> None:
        """What is due from now on is told as unheard."""
        self.planner.sound_lost()
        self.replan()

    def _restart(self) -> None:
        self.speaker.start()
        self.planner.lost_all()
        self.replan()
