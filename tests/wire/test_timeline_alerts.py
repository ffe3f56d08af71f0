"""Rounds of alerts and drills, and what `decide` lets sound at an instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tests.wire.timeline_words import COMMUNE, Story, stories
from wire.alert import Repeat, Start
from wire.policy import Policy
from wire.timeline import (
    ActiveAlert,
    AlertRound,
    Decision,
    Endpoint,
    Mute,
    Power,
    TimeQuality,
    Why,
    alert_rounds,
    decide,
    plan_day,
)
from wire.timeline.days import mute_stretches
from wire.units import DAY, HOUR, MINUTE, SECOND, UtcTime, at_local

TODAY = date(2026, 12, 20)
ROUND_MS = 40 * SECOND
FIVE = 17 * HOUR


def at(clock_ms: int) -> UtcTime:
    return at_local(TODAY, clock_ms)


def alert(name: str = "lu", severity: int = 3, accepted: int = FIVE, **changes) -> ActiveAlert:
    """Three rounds of 40 s with 10 s between them, from 17:00."""
    budget = {key: changes.pop(key) for key in ("times", "within_ms", "pause_ms") if key in changes}
    order = Start(
        role="ea00694", area=changes.pop("area", COMMUNE), template=name, template_sha256="a" * 64,
        issued=at(changes.pop("issued", accepted)), expires=UtcTime(at(accepted) + HOUR),
        repeat=Repeat(**({"times": 3, "within_ms": 15 * MINUTE, "pause_ms": 10 * SECOND} | budget)),
    )  # fmt: skip
    settings = {"id": name, "start": order, "severity": severity, "drill": False, "accepted_at": at(accepted),
                "round_ms": ROUND_MS}  # fmt: skip
    return ActiveAlert(**(settings | changes))


def rounds(*alerts: ActiveAlert) -> list[tuple[str, int, int]]:
    """Name, start and end in seconds after 17:00."""
    found = alert_rounds(alerts, at(23 * HOUR))
    assert alert_rounds(reversed(alerts), at(23 * HOUR)) == found
    return [(r.alert, (r.start - at(FIVE)) // SECOND, (r.end - at(FIVE)) // SECOND) for r in found]


def test_an_alert_sounds_as_often_as_its_budget_says():
    assert rounds(alert()) == [("lu", 0, 40), ("lu", 50, 90), ("lu", 100, 140)]


def test_no_round_begins_after_the_budget_of_time():
    assert rounds(alert(times=120, within_ms=100 * SECOND)) == [("lu", 0, 40), ("lu", 50, 90), ("lu", 100, 140)]
    assert rounds(alert(times=120, within_ms=99 * SECOND)) == [("lu", 0, 40), ("lu", 50, 90)]


def test_a_budget_is_never_longer_than_an_hour():
    endless = alert(times=120, within_ms=60 * MINUTE, pause_ms=0)
    assert rounds(endless)[-1] == ("lu", 3600, 3640)


def test_two_alerts_take_turns_the_graver_first():
    assert rounds(alert("chay", severity=2, times=2), alert("lu", times=2)) == [
        ("lu", 0, 40), ("chay", 40, 80), ("lu", 80, 120), ("chay", 120, 160)]  # fmt: skip


def test_of_equal_alerts_the_earlier_issued_goes_first_then_the_id():
    later, earlier = alert("a", times=1, issued=FIVE - 1), alert("b", times=1, issued=FIVE - 2)
    assert [name for name, _, _ in rounds(later, earlier)] == ["b", "a"]
    assert [name for name, _, _ in rounds(alert("b", times=1), alert("a", times=1))] == ["a", "b"]


def test_a_graver_alert_cuts_in_at_once_and_the_cut_round_is_made_up_for():
    assert rounds(alert("chay", severity=2, times=2), alert("lu", times=1, accepted=FIVE + 15 * SECOND)) == [
        ("chay", 0, 15), ("lu", 15, 55), ("chay", 55, 95), ("chay", 105, 145)]  # fmt: skip


def test_a_cut_round_is_made_up_for_without_its_pause():
    slow = alert("chay", severity=2, times=1, pause_ms=10 * MINUTE)
    short = alert("lu", times=1, accepted=FIVE + 15 * SECOND)
    assert rounds(slow, short) == [("chay", 0, 15), ("lu", 15, 55), ("chay", 55, 95)]


def test_a_lesser_alert_that_arrives_in_a_pause_sounds_at_once():
    second = alert("chay", severity=1, times=1, accepted=FIVE + 45 * SECOND)
    assert rounds(alert(times=2), second) == [("lu", 0, 40), ("chay", 45, 85), ("lu", 85, 125)]


@pytest.mark.parametrize("severity", [1, 3])
def test_a_lesser_or_equal_alert_waits_for_the_end_of_the_round(severity):
    second = alert("chay", severity=severity, times=1, accepted=FIVE + 15 * SECOND)
    assert rounds(alert(times=2), second) == [("lu", 0, 40), ("chay", 40, 80), ("lu", 80, 120)]


def test_a_cancel_ends_the_alert_in_the_middle_of_a_round():
    cancelled = alert(cancelled_at=at(FIVE + 60 * SECOND))
    assert rounds(cancelled) == [("lu", 0, 40), ("lu", 50, 60)]
    assert alert_rounds([cancelled], at(23 * HOUR))[-1].is_cut


def test_an_alert_cancelled_before_it_arrived_never_sounds():
    assert rounds(alert(cancelled_at=at(FIVE - 1)), alert("chay", severity=1, times=1)) == [("chay", 0, 40)]


def test_the_button_silences_for_five_minutes_at_most():
    pressed = alert(silenced=(at(FIVE + 60 * SECOND), at(FIVE + HOUR)))
    assert rounds(pressed) == [("lu", 0, 40), ("lu", 50, 60), ("lu", 360, 400), ("lu", 410, 450)]


def test_the_budget_runs_on_while_the_button_silences():
    pressed = alert(within_ms=200 * SECOND, silenced=(at(FIVE + 60 * SECOND), at(FIVE + 300 * SECOND)))
    assert rounds(pressed) == [("lu", 0, 40), ("lu", 50, 60)]


def test_a_drill_waits_while_an_emergency_is_in_force_and_is_cut_by_one():
    drill = alert("dien-tap", severity=5, drill=True, times=2)
    emergency = alert("lu", severity=1, times=2, accepted=FIVE + 15 * SECOND)
    assert rounds(drill, emergency) == [("dien-tap", 0, 15), ("lu", 15, 55), ("lu", 65, 105),
                                        ("dien-tap", 105, 145), ("dien-tap", 155, 195)]  # fmt: skip


def test_a_drill_that_an_emergency_kept_waiting_beyond_its_budget_is_dropped():
    drill = alert("dien-tap", drill=True, within_ms=60 * SECOND)
    assert rounds(drill, alert("lu")) == [("lu", 0, 40), ("lu", 50, 90), ("lu", 100, 140)]


def test_a_hundred_alerts_of_full_budget_end_within_their_hour():
    budget = {"times": 120, "within_ms": HOUR, "pause_ms": 0, "round_ms": 20 * SECOND}
    found = alert_rounds([alert(f"lu{n}", severity=n % 5 + 1, **budget) for n in range(100)], at(FIVE + DAY // 4))
    assert len({r.alert for r in found}) == 100
    assert found[-1].start - found[0].start <= HOUR + 100 * 20 * SECOND


PROGRAMME = """
== programme | Xã: bản tin 17:00 dài 10 phút, rồi 5 phút; tỉnh ưu tiên 17:20
tin xã a 10:00
tin xã b 05:00
tin tỉnh x 02:00
khung xã 17:00 60p: a, b
khung tỉnh 17:20 30p ưu tiên: x
"""


@pytest.fixture
def story() -> Story:
    return stories(PROGRAMME)[0]


def ask(story: Story, clock_ms: int, *alerts: ActiveAlert, power=None, quality=TimeQuality.SYNCED) -> Decision:
    return decide(story.situation(), alerts, power or Power.mains(), quality, at(clock_ms))


def sounding(decision: Decision) -> str:
    play = decision.play
    return "" if play is None else play.alert if isinstance(play, AlertRound) else play.item


def test_the_programme_plays_from_where_it_is_now(story):
    decision = ask(story, FIVE + 3 * MINUTE)
    assert (sounding(decision), decision.offset_ms, decision.until) == ("a", 3 * MINUTE, at(FIVE + 10 * MINUTE))
    assert (decision.volume, [reason.code for reason in decision.why]) == (100, [Why.ITEM])


def test_when_nothing_is_due_the_next_play_is_the_next_instant_to_ask(story):
    decision = ask(story, FIVE - HOUR)
    assert (decision.play, decision.until, decision.why[0].code) == (None, at(FIVE), Why.NOTHING_DUE)


def test_after_the_last_play_the_end_of_the_broadcast_day_is(story):
    assert ask(story, 22 * HOUR).until == at(27 * HOUR)
    assert ask(story, 26 * HOUR).until == at(27 * HOUR)
    assert ask(story, 27 * HOUR).until == at(DAY + FIVE)


def test_an_alert_stops_the_programme_which_then_goes_on_as_if_it_had_run(story):
    emergency = alert(accepted=FIVE + 9 * MINUTE, times=1, round_ms=2 * MINUTE)
    during = ask(story, FIVE + 9 * MINUTE + 50 * SECOND, emergency)
    assert (sounding(during), during.offset_ms, during.until) == ("lu", 50 * SECOND, at(FIVE + 11 * MINUTE))
    after = ask(story, FIVE + 11 * MINUTE, emergency)
    assert (sounding(after), after.offset_ms) == ("b", MINUTE)


def test_between_two_rounds_the_programme_stays_silent(story):
    pause = ask(story, FIVE + 45 * SECOND, alert())
    assert (pause.play, pause.until, pause.why[0].code) == (None, at(FIVE + 50 * SECOND), Why.ALERT_PAUSE)


def test_the_silenced_alert_leaves_silence_and_says_so(story):
    silenced = ask(story, FIVE + 20 * SECOND, alert(silenced=(at(FIVE + 10 * SECOND), at(FIVE + 2 * MINUTE))))
    assert (silenced.play, silenced.until, silenced.why[0].code) == (None, at(FIVE + 2 * MINUTE), Why.ALERT_SILENCED)


def test_an_alert_silenced_beyond_its_budget_gives_the_loudspeaker_back_at_once(story):
    pressed = alert(within_ms=2 * MINUTE, silenced=(at(FIVE + MINUTE), at(FIVE + 4 * MINUTE)))
    assert sounding(ask(story, FIVE + MINUTE, pressed)) == "a"


def test_a_mute_lasts_for_thirty_days_at_most():
    mute = Mute(at(FIVE), at(FIVE + 90 * DAY))
    assert mute.ends == at(FIVE + 30 * DAY)
    assert mute_stretches((mute,)) == ((at(FIVE), at(FIVE + 30 * DAY)),)


def test_a_cancelled_alert_gives_the_loudspeaker_back_at_once(story):
    cancelled = alert(cancelled_at=at(FIVE + 20 * SECOND))
    assert ask(story, FIVE + 19 * SECOND, cancelled).until == at(FIVE + 20 * SECOND)
    assert sounding(ask(story, FIVE + 20 * SECOND, cancelled)) == "a"


def test_an_alert_for_another_commune_is_not_heard(story):
    assert sounding(ask(story, FIVE, alert(area="08/00700"))) == "a"
    assert sounding(ask(story, FIVE, alert(area="08"))) == "lu"


def test_nothing_but_a_cancel_binds_an_emergency(story):
    story.policies.append(Policy(area="08", issued=at(0), max_volume=40, emergency_volume=90))
    story.policies.append(Policy(area=COMMUNE, issued=at(0), emergency_volume=10))
    situation = replace(story.situation(), volume_percent=20, mutes=stories("== m | m\ntắt tiếng 00:00-24:00")[0].mutes)
    night = alert(accepted=23 * HOUR)
    decision = decide(situation, [night], Power.battery(1), TimeQuality.FLOOR_ONLY, at(23 * HOUR))
    assert (sounding(decision), decision.volume) == ("lu", 90)


@pytest.mark.parametrize(
    ("clock_ms", "condition", "mute", "why"),
    [
        (FIVE, {}, "16:00-16:59", None),
        (21 * HOUR - 39 * SECOND, {}, "", Why.QUIET_HOURS),
        (FIVE, {}, "17:00-17:01", Why.MUTED),
        (FIVE, {"power": Power.battery(29)}, "", Why.BATTERY_LOW),
        (FIVE, {"power": Power.battery(30)}, "", None),
        (FIVE, {"quality": TimeQuality.FLOOR_ONLY}, "", Why.TIME_UNKNOWN),
    ],
)
def test_a_drill_is_bound_like_a_priority_item(story, clock_ms, condition, mute, why):
    if mute:
        story.mutes += stories(f"== m | m\ntắt tiếng {mute}")[0].mutes
    decision = ask(story, clock_ms, alert("dien-tap", accepted=clock_ms, drill=True), **condition)
    if why is None:
        assert sounding(decision) == "dien-tap"
    else:
        assert sounding(decision) != "dien-tap"
        assert [o.why.code for o in decision.why_not if o.item == "dien-tap"] == [why]


def test_a_drill_begins_at_once_and_at_the_volume_of_priority(story):
    story.policies.append(Policy(area="08", issued=at(0), max_volume=40, min_volume=60, emergency_volume=90))
    decision = ask(story, FIVE + 5 * MINUTE, alert("dien-tap", accepted=FIVE + 5 * MINUTE, drill=True))
    assert (sounding(decision), decision.volume, decision.why[0].code) == ("dien-tap", 60, Why.DRILL)


def test_what_is_suppressed_is_named_with_its_reason(story):
    decision = ask(story, FIVE + MINUTE, power=Power.battery(80))
    assert (decision.play, decision.why[0].code) == (None, Why.SUPPRESSED)
    assert [(o.item, o.why.code) for o in decision.why_not] == [("a", Why.ON_BATTERY)]
    assert sounding(ask(story, FIVE + 20 * MINUTE, power=Power.battery(80))) == "x"


@pytest.mark.parametrize(
    ("power", "heard"),
    [(Power.mains(), "a"), (Power.unknown(), "a"), (Power.battery(100), ""), (Power.battery(None), "")],
)
def test_unknown_power_counts_as_mains_and_an_unreadable_battery_as_empty(story, power, heard):
    assert sounding(ask(story, FIVE, power=power)) == heard


@pytest.mark.parametrize(("quality", "heard"), [(TimeQuality.SAME_BOOT, "a"), (TimeQuality.FLOOR_ONLY, "")])
def test_from_same_boot_upwards_the_time_is_good_enough(story, quality, heard):
    assert sounding(ask(story, FIVE, quality=quality)) == heard


def test_volume_is_the_lowest_asked_for_but_for_priority_not_below_the_provinces_least(story):
    story.policies.append(Policy(area="08", issued=at(0), max_volume=80, min_volume=50))
    story.policies.append(Policy(area=COMMUNE, issued=at(0), max_volume=45, min_volume=99))
    plan = plan_day(replace(story.situation(), volume_percent=30), TODAY)
    assert [(play.item, play.volume) for play in plan.plays] == [("a", 30), ("b", 30), ("x", 50)]
    assert [play.volume for play in plan_day(story.situation(), TODAY).plays] == [45, 45, 50]


def test_a_plan_at_hand_gives_the_same_answer_and_one_of_another_day_is_not_used(story):
    situation = story.situation()
    plans = [plan_day(situation, TODAY), plan_day(situation, date(2026, 12, 22)), None]
    now = at(FIVE + MINUTE)
    answers = [decide(situation, [], Power.mains(), TimeQuality.RTC, now, plan=plan) for plan in plans]
    assert answers[0] == answers[1] == answers[2]
    assert sounding(answers[0]) == "a"


def test_an_endpoint_is_its_placement():
    assert Endpoint(COMMUNE, "c1", "board").targets == {"*", "board:c1", "lang:vi", "area:08", "area:08/00694"}
