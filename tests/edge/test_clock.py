"""The ladder: which time is believed, how far, and what a restart or a power cut leaves of it."""

from __future__ import annotations

import time

import pytest

from edge.clock import NS_PER_MS, DeviceClock, Saying, boottime_ns
from edge.store import Store
from edge.time_sources import await_rtc_tick, read_rtc
from tests.builders import NOW
from tests.edge.device_process import BatteryClock
from tests.edge.world import wait_for
from wire.timeline import TimeQuality
from wire.units import DAY, HOUR, SECOND, UtcTime

EPOCH = UtcTime(0)
FAR = UtcTime(NOW + 400 * DAY)


class Rig:
    """A clock on a store; the system's own clock says 1970 unless told otherwise."""

    def __init__(self, folder, *, system=EPOCH):
        self.folder = folder
        self.boot("one", system=system)

    def boot(self, boot_id, *, system=EPOCH):
        self.store = Store(self.folder / "state.db")
        offset_ns = system * NS_PER_MS - time.time_ns()
        self.clock = DeviceClock(self.store, boot_id=boot_id, system_offset_ns=offset_ns)
        self.clock.limit(floor=UtcTime(NOW - DAY), ceiling=FAR, floor_ceiling=UtcTime(NOW + 300 * DAY))
        return self.clock

    def says(self, utc, quality=TimeQuality.SYNCED, *, source="hub", tolerance_ms=5):
        return self.clock.hear(
            Saying(source, quality, utc * NS_PER_MS, boottime_ns(), 5 * NS_PER_MS, tolerance_ms * NS_PER_MS)
        )

    def is_about(self, utc, within_ms=500):
        return abs(self.clock.now() - utc) < within_ms


@pytest.fixture
def rig(tmp_path):
    return Rig(tmp_path)


def test_a_device_that_knows_nothing_stands_at_its_floor(rig):
    assert (rig.clock.quality(), rig.is_about(NOW - DAY)) == (TimeQuality.FLOOR_ONLY, True)


def test_an_attested_time_is_believed(rig):
    assert rig.says(NOW)
    assert (rig.clock.quality(), rig.is_about(NOW)) == (TimeQuality.SYNCED, True)


def test_instants_map_to_monotonic_time_and_back(rig):
    rig.says(NOW)
    at_ns = rig.clock.monotonic_ns(UtcTime(NOW + HOUR))
    assert abs(at_ns - time.monotonic_ns() - HOUR * NS_PER_MS) < 500 * NS_PER_MS
    assert rig.clock.utc_at(at_ns) == NOW + HOUR


def test_a_coarse_source_does_not_shake_a_clock_that_is_near_it(rig):
    rig.says(NOW, TimeQuality.RTC)
    before = rig.clock.offset_ns
    rig.says(NOW + 900, TimeQuality.RTC, source="rtc", tolerance_ms=1_000)
    assert rig.clock.offset_ns == before


def test_a_lesser_source_does_not_move_a_better_one(rig):
    rig.says(NOW)
    rig.says(NOW + 10 * SECOND, TimeQuality.RTC, source="rtc")
    assert rig.is_about(NOW)


@pytest.mark.parametrize("utc", [UtcTime(0), UtcTime(NOW - 2 * DAY), UtcTime(FAR + 1)])
def test_a_time_before_the_floor_or_beyond_roots_end_is_not_believed(rig, utc):
    assert not rig.says(utc)
    assert (rig.clock.quality(), rig.clock.refusal.source) == (TimeQuality.FLOOR_ONLY, "hub")


def test_no_single_source_moves_a_known_time_by_more_than_an_hour(rig):
    rig.says(NOW, TimeQuality.RTC, source="rtc")
    assert not rig.says(NOW + 2 * HOUR)
    assert not rig.says(NOW + 2 * HOUR)
    assert rig.is_about(NOW)


def test_two_sources_that_agree_do(rig):
    rig.says(NOW, TimeQuality.RTC, source="rtc")
    rig.says(NOW + 2 * HOUR, source="hub")
    assert rig.says(NOW + 2 * HOUR + 100, source="kernel")
    assert (rig.is_about(NOW + 2 * HOUR + 100), rig.clock.refusal) == (True, None)


def test_a_clock_that_was_wrong_by_less_comes_back(rig):
    rig.says(NOW)
    rig.says(NOW - 50 * 60 * SECOND)
    assert rig.is_about(NOW - 50 * 60 * SECOND)


def test_after_a_restart_in_the_same_boot_the_time_is_still_known(rig):
    rig.says(NOW)
    rig.clock.save()
    clock = rig.boot("one")
    assert (clock.quality(), rig.is_about(NOW)) == (TimeQuality.SAME_BOOT, True)


def test_after_a_power_cut_it_is_not(rig):
    rig.says(NOW, TimeQuality.RTC, source="rtc")
    rig.says(NOW)
    rig.clock.save()
    clock = rig.boot("two")
    assert clock.quality() == TimeQuality.FLOOR_ONLY
    assert clock.floor >= NOW


def test_the_floor_is_raised_by_time_no_further_than_the_end_of_targets(rig):
    rig.clock.limit(floor=UtcTime(0), ceiling=FAR, floor_ceiling=UtcTime(NOW + DAY))
    rig.says(NOW + 200 * DAY, TimeQuality.RTC, source="rtc")
    rig.says(NOW + 200 * DAY)
    rig.clock.save()
    assert rig.clock.floor == NOW + DAY


@pytest.mark.parametrize("sources", [["hub"], ["rtc"], ["kernel"], ["rtc", "kernel"]])
def test_no_source_raises_the_floor_alone_nor_do_those_of_this_machine(rig, sources):
    for source in sources:
        rig.says(NOW + 200 * DAY, TimeQuality.RTC if source == "rtc" else TimeQuality.SYNCED, source=source)
    rig.clock.save()
    assert rig.is_about(NOW + 200 * DAY)
    assert rig.clock.floor == NOW - DAY


def test_sources_that_disagree_raise_no_floor(rig):
    rig.says(NOW + 200 * DAY, TimeQuality.RTC, source="rtc")
    rig.says(NOW)
    rig.clock.save()
    assert rig.clock.floor == NOW - DAY


def test_a_floor_alone_is_never_saved_as_time(rig):
    rig.clock.save()
    assert rig.store.get("anchor") is None


def test_the_battery_clock_is_read_at_its_tick(tmp_path):
    clock = BatteryClock(tmp_path / "since_epoch")
    coarse, fine = read_rtc(str(clock.path)), wait_for(lambda: await_rtc_tick(str(clock.path)))
    clock.stop()
    real = time.time_ns() - boottime_ns()
    assert abs(coarse.offset_ns - real) < 1_500 * NS_PER_MS
    assert abs(fine.offset_ns - real) < 400 * NS_PER_MS


@pytest.mark.parametrize("content", ["", "x", "-5", "99999999999999"])
def test_a_battery_clock_that_does_not_run_is_none(tmp_path, content):
    (tmp_path / "since_epoch").write_text(content)
    assert read_rtc(str(tmp_path / "since_epoch")) is None
    assert read_rtc(str(tmp_path / "none")) is None
