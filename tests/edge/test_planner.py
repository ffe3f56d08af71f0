"""The planner against a stage with a stepped clock: on time, nothing twice, alerts first, back at the right place."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from edge.plan.cues import RunningAlert, round_ms
from edge.plan.planner import NO_SOUND_DEVICE, Planner
from tests.builders import NOW, make_programme, make_sound
from tests.edge.world import daily
from tests.fakes.audio import FakeStage
from tests.fakes.clock import FakeClock
from wire.alert import Repeat, Start
from wire.content import Item, Sound
from wire.programme import PlayItem, PlayReserve
from wire.timeline import (
    ActiveAlert,
    AlertRound,
    Endpoint,
    Mute,
    Omission,
    PlannedPlay,
    Power,
    Situation,
    TimeQuality,
    broadcast_day,
    plan_day,
)
from wire.units import DAY, HOUR, MINUTE, SECOND, UtcTime

AREA = "08/00694/02"
LENGTH = 3 * MINUTE


class Notes:
    """Collects what the planner tells."""

    def __init__(self) -> None:
        self.omissions: list[Omission] = []
        self.missed: list[PlannedPlay] = []
        self.soundless: list[PlannedPlay | AlertRound] = []

    def omitted(self, omission: Omission) -> None:
        self.omissions.append(omission)

    def unheard(self, play: PlannedPlay | AlertRound, why: str) -> None:
        (self.soundless if why == NO_SOUND_DEVICE else self.missed).append(play)


class Rig:
    """A planner on a fake stage; `bad` are sounds that are not whole."""

    def __init__(self, *slots, items=("tin-1", "tin-2"), at=NOW, quality=TimeQuality.SYNCED, **fields) -> None:
        self.clock = FakeClock(at, quality)
        self.stage = FakeStage(self.clock)
        self.notes = Notes()
        self.bad: set[str] = set()
        self.programme = make_programme("08/00694", items=[make_item(i) for i in items], slots=list(slots), **fields)
        self.situation = Situation((self.programme,), (), Endpoint(AREA, "cl"))
        self.restart()

    def restart(self) -> None:
        """A new planner, as after kill -9."""
        self.planner = Planner(self.clock, self.stage, self.checked, self.notes)
        self.stage.planner = self.planner
        self.planner.inputs.situation = self.situation

    def checked(self, sound: Sound) -> bool:
        return sound.sha256 not in self.bad

    def alarm(self, *, rounds=2, severity=4, pause_ms=5_000, drill=False) -> ActiveAlert:
        clips = (make_sound("clip", duration_ms=6_000),)
        at = self.clock.now()
        start = Start(
            role="ed08" if drill else "ea08", area="08", template="xa-lu", template_sha256="0" * 64, issued=at,
            expires=UtcTime(at + HOUR), repeat=Repeat(times=rounds, within_ms=30 * MINUTE, pause_ms=pause_ms),
        )  # fmt: skip
        ident = hashlib.sha256(f"{severity}{at}".encode()).hexdigest()
        alert = ActiveAlert(ident, start, severity, drill, at, round_ms(list(clips)))
        self.planner.inputs.alerts = (*self.planner.inputs.alerts, RunningAlert(alert, clips))
        self.planner.replan()
        return alert

    def run(self, ms: int) -> None:
        self.stage.run_until(UtcTime(self.clock.at + ms))

    @property
    def heard(self):
        return [(h.what, h.start - NOW, h.offset_ms, None if h.end is None else h.end - NOW) for h in self.stage.heard]


def make_item(ident: str) -> Item:
    return Item(id=ident, title=ident, renditions=[make_sound(ident, duration_ms=LENGTH)])


def play(ident: str) -> PlayItem:
    return PlayItem("08/00694", ident)


def test_items_of_a_slot_sound_one_behind_the_other_at_the_slots_second():
    rig = Rig(daily(UtcTime(NOW + MINUTE), "sang", play("tin-1"), play("tin-2")))
    rig.run(10 * MINUTE)
    assert rig.heard == [
        ("tin-1", MINUTE, 0, MINUTE + LENGTH),
        ("tin-2", MINUTE + LENGTH, 0, MINUTE + 2 * LENGTH),
    ]


def test_consecutive_items_are_joined_sample_by_sample():
    rig = Rig(daily(UtcTime(NOW + MINUTE), "sang", play("tin-1"), play("tin-2")))
    rig.run(10 * MINUTE)
    first, second = rig.stage.heard
    assert second.cue.after == first.cue.id


def test_fourteen_days_sound_as_they_are_planned():
    rig = Rig(
        daily(UtcTime(NOW + MINUTE), "sang", play("tin-1"), play("tin-2")),
        daily(UtcTime(NOW + 9 * HOUR), "chieu", play("tin-2")),
    )
    rig.run(14 * DAY)
    days = [broadcast_day(NOW) + timedelta(n) for n in range(15)]
    planned = [p for day in days for p in plan_day(rig.situation, day).plays if NOW < p.start < NOW + 14 * DAY]
    assert [(h.cue.part, h.start, h.end) for h in rig.stage.heard] == [(p.key, p.start, p.end) for p in planned]


def test_a_restart_in_the_middle_joins_where_the_programme_is_and_repeats_nothing():
    rig = Rig(daily(UtcTime(NOW + MINUTE), "sang", play("tin-1"), play("tin-2")))
    rig.run(2 * MINUTE)
    killed = FakeStage(rig.clock)
    rig.stage = killed
    rig.restart()
    rig.run(10 * MINUTE)
    assert rig.heard == [
        ("tin-1", 2 * MINUTE, MINUTE, MINUTE + LENGTH),
        ("tin-2", MINUTE + LENGTH, 0, MINUTE + 2 * LENGTH),
    ]


def test_an_alert_sounds_at_once_and_the_programme_comes_back_where_it_is_by_then():
    rig = Rig(daily(UtcTime(NOW + MINUTE), "sang", play("tin-1"), play("tin-2")))
    rig.run(2 * MINUTE)
    rig.alarm(rounds=2)
    rig.run(10 * MINUTE)
    at = 2 * MINUTE
    assert rig.heard == [
        ("tin-1", MINUTE, 0, at),
        ("attention", at, 0, at + 4_000),
        ("clip", at + 4_000, 0, at + 10_000),
        ("attention", at + 15_000, 0, at + 19_000),
        ("clip", at + 19_000, 0, at + 25_000),
        ("tin-1", at + 25_000, MINUTE + 25_000, MINUTE + LENGTH),
        ("tin-2", MINUTE + LENGTH, 0, MINUTE + 2 * LENGTH),
    ]


def test_an_alert_keeps_the_programme_from_beginning():
    rig = Rig(daily(UtcTime(NOW + MINUTE), "sang", play("tin-1")))
    rig.run(MINUTE - 5 * SECOND)
    rig.alarm(rounds=1)
    rig.run(10 * SECOND + 1)
    at = MINUTE - 5 * SECOND
    assert rig.heard[:2] == [("attention", at, 0, at + 4_000), ("clip", at + 4_000, 0, at + 10_000)]
    assert rig.heard[2][:3] == ("tin-1", at + 10_000, 5_000)


def test_a_cancel_silences_at_once():
    rig = Rig()
    alert = rig.alarm()
    rig.run(6_000)
    running = rig.planner.inputs.alerts[0]
    cancelled = ActiveAlert(
        alert.id, alert.start, alert.severity, alert.drill, alert.accepted_at, alert.round_ms, rig.clock.now()
    )
    rig.planner.inputs.alerts = (RunningAlert(cancelled, running.clips),)
    rig.planner.replan()
    assert rig.stage.sounding == []
    rig.run(MINUTE)
    assert [what for what, *_ in rig.heard] == ["attention", "clip"]


def test_the_graver_alert_cuts_in():
    rig = Rig()
    rig.alarm(severity=2, rounds=1)
    rig.run(6_000)
    graver = rig.alarm(severity=5, rounds=1)
    assert [sounded.cue.about.alert for sounded in rig.stage.sounding] == [graver.id]
    assert rig.stage.heard[-1].start == NOW + 6_000


def test_on_a_low_battery_only_emergencies_sound():
    rig = Rig(daily(UtcTime(NOW + MINUTE), "sang", play("tin-1")))
    rig.planner.inputs.power = Power.battery(20)
    rig.run(2 * MINUTE)
    rig.alarm(rounds=1)
    rig.run(MINUTE)
    assert [what for what, *_ in rig.heard] == ["attention", "clip"]
    assert [(o.item, str(o.why.code)) for o in rig.notes.omissions] == [("tin-1", "battery_low")]


@pytest.mark.parametrize(("any_time", "heard"), [(False, []), (True, ["tin-1"])])
def test_without_the_time_only_slots_for_any_time_sound(any_time, heard):
    rig = Rig(
        daily(UtcTime(NOW + MINUTE), "sang", play("tin-1"), any_time=any_time), quality=TimeQuality.FLOOR_ONLY
    )
    rig.run(10 * MINUTE)
    assert [what for what, *_ in rig.heard] == heard
    assert [str(o.why.code) for o in rig.notes.omissions] == ([] if any_time else ["time_unknown"])


def test_damaged_content_gives_way_to_the_reserve_set():
    rig = Rig(
        daily(UtcTime(NOW + MINUTE), "sang", play("tin-1")), items=("tin-1", "du-phong"), reserve=["du-phong"]
    )
    rig.bad = {make_sound("tin-1").sha256}
    rig.run(10 * MINUTE)
    assert [(h.cue.is_reserve, h.cue.sound.sha256) for h in rig.stage.heard] == [(True, make_sound("du-phong").sha256)]
    assert [play.item for play in rig.notes.missed] == ["tin-1"]


def test_damaged_content_without_a_reserve_set_is_silence_and_is_told_once():
    rig = Rig(daily(UtcTime(NOW + MINUTE), "sang", play("tin-1")))
    rig.bad = {make_sound("tin-1").sha256}
    rig.run(10 * MINUTE)
    assert rig.heard == []
    assert [play.item for play in rig.notes.missed] == ["tin-1"]


def test_what_is_due_without_a_sound_device_is_told_once_each():
    rig = Rig(daily(UtcTime(NOW + MINUTE), "sang", play("tin-1"), play("tin-2")))
    rig.planner.sound_lost()
    rig.run(10 * MINUTE)
    assert [play.item for play in rig.notes.soundless] == ["tin-1", "tin-2"]


def test_a_sound_device_that_comes_back_ends_the_telling():
    rig = Rig(daily(UtcTime(NOW + MINUTE), "sang", play("tin-1"), play("tin-2")))
    rig.run(2 * MINUTE)
    rig.planner.sound_lost()
    rig.planner.replan()
    rig.run(30 * SECOND)
    rig.planner.sound_back()
    rig.run(8 * MINUTE)
    assert [play.item for play in rig.notes.soundless] == ["tin-1"]


def test_a_sound_process_that_is_back_within_a_moment_is_no_news():
    rig = Rig(daily(UtcTime(NOW + MINUTE), "sang", play("tin-1")))
    rig.run(2 * MINUTE)
    rig.planner.sound_lost()
    rig.planner.replan()
    rig.run(2 * SECOND)
    rig.planner.sound_back()
    rig.run(10 * MINUTE)
    assert rig.notes.soundless == []


def test_every_round_of_an_alert_that_cannot_sound_is_told():
    rig = Rig()
    rig.planner.sound_lost()
    rig.run(5 * SECOND)
    alert = rig.alarm(rounds=2)
    rig.run(MINUTE)
    assert [(turn.alert, turn.number) for turn in rig.notes.soundless] == [(alert.id, 1), (alert.id, 2)]


def test_a_mute_stops_what_sounds_and_nothing_moves_up():
    rig = Rig(daily(UtcTime(NOW + MINUTE), "sang", play("tin-1"), play("tin-2")))
    rig.run(2 * MINUTE)
    mute = Mute(rig.clock.now(), UtcTime(rig.clock.now() + HOUR))
    rig.planner.inputs.situation = Situation((rig.programme,), (), rig.situation.endpoint, (mute,))
    rig.planner.forget_plan()
    rig.run(10 * MINUTE)
    assert rig.heard == [("tin-1", MINUTE, 0, 2 * MINUTE)]


def test_another_programme_takes_over_in_the_middle_of_the_old_one():
    rig = Rig(daily(UtcTime(NOW + MINUTE), "sang", play("tin-1")))
    rig.run(2 * MINUTE)
    other = make_programme("08/00694", items=[make_item("tin-2")], slots=[])
    rig.planner.inputs.situation = Situation((other,), (), rig.situation.endpoint)
    rig.planner.forget_plan()
    rig.planner.replan()
    assert rig.stage.sounding == []


def test_a_lost_sound_process_is_joined_again():
    rig = Rig(daily(UtcTime(NOW + MINUTE), "sang", play("tin-1")))
    rig.run(2 * MINUTE)
    lost = rig.planner.lost_all()
    assert [cue.about.item for cue in lost] == ["tin-1"]
    rig.stage = FakeStage(rig.clock)
    planner, rig.planner = rig.planner, Planner(rig.clock, rig.stage, rig.checked, rig.notes)
    rig.planner.inputs = planner.inputs
    rig.stage.planner = rig.planner
    rig.run(10 * MINUTE)
    assert rig.heard == [("tin-1", 2 * MINUTE, MINUTE, MINUTE + LENGTH)]


def test_a_clock_that_moves_hands_out_anew_what_has_not_begun():
    rig = Rig(daily(UtcTime(NOW + 10 * SECOND), "sang", play("tin-1")))
    rig.planner.replan()
    rig.planner.recue(all_of_it=False)
    rig.run(MINUTE)
    assert [what for what, *_ in rig.heard] == ["tin-1"]
    assert rig.stage.heard[0].cue.id.endswith(".2")


def test_a_reserve_slot_repeats_until_its_end_and_finishes_what_it_says():
    rig = Rig(
        daily(UtcTime(NOW + MINUTE), "sang", PlayReserve(), length_ms=10 * MINUTE), items=("a",), reserve=["a"]
    )
    rig.run(20 * MINUTE)
    assert [what for what, *_ in rig.heard] == ["a", "a", "a", "a"]  # the last one is not cut
