"""Slots of the draft: what a form takes, what it says about each wrong field, and what is found before submitting."""

from __future__ import annotations

import json

import pytest

from hub.devices import actions as devices
from hub.publishing import repository
from hub.schedules import store
from tests.hub.conftest import COMMUNE, OTHER
from tests.hub.pages.conftest import give_sound, plain
from wire.areas import policy_target
from wire.codec import encode
from wire.policy import Hours, Policy
from wire.programme import PlayItem, PlayReserve, Recurrence
from wire.units import HOUR, MINUTE, SECOND


@pytest.fixture
def item(box, desk):
    """A bulletin with six seconds of sound, in a commune with one cluster."""
    box.add_cluster()
    ident = desk("mai").write("Tiêm phòng")
    give_sound(box, ident)
    return f"item:{COMMUNE}:{ident}"


def stored(box) -> list[store.DraftSlot]:
    with box.hub.reading() as conn:
        return store.slots(conn, COMMUNE)


def test_a_slot_is_stored_as_it_will_be_signed(box, desk, slot_fields, item):
    fields = slot_fields(
        "reserve", item, start="16:59:30", end="17:30", title="Bản tin chiều", **{"class": "priority"}, fixed="1"
    )
    assert desk("mai").post("/schedules/slots/new", fields).status_code == 303
    slot = stored(box)[0].slot
    assert (slot.start_ms, slot.length_ms) == (17 * HOUR - 30 * SECOND, 30 * MINUTE + 30 * SECOND)
    assert slot.plays == [PlayReserve(), PlayItem(area=COMMUNE, item=item.rsplit(":", 1)[1])]
    assert slot.when == Recurrence(first="2026-11-24", dates=["2026-11-24"])
    assert (slot.priority, slot.fixed, slot.targets) == (True, True, ["*"])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"repeat": "daily"}, "Hằng ngày, từ 24/11/2026"),
        (
            {"repeat": "daily", "interval": "3", "until": "30/11/2026"},
            "3 ngày một lần, từ 24/11/2026 đến hết 30/11/2026",
        ),
        ({"repeat": "weekly", "weekdays": ["1", "6"]}, "Thứ Hai, Thứ Bảy, hằng tuần, từ 24/11/2026"),
        ({"repeat": "monthly", "month_days": "1, 15, -1"}, "Hằng tháng vào ngày 1, 15, cuối tháng, từ 24/11/2026"),
        ({"repeat": "once"}, "Ngày 24/11/2026"),
    ],
)
def test_recurrence_is_read_back_in_words(desk, slot_fields, item, fields, words):
    person = desk("mai")
    assert person.post("/schedules/slots/new", slot_fields(item, **fields)).status_code == 303
    assert words in plain(person.get("/schedules"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": ""}, "Viết tên khung giờ."),
        ({"start": ""}, "Viết giờ bắt đầu."),
        ({"start": "25:00"}, "Giờ không đúng: 25:00."),
        ({"start": "17:61"}, "Giờ không đúng: 17:61."),
        ({"end": "16:00"}, "Khung giờ kết thúc trước khi bắt đầu."),
        ({"end": "17:00"}, "Khung giờ kết thúc trước khi bắt đầu."),
        ({"end": ""}, "Viết giờ kết thúc."),
        ({"start": "05:00", "end": "18:00"}, "Một khung giờ dài tối đa 12 giờ."),
        ({"first": ""}, "Viết ngày bắt đầu."),
        ({"first": "22/11/2026"}, "đã qua, không còn lần phát nào."),
        ({"first": "23/11/2026", "start": "06:00", "end": "07:00"}, "đã qua, không còn lần phát nào."),
        ({"repeat": "daily", "until": "01/11/2026"}, "Ngày cuối trước ngày đầu."),
        ({"repeat": "weekly"}, "Chọn ít nhất một thứ trong tuần."),
        ({"repeat": "weekly", "weekdays": ["8"]}, "Chọn một mục trong danh sách."),
        ({"repeat": "monthly", "month_days": "32"}, "Chọn một mục trong danh sách."),
        ({"repeat": "yearly"}, "Chọn một mục trong danh sách."),
        ({"plays": []}, "Chọn ít nhất một tin để phát."),
        ({"plays": [f"item:{OTHER}:tin"]}, "Chọn tin của đơn vị này hoặc của cấp trên."),
        ({"fixed": "1"}, "Chỉ khung giờ mức ưu tiên mới phát đúng giây được."),
        ({"reach": "chosen"}, "Chọn nơi phát."),
        ({"reach": "chosen", "targets": [f"area:{OTHER}"]}, f"{OTHER} không thuộc đơn vị này."),
        ({"reach": "chosen", "targets": ["cluster:cl-other"]}, "nơi phát cl-other không thuộc đơn vị này."),
        ({"start": "22:00", "end": "22:30"}, "(được phát 05:00–21:00; giới hạn cài sẵn trong mọi loa)"),
        ({"exceptions": "30/02/2026"}, "Ngày không đúng: 30/02/2026."),
    ],
)
def test_each_wrong_field_has_its_own_message_and_nothing_is_stored(box, desk, slot_fields, item, fields, message):
    box.add_cluster("cl-other", OTHER + "/01")
    answer = desk("mai").post("/schedules/slots/new", {**slot_fields(item), **fields})
    assert answer.status_code == 422
    assert message in plain(answer)
    assert stored(box) == []


