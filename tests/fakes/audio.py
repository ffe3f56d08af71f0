"""A stage that keeps the sound process's rules with a stepped clock, so that a planner plays days in milliseconds.

Rules kept (edge/play/pipe.py): a cue whose instant has passed joins in the middle, unless it is `asap`; `after` begins
at the sample at which that cue ends; `asap` ends whatever else sounds, as pre-empted; a cancelled cue stops at once,
and one that had not begun says that it never will.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.plan.cues import Cue
from edge.plan.planner import Planner
from edge.play.pipe import CANCELLED, NEVER_BEGAN, PREEMPTED, TOO_LATE
from tests.fakes.clock import FakeClock
from wire.units import UtcTime


@dataclass
class Sounded:
    """A stretch of sound as it was heard."""

    cue: Cue
    start: UtcTime
    offset_ms: int
    end: UtcTime | None = None
    why: str = ""

    @property
    def what(self) -> str:
        return getattr(self.cue.about, "item", "") or ("clip" if self.cue.sound else self.cue.signal)


class FakeStage:
    """`heard` is what was heard, in order. Call `run_until` to let time pass."""

    def __init__(self, clock: FakeClock) -> None:
        self.planner: Planner | None = None
        self.heard: list[Sounded] = []
        self.failed: list[tuple[Cue, str]] = []
        self._clock = clock
        self._waiting: dict[str, Cue] = {}
        self._sounding: dict[str, Sounded] = {}
        self._ends: dict[str, UtcTime] = {}

    def play(self, cue: Cue) -> None:
        assert cue.id not in self._waiting, f"{cue.id} twice"
        assert cue.id not in self._sounding, f"{cue.id} twice"
        self._waiting[cue.id] = cue
        if cue.asap:
            for other in list(self._sounding.values()):
                self._stop(other, PREEMPTED)
            self._begin(cue, cue.start, 0)

    def cancel(self, cue_id: str) -> None:
        if cue_id in self._sounding:
            self._stop(self._sounding[cue_id], CANCELLED)
        elif self._waiting.pop(cue_id, None) is not None:
            self._planner.ended(cue_id, for_good=True)
            self.failed.append((self._none, NEVER_BEGAN))

    def run_until(self, instant: UtcTime) -> None:
        """Step from event to event, replanning as the agent does."""
        wake = self._planner.replan()
        while self._clock.at < instant:
            self._begin_due()
            nexts = [wake, instant, *self._edges()]
            self._clock.at = UtcTime(max(self._clock.at + 1, min(nexts)))
            self._end_due()
            self._begin_due()
            wake = self._planner.replan()

    @property
    def sounding(self) -> list[Sounded]:
        return list(self._sounding.values())

    @property
    def _planner(self) -> Planner:
        assert self.planner is not None
        return self.planner

    @property
    def _none(self) -> Cue:
        return self.heard[-1].cue if self.heard else Cue("", "", UtcTime(0), UtcTime(0), None, 0, None)  # type: ignore[arg-type]

    def _edges(self) -> list[UtcTime]:
        ends = [self._end_of(sounded) for sounded in self._sounding.values()]
        return [*ends, *(self._start_of(cue) for cue in self._waiting.values())]

    def _start_of(self, cue: Cue) -> UtcTime:
        return self._ends.get(cue.after or "", cue.start)

    def _end_of(self, sounded: Sounded) -> UtcTime:
        length = sounded.cue.end - sounded.cue.start - sounded.offset_ms
        return UtcTime(sounded.start + length)

    def _begin_due(self) -> None:
        for cue in list(self._waiting.values()):
            start = self._start_of(cue)
            if cue.after in self._sounding or start > self._clock.at:
                continue
            offset = 0 if cue.after in self._ends else self._clock.at - start
            if offset >= cue.end - cue.start:
                del self._waiting[cue.id]
                self.failed.append((cue, TOO_LATE))
                self._planner.ended(cue.id, for_good=True)
                continue
            self._begin(cue, start if not offset else self._clock.at, offset)

    def _begin(self, cue: Cue, start: UtcTime, offset: int) -> None:
        del self._waiting[cue.id]
        sounded = Sounded(cue, start, offset)
        self.heard.append(sounded)
        self._sounding[cue.id] = sounded
        self._planner.started(cue.id)

    def _end_due(self) -> None:
        for sounded in list(self._sounding.values()):
            if self._end_of(sounded) <= self._clock.at:
                sounded.end = self._ends[sounded.cue.id] = self._end_of(sounded)
                del self._sounding[sounded.cue.id]
                self._planner.ended(sounded.cue.id, for_good=True)

    def _stop(self, sounded: Sounded, why: str) -> None:
        sounded.end, sounded.why = self._clock.at, why
        del self._sounding[sounded.cue.id]
        self._planner.ended(sounded.cue.id, for_good=False)
