"""A card that is full, read-only or stalls as an alert arrives: it sounds all the same, and is reported not stored."""

from __future__ import annotations

import pytest

from tests.edge.device_process import Broker, DeviceProcess, live_world, wall_clock
from tests.edge.rotten_disk import rotten_disk
from tests.edge.test_device import COMMUNE, DEVICE, HAMLET, alarm_template, order_id, read_receipts
from tests.edge.world import wait_for
from wire.alert import Repeat

SOON_MS = 1_500
"""From the order to the first sound on a busy machine; the commit is given 100 ms of it."""


@pytest.fixture
def live(tmp_path):
    world = live_world(tmp_path)
    world.place(DEVICE, HAMLET)
    yield world
    world.close()


@pytest.fixture
def broker(tmp_path):
    broker = Broker(tmp_path)
    yield broker
    broker.stop()


@pytest.mark.parametrize("fault", ["full", "readonly", "stalling"])
def test_an_alert_sounds_though_the_store_fails_and_says_that_it_was_not_stored(live, broker, fault):
    template = alarm_template(live)
    device = DeviceProcess(live, DEVICE, broker)
    with rotten_disk(device.folder) as disk:
        device.start()
        try:
            device.wait_until_placed()
            disk.become(fault)
            live.province.now = sent = wall_clock()
            raw = live.province.start_alert(COMMUNE, template, repeat=Repeat(times=1))
            broker.publish("loa/1/em/08.00694", raw)
            first = wait_for(lambda: heard(broker, live, order_id(raw)))
            again = live.province.start_alert(COMMUNE, template, repeat=Repeat(times=1), nonce="02")
            broker.publish("loa/1/em/08.00694", raw)  # a replay meets the memory, which needs no disk
            broker.publish("loa/1/em/08.00694", again)
            wait_for(lambda: heard(broker, live, order_id(again)))
            started = [r.alert for r in read_receipts(broker, live) if "started" in r.states]
            disk.become("sound")
        finally:
            device.stop()
    assert first.states == ["received", "verified", "not_stored", "started"]
    assert first.at - sent < SOON_MS
    assert sorted(started) == sorted([order_id(raw), order_id(again)])


def heard(broker: Broker, world, alert: str):
    """The receipt that says that it sounds."""
    return next((r for r in read_receipts(broker, world) if r.alert == alert and "started" in r.states), None)
