"""The first page and the clusters: never a good word where nobody has heard anything."""

from __future__ import annotations

import io

import pytest

from hub.devices.model import Contact
from hub.devices.state import CARRIED_TAG, cluster_state
from hub.inbound import take
from hub.playlog.inbound import take_log
from tests.hub.conftest import COMMUNE
from tests.hub.pages.conftest import plain
from tests.hub.test_alerts import birth
from wire.playlog import FIRST_PREVIOUS, Row, row_hash
from wire.telemetry import FAULTS, encode_health
from wire.topics import BIRTH, HEALTH
from wire.units import DAY, HOUR, UtcTime

NOW = UtcTime(1_800_000_000_000)
CLUSTER = {"id": "cl-1", "name": "Cụm loa 1", "area": COMMUNE, "languages": ["vi"], "tags": []}
DEVICE = {"id": "loa-1", "heard_at": NOW - HOUR, "supplied_until": NOW + DAY}


def state(contact=Contact.ONLINE, *, cluster=CLUSTER, device=DEVICE, fault=0, **readings) -> str:
    health = {"at": NOW - HOUR, "readings": readings, "fault": fault}
    return cluster_state(cluster, device, contact, health, NOW).state


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (state(playing=1), "playing"),
        (state(playing=0, power=1), "waiting"),
        (state(playing=0, power=2), "no_power"),
        (state(playing=1, fault=FAULTS["no_sound_device"]), "no_sound"),
        (state(playing=0, fault=FAULTS["play_restarting"]), "no_sound"),
        (state(Contact.UNHEARD, playing=1), "unlinked"),
        (state(Contact.UNHEARD, device={**DEVICE, "supplied_until": NOW - 1}), "unheard"),
        (state(Contact.UNHEARD, device={**DEVICE, "supplied_until": 0}), "unheard"),
        (state(Contact.UNHEARD, fault=FAULTS["no_sound_device"]), "unheard"),
        (state(Contact.NEVER), "never"),
        (state(Contact.NEVER, cluster={**CLUSTER, "tags": [CARRIED_TAG]}), "carried"),
        (state(None, device=None), "unplaced"),
    ],
)
def test_the_state_of_a_cluster_follows_from_what_was_heard(found, expected):
    assert found == expected


def test_today_of_an_empty_commune_promises_nothing(box, desk):
    page = plain(desk("mai").get("/"))
    assert "0 cụm đang phát, trên tổng số 0" in page
    assert "Ở đây chưa có cụm loa nào." in page
    assert "Mọi cụm loa đều có liên lạc" not in page


def test_a_cluster_that_was_never_heard_is_looked_after(box, desk):
    box.add_cluster()
    box.add_device()
    page = plain(desk("mai").get("/"))
    assert "Cụm loa 1 Thôn, Phường Hà Giang 1 · liên lạc gần nhất: chưa lần nào Chưa liên lạc lần nào" in page
    assert "chưa có nội dung" in page


def test_today_says_since_when_a_cluster_is_unheard_and_how_long_its_content_lasts(box, desk):
    box.add_cluster()
    box.add_device()
    until = UtcTime(box.clock() + 20 * DAY)
    take(box.hub, BIRTH.of("loa-1"), birth("loa-1", supplied_until=until, at=box.clock()))
    box.clock.at += 3 * HOUR
    page = plain(desk("mai").get("/"))
    assert "liên lạc gần nhất: 3 giờ trước" in page
    assert "còn nội dung phát đến hết 13/12/2026" in page
    assert "Mất mạng, vẫn phát theo lịch đã tải" in plain(desk("mai").get("/devices"))


def test_a_fault_is_named_on_the_list_and_on_the_page(box, desk):
    box.add_cluster()
    box.add_device()
    take(box.hub, BIRTH.of("loa-1"), birth("loa-1", at=box.clock()))
    take(
        box.hub,
        HEALTH.of("loa-1"),
        encode_health({"fault": FAULTS["no_sound_device"], "power": 2, "battery_percent": 45}),
    )
    for path in ("/", "/devices", "/devices/cl-1"):
        page = plain(desk("mai").get(path))
        assert "Không có tiếng" in page
        assert "Không tìm thấy thiết bị âm thanh" in page
    assert "Pin · 45 %" in page


def test_the_play_log_is_told_in_words(box, desk):
    box.add_cluster()
    device = box.add_device()
    rows = []
    previous = FIRST_PREVIOUS
    told = [
        ("play", "item", True, "Phát đủ"),
        (
            "play",
            "item pre-empted",
            False,
            "Phát chưa đủ Chưa có thiết bị kiểm tra tiếng Nhường cho tin quan trọng hơn.",
        ),
        ("omitted", '{"why":"quiet_hours"}', False, "Không phát Rơi vào giờ không phát thanh."),
        ("omitted", '{"why":"content_missing"}', False, "Bản âm thanh chưa tải xong."),
        ("omitted", '{"why":"no_sound_device"}', False, "Không tìm thấy thiết bị âm thanh"),
        ("refused", "bad_signature: x", False, "Chữ ký không đúng: không có người có thẩm quyền ký."),
        ("event", "fault no_sound_device begins", False, "Lỗi: Không tìm thấy thiết bị âm thanh"),
        ("event", "power battery 45 %", False, "Nguồn điện: Pin 45 %"),
        ("event", "rung reserve", False, "Thiếu nội dung; phát nội dung dự phòng."),
    ]
    for seq, (kind, detail, complete, _words) in enumerate(told, start=1):
        at = UtcTime(box.clock() - HOUR + seq)
        row = Row(
            seq=seq, previous=previous, at=at, time_quality=3, kind=kind, item="tin", started=at, ended=at,
            complete=complete, detail=detail,
        )  # fmt: skip
        rows.append(row)
        previous = row_hash(row)
    take_log(box.hub, device.log(rows))
    page = plain(desk("mai").get("/devices/cl-1?events=1"))
    for _kind, _detail, _complete, words in told:
        assert words in page
    quiet = plain(desk("mai").get("/devices/cl-1"))
    assert [words in quiet for kind, *_, words in told] == [kind != "event" for kind, *_ in told]


def test_a_sticks_log_is_taken_once_and_what_was_refused_is_told(box, desk):
    box.add_cluster()
    device = box.add_device()
    raw = device.log(device.rows(3)) + b"\nnot an envelope\n"
    person = desk("mai")

    def hand_in() -> str:
        fields = {"log": (io.BytesIO(raw), "loa-1.log")}
        return plain(person.post("/devices/stick", fields, form="/devices/stick", content_type="multipart/form-data"))

    assert "Mới: 3. Đã có từ trước: 0. Không nhận: 1. Dòng 2: Dữ liệu hỏng hoặc không đọc được." in hand_in()
    assert "Mới: 0. Đã có từ trước: 3. Không nhận: 1." in hand_in()


def test_a_placement_is_proposed_on_the_page_and_waits_for_the_registrar(box, desk):
    box.add_cluster()
    box.add_device()
    person = desk("tuan")
    answer = person.post(
        "/devices/cl-1/placement", {"device": "loa-1", "languages": ["vi", "hmn"]}, form="/devices/cl-1"
    )
    assert answer.status_code == 303
    assert "chờ người đăng ký thiết bị ký" in plain(person.get("/devices/cl-1"))
    refused = person.post(
        "/devices/cl-1/placement", {"device": "loa-1", "languages": ["klingon"]}, form="/devices/cl-1"
    )
    assert (refused.status_code, "Chọn một mục trong danh sách." in plain(refused)) == (422, True)