@pytest.mark.parametrize(
    ("hours", "commune_hours", "start", "end", "message"),
    [
        ((5.5, 21), None, "05:05", "05:25", "(được phát 05:30–21:00; theo chính sách tỉnh đã ký) nên sẽ không phát."),
        ((5.5, 21), (6, 20), "20:10", "20:40", "(được phát 06:00–20:00; theo chính sách đơn vị đã ký) nên sẽ không"),
        ((5.5, 21), None, "21:10", "21:30", "(được phát 05:30–21:00; giới hạn cài sẵn trong mọi loa) nên sẽ không"),
    ],
)
def test_a_slot_outside_the_hours_is_refused_with_whose_word_it_is(
    box, desk, slot_fields, item, hours, commune_hours, start, end, message
):
    put_policy(box, "08", hours)
    put_policy(box, COMMUNE, commune_hours)
    answer = desk("mai").post("/schedules/slots/new", slot_fields(item, start=start, end=end))
    assert answer.status_code == 422
    assert message in plain(answer)
    assert stored(box) == []


def test_a_slot_that_begins_too_early_is_warned_of_before_anybody_signs(box, desk, slot_fields, item):
    put_policy(box, "08", (5.5, 21))
    person = desk("mai")
    assert person.post("/schedules/slots/new", slot_fields(item, start="05:15", end="05:45")).status_code == 303
    warned = "nằm ngoài giờ được phát (05:30–21:00; theo chính sách tỉnh đã ký)."
    assert warned in plain(person.get("/schedules"))


def put_policy(box, area: str, hours: tuple[float, float] | None) -> None:
    if hours is None:
        return
    said = Policy(area, box.clock(), hours=[Hours(round(hours[0] * HOUR), round(hours[1] * HOUR))])
    with box.hub.writing() as conn:
        repository.lock(conn)
        repository.put_targets(conn, f"x{len(area)}", 1, {policy_target(area): encode(said)}, box.clock())


def test_a_slot_across_midnight_is_given_by_its_length(box, desk, slot_fields, item):
    fields = slot_fields(item, start="20:30", end="", length="5:30")
    assert desk("mai").post("/schedules/slots/new", fields).status_code == 303
    assert stored(box)[0].slot.length_ms == 5 * MINUTE + 30 * SECOND


def test_a_slot_is_changed_and_removed(box, desk, slot_fields, item):
    person = desk("mai")
    person.post("/schedules/slots/new", slot_fields(item))
    before = stored(box)[0]
    form = person.get(f"/schedules/slots/{before.id}").text
    assert 'value="17:00"' in form
    assert 'value="24/11/2026"' in form
    fields = slot_fields(item, title="Bản tin tối", start="18:00", end="18:30", changed=str(before.changed))
    assert person.post(f"/schedules/slots/{before.id}", fields).status_code == 303
    assert [s.slot.title for s in stored(box)] == ["Bản tin tối"]
    assert person.post(f"/schedules/slots/{before.id}", fields).status_code == 409  # the page was older than the slot
    person.post(f"/schedules/slots/{before.id}/remove")
    assert stored(box) == []


