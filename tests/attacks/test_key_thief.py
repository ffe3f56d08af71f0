"""Whoever has one signing key of an area: drills, years ahead, floods, cancels of what is not his to cancel."""

from __future__ import annotations

import pytest

from edge.store import Store
from edge.sync.alerts import MOST_BY_ONE_KEY, STARTS_AN_HOUR, Alerts
from tests.builders import NOW, make_province, make_template
from tests.edge.test_alerts import Device, said
from wire.units import DAY, HOUR, UtcTime

TEMPLATE = make_template()
YEARS = 73 * 365 * DAY


@pytest.fixture(scope="module")
def province():
    made = make_province()
    made.publish_template(TEMPLATE)
    return made


@pytest.fixture
def device(province, tmp_path):
    return Device(province, tmp_path)


def test_one_key_starts_six_drills_an_hour_and_no_more(province, device):
    key = province.holders("ed00694")[0]
    raws = [province.start_alert("08/00694", TEMPLATE, act="ed", signers=[key], nonce=f"{n:02x}") for n in range(8)]
    assert [said(device.take(raw)) for raw in raws] == ["accepted"] * STARTS_AN_HOUR + ["not_allowed"] * 2


def test_orders_dated_years_ahead_do_not_bar_every_honest_one(province, tmp_path):
    """Enough of them pushed the oldest out, and with it the floor beyond our lifetime."""
    device = Device(province, tmp_path)
    later = {"issued": UtcTime(NOW + YEARS), "expires": UtcTime(NOW + YEARS + HOUR)}
    kinds = {
        said(device.take(province.cancel_alert("08/00694", ["a" * 64], nonce=f"{n:04x}", **later), store=False))
        for n in range(MOST_BY_ONE_KEY + 20)
    }
    assert kinds == {"accepted", "not_allowed"}
    assert len(device.alerts._memory.seen) == MOST_BY_ONE_KEY
    device.alerts.forget(UtcTime(NOW + 2 * DAY))
    honest = province.start_alert("08/00694", TEMPLATE, signers=province.holders("ea00694")[1:2], nonce="ff")
    assert said(device.take(honest)) == "accepted"


def test_the_memory_survives_as_it_was(province, tmp_path):
    device = Device(province, tmp_path)
    later = {"issued": UtcTime(NOW + YEARS), "expires": UtcTime(NOW + YEARS + HOUR)}
    raw = province.start_alert("08/00694", TEMPLATE, nonce="aa", **later)
    assert said(device.take(raw)) == "accepted"
    device.alerts = Alerts(Store(tmp_path / "state.db"))
    device.alerts.forget(UtcTime(NOW + 30 * DAY))
    assert said(device.take(raw)) == "out_of_date"
