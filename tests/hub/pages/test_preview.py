"""Cụm này phát gì? The same answer as the device's, with a reason in words for every play and every omission."""

from __future__ import annotations

from datetime import date

import pytest

from hub.devices import store as devices
from hub.publishing import repository
from hub.schedules.preview import preview
from tests.builders import make_programme, make_sound
from tests.hub.conftest import COMMUNE
from tests.hub.pages.conftest import plain
from wire.areas import programme_target
from wire.codec import encode
from wire.content import Item
from wire.programme import Offers, PlayItem, PlaySeries, Recurrence, Series, Slot
from wire.timeline import Endpoint, Situation, plan_day
from wire.units import HOUR, MINUTE

DAY = date(2026, 11, 24)
DAILY = Recurrence(first="2026-11-20", freq="daily")


def slot(ident: str, hour: int, *plays, **more) -> Slot:
    return Slot(ident, ident, hour * HOUR, 30 * MINUTE, DAILY, list(plays), **more)


def own(ident: str) -> PlayItem:
    return PlayItem(area=COMMUNE, item=ident)


COMMUNE_SAYS = make_programme(
    COMMUNE,
    items=[
        Item("chao", "Lời chào", renditions=[make_sound("a")]),
        Item("mong", "Tin tiếng Mông", renditions=[make_sound("b", language="hmn")]),
        Item("cu", "Tin cũ", renditions=[make_sound("c")], valid_until=1),
    ],
    slots=[
        slot("chieu", 17, own("chao"), own("mong"), own("cu"), PlaySeries("08", "thoi-su")),
        slot("noi-khac", 18, own("chao"), targets=["cluster:cl-2"]),
    ],
)  # fmt: skip
PROVINCE_SAYS = make_programme(
    "08",
    items=[Item("bt1", "Bản tin tỉnh", renditions=[make_sound("p")])],
    offers=Offers(series=[Series("thoi-su", "Thời sự tỉnh", ["bt1"])]),
)


@pytest.fixture
def released(box):
    """Both programmes are in force, and the commune has one cluster."""
    box.add_cluster()
    with box.hub.writing() as conn:
        repository.lock(conn)
        for said in (COMMUNE_SAYS, PROVINCE_SAYS):
            repository.put_targets(conn, "x", 1, {programme_target(said.area): encode(said)}, box.clock())
    return box


def asked(person, **query) -> dict:
    answer = person.get("/schedules/preview", query_string={"cluster": "cl-1", "day": DAY.isoformat(), **query},
                        headers={"Accept": "application/json"})  # fmt: skip
    assert answer.status_code == 200, plain(answer)
    return answer.get_json()


def test_programs_get_the_very_plan_of_the_device(released, desk):
    endpoint = Endpoint(area=COMMUNE + "/02", cluster="cl-1")
    plan = plan_day(Situation((COMMUNE_SAYS, PROVINCE_SAYS), (), endpoint), DAY)
    found = asked(desk("mai"))
    assert [(p["key"], p["start"], p["end"], p["item"]) for p in found["plays"]] == [
        (play.key, play.start, play.end, play.item) for play in plan.plays
    ]
    assert len(found["plays"]) == 2
    assert [gap["why"]["code"] for gap in found["omissions"]] == [gap.why.code.value for gap in plan.omissions]


def test_people_read_why_each_plays_or_does_not(released, desk):
    page = plain(desk("mai").get(f"/schedules/preview?cluster=cl-1&day={DAY:%d/%m/%Y}"))
    assert "17:00–17:00:03 Lời chào Khung giờ “chieu” của Phường Hà Giang 1. Khung giờ chọn tin này." in page
    slot_words = "Khung giờ “chieu” của Phường Hà Giang 1."
    assert f"Bản tin tỉnh {slot_words} Bản mới nhất còn hiệu lực trong bản tin định kỳ của Tỉnh Tuyên Quang." in page
    silent = page.split("Không phát, vì sao")[1]
    assert f"Tin tiếng Mông {slot_words} Tin chưa có bản âm thanh bằng ngôn ngữ của cụm loa này." in silent
    assert "Tin cũ Khung giờ “chieu” của Phường Hà Giang 1. Tin hết hiệu lực lúc" in silent
    assert "noi-khac Khung giờ dành cho cụm loa hoặc bảng tin khác." in silent


def test_the_draft_is_shown_beside_what_is_in_force(released, desk):
    assert len(asked(desk("mai"))["plays"]) == 2
    assert asked(desk("mai"), source="draft")["plays"] == []


def test_a_signed_placement_counts_more_than_what_is_entered(released):
    released.add_device()
    released.place()
    with released.hub.reading() as conn:
        row = {**devices.cluster(conn, "cl-1"), "languages": ["hmn"]}
        found = preview(conn, row, DAY, source="released", now=released.clock())
    assert found.endpoint.languages == ("vi",)


@pytest.mark.parametrize("query", [{"day": "31/02/2026"}, {"day": "2099-01-01"}, {"day": "hôm nay"}])
def test_a_day_that_is_none_is_told(released, desk, query):
    answer = desk("mai").get("/schedules/preview", query_string={"cluster": "cl-1", **query})
    assert (answer.status_code, "Không xem được ngày này" in plain(answer)) == (400, True)


def test_an_unknown_cluster_is_not_found(released, desk):
    assert desk("mai").get("/schedules/preview?cluster=cl-77").status_code == 404


def test_nothing_approved_is_said_not_shown_as_an_empty_day(box, desk):
    box.add_cluster()
    page = plain(desk("mai").get("/schedules/preview?cluster=cl-1"))
    assert "Chưa có gì được duyệt cho cụm loa này nên chưa phát gì." in page
