"""What sounds next: holds the inputs, asks `wire.timeline.decide` a little ahead, hands out cues, takes back what is no
longer planned. It remembers nothing of its own: after a restart the same inputs give the same cues, joined where the
programme is by then.

Called by the agent's main loop alone. Every change of an input ends in `replan`, and so does the instant it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, Protocol

from edge.clock import Clock
from edge.plan.cues import Cue, Part, RunningAlert, Stage, play_parts, reserve_parts, round_parts
from edge.plan.needs import reserve_of
from wire.content import Sound
from wire.timeline import (
    ActiveAlert,
    AlertRound,
    DayPlan,
    Decision,
    Omission,
    PlannedPlay,
    Power,
    Reason,
    Situation,
    Why,
    alert_rounds,
    broadcast_day,
    day_bounds,
    decide,
    plan_day,
)
from wire.units import HOUR, SECOND, UtcTime

AHEAD_MS: Final = 20 * SECOND
STEPS: Final = 40
CUES_AHEAD: Final = 12
LONGEST_REST_MS: Final = 10 * SECOND
TAIL_MS: Final = 400
"""Sound leaves the loudspeaker a little after its instant: what has less than this left is not cut."""
LASTS_MS: Final = 3 * SECOND
FRESH_MS: Final = 2 * SECOND
ONE_DAY: Final = timedelta(days=1)
OF_ALERTS: Final = (Why.ALERT, Why.ALERT_PAUSE, Why.ALERT_SILENCED, Why.DRILL, Why.DRILL_PAUSE)
ALERT_AHEAD_MS: Final = 2 * HOUR
CONTENT_MISSING: Final = "content_missing"
NO_SOUND_DEVICE: Final = "no_sound_device"

Checked = Callable[[Sound], bool | None]


class Notes(Protocol):
    """What the planner has to tell for the log."""

    def omitted(self, omission: Omission) -> None:
        """Something is due and may not sound, or cannot sound here. Said once."""

    def unheard(self, play: PlannedPlay | AlertRound, why: str) -> None:
        """Something is due and is not heard, for a reason of this device: `CONTENT_MISSING` (the reserve set or
        silence takes its place) or `NO_SOUND_DEVICE`. Said once.
        """


@dataclass
class Inputs:
    """What the plan depends on; the agent replaces fields and calls `replan`."""

    situation: Situation | None = None
    alerts: tuple[RunningAlert, ...] = ()
    power: Power = field(default_factory=Power.unknown)


@dataclass
class _Handed:
    cue: Cue
    is_sounding: bool = False
    is_cancelled: bool = False


class Planner:
    """`checked` says of a sound whether it is whole on the disk: True, False, or None while that is being found out."""

    def __init__(self, clock: Clock, stage: Stage, checked: Checked, notes: Notes) -> None:
        self.inputs = Inputs()
        self._clock = clock
        self._stage = stage
        self._checked = checked
        self._notes = notes
        self._handed: dict[str, _Handed] = {}
        self._done: dict[str, UtcTime] = {}
        self._replaced: dict[str, UtcTime] = {}
        self._due_since: dict[tuple[UtcTime, str, str, str], UtcTime] = {}
        self._told: dict[tuple[UtcTime, str, str, str], UtcTime] = {}
        self._plans: dict[date, DayPlan] = {}
        self._attempt = 0
        self._lost_since: UtcTime | None = None

    def sound_lost(self) -> None:
        """The sound process or its card is gone, or not there yet."""
        self._lost_since = self._lost_since or self._clock.now()

    def sound_back(self) -> None:
        self._lost_since = None

    @property
    def sounding(self) -> Cue | None:
        """An alert's cue if one sounds, else the programme's."""
        cues = [handed.cue for handed in self._handed.values() if handed.is_sounding]
        return next((cue for cue in cues if cue.is_alert), cues[0] if cues else None)

    def forget_plan(self) -> None:
        """Programmes, policies, placement or mutes have changed."""
        self._plans.clear()

    def replan(self) -> UtcTime:
        """Bring what is handed out in line with the inputs; the instant at which to ask again at the latest."""
        now = self._clock.now()
        if self.inputs.situation is None:
            self._keep_only({}, now)
            return UtcTime(now + LONGEST_REST_MS)
        decisions = self._decisions(self.inputs.situation, now)
        wanted = self._wanted(decisions, now)
        self._hand_out(cue for cue in wanted.values() if cue.asap)
        self._keep_only(wanted, now)
        alert_sounds = any(handed.cue.is_alert for handed in self._handed.values())
        # After an alert the programme waits for its last sample, then joins where it is by then.
        self._hand_out(cue for cue in wanted.values() if cue.is_alert or not alert_sounds)
        self._tell_omissions(decisions[0], now)
        self._tell_unheard(decisions[0].play, now)
        return self._wake_at(decisions, now)

    def started(self, cue_id: str) -> Cue | None:
        handed = self._by_id(cue_id)
        if handed is None:
            return None
        handed.is_sounding = True
        return handed.cue

    def paused(self, cue_id: str) -> Cue | None:
        """The card is gone in the middle; the sound process resumes by itself."""
        handed = self._by_id(cue_id)
        if handed is not None:
            handed.is_sounding = False
        return handed.cue if handed else None

    def ended(self, cue_id: str, *, for_good: bool) -> Cue | None:
        """It sounds no more. `for_good`: finished or failed; if it was stopped, it may be joined again later."""
        handed = self._by_id(cue_id)
        if handed is None:
            return None
        del self._handed[handed.cue.part]
        if for_good:
            self._done[handed.cue.part] = handed.cue.end
        return handed.cue

    def lost_all(self) -> list[Cue]:
        """The sound process is gone with everything that it had; returned is what was sounding."""
        sounding = [handed.cue for handed in self._handed.values() if handed.is_sounding]
        self._handed.clear()
        return sounding

    def recue(self, *, all_of_it: bool) -> None:
        """Instants mean other moments now: take back what has not begun, or all, for `replan` to hand out anew."""
        for handed in list(self._handed.values()):
            if all_of_it or not handed.is_sounding:
                self._take_back(handed)
        if self._lost_since is not None:
            self._lost_since = self._clock.now()

    def has_rounds_left(self, alert_id: str) -> bool:
        """Whether a round of this alert sounds now or is still to come."""
        now = self._clock.now()
        alerts = [running.alert for running in self.inputs.alerts]
        ahead = alert_rounds(alerts, UtcTime(now + ALERT_AHEAD_MS))
        return any(turn.alert == alert_id and turn.end > now for turn in ahead)

    def _decisions(self, situation: Situation, now: UtcTime) -> list[Decision]:
        found: list[Decision] = []
        at = now
        while at < now + AHEAD_MS and len(found) < STEPS:
            decision = self._decide(situation, at)
            found.append(decision)
            at = decision.until
        return found

    def _decide(self, situation: Situation, at: UtcTime) -> Decision:
        alerts = [running.alert for running in self.inputs.alerts]
        day = broadcast_day(at)
        plan = self._plans.get(day)
        if plan is None and alerts:
            # While an alert sounds, no plan is worth waiting for.
            decision = self._ask(situation, alerts, at, DayPlan(*day_bounds(day), (), (), day))
            if decision.why[0].code in OF_ALERTS:
                return decision
        if plan is None:
            self._plans = {known: kept for known, kept in self._plans.items() if known >= day - ONE_DAY}
            plan = self._plans[day] = plan_day(situation, day)
        return self._ask(situation, alerts, at, plan)

    def _ask(self, situation: Situation, alerts: list[ActiveAlert], at: UtcTime, plan: DayPlan) -> Decision:
        return decide(situation, alerts, self.inputs.power, self._clock.quality(), at, plan=plan)

    def _wanted(self, decisions: list[Decision], now: UtcTime) -> dict[str, Cue]:
        wanted: dict[str, Cue] = {}
        before: Cue | None = None
        in_alert = False
        for decision in decisions:
            in_alert = in_alert or isinstance(decision.play, AlertRound)
            if in_alert and isinstance(decision.play, PlannedPlay):
                break
            if decision.play is None or len(wanted) >= CUES_AHEAD:
                continue
            for part in self._parts(decision.play):
                if part.key in wanted or part.end <= now or part.key in self._done:
                    continue
                before = self._cue(part, decision, before, now)
                wanted[part.key] = before
        return wanted

    def _parts(self, play: PlannedPlay | AlertRound) -> list[Part]:
        """The parts of a play or round that can be heard: those whose sound is known to be whole."""
        if isinstance(play, AlertRound):
            clips = next((list(r.clips) for r in self.inputs.alerts if r.alert.id == play.alert), [])
            return [part for part in round_parts(play, clips) if self._is_whole(part)]
        parts = play_parts(play)
        if play.key in self._replaced or any(self._is_whole(part) is False for part in parts):
            self._replaced[play.key] = play.end
            parts = self._reserve_for(play)
        return [part for part in parts if self._is_whole(part)]

    def _reserve_for(self, play: PlannedPlay) -> list[Part]:
        assert self.inputs.situation is not None  # noqa: S101 - there is a play
        _, sounds = reserve_of(self.inputs.situation)
        return reserve_parts(play, [sound for sound in sounds if self._checked(sound) is not False])

    def _is_whole(self, part: Part) -> bool | None:
        if part.sound is None or part.key in self._handed or part.key in self._done:
            return True
        return self._checked(part.sound)

    def _cue(self, part: Part, decision: Decision, before: Cue | None, now: UtcTime) -> Cue:
        handed = self._handed.get(part.key)
        if handed is not None:
            return handed.cue
        play = decision.play
        assert play is not None  # noqa: S101 - the caller skipped the others
        self._attempt += 1
        opens = isinstance(play, AlertRound) and part.sound is None
        follows = before is not None and before.end == part.start and before.is_alert == isinstance(play, AlertRound)
        return Cue(
            id=f"{part.key}.{self._attempt}", part=part.key, start=part.start, end=part.end, sound=part.sound,
            volume=decision.volume, about=play, is_reserve=part.is_reserve,
            asap=opens and part.start <= now < part.start + FRESH_MS,
            after=before.id if before is not None and follows else None,
        )  # fmt: skip

    def _hand_out(self, cues: Iterable[Cue]) -> None:
        for cue in cues:
            if cue.part not in self._handed:
                self._handed[cue.part] = _Handed(cue)
                self._stage.play(cue)

    def _keep_only(self, wanted: dict[str, Cue], now: UtcTime) -> None:
        for part, handed in list(self._handed.items()):
            is_tail = handed.is_sounding and handed.cue.end <= now + TAIL_MS
            if part not in wanted and not is_tail:
                self._take_back(handed)

    def _take_back(self, handed: _Handed) -> None:
        """What sounds stays on the list until the stage says that it has ended; what never began is off it at once."""
        if not handed.is_sounding:
            del self._handed[handed.cue.part]
        if not handed.is_cancelled:
            handed.is_cancelled = True
            self._stage.cancel(handed.cue.id)

    def _tell_omissions(self, decision: Decision, now: UtcTime) -> None:
        """Say once what should sound now and does not."""
        play = decision.play
        due = [omission for omission in decision.why_not if omission.at <= now]
        if isinstance(play, PlannedPlay) and not play_parts(play):
            due.append(play.omitted(Reason(Why.NO_RENDITION)))
        for omission in due:
            if self._is_news((omission.at, omission.slot, omission.item, omission.language), now):
                self._notes.omitted(omission)
        if isinstance(play, PlannedPlay) and play.key in self._replaced:
            missing = (play.start, play.slot, play.item, CONTENT_MISSING)
            if self._is_news(missing, now):
                self._notes.unheard(play, CONTENT_MISSING)

    def _tell_unheard(self, play: PlannedPlay | AlertRound | None, now: UtcTime) -> None:
        """Say once what is due while nothing can sound; a card that is back within a moment is no news."""
        if self._lost_since is None or now - self._lost_since < LASTS_MS or play is None:
            return
        unheard = (play.start, play.key, "", NO_SOUND_DEVICE)
        if play.start <= now and unheard not in self._told:
            self._told[unheard] = now
            self._notes.unheard(play, NO_SOUND_DEVICE)

    def _is_news(self, what: tuple[UtcTime, str, str, str], now: UtcTime) -> bool:
        """Once it has lasted a moment: what the first second after a start does not know is no news."""
        since = self._due_since.setdefault(what, now)
        if now - since < LASTS_MS or what in self._told:
            return False
        self._told[what] = now
        return True

    def _wake_at(self, decisions: list[Decision], now: UtcTime) -> UtcTime:
        """The next edge; on the way, forget what lies long behind."""
        memories: tuple[dict[Any, UtcTime], ...] = (self._done, self._replaced, self._due_since, self._told)
        for memory in memories:
            for key in [key for key, at in memory.items() if at < now - HOUR]:
                del memory[key]
        is_fresh = self._lost_since is not None and now - self._lost_since < LASTS_MS
        soon = LASTS_MS if is_fresh or set(self._due_since) - set(self._told) else LONGEST_REST_MS
        return min([UtcTime(now + soon), *(d.until for d in decisions if d.until > now)])

    def _by_id(self, cue_id: str) -> _Handed | None:
        handed = self._handed.get(cue_id.rpartition(".")[0])
        return handed if handed is not None and handed.cue.id == cue_id else None
