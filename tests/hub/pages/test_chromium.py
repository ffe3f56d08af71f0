"""A person before a real browser: the first two steps of the story, and every page on a phone of 360 pixels."""

from __future__ import annotations

import pytest

from hub.security import store as security
from tests.hub.conftest import COMMUNE
from tests.hub.pages.conftest import give_sound, tone

PHONE = 360
UNLABELLED = """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
    .filter((field) => !field.labels?.length && !field.getAttribute("aria-label")).map((field) => field.name)"""
TOO_SMALL = """() => [...document.querySelectorAll("main button.button, main a.button, nav.tabs a")]
    .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 32).map((one) => one.textContent)"""


def test_a_bulletin_is_written_spoken_and_put_on_the_programme(box, person_at, tmp_path):
    box.add_cluster()
    recording = tmp_path / "tiêm phòng.wav"
    recording.write_bytes(tone(4))
    page = person_at("mai")

    page.click("nav >> text=Tin bài")
    page.get_by_role("link", name="Soạn tin").click()
    page.fill("#title", "Tiêm phòng đàn lợn")
    page.fill("#text", "UBND phường mời bà con đưa lợn đến nhà văn hóa lúc 7h30 ngày 25/11/2026.")
    page.get_by_role("button", name="Lưu", exact=True).click()
    page.wait_for_selector("text=Đã lưu. Bây giờ thêm âm thanh")
    assert page.is_visible("text=Chưa có âm thanh.")

    page.set_input_files("#sound", recording)
    assert page.is_visible("text=tiêm phòng.wav")
    page.click("form[data-upload] button")
    page.wait_for_selector("text=ghi âm: tiêm phòng.wav")
    page.wait_for_selector("text=Chưa có trong chương trình nào.")  # asked for by the page itself

    page.get_by_role("link", name="Đưa vào chương trình").click()
    assert page.input_value("#title") == "Tiêm phòng đàn lợn"
    page.fill("#end", "16:00")
    page.get_by_role("button", name="Lưu vào bản nháp").click()
    assert page.inner_text("#end-error") == "Khung giờ kết thúc trước khi bắt đầu."
    page.fill("#end", "17:30")
    page.select_option("#repeat", "weekly")
    page.get_by_label("Thứ Ba").check()
    page.fill("#first", "23/11/2026")
    page.get_by_role("button", name="Lưu vào bản nháp").click()
    page.wait_for_selector("text=Thứ Ba, hằng tuần, từ 23/11/2026")

    page.get_by_role("button", name="Gửi duyệt").click()
    page.wait_for_selector("text=Đã gửi duyệt.")
    assert page.is_visible("text=Gửi lúc 08:01 23/11/2026")

    page.get_by_role("link", name="Cụm này phát gì?").click()
    page.fill("#day", "24/11/2026")
    page.select_option("#source", "draft")
    page.get_by_role("button", name="Xem").click()
    page.wait_for_selector("text=Khung giờ chọn tin này.")
    assert page.is_visible("strong >> text=Tiêm phòng đàn lợn")
    assert [fault for fault in page.faults if "422" not in fault] == []


def test_a_file_that_is_no_recording_is_told_beside_the_form(box, desk, person_at, tmp_path):
    ident = desk("mai").write()
    wrong = tmp_path / "ghi-am.mp3"
    wrong.write_text("Đây là văn bản.\n" * 100)
    page = person_at("mai")
    page.goto(f"/items/{ident}")
    page.set_input_files("#sound", wrong)
    page.click("form[data-upload] button")
    page.wait_for_selector("[data-upload-error] >> text=Đây là tệp văn bản")
    assert page.is_enabled("form[data-upload] button")


def test_a_slots_form_shows_only_what_belongs_to_the_choice(person_at):
    page = person_at("mai")
    page.goto("/schedules/slots/new")
    assert not page.is_visible("text=Các thứ trong tuần")
    page.select_option("#repeat", "weekly")
    assert page.is_visible("text=Các thứ trong tuần")
    rows = page.locator("#play-rows li").count()
    page.get_by_role("button", name="Thêm mục").click()
    assert page.locator("#play-rows li").count() == rows + 1


ADMIN_PATHS = ("/security", "/security/log", "/people", "/people/mai", "/assessments", "/account")


@pytest.fixture
def paths(box, desk, slot_fields):
    """Every page, with something on it."""
    box.add_cluster(name="Cụm loa Nhà văn hóa thôn Tân Lập")
    box.add_device()
    person = desk("mai")
    ident = person.write("Tiêm phòng dịch tả lợn châu Phi cho đàn lợn", document_number="51/TB-UBND", essential="1")
    give_sound(box, ident)
    person.post("/schedules/slots/new", slot_fields(f"item:{COMMUNE}:{ident}", "reserve"))
    slot = "kg-" + person.get("/schedules").text.split("/schedules/slots/kg-")[1].split('"')[0]
    return ["/", "/items", "/items/new", f"/items/{ident}", "/schedules", "/schedules/slots/new",
            f"/schedules/slots/{slot}", "/schedules/series", "/schedules/settings",
            "/schedules/preview?cluster=cl-1", "/approvals", "/devices",
            "/devices/cl-1", "/devices/stick", "/alerts", "/help", "/account", "/assessments"]  # fmt: skip


@pytest.mark.parametrize("username", ["mai", "admin"])
def test_every_page_fits_a_phone_and_its_fields_have_names(box, paths, person_at, username):
    with box.hub.writing() as conn:
        for kind in security.Kind:
            security.note(conn, kind, "loa-dong-van-thon-lung-thang-01", now=box.clock(), area=COMMUNE, detail="x" * 80)
    page = person_at(username, width=PHONE, height=740)
    wrong = []
    for path in paths if username == "mai" else ADMIN_PATHS:
        page.goto(path)
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        wrong += [(path, "too wide", too_wide)] if too_wide else []
        wrong += [(path, "without a name", name) for name in page.evaluate(UNLABELLED)]
        wrong += [(path, "too small", text) for text in page.evaluate(TOO_SMALL)]
        wrong += [] if page.is_visible(".mobile-bar >> text=Khẩn cấp") else [(path, "no red button", "")]
    assert wrong == []
    assert page.faults == []
