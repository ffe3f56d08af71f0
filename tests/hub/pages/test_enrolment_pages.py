"""Lắp đặt thiết bị: who makes a permission, what the registrar sees, ending a registration, spares in the draft."""

from __future__ import annotations

import re

import pytest

from hub.certificates import actions as certificates
from hub.devices import store as devices
from hub.enrolment import actions as enrolment
from hub.enrolment import tickets
from hub.publishing import actions as publishing
from hub.publishing import repository
from tests.builders import make_province
from tests.enrolling import Bench
from tests.hub.conftest import COMMUNE
from tests.hub.pages.conftest import plain
from tests.hub.pages.test_chromium import PHONE, TOO_SMALL, UNLABELLED
from wire.areas import programme_target
from wire.joining import spoken_digits
from wire.key_request import fingerprint
from wire.programme import Swap, read_programme
from wire.units import DAY

PAGE = f"/devices/enrolment?area={COMMUNE}"
CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}")
HAMLET = COMMUNE + "/02"


@pytest.fixture
def bench(box, tmp_path):
    box.add_cluster()
    certificates.make_authority(box.hub)
    folder = tmp_path / "bench"
    folder.mkdir()
    return Bench(folder, box.province.files["1.root.json"])


@pytest.fixture
def ask(box, bench):
    """A technician asks for a device; `signed`: and the registrar signs."""

    def ask(name="loa-x", *, cluster="cl-1", signed=False, **more):
        code = tickets.make_ticket(box.hub, box.person("dang"), area=COMMUNE, name="Tuấn", most=5, lasts_ms=DAY)
        enrolment.ask(box.hub, bench.wish(name, code, cluster, **more))
        if signed:
            box.place()
            enrolment.ask(box.hub, bench.wish(name))

    return ask


def make(desk, username="dang", **more):
    fields = {"area": COMMUNE, "name": "Lý Văn Tuấn", "most": "2", "lasts": "24", **more}
    return desk(username).post("/devices/enrolment/tickets", fields, form="/help", follow=True)


# --- permissions ---


def test_the_letters_are_shown_once(box, desk):
    page = make(desk)
    code = CODE.search(plain(page))[0]
    assert f"Giấy phép của Lý Văn Tuấn: {code}" in plain(page)
    again = plain(desk("dang").get(PAGE))
    assert code not in again
    assert "Lý Văn Tuấn · Phường" in again or "Lý Văn Tuấn" in again
    assert "đã dùng 0/2" in again


def test_a_technician_sees_and_makes_none(desk):
    page = plain(desk("tuan").get(PAGE))
    assert "Lắp đặt thiết bị" in page
    assert "Giấy phép mới" not in page
    assert make(desk, "tuan").status_code == 403


@pytest.mark.parametrize("username", ["mai", "vy", "chair-00694", "outsider", "admin"])
def test_who_installs_nothing_does_not_see_the_page(desk, username):
    assert desk(username).get(PAGE).status_code == 403
    assert make(desk, username).status_code == 403


def test_a_permission_is_bounded_and_says_what_is_wrong(desk):
    page = make(desk, name="", most="500", lasts="9999")
    assert page.status_code == 422
    for words in ("Ghi tên kỹ thuật viên.", "từ 1 đến 200", "Chọn một mục trong danh sách."):
        assert words in plain(page)


def test_a_permission_is_ended_on_the_page_by_who_may(box, desk):
    make(desk)
    assert desk("tuan").post("/devices/enrolment/tickets/1/end", {}).status_code == 403
    assert desk("dang").post("/devices/enrolment/tickets/99/end", {}).status_code == 404
    assert "Đã chấm dứt" in plain(desk("dang").post("/devices/enrolment/tickets/1/end", {}, follow=True))


# --- what waits ---


def test_the_registrar_sees_key_root_and_defect(desk, bench, ask):
    bench.board("loa-x", has_rtc=False)
    ask()
    page = plain(desk("dang").get(PAGE))
    join = bench.join("loa-x")
    for words in ("loa-x", fingerprint(join.key), spoken_digits(join.root), "đúng của tỉnh", "không có đồng hồ pin"):
        assert words in page
    assert "không phải của tỉnh" not in page


def test_a_device_that_trusts_somebody_else_is_marked(desk, bench, ask):
    bench.root = make_province().files["1.root.json"]
    ask()
    page = plain(desk("dang").get(PAGE))
    assert "không phải của tỉnh" in page
    assert "Không ký duyệt" in page


# --- the device on its cluster's page ---


