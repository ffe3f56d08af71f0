"""What holds for every programme: no overlap, no gap, nothing doubled or lost, one honest answer, bounded cost."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.wire.timeline_words import COMMUNE, PROVINCE, sound
from wire.alert import Repeat, Start
from wire.content import Item
from wire.policy import Hours, Policy, QuietException, policy_in_force
from wire.programme import (
    Offers,
    Play,
    PlayItem,
    PlayRelay,
    PlayReserve,
    PlaySeries,
    Programme,
    Recurrence,
    Series,
    Slot,
    SpecialDay,
    check_programme,
)
from wire.timeline import (
    ActiveAlert,
    DayPlan,
    Endpoint,
    Mute,
    Power,
    Situation,
    TimeQuality,
    Why,
    alert_rounds,
    day_bounds,
    decide,
    plan_between,
    plan_day,
    suppress,
)
from wire.timeline.course import MAX_PLAYS
from wire.timeline.hours import lies_inside, sound_hours
from wire.units import DAY, HOUR, MINUTE, SECOND, UtcTime, day_start

T = TypeVar("T")
TODAY = date(2026, 12, 31)
START, END = day_bounds(TODAY)
quick = settings(max_examples=100, deadline=None, derandomize=True, database=None)

NIGHTS = ([], ["2026-12-31"], ["2026-12-31", "2027-01-01"])
# Few minutes of the day, so that slots collide; around midnight and before 03:00 as well.
HOURS = (17, 17, 17, 20, 6, 4, 23, 0, 2)
NAMES = ("a", "b", "c")

# Numbers are drawn and then made into messages, which is ten times as quick as drawing messages.
any_number = st.integers(0, 2**16)
instants = st.integers(START, END - 1).map(UtcTime)
few_numbers = st.lists(st.integers(0, 23), max_size=4)
item_numbers = st.tuples(st.integers(1, 20 * 60), any_number)
slot_numbers = st.tuples(st.sampled_from(HOURS), st.integers(0, 59), st.integers(1, 90), few_numbers, any_number)
programme_numbers = st.tuples(
    st.lists(item_numbers, min_size=1, max_size=3), st.lists(slot_numbers, min_size=1, max_size=4),
    few_numbers, few_numbers, few_numbers, slot_numbers, any_number,
)  # fmt: skip


class Dice:
    """Takes one choice after another out of a number."""

    def __init__(self, number: int) -> None:
        self._number = number

    def pick(self, choices: Sequence[T]) -> T:
        self._number, index = divmod(self._number, len(choices))
        return choices[index]


def make_item(ident: str, numbers: tuple[int, int]) -> Item:
    seconds, number = numbers
    dice = Dice(number)
    languages = dice.pick((["vi"], ["vi"], ["hmn", "vi"], ["hmn"], []))
    noon = UtcTime(START + 14 * HOUR + MINUTE)
    since, until = dice.pick(((UtcTime(0), None), (UtcTime(0), None), (UtcTime(0), noon), (noon, None)))
    return Item(
        id=ident, title=ident, sort=dice.pick(("speech", "speech", "music", "entertainment")),
        renditions=[sound(ident, language, seconds * SECOND) for language in languages],
        valid_from=since, valid_until=until,
    )  # fmt: skip


def make_play(area: str, number: int) -> Play:
    dice = Dice(number)
    source = dice.pick((PROVINCE, area))
    kind = dice.pick(range(6))
    if kind < 3:
        return PlayItem(area=source, item=NAMES[kind])
    if kind == 3:
        return PlaySeries(area=source, series=dice.pick(("s", "t")))
    return PlayReserve() if kind == 4 else PlayRelay(url="https://vov.vn/x", duration_ms=17 * MINUTE)


def make_slot(area: str, ident: str, numbers: tuple[int, int, int, list[int], int]) -> Slot:
    hour, minute, length, plays, number = numbers
    dice = Dice(number)
    priority, fixed, any_time = (dice.pick((False, True)) for _ in range(3))
    return Slot(
        id=ident, title=ident, start_ms=hour * HOUR + minute * MINUTE, length_ms=length * MINUTE,
        when=Recurrence(first="2026-12-01", freq="daily", interval=dice.pick((1, 1, 1, 2))),
        plays=[make_play(area, play) for play in plays], priority=priority, fixed=priority and fixed,
        any_time=any_time, targets=[dice.pick(("*", "*", "cluster:c1", "cluster:c2"))],
    )  # fmt: skip


def make_programme(area: str, numbers: tuple) -> Programme:
    items, slots, order, offered, reserve, special_slot, number = numbers
    dice = Dice(number)
    special = SpecialDay(
        id="le", title="Lễ", first="2026-12-31", last=dice.pick(("2026-12-31", "2027-01-01")),
        mute=dice.pick((False, False, False, True)), replace=dice.pick((False, True)),
        drop=dice.pick(([], ["music"])), slots=[make_slot(area, f"le-{area[-1]}", special_slot)],
    )  # fmt: skip
    made = Programme(
        area=area, issued=day_start(date(2026, 12, 1)),
        play_until=dice.pick((UtcTime(END + DAY), UtcTime(END + DAY), UtcTime(START + 14 * HOUR + 5 * MINUTE))),
        items=[make_item(ident, item) for ident, item in zip(NAMES, items, strict=False)],
        slots=[make_slot(area, f"k{n}", slot) for n, slot in enumerate(slots)],
        offers=Offers([NAMES[n % 3] for n in offered], [Series(id="s", title="s", items=list(NAMES[1:]))]),
        order=[NAMES[n % 3] for n in order], withdrawn=[dice.pick(("a", "z", "z", "z"))],
        reserve=[NAMES[n % 3] for n in reserve], special_days=dice.pick(([], [], [special])),
    )  # fmt: skip
    check_programme(made)
    return made


def make_situation(numbers: tuple) -> Situation:
    province, commune, mutes, volume, number = numbers
    dice = Dice(number)
    issued = day_start(date(2026, 12, 1))
    night = [QuietException(day, Hours(0, DAY), [PROVINCE], "Giao thừa") for day in dice.pick(NIGHTS)]
    policies = (
        Policy(area=PROVINCE, issued=issued, exceptions=night, max_volume=80, min_volume=50),
        Policy(area=COMMUNE, issued=issued, max_item_ms=dice.pick((DAY, DAY, 10 * MINUTE)), max_volume=60),
    )
    return Situation(
        (make_programme(PROVINCE, province), make_programme(COMMUNE, commune)), policies,
        Endpoint(COMMUNE, "c1", languages=dice.pick((("vi",), ("vi", "hmn")))),
        tuple(Mute(start, UtcTime(start + minutes * MINUTE)) for start, minutes in mutes), volume,
    )  # fmt: skip


def make_alert(name: int, numbers: tuple) -> ActiveAlert:
    second, times, within, pause, length, cancel, silence, number = numbers
    dice = Dice(number)
    accepted = UtcTime(START + 14 * HOUR + second * SECOND)
    repeat = Repeat(times, within * SECOND, pause * SECOND)
    pressed = (UtcTime(accepted + silence * SECOND), UtcTime(accepted + 2 * cancel * SECOND))
    return ActiveAlert(
        id=str(name), severity=dice.pick((1, 2, 3)), drill=dice.pick((False, True)), accepted_at=accepted,
        start=Start("ea08", PROVINCE, "lu", "a" * 64, UtcTime(accepted - 1), UtcTime(accepted + HOUR), repeat),
        round_ms=length * SECOND, cancelled_at=dice.pick((None, None, UtcTime(accepted + (cancel - 60) * SECOND))),
        silenced=dice.pick((None, None, pressed)),
    )  # fmt: skip


situations = st.tuples(
    programme_numbers, programme_numbers, st.lists(st.tuples(instants, st.integers(0, 90)), max_size=2),
    st.integers(0, 100), any_number,
).map(make_situation)  # fmt: skip
seconds = st.integers(0, 900)
budgets = (st.integers(1, 4), st.integers(1, 600), st.integers(0, 30), st.integers(1, 90))
alert_numbers = st.tuples(seconds, *budgets, seconds, seconds, any_number)
alerts = st.lists(alert_numbers, max_size=4).map(
    lambda found: [make_alert(n, numbers) for n, numbers in enumerate(found)]
)


def _changed_slots(situation: Situation, **changes: Callable[[Slot], object]) -> Situation:
    def changed(slot: Slot) -> Slot:
        return structs.replace(slot, **{name: change(slot) for name, change in changes.items()})

    made = (structs.replace(p, slots=[changed(slot) for slot in p.slots]) for p in situation.programmes)
    return replace(situation, programmes=tuple(made))


@quick
@given(situations)
def test_plays_never_overlap_nor_leave_their_day_their_hours_or_their_window(situation):
    plan = plan_day(situation, TODAY)
    hours = sound_hours(policy_in_force(situation.policies, COMMUNE), TODAY)
    for before, play in pairwise(plan.plays):
        assert before.end <= play.start
    assert all(str(reason) for play in plan.plays for reason in play.why)
    assert all(str(omission.why) for omission in plan.omissions)
    for play in plan.plays:
        assert START <= play.start < play.end <= END
        assert lies_inside(hours, play.start, play.end)
        assert play.window[0] <= play.start
        assert not any(mute.start < play.end and play.start < mute.ends for mute in situation.mutes)
        assert play.start < play.window[1] or play.rendition.language != "vi"


@quick
@given(situations)
def test_each_line_of_a_targeted_slot_plays_once_or_is_omitted_with_a_reason(situation):
    situation = _changed_slots(situation, plays=lambda slot: [p for p in slot.plays if not isinstance(p, PlayReserve)])
    plan = plan_day(replace(situation, endpoint=replace(situation.endpoint, languages=("vi",))), TODAY)
    assert len({play.key for play in plan.plays}) == len(plan.plays)
    whole = {(o.slot_area, o.slot) for o in plan.omissions if o.why.code in WHOLE_SLOT}
    for programme in situation.programmes:
        for slot in programme.slots:
            expected = _lines(slot) if _is_today(slot) and (programme.area, slot.id) not in whole else Counter()
            told = [*plan.plays, *(o for o in plan.omissions if o.why.code not in WHOLE_SLOT)]
            ours = (x for x in told if (x.slot_area, x.slot) == (programme.area, slot.id))
            assert Counter(x.series or x.item or "relay" for x in ours) == expected


WHOLE_SLOT = {Why.NOT_TARGETED, Why.ORDINARY_FROM_ABOVE, Why.SPECIAL_DAY_MUTES, Why.SPECIAL_DAY_REPLACES}


def _is_today(slot: Slot) -> bool:
    begins = TODAY if slot.start_ms >= 3 * HOUR else TODAY + timedelta(days=1)
    return (begins - date(2026, 12, 1)).days % slot.when.interval == 0


def _lines(slot: Slot) -> Counter[str]:
    names = ((getattr(play, "item", ""), getattr(play, "series", "")) for play in slot.plays)
    return Counter(item or series or "relay" for item, series in names)


@quick
@given(situations)
def test_the_loudspeaker_is_never_idle_while_something_waits(situation):
    """Fixed times and mutes, which are silent on purpose, apart."""
    plan = plan_day(replace(_changed_slots(situation, fixed=lambda _: False), mutes=()), TODAY)
    gaps = list(pairwise([START, *(at for play in plan.plays for at in (play.start, play.end)), END]))[::2]
    idle = [gap for gap in gaps if gap[0] < gap[1]]
    for play in plan.plays:
        assert not any(start < play.start and play.window[0] < end for start, end in idle)
    for omission in plan.omissions:
        if omission.why.code == Why.WINDOW_ENDED:
            assert not any(start < omission.window[1] and omission.window[0] < end for start, end in idle)


@quick
@given(situations)
def test_a_fixed_time_is_kept_and_speech_never_cut(situation):
    plan = plan_day(replace(situation, mutes=()), TODAY)
    fixed = {play.window[0] for play in plan.plays if play.fixed}
    for play in plan.plays:
        assert play.fixed or not any(play.start < start < play.end for start in fixed)
        if play.sort == "speech" and play.rendition and play.why[0].code != Why.RESERVE:
            assert play.end - play.start == play.rendition.duration_ms


@quick
@given(situations, st.randoms(use_true_random=False))
def test_the_order_of_inputs_does_not_matter(situation, random):
    def shuffled(values: tuple) -> tuple:
        return tuple(random.sample(values, len(values)))

    neighbour = Programme(area="08/00700", issued=START, play_until=END, slots=list(situation.programmes[1].slots))
    other = replace(
        situation, programmes=shuffled((*situation.programmes, neighbour)), policies=shuffled(situation.policies),
        mutes=shuffled(situation.mutes),
    )  # fmt: skip
    assert plan_day(other, TODAY) == plan_day(situation, TODAY)


@quick
@given(situations)
def test_days_join_into_stretches(situation):
    start, end = UtcTime(START + 10 * HOUR), UtcTime(END + 15 * HOUR)
    days = [plan_day(situation, TODAY), plan_day(situation, TODAY + timedelta(days=1))]
    stretch = plan_between(situation, start, end)
    assert stretch.plays == tuple(p for day in days for p in day.plays if p.end > start and p.start < end)


conditions = st.tuples(
    st.sampled_from([Power.mains(), Power.unknown(), Power.battery(80), Power.battery(10)]),
    st.sampled_from(TimeQuality),
)


@quick
@given(situations, conditions, st.lists(instants, max_size=5))
def test_decide_agrees_with_the_plan_at_every_instant(situation, condition, moments):
    plan = plan_day(situation, TODAY)
    sounding = suppress(plan, policy_in_force(situation.policies, COMMUNE), *condition)
    assert len(sounding.plays) + len(sounding.omissions) == len(plan.plays) + len(plan.omissions)
    for now in [*moments, *_edges(plan)]:
        decision = decide(situation, [], *condition, now, plan=plan)
        due = next((play for play in sounding.plays if play.start <= now < play.end), None)
        assert decision.play == due
        assert decision.offset_ms == (now - due.start if due else 0)
        assert decision.volume == (due.volume if due else 0)


@quick
@given(situations, alerts, conditions, st.lists(instants, max_size=5))
def test_until_is_honest_with_alerts_and_without(situation, orders, condition, moments):
    plan = plan_day(situation, TODAY)
    sounded = alert_rounds(orders, END)
    for now in [*moments, *_edges(plan)[:10], *(t for r in sounded for t in (r.start, r.end))]:
        first = decide(situation, orders, *condition, now, plan=plan)
        assert first.until > now
        for later in {UtcTime((now + first.until) // 2), UtcTime(first.until - 1)}:
            expected = replace(first, offset_ms=first.offset_ms + (later - now if first.play else 0))
            assert decide(situation, orders, *condition, later, plan=plan) == expected
        emergency = next((r for r in sounded if not r.drill and r.start <= now < r.end), None)
        assert emergency is None or first.play == emergency


@quick
@given(alerts, st.randoms(use_true_random=False))
def test_rounds_keep_their_budget_and_never_overlap(orders, random):
    sounded = alert_rounds(orders, END)
    assert alert_rounds(random.sample(orders, len(orders)), END) == sounded
    for before, after in pairwise(sounded):
        assert before.end <= after.start
    for order in orders:
        own = [r for r in sounded if r.alert == order.id]
        assert sum(not r.is_cut for r in own) <= order.start.repeat.times
        assert all(r.start - own[0].start <= order.start.repeat.within_ms for r in own)
        assert all(r.end <= order.cancelled_at for r in own if order.cancelled_at is not None)
        assert all(order.accepted_at <= r.start < r.end for r in own)


def _edges(plan: DayPlan) -> list[UtcTime]:
    """Each play's start and end, and the milliseconds around them, inside the day."""
    around = {UtcTime(at + step) for play in plan.plays[:60] for at in (play.start, play.end) for step in (-1, 0, 1)}
    return sorted(at for at in around if START <= at < END)


