"""An opened device, or whoever sits at one: numbers and tags in what it says of itself; pages of other communes."""

from __future__ import annotations

import pytest

from hub.auth import guard
from hub.inbound import take
from tests.builders import make_template
from tests.hub.conftest import COMMUNE
from tests.hub.pages.test_rights import _slot_ids
from tests.hub.test_alerts import birth, send
from tests.hub.test_alerts import ready as prepare_alerts
from wire.playlog import FIRST_PREVIOUS

ready = prepare_alerts
TAG = "<script>alert(1)</script>"
PAGES = ("/", "/devices", "/devices/cl-1", "/alerts", "/schedules", "/schedules/preview?cluster=cl-1", "/items")
EDGES = (2**53 - 1, -(2**53) + 1, 253_402_300_800_000, -1, 0)


@pytest.mark.parametrize("number", EDGES)
def test_no_number_of_a_device_breaks_a_page(box, desk, number):
    box.add_cluster()
    device = box.add_device()
    told = dict.fromkeys(("at", "supplied_until", "placement_n", "last_seq"), number)
    take(box.hub, "loa/1/up/loa-1/birth", birth("loa-1", versions={"p08": number}, **told))
    rows = device.rows(1, title=TAG, started=number, ended=number, offset_ms=number)
    take(box.hub, "loa/1/up/loa-1/log", device.log(rows))
    for path in PAGES:
        assert desk("vy").get(path).status_code == 200, path


@pytest.mark.parametrize("number", [2**63, 10**30])
def test_a_number_beyond_the_database_is_refused_and_nothing_is_set_aside(box, number):
    box.add_cluster()
    box.add_device()
    take(box.hub, "loa/1/up/loa-1/birth", birth("loa-1", supplied_until=number))
    with box.hub.reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM set_aside").scalar() == 0
        assert conn.exec_driver_sql("SELECT count(*) FROM device_events WHERE kind = 'refused'").scalar() == 1


def test_tags_of_a_device_are_letters_on_every_page(box, desk):
    box.add_cluster(name=TAG)
    device = box.add_device()
    take(box.hub, "loa/1/up/loa-1/birth", birth("loa-1", serial=TAG, boot=TAG, software=TAG, cluster=TAG, area=TAG))
    rows = device.rows(1, previous=FIRST_PREVIOUS, title=TAG, detail=TAG, slot=TAG, area=TAG)
    take(box.hub, "loa/1/up/loa-1/log", device.log(rows))
    desk("mai").write(TAG, TAG)
    for username in ("mai", "tuan"):
        texts = [desk(username).get(path).text for path in PAGES]
        assert [path for path, text in zip(PAGES, texts, strict=True) if TAG in text] == []
        assert any("&lt;script&gt;" in text for text in texts)


def test_an_outsider_opens_nothing_by_its_number(ready, app, desk, slot_fields):
    """Every page and interface that takes a number or name of something: all of them are of another commune."""
    mai = desk("mai")
    item = mai.write("Chuyện riêng")
    mai.post("/schedules/slots/new", slot_fields(f"item:{COMMUNE}:{item}"))
    slot = next(iter(_slot_ids(mai)))
    alert = send(ready, ready.province.start_alert(COMMUNE, make_template()))
    ids = {"alert": alert, "cluster": "cl-1", "item": item, "slot": slot, "device": "loa-1"}
    outsider = desk("outsider")
    walked = set()
    for rule in app.url_map.iter_rules():
        door = guard.door_of(app, rule.endpoint)
        if not rule.arguments or "GET" not in rule.methods or door == "anybody" or len(rule.arguments) > 1:
            continue
        [name] = rule.arguments
        values = [1, 2] if type(rule._converters[name]).__name__ == "IntegerConverter" else list(ids.values())
        for value in values:
            answer = outsider.get(rule.build({name: value})[1])
            assert answer.status_code in (401, 403, 404), (rule.rule, value, answer.status_code)
            assert "Chuyện riêng" not in answer.text
            walked.add(rule.rule)
    assert len(walked) >= 10
