"""Policies combine to the strictest, and a commune can never loosen."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

from wire.codec import encode
from wire.errors import MalformedError
from wire.policy import BUILT_IN_HOURS, Hours, OnBattery, Policy, QuietException, policy_in_force, read_policy
from wire.units import HOUR, UtcTime

NIGHT = QuietException(
    day="2026-11-22", hours=Hours(start_ms=0, end_ms=5 * HOUR), areas=["08/00694"], reason="diễn tập"
)


def policy(area: str, **fields) -> Policy:
    return Policy(area=area, issued=UtcTime(1), **fields)


def hours(start: float, end: float) -> Hours:
    return Hours(start_ms=int(start * HOUR), end_ms=int(end * HOUR))


def test_without_any_policy_the_built_in_hours_bind():
    assert policy_in_force([], "08/00694").hours == (BUILT_IN_HOURS,)


def test_hours_are_intersected_down_the_path():
    found = policy_in_force(
        [policy("08", hours=[hours(5.5, 21)]), policy("08/00694", hours=[hours(4, 11), hours(14, 24)])], "08/00694/07"
    )
    assert found.hours == ((int(5.5 * HOUR), 11 * HOUR), (14 * HOUR, 21 * HOUR))


def test_volume_and_length_are_the_least():
    found = policy_in_force(
        [policy("08", max_volume=80, max_item_ms=HOUR), policy("08/00694", max_volume=90, max_item_ms=2 * HOUR)],
        "08/00694",
    )
    assert (found.max_volume, found.max_item_ms) == (80, HOUR)


def test_a_commune_cannot_lift_the_least_volume_nor_lower_the_emergency_one_nor_make_exceptions():
    found = policy_in_force(
        [policy("08", min_volume=40), policy("08/00694", min_volume=0, emergency_volume=0, exceptions=[NIGHT])],
        "08/00694",
    )
    assert (found.min_priority_volume, found.emergency_volume, found.exceptions) == (40, 100, ())


def test_an_exception_of_the_province_holds_in_its_areas_alone():
    province = policy("08", exceptions=[NIGHT])
    assert policy_in_force([province], "08/00694/07").exceptions == (NIGHT,)
    assert policy_in_force([province], "08/00691").exceptions == ()


def test_a_neighbours_policy_does_not_count_even_with_a_like_code():
    assert policy_in_force([policy("08/006", max_volume=1)], "08/00694").max_volume == 100


def test_the_order_of_policies_does_not_matter():
    three = [policy("08", hours=[hours(6, 20)], languages=["vi", "hmn"]),
             policy("08/00694", max_volume=70, languages=["hmn", "tyz"]),
             policy("08/00694/07", on_battery=OnBattery(priority=False))]  # fmt: skip
    assert len({policy_in_force(order, "08/00694/07") for order in permutations(three)}) == 1
    assert policy_in_force(three, "08/00694/07").languages == frozenset({"hmn"})


def test_on_battery_ordinary_items_need_everybodys_leave():
    loose = OnBattery(ordinary=True)
    assert policy_in_force([policy("08", on_battery=loose)], "08/00694").ordinary_on_battery
    assert not policy_in_force([policy("08", on_battery=loose), policy("08/00694")], "08/00694").ordinary_on_battery


def test_hours_turned_round_are_refused():
    plain = json.loads(encode(policy("08", hours=[hours(5, 21)])))
    plain["hours"] = [{"start_ms": 10, "end_ms": 10}]
    with pytest.raises(MalformedError, match="end before"):
        read_policy(json.dumps(plain).encode())
