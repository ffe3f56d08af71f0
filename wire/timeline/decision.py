"""What sounds now: alerts over drills over the plan of the day, with power and time quality applied.

After an alert the programme goes on where the timeline is by then, as if it had been running silently.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from wire.alert import reaches
from wire.policy import PolicyInForce, policy_in_force
from wire.timeline.alerts import ActiveAlert, AlertPause, AlertRound, alert_course
from wire.timeline.days import mute_stretches, plan_day
from wire.timeline.hours import broadcast_day, first_overlap, lies_inside, sound_hours
from wire.timeline.limits import Condition
from wire.timeline.plan import DayPlan, Omission, PlannedPlay
from wire.timeline.reasons import Reason, Why
from wire.timeline.rules import volumes
from wire.timeline.situation import Power, Situation, TimeQuality
from wire.units import Milliseconds, UtcTime


@dataclass(frozen=True)
class Decision:
    """The answer for one instant; apart from `offset_ms` it stays the same until `until`."""

    play: PlannedPlay | AlertRound | None
    offset_ms: Milliseconds
    """How far into `play` the instant lies."""
    until: UtcTime
    volume: int
    """Percent; 0 where nothing plays."""
    why: tuple[Reason, ...]
    why_not: tuple[Omission, ...] = ()
    """What does not sound although its slot's window is open now. Empty while an alert has the loudspeaker."""


def decide(
    situation: Situation,
    alerts: Iterable[ActiveAlert],
    power: Power,
    quality: TimeQuality,
    now: UtcTime,
    *,
    plan: DayPlan | None = None,
) -> Decision:
    """What sounds at `now`. Give the day's `plan` of this situation if it is at hand; another day's is not used.

    While an alert sounds no plan is made, so that the answer comes at once.
    """
    condition = Condition(power, quality)
    ours = [alert for alert in alerts if reaches(alert.start, situation.endpoint.area)]
    policy = policy_in_force(situation.policies, situation.endpoint.area)
    step = next((s for s in reversed(alert_course(ours, UtcTime(now + 1))) if s.end > now), None)
    barred = _bars_drill(step, situation, policy, condition) if step and step.drill else None
    if step is not None and barred is None:
        return _alert_decision(step, _alert_volume(step, situation, policy), now)
    edges = [alert.accepted_at for alert in ours] + ([step.end] if step else [])
    if plan is None or plan.day != broadcast_day(now):
        plan = plan_day(situation, broadcast_day(now))
    why_not = () if step is None or barred is None else (_omitted_drill(step, ours, barred),)
    return _programme_decision(plan, policy, condition, now, _Beside(edges, why_not))


@dataclass(frozen=True)
class _Beside:
    """What bears on a decision about the programme from beside it."""

    edges: list[UtcTime]
    why_not: tuple[Omission, ...]


def _programme_decision(
    plan: DayPlan, policy: PolicyInForce, condition: Condition, now: UtcTime, beside: _Beside
) -> Decision:
    index = bisect_right(plan.plays, now, key=lambda play: play.start)
    due = plan.plays[index - 1] if index and now < plan.plays[index - 1].end else None
    coming = [play.start for play in plan.plays[index : index + 1]]
    windows = [instant for omission in plan.omissions for instant in omission.window]
    edges = [plan.end, *coming, *windows, *beside.edges, *([due.end] if due else [])]
    until = min(instant for instant in edges if instant > now)
    open_now = (o for o in plan.omissions if o.window[0] <= now < o.window[1])
    why_not = (*beside.why_not, *open_now)
    if due is None:
        return Decision(None, 0, until, 0, (Reason(Why.NOTHING_DUE),), why_not)
    barred = condition.bars(policy, priority=due.priority, any_time=due.any_time)
    if barred is not None:
        return Decision(None, 0, until, 0, (Reason(Why.SUPPRESSED),), (due.omitted(barred), *why_not))
    return Decision(due, now - due.start, until, due.volume, due.why, why_not)


def _alert_decision(step: AlertRound | AlertPause, volume: int, now: UtcTime) -> Decision:
    if isinstance(step, AlertPause):
        pause = Why.DRILL_PAUSE if step.drill else Why.ALERT_PAUSE
        why = Why.ALERT_SILENCED if step.kind == "silenced" else pause
        return Decision(None, 0, step.end, 0, (Reason(why),))
    params = {"n": step.number, "severity": step.severity}
    why = Why.DRILL if step.drill else Why.ALERT
    return Decision(step, now - step.start, step.end, volume, (Reason(why, params),))


def _alert_volume(step: AlertRound | AlertPause, situation: Situation, policy: PolicyInForce) -> int:
    """An emergency has the policy's own volume, whatever the device is set to; a drill that of a priority item."""
    return volumes(policy, situation.volume_percent)[1] if step.drill else policy.emergency_volume


def _bars_drill(
    step: AlertRound | AlertPause, situation: Situation, policy: PolicyInForce, condition: Condition
) -> Reason | None:
    """Why a drill may not sound: what binds a priority item binds it, round by round."""
    hours = sound_hours(policy, broadcast_day(step.start))
    mute = first_overlap(mute_stretches(situation.mutes), step.start, step.end)
    if mute is not None:
        return Reason(Why.MUTED, {"until": mute[1]})
    if not lies_inside(hours, step.start, step.end):
        return Reason(Why.QUIET_HOURS)
    return condition.bars(policy, priority=True, any_time=False)


def _omitted_drill(step: AlertRound | AlertPause, alerts: list[ActiveAlert], why: Reason) -> Omission:
    """A drill belongs to no slot: its id stands as the item's, its round as the window."""
    area = next(alert.start.area for alert in alerts if alert.id == step.alert)
    window = (step.start, step.end)
    return Omission(
        at=step.start, slot="", slot_area=area, slot_title="", window=window, why=why, item=step.alert, item_area=area
    )