def test_the_201st_slot_is_told_and_not_stored(box, desk, slot_fields, item):
    person = desk("mai")
    person.post("/schedules/slots/new", slot_fields(item))
    first = stored(box)[0]
    with box.hub.writing() as conn:
        for n in range(199):
            body = json.loads(conn.execute(store.draft_slots.select()).mappings().first()["body"])
            row = {"id": f"kg-{n}", "area": COMMUNE, "author": "mai", "changed_by": "mai", "created": 1, "changed": 1}
            conn.execute(store.draft_slots.insert().values(**row, body=json.dumps({**body, "id": f"kg-{n}"})))
    answer = person.post("/schedules/slots/new", slot_fields(item, title="Khung thứ 201"))
    assert answer.status_code == 400
    assert "Một chương trình có tối đa 200 khung giờ." in plain(answer)
    assert len(stored(box)) == 200
    assert first in stored(box)


def test_overlapping_slots_of_one_class_say_which_wins_and_why(desk, slot_fields, item):
    person = desk("mai")
    person.post("/schedules/slots/new", slot_fields(item, title="Sớm"))
    person.post("/schedules/slots/new", slot_fields(item, title="Muộn", start="17:10", end="17:40"))
    found = [f["text"] for f in person.findings() if f["code"] == "overlap"]
    first = "Ngày 24/11/2026 “Sớm” và “Muộn” trùng giờ. Khi cả hai đến giờ, “Sớm” được phát trước vì bắt đầu sớm hơn."
    assert found == [first + " “Muộn” phát tiếp sau đó, trừ khi đã hết khung giờ."]


def test_priority_wins_over_an_earlier_ordinary_slot(desk, slot_fields, item):
    person = desk("mai")
    person.post("/schedules/slots/new", slot_fields(item, title="Thường"))
    person.post(
        "/schedules/slots/new", slot_fields(item, title="Gấp", start="17:10", end="17:40", **{"class": "priority"})
    )
    found = next(f["text"] for f in person.findings() if f["code"] == "overlap")
    assert "“Gấp” được phát trước vì là mức ưu tiên." in found


def test_slots_on_other_days_or_places_do_not_overlap(box, desk, slot_fields, item):
    box.add_cluster("cl-2", COMMUNE + "/03", "Cụm loa 2")
    person = desk("mai")
    person.post("/schedules/slots/new", slot_fields(item, reach="chosen", targets=["cluster:cl-1"]))
    person.post("/schedules/slots/new", slot_fields(item, reach="chosen", targets=["cluster:cl-2"]))
    person.post("/schedules/slots/new", slot_fields(item, first="25/11/2026"))
    assert [f["code"] for f in person.findings()] == []


def test_a_bulletin_without_sound_stops_the_programme(desk, slot_fields, item):
    person = desk("mai")
    silent = person.write("Chưa ghi âm")
    person.post("/schedules/slots/new", slot_fields(f"item:{COMMUNE}:{silent}"))
    assert [(f["level"], f["text"]) for f in person.findings()] == [("error", "“Chưa ghi âm” chưa có âm thanh.")]
    answer = person.post("/schedules/submit", {"area": COMMUNE, "confirm": "1"})
    assert answer.status_code == 422
    assert "Chưa gửi được. Bản nháp vẫn còn." in plain(answer)


def test_a_cluster_that_speaks_another_language_is_named(box, desk, slot_fields, item):
    devices.put_cluster(box.hub, box.person("dang"), "cl-9", area=COMMUNE, name="Cụm loa Lùng Thàng", languages=["hmn"])
    person = desk("mai")
    person.post("/schedules/slots/new", slot_fields(item))
    found = [f["text"] for f in person.findings()]
    assert found == ["“Tiêm phòng” chưa có bản âm thanh bằng ngôn ngữ của: Cụm loa Lùng Thàng."]


def test_a_cluster_without_coverage_reminds_of_the_stick(box, desk, slot_fields, item):
    devices.put_cluster(box.hub, box.person("dang"), "cl-9", area=COMMUNE, name="Cụm loa xa", tags=["carried"])
    person = desk("mai")
    person.post("/schedules/slots/new", slot_fields(item))
    assert [f["text"] for f in person.findings()] == ["Cụm loa xa không có sóng: sau khi duyệt, mang gói USB đến."]
