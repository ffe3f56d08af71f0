"""Plans by broadcast day, each simulated alone from an empty state.

So a device after a restart, the hub's preview and anybody else get the same answer, and slots across midnight work.
Nothing runs across 03:00, where the broadcast day ends.
"""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from wire.timeline.course import Course
from wire.timeline.frame import slots_of_day
from wire.timeline.hours import Stretches, broadcast_day, day_bounds, first_overlap, merge, sound_hours
from wire.timeline.laying import Layer
from wire.timeline.plan import DayPlan, Omission, Plan, PlannedPlay
from wire.timeline.reasons import Reason, Why
from wire.timeline.rules import Rules
from wire.timeline.situation import Mute, Situation
from wire.units import UtcTime


def plan_day(situation: Situation, day: date) -> DayPlan:
    """All that begins in the broadcast day `day`, before power and time quality."""
    return _plan(Rules.of(situation), situation.mutes, day)


def plan_between(situation: Situation, start: UtcTime, end: UtcTime) -> Plan:
    """What of the days' plans lies between two instants, plays that reach into the stretch included."""
    rules = Rules.of(situation)
    first, last = broadcast_day(start), broadcast_day(UtcTime(end - 1))
    days = [_plan(rules, situation.mutes, first + timedelta(n)) for n in range((last - first).days + 1)]
    return Plan(
        start=start,
        end=end,
        plays=tuple(play for day in days for play in day.plays if play.end > start and play.start < end),
        omissions=tuple(omission for day in days for omission in day.omissions if start <= omission.at < end),
    )


def mute_stretches(mutes: tuple[Mute, ...]) -> Stretches:
    return merge((mute.start, mute.ends) for mute in mutes)


def _plan(rules: Rules, mutes: tuple[Mute, ...], day: date) -> DayPlan:
    start, end = day_bounds(day)
    occurrences, omissions = slots_of_day(rules, day)
    course = Course(Layer(rules, sound_hours(rules.policy, day), end), occurrences)
    course.run()
    plays, silenced = _mute(course.plays, mute_stretches(mutes))
    omissions = sorted([*omissions, *course.omissions, *silenced], key=lambda omission: omission.at)
    return DayPlan(start=start, end=end, plays=tuple(plays), omissions=tuple(omissions), day=day)


def _mute(plays: list[PlannedPlay], mutes: Stretches) -> tuple[list[PlannedPlay], list[Omission]]:
    """Take out what begins in a mute and cut what runs into one. Nothing moves up into the silence."""
    if not mutes:
        return plays, []
    kept: list[PlannedPlay] = []
    silenced: list[Omission] = []
    for play in plays:
        mute = first_overlap(mutes, play.start, play.end)
        if mute is None:
            kept.append(play)
        elif mute[0] <= play.start:
            silenced.append(play.omitted(Reason(Why.MUTED, {"until": mute[1]})))
        else:
            why = (*play.why, Reason(Why.CUT_BY_MUTE, {"muted": mute[0]}))
            kept.append(msgspec.structs.replace(play, end=UtcTime(mute[0]), why=why))
    return kept, silenced
