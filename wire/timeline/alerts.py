"""Alerts that the device has accepted, and the rounds in which they sound.

A round is attention signal and message. Alerts that sound together take turns, the more severe, the earlier issued and
then the lower id first; one graver than the running one cuts in as it arrives, others wait for the end of the round.
A drill begins at once like an alert, but waits while any emergency is in force. Once accepted, an alert ends by its
repeat budget or a cancel, not by its `expires`: that only bars its acceptance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from wire.alert import Start, budget_end
from wire.units import MINUTE, Milliseconds, UtcTime

MAX_SILENCE_MS = 5 * MINUTE
LONG_AGO = UtcTime(-(2**63))


@dataclass(frozen=True)
class ActiveAlert:
    """An accepted alert. `round_ms` is the length of attention signal and message as this device sounds them."""

    id: str
    start: Start
    severity: int
    drill: bool
    accepted_at: UtcTime
    round_ms: Milliseconds
    cancelled_at: UtcTime | None = None
    silenced: tuple[UtcTime, UtcTime] | None = None
    """The button at the pole: from, until; bounded to 5 minutes."""

    @property
    def rank(self) -> tuple[bool, int]:
        """The greater cuts in on the lesser."""
        return (not self.drill, self.severity)

    def is_cancelled(self, at: UtcTime) -> bool:
        return self.cancelled_at is not None and self.cancelled_at <= at

    def is_silenced(self, at: UtcTime) -> bool:
        return self.silenced is not None and self.silenced[0] <= at < self.silence_end

    @property
    def silence_end(self) -> UtcTime:
        return UtcTime(min(self.silenced[1], self.silenced[0] + MAX_SILENCE_MS)) if self.silenced else UtcTime(0)


@dataclass(frozen=True)
class AlertRound:
    """One round of an alert: attention signal and message. `number` counts from 1."""

    alert: str
    number: int
    start: UtcTime
    end: UtcTime
    severity: int
    drill: bool
    is_cut: bool = False
    """A more severe alert, a cancel or the button ends it before the message is complete; it is not counted."""

    @property
    def key(self) -> str:
        """The same on every recomputation."""
        return f"{self.alert}-{self.number}-{self.start}"


@dataclass(frozen=True)
class AlertPause:
    """Silence in which the programme does not come back, since a further round follows."""

    alert: str
    kind: Literal["pause", "silenced"]
    start: UtcTime
    end: UtcTime
    drill: bool


def alert_rounds(alerts: Iterable[ActiveAlert], until: UtcTime) -> tuple[AlertRound, ...]:
    """Every round that begins before `until`, in order, none overlapping."""
    return tuple(step for step in alert_course(alerts, until) if isinstance(step, AlertRound))


def alert_course(alerts: Iterable[ActiveAlert], until: UtcTime) -> tuple[AlertRound | AlertPause, ...]:
    """Rounds and pauses that begin before `until`; in the gaps the programme has the loudspeaker."""
    states = [_State(alert) for alert in alerts]
    steps: list[AlertRound | AlertPause] = []
    now: UtcTime | None = _next([state.alert.accepted_at for state in states], LONG_AGO)
    while now is not None and now < until:
        pool = _in_force(states, now)
        if not pool:
            now = _next([state.alert.accepted_at for state in states], now)
            continue
        ready = [state for state in pool if state.next_round(now) <= now]
        step = _sound(min(ready, key=_State.turn), states, now) if ready else _pause(pool, states, now)
        steps.append(step)
        now = step.end
    return tuple(steps)


@dataclass
class _State:
    """How far one alert has got."""

    alert: ActiveAlert
    rounds: int = 0
    first: UtcTime | None = None
    ready: UtcTime = LONG_AGO
    last: UtcTime = LONG_AGO
    """When it last sounded; the one that has waited longest is next."""

    def turn(self) -> tuple[int, int, int, str]:
        return (self.last, -self.alert.severity, self.alert.start.issued, self.alert.id)

    def next_round(self, now: UtcTime) -> UtcTime:
        """The earliest instant, not before `now`, at which the next round may begin."""
        at = max(self.ready, now)
        return self.alert.silence_end if self.alert.is_silenced(at) else at

    def is_in_force(self, now: UtcTime) -> bool:
        alert = self.alert
        if now < alert.accepted_at or alert.is_cancelled(now) or self.rounds >= alert.start.repeat.times:
            return False
        # A drill that had to wait for an emergency is not made up for afterwards.
        begun = self.first if not alert.drill else alert.accepted_at
        return begun is None or self.next_round(now) <= budget_end(begun, alert.start.repeat)


def _in_force(states: list[_State], now: UtcTime) -> list[_State]:
    """The emergencies in force, or else the drills."""
    pool = [state for state in states if state.is_in_force(now)]
    return [state for state in pool if not state.alert.drill] or pool


def _sound(state: _State, states: list[_State], now: UtcTime) -> AlertRound:
    alert = state.alert
    full = UtcTime(now + max(alert.round_ms, 1))
    end = min(full, _cut(state, states, now) or full)
    state.first = now if state.first is None else state.first
    is_cut = end < full
    sounded = AlertRound(alert.id, state.rounds + 1, now, end, alert.severity, alert.drill, is_cut)
    state.last = end
    state.ready = end if is_cut else UtcTime(end + alert.start.repeat.pause_ms)
    state.rounds += not is_cut
    return sounded


def _cut(state: _State, states: list[_State], now: UtcTime) -> UtcTime | None:
    """When a round that begins `now` would be cut: by its cancel, the button, or a graver alert as it arrives."""
    graver = (s.alert for s in states if s.alert.rank > state.alert.rank)
    cuts = [a.accepted_at for a in graver if not a.is_cancelled(a.accepted_at) and not a.is_silenced(a.accepted_at)]
    return _next([*cuts, *_own_events(state)], now)


def _pause(pool: list[_State], states: list[_State], now: UtcTime) -> AlertPause:
    first = min(pool, key=_State.turn)
    events = [event for state in pool for event in (*_own_events(state), state.next_round(now))]
    end = _next([*events, *(state.alert.accepted_at for state in states)], now)
    kind: Literal["pause", "silenced"] = "silenced" if first.alert.is_silenced(now) else "pause"
    return AlertPause(first.alert.id, kind, now, end or UtcTime(now + 1), first.alert.drill)


def _own_events(state: _State) -> list[UtcTime]:
    """When the alert is cancelled or silenced."""
    alert = state.alert
    events = [] if alert.cancelled_at is None else [alert.cancelled_at]
    return events + ([alert.silenced[0]] if alert.silenced and alert.silenced[0] < alert.silence_end else [])


def _next(instants: list[UtcTime], after: UtcTime) -> UtcTime | None:
    return min((instant for instant in instants if instant > after), default=None)