def test_the_clusters_page_tells_certificate_key_and_defect_and_ends_it(box, desk, bench, ask):
    bench.board("loa-x", has_rtc=False)
    ask(signed=True)
    registrar = desk("tuan")
    page = plain(registrar.get("/devices/cl-1"))
    for words in (fingerprint(bench.join("loa-x").key), "có giá trị đến 20/11/2036", "không có đồng hồ pin"):
        assert words in page
    assert "không có đồng hồ pin" in plain(registrar.get(f"/devices?area={COMMUNE}"))
    empty = registrar.post("/devices/cl-1/revoke", {"device": "loa-x", "why": ""}, form="/devices/cl-1")
    assert (empty.status_code, "Ghi lý do" in plain(empty)) == (422, True)
    wish = {"device": "loa-x", "why": "mất trộm"}
    done = registrar.post("/devices/cl-1/revoke", wish, form="/devices/cl-1", follow=True)
    assert "Đăng ký của loa-x đã chấm dứt." in plain(done)
    with box.hub.reading() as conn:
        assert devices.device(conn, "loa-x")["revoked_at"]


@pytest.mark.parametrize("username", ["mai", "vy", "chair-00694", "outsider"])
def test_who_looks_after_no_devices_ends_none(box, desk, bench, ask, username):
    ask(signed=True)
    assert "Chấm dứt đăng ký" not in plain(desk("vy").get("/devices/cl-1"))
    assert desk(username).post("/devices/cl-1/revoke", {"device": "loa-x", "why": "x"}).status_code == 403
    with box.hub.reading() as conn:
        assert devices.device(conn, "loa-x")["revoked_at"] is None


# --- spares ---


@pytest.fixture
def spare(box, ask):
    ask(signed=True)
    ask("loa-s", cluster="", spare_of=COMMUNE, signed=True)


def test_a_spare_is_put_into_the_draft_and_signed_with_the_programme(box, desk, spare, slot_fields):
    mai = desk("mai")
    assert "đang cất" in plain(mai.get(f"/schedules/spares?area={COMMUNE}"))
    wish = {"area": COMMUNE, "device": "loa-s", "cluster": "cl-1"}
    page = plain(mai.post("/schedules/spares", wish, form="/schedules/spares", follow=True))
    assert "Trong bản nháp: Cụm loa 1. Hãy gửi duyệt chương trình." in page
    kept = {"area": COMMUNE, "reserve": []}
    mai.post("/schedules/settings", kept, form="/schedules/settings")
    mai.post("/schedules/submit", {"area": COMMUNE, "confirm": "1"}, form="/schedules")
    with box.hub.reading() as conn:
        (proposal,) = publishing.waiting(conn, kind="programme")
    programme = read_programme(proposal.targets[programme_target(COMMUNE)]).programme
    assert (programme.swaps, proposal.authors) == ([Swap("loa-s", "cl-1")], ("mai",))
    box.sign(proposal.id, "chair-00694")
    box.sign(proposal.id, "deputy-00694")
    assert "đang thay tại Cụm loa 1" in plain(mai.get(f"/schedules/spares?area={COMMUNE}"))
    back = mai.post("/schedules/spares", wish | {"cluster": ""}, form="/schedules/spares", follow=True)
    assert "Trong bản nháp: cất đi." in plain(back)
    with box.hub.reading() as conn:
        assert read_programme(repository.current_target(conn, programme_target(COMMUNE))).programme.swaps


@pytest.mark.parametrize(
    "wish", [{"device": "loa-x"}, {"device": "x"}, {"cluster": "spare-loa-s"}, {"cluster": "cl-9"}]
)
def test_only_a_spare_goes_and_only_to_a_cluster(desk, spare, wish):
    fields = {"area": COMMUNE, "device": "loa-s", "cluster": "cl-1", **wish}
    answer = desk("mai").post("/schedules/spares", fields, form="/schedules/spares")
    assert (answer.status_code, "Chọn một thiết bị dự phòng" in plain(answer)) == (400, True)


@pytest.mark.parametrize(("username", "area"), [("outsider", COMMUNE), ("vy", COMMUNE), ("chair-00694", COMMUNE)])
def test_who_does_not_edit_moves_no_spare(desk, spare, username, area):
    fields = {"area": area, "device": "loa-s", "cluster": "cl-1"}
    assert desk(username).post("/schedules/spares", fields).status_code == 403


def test_a_spare_is_no_place_for_a_slot_and_no_cluster_that_is_broken(desk, spare):
    mai = desk("mai")
    assert "spare-loa-s" not in mai.get("/schedules/slots/new").text
    assert "Thiết bị dự phòng" in plain(mai.get(f"/devices?area={COMMUNE}"))


def test_the_pages_fit_a_phone(box, person_at, ask, spare, bench):
    bench.board("loa-y", has_rtc=False)
    ask("loa-y")
    wrong = []
    for username, path in (("dang", PAGE), ("dang", "/devices/cl-1"), ("mai", f"/schedules/spares?area={COMMUNE}")):
        page = person_at(username, width=PHONE, height=740)
        page.goto(path)
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        wrong += [(path, "too wide", too_wide)] if too_wide else []
        wrong += [(path, "without a name", name) for name in page.evaluate(UNLABELLED)]
        wrong += [(path, "too small", text) for text in page.evaluate(TOO_SMALL)]
        wrong += [(path, fault) for fault in page.faults]
    assert wrong == []