def crowded(count: int, line: Callable[[str], Play], **changes) -> Situation:
    """Slots of a hundred lines each, in all three areas, all open at the same time."""

    def programme(area: str) -> Programme:
        slot = {"start_ms": 6 * HOUR, "length_ms": 12 * HOUR, "when": Recurrence(first="2026-12-01", freq="daily"),
                "plays": [line(area)] * 100, "priority": True}  # fmt: skip
        numbered = [Slot(id=f"k{n}", title="k", **(slot | changes)) for n in range(count)]
        every = [Item(id=f"i{n}", title="i", renditions=[sound(f"i{n}", "vi", 1)]) for n in range(500)]
        series = Series(id="s", title="s", items=[item.id for item in every])
        return Programme(
            area=area, issued=START, play_until=END, items=every, slots=numbered, order=["i7"], reserve=["i0", "zz"],
            offers=Offers(series=[series]),
        )  # fmt: skip

    return Situation(tuple(map(programme, ("08", "08/00694", "08/00694/07"))), (), Endpoint("08/00694/07", "c1"))


def calls_of(situation: Situation) -> tuple[int, DayPlan]:
    """How many functions a plan calls: its cost, the same on every machine."""
    count = 0

    def tally(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(tally)
    try:
        plan = plan_day(situation, TODAY)
    finally:
        sys.setprofile(None)
    return count, plan


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize(
    "line",
    [
        lambda area: PlayItem(area=area, item="i0"),
        lambda area: PlayItem(area=area, item="zz"),
        lambda area: PlaySeries(area=area, series="s"),
        lambda area: PlayReserve(),
        lambda area: PlayRelay(url="https://vov.vn/x", duration_ms=HOUR),
    ],
    ids=["item", "unknown", "series", "reserve", "relay"],
)
def test_cost_grows_with_the_number_of_lines_and_no_faster(line, fixed):
    few, _ = calls_of(crowded(2, line, fixed=fixed))
    many, plan = calls_of(crowded(8, line, fixed=fixed))
    assert len(plan.plays) <= MAX_PLAYS
    assert len(plan.plays) + len(plan.omissions) >= 8 * 3 * 100 or line("08") == PlayReserve()
    assert many <= 6 * few
    assert many <= 100 * (len(plan.plays) + len(plan.omissions))


def test_a_day_of_more_plays_than_seconds_is_cut_off_and_says_so():
    plan = plan_day(crowded(2, lambda _: PlayReserve()), TODAY)
    assert len(plan.plays) == MAX_PLAYS
    assert {omission.why.code for omission in plan.omissions} >= {Why.TOO_MANY}


def test_a_rule_far_in_the_past_costs_no_more_than_a_look():
    hostile = Recurrence(first="0001-01-01", freq="monthly", interval=52, month_days=[31], until="9999-12-31")
    few, _ = calls_of(crowded(2, lambda area: PlayItem(area=area, item="zz"), when=hostile))
    assert few < 10_000


def test_reasons_name_the_parameters_that_they_give():
    plan = plan_day(crowded(2, lambda area: PlaySeries(area=area, series="s")), TODAY)
    assert str(plan.plays[0].why[0]) == "It is the newest valid item of the series s of 08."
