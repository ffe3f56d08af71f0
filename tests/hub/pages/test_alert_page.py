"""Khẩn cấp: what runs, receipts as they come in, silent clusters first; nothing on the hub starts or stops an alert."""

from __future__ import annotations

import pytest

from hub.alerts.inbound import take_ack
from tests.hub.conftest import COMMUNE, OTHER
from tests.hub.pages.conftest import plain
from tests.hub.test_alerts import TEMPLATE, ready, receipt, send
from wire.units import HOUR

__all__ = ["ready"]


@pytest.fixture
def running(ready):
    """An alert of the commune with three clusters below two communes; its id."""
    return send(ready, ready.province.start_alert(COMMUNE, TEMPLATE))


def test_receipts_appear_and_the_silent_come_first(ready, running, desk, box):
    person = desk("mai")
    page = plain(person.get(f"/alerts/{running}/receipts"))
    assert "0 trên 2 cụm đã phát 2 chưa báo về" in page
    device = box.add_device("loa-1", "cl-1")
    assert take_ack(box.hub, receipt(device, running, "received", "verified", "started"))
    page = plain(person.get(f"/alerts/{running}/receipts"))
    assert "1 trên 2 cụm đã phát 1 chưa báo về" in page
    assert page.index("Im tiếng") < page.index("Đã nhận Chữ ký đúng Đã bắt đầu phát")


def test_a_cluster_that_took_the_order_and_did_not_sound_is_marked_and_stands_before_those_that_did(
    ready, running, desk, box
):
    loud, mute = box.add_device("loa-1", "cl-1"), box.add_device("loa-2", "cl-2")
    assert take_ack(box.hub, receipt(loud, running, "received", "verified", "started"))
    assert take_ack(box.hub, receipt(mute, running, "received", "verified"))
    page = plain(desk("mai").get(f"/alerts/{running}/receipts"))
    assert page.index("Im tiếng Đã nhận Chữ ký đúng") < page.index("Đã nhận Chữ ký đúng Đã bắt đầu phát")


def test_the_page_asks_again_every_second_while_it_runs_and_no_longer(ready, running, desk, box):
    person = desk("mai")
    assert 'hx-trigger="every 1s"' in person.get("/alerts").text
    box.clock.at += 25 * HOUR
    assert 'hx-trigger="every 1s"' not in person.get(f"/alerts/{running}").text
    assert "Không có tin khẩn cấp nào đang phát." in plain(desk("mai").get("/alerts"))


def test_another_commune_does_not_see_it(ready, running, desk):
    assert "Xả lũ khẩn cấp" in plain(desk("mai").get("/alerts"))
    outsider = desk("outsider")
    assert "Xả lũ khẩn cấp" not in plain(outsider.get("/alerts"))
    assert outsider.get(f"/alerts/{running}").status_code == 404
    assert OTHER not in plain(desk("mai").get(f"/alerts/{running}"))


def test_the_red_button_is_on_every_page_and_the_hub_has_none_that_signs(ready, running, desk):
    person = desk("chair-00694")
    for path in ("/", "/items", "/schedules", "/devices", "/help", "/alerts"):
        assert 'class="button emergency" href="/alerts"' in person.get(path).text
    forms = person.get("/alerts").text.count("<form")
    assert forms == person.get("/help").text.count("<form")  # only the switch of language and logging out
