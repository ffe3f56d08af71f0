"""A commune's own approver turns: signed by the right key, and still no more than what SECURITY.md gives one.

The year 2099 stands in tests/edge/test_time_table.py, a bomb of a recurrence in tests/wire/test_programme.py.
"""

from __future__ import annotations

from datetime import date

import pytest
from tuf.api.metadata import DelegatedRole, Delegations

from edge.plan.inputs import situation_of
from tests.builders import make_programme, new_signer
from tests.edge.test_sync import Device
from tests.edge.world import NOW, World, daily
from wire.areas import policy_target
from wire.codec import encode
from wire.content import Item
from wire.errors import MalformedError
from wire.policy import Hours, Policy, QuietException
from wire.programme import PlayItem, read_programme
from wire.timeline import plan_day
from wire.units import DAY, HOUR, UtcTime, local_day

COMMUNE, HAMLET, NEIGHBOUR = "08/00694", "08/00694/02", "08/00700"


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    made.province.publish_policy("08", Policy("08", NOW, hours=[Hours(5 * HOUR + HOUR // 2, 21 * HOUR)], min_volume=40))
    made.place("loa-1", HAMLET)
    yield made
    made.close()


@pytest.fixture
def device(world):
    made = Device(world)
    yield made
    made.close()


def heard(device, day: date | None = None) -> list[str]:
    situation = situation_of(device.supply.holdings, serial="serial-loa-1")
    return [play.item for play in plan_day(situation, day or local_day(UtcTime(NOW + DAY))).plays] if situation else []


def test_he_speaks_at_night_and_nobody_hears_it(world, device):
    night = daily(UtcTime(NOW + 15 * HOUR), "dem", PlayItem(COMMUNE, "tin-1"))
    dawn = daily(UtcTime(NOW - 3 * HOUR + 6 * 60_000), "som", PlayItem(COMMUNE, "tin-1"), length_ms=10 * 60_000)
    world.say(COMMUNE, items=[world.item("tin-1")], slots=[night, dawn])
    device.refresh()
    device.haul()
    assert device.programme is not None
    assert heard(device) == []


def test_he_lifts_the_provinces_hours_and_nothing_lifts(world, device):
    everywhere = Policy(
        COMMUNE, NOW, hours=[Hours(0, DAY)], max_volume=100,
        exceptions=[QuietException(local_day(UtcTime(NOW + DAY)).isoformat(), Hours(0, DAY), [COMMUNE], "x")],
    )  # fmt: skip
    world.province.publish_policy(COMMUNE, everywhere)
    night = daily(UtcTime(NOW + 15 * HOUR), "dem", PlayItem(COMMUNE, "tin-1"))
    world.say(COMMUNE, items=[world.item("tin-1")], slots=[night])
    device.refresh()
    device.haul()
    assert policy_target(COMMUNE) in device.parts.library.in_force
    assert heard(device) == []


def test_he_turns_the_province_down_and_its_priority_stays_audible(world, device):
    world.province.publish_policy(COMMUNE, Policy(COMMUNE, NOW, max_volume=0))
    item = world.item("tinh", world.sound(2_000))
    slot = daily(UtcTime(NOW + HOUR), "uu-tien", PlayItem("08", "tinh"), priority=True)
    world.say("08", items=[item], slots=[slot])
    device.refresh()
    device.haul()
    situation = situation_of(device.supply.holdings, serial="serial-loa-1")
    plays = plan_day(situation, local_day(UtcTime(NOW + DAY))).plays
    assert [(play.item, play.volume >= 40) for play in plays] == [("tinh", True)]


def test_his_word_lasts_45_days_and_no_longer():
    long = encode(make_programme(COMMUNE, play_until=UtcTime(NOW + 400 * DAY)))
    assert read_programme(long).programme.ends <= NOW + 45 * DAY


def test_he_speaks_for_the_neighbour_and_the_neighbour_does_not_hear_it(world):
    world.place("loa-2", f"{NEIGHBOUR}/01")
    slot = daily(UtcTime(NOW + HOUR), "x", PlayItem(COMMUNE, "tin-1"), targets=[f"area:{NEIGHBOUR}", "*"])
    world.say(COMMUNE, items=[world.item("tin-1")], slots=[slot])
    other = Device(world, "loa-2")
    other.refresh()
    other.haul()
    assert other.supply.holdings.programmes == {}
    assert heard(other) == []
    other.close()


def test_he_hands_his_key_to_a_friend_by_a_delegation_and_the_friend_says_nothing(world, device):
    friend = new_signer()
    world.say(COMMUNE, items=[Item("tin-1", "Tin", renditions=[world.sound()])])
    device.refresh()
    held = device.parts.trust.held.roles["c00694"].version

    def delegate(signed) -> None:
        role = DelegatedRole("v00694-99", [friend.public_key.keyid], 1, terminating=True, paths=["areas/08/00694/*"])
        signed.delegations = Delegations({friend.public_key.keyid: friend.public_key}, {role.name: role})

    world.province.publish({"c00694": world.province.revise("c00694", delegate)})
    report = device.refresh()
    assert [(refusal.role, refusal.code) for refusal in report.refusals] == [("c00694", "not_allowed")]
    assert device.parts.trust.held.roles["c00694"].version == held


def test_a_malformed_word_of_his_stays_his_own_trouble(world, device):
    world.say(COMMUNE, items=[world.item("tin-1")], slots=[daily(UtcTime(NOW + HOUR), "a", PlayItem(COMMUNE, "tin-1"))])
    device.refresh()
    device.haul()
    world.province.publish_programme(COMMUNE, b'{"area":"08/00694","items":' + b"[" * 5_000)
    report = device.refresh()
    assert [refusal.code for refusal in report.refusals] == [MalformedError.code]
    assert heard(device) == ["tin-1"]
