"""Whoever owns the hub and its two online keys: the clock, served files, and the pages' view of an emergency."""

from __future__ import annotations

import time

import pytest

from edge.clock import NS_PER_MS, DeviceClock, Saying, boottime_ns
from edge.files import write_atomic
from edge.store import Store
from edge.sync.fetch import HttpFetcher, HubSource
from tests.builders import NOW
from tests.edge.world import World
from wire.policy import Hours, Policy
from wire.timeline import TimeQuality
from wire.trust.expiry import NETWORK
from wire.trust.succession import MAX_JUMP
from wire.units import DAY, HOUR, MINUTE, UtcTime

AREA = "08/00694/02"
STRICT = Policy("08/00694", NOW, hours=[Hours(7 * HOUR, 8 * HOUR)])
LOOSE = Policy("08/00694", NOW)


@pytest.fixture
def clock(tmp_path):
    made = DeviceClock(Store(tmp_path / "state.db"), boot_id="one", system_offset_ns=NOW * NS_PER_MS - time.time_ns())
    made.limit(floor=UtcTime(NOW - DAY), ceiling=UtcTime(NOW + 700 * DAY), floor_ceiling=UtcTime(NOW + 300 * DAY))
    return made


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def says(clock, utc: int, quality=TimeQuality.SYNCED, source: str = "hub") -> bool:
    return clock.hear(Saying(source, quality, utc * NS_PER_MS, boottime_ns(), 5 * NS_PER_MS))


@pytest.mark.parametrize("step", [59 * MINUTE, -59 * MINUTE])
def test_many_small_lies_move_the_clock_no_further_than_one(clock, step):
    says(clock, NOW, TimeQuality.RTC, "rtc")
    believed = [says(clock, clock.now() + step) for _ in range(24)]
    assert believed == [True] + [False] * 23
    assert abs(clock.now() - NOW) < HOUR + MINUTE


def test_a_second_source_that_agrees_still_corrects_a_wrong_battery_clock(clock):
    says(clock, NOW, TimeQuality.RTC, "rtc")
    assert not says(clock, NOW + 5 * HOUR)
    assert says(clock, NOW + 5 * HOUR, source="kernel")
    assert says(clock, NOW + 5 * HOUR + MINUTE)
    assert abs(clock.now() - NOW - 5 * HOUR) < 2 * MINUTE


@pytest.mark.parametrize("far", [10 * 365 * DAY, 73 * 365 * DAY, -2 * DAY])
def test_ten_years_on_or_before_the_floor_is_believed_of_nobody(clock, far):
    for source in ("hub", "kernel", "rtc"):
        assert not says(clock, NOW + far, source=source)


def test_a_policy_that_is_withheld_leaves_the_stricter_one_in_force(world):
    world.place("loa-1", AREA)
    world.province.publish_policy("08/00694", STRICT)
    parts = world.device("loa-1")
    refresh(parts, world)
    strict = held_hours(parts)
    world.province.publish_policy("08/00694", LOOSE)
    for path in [path for path in world.province.target_files if "policy" in path]:
        del world.province.target_files[path]
    report = refresh(parts, world)
    assert [refusal.code for refusal in report.refusals] == ["missing"]
    assert held_hours(parts) == strict == [(7 * HOUR, 8 * HOUR)]


def test_metadata_of_yesterday_takes_nothing_back(world):
    world.place("loa-1", AREA)
    world.province.publish_policy("08/00694", LOOSE)
    parts = world.device("loa-1")
    old = dict(world.province.files)
    world.province.publish_policy("08/00694", STRICT)
    refresh(parts, world)
    world.province.files.clear()
    world.province.files.update(old)
    report = refresh(parts, world)
    assert {refusal.code for refusal in report.refusals} == {"out_of_date"}
    assert held_hours(parts) == [(7 * HOUR, 8 * HOUR)]


@pytest.mark.parametrize("n", [0, 1, MAX_JUMP + 2, 2**53 - 1])
def test_a_placement_that_is_old_or_leaps_is_not_taken(world, n):
    world.place("loa-1", AREA)
    parts = world.device("loa-1")
    refresh(parts, world)
    if n:
        world.place("loa-1", "08/00694/05", n=n)
    refresh(parts, world)
    assert (parts.syncer.placement.n, parts.syncer.placement.area) == (1, AREA)
    world.place("loa-1", "08/00694/05", n=2)
    refresh(parts, world)
    assert parts.syncer.placement.n == 2


def test_of_two_communes_that_claim_a_device_the_later_signature_counts(world):
    world.place("loa-1", AREA, n=3)
    parts = world.device("loa-1")
    refresh(parts, world)
    world.place("loa-1", "08/00700/01", n=2)
    refresh(parts, world, hint="08/00700")
    assert parts.syncer.placement.area == AREA
    world.place("loa-1", "08/00700/01", n=4)
    refresh(parts, world, hint="08/00700")
    assert parts.syncer.placement.area == "08/00700/01"


def test_a_link_on_a_stick_does_not_lead_to_a_file_of_the_device(tmp_path):
    precious = tmp_path / "state.db"
    precious.write_bytes(b"evidence")
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "loa-1.log.tmp").symlink_to(precious)
    (stick / "loa-1.log").symlink_to(precious)
    write_atomic(stick / "loa-1.log", b"rows")
    assert precious.read_bytes() == b"evidence"
    assert (stick / "loa-1.log").read_bytes() == b"rows"


def refresh(parts, world, hint: str = ""):
    return parts.syncer.refresh(HubSource(HttpFetcher(world.hub.url)), NETWORK, hint=hint)


def held_hours(parts) -> list[tuple[int, int]]:
    policies = parts.library.holdings(parts.syncer.placement).policies
    return [(h.start_ms, h.end_ms) for policy in policies for h in policy.hours or []]
