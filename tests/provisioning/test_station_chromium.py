"""The approval app in a real browser: sign in, look, listen, sign; send an emergency and end it; by keyboard too."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from provisioning.approval.context import StationConfig, open_station
from provisioning.approval.station import create_station, make_station_server
from tests.builders import make_template
from tests.fakes.hub import PASSWORD, FakeHub, real_now
from tests.provisioning.conftest import CHAIR, COMMUNE, a_programme, passphrase_of, put_sound
from wire.areas import programme_target
from wire.codec import encode
from wire.content import Item
from wire.units import HOUR, MINUTE, UtcTime

HOLD_MS = 1_700
PLAYED = """async (audio) => {
  audio.muted = true;
  await audio.play();
  return [Math.round(audio.duration), audio.error];
}"""


@pytest.fixture
def origin(hub, key_files, tmp_path) -> Iterator[str]:
    """The app on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    station = open_station(StationConfig(hub.url, key_files[0], hub.province.root, tmp_path / "state", port))
    server = make_station_server(create_station(station), port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield station.config.origin
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(origin) -> Iterator[Page]:
    """A 360 px wide browser at the app; what its script complains about fails the test."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        opened = browser.new_context(viewport={"width": 360, "height": 740}).new_page()
        complaints: list[str] = []
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
        opened.set_default_timeout(10_000)
        opened.goto(f"{origin}/")
        yield opened
        browser.close()
    assert complaints == []


def sign_in(page: Page, username: str) -> None:
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("nav")


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def hold(page: Page, selector: str) -> None:
    page.hover(selector)
    page.mouse.down()
    page.wait_for_timeout(HOLD_MS)
    page.mouse.up()


def test_a_chair_signs_in_looks_listens_and_signs(hub: FakeHub, page: Page):
    released = a_programme(COMMUNE, issued=UtcTime(real_now() - MINUTE))
    hub.province.publish_programme(COMMUNE, released)
    item = Item("tin-1", "Tiêm phòng", renditions=[put_sound(hub, seconds=2.0)])
    changed = a_programme(COMMUNE, item, play_until=released.play_until)
    hub.submit(COMMUNE, "programme", {programme_target(COMMUNE): encode(changed)}, sign_before=real_now() + HOUR)

    assert page.inner_text("h1") == "Đăng nhập máy ký duyệt"
    sign_in(page, CHAIR)
    page.wait_for_selector("#pending")
    assert "cần ký trước" in page.inner_text("#pending")
    page.click("#pending a")
    page.wait_for_selector("#sign")
    changes = page.inner_text("#changes")
    played = page.eval_on_selector("#sounds audio", PLAYED)
    wide = is_too_wide(page)
    page.fill("#passphrase", "không phải")
    page.click("#sign-button")
    page.wait_for_selector("#sign .fault:not(:empty)")
    wrong = page.inner_text("#sign .fault")
    kept = page.input_value("#passphrase")
    page.fill("#passphrase", passphrase_of(CHAIR))
    page.keyboard.press("Enter")
    page.wait_for_selector("#nothing-pending")

    assert "Tiêm phòng" in changes
    assert (played, wide) == ([2, None], False)
    assert (wrong, kept) == ("Cụm mật khẩu của khóa không đúng. Chưa ký gì.", "")
    assert page.inner_text("#notice") == "Đã ký duyệt. Nội dung được đưa ra phát."
    assert hub.province.held(COMMUNE).roles["c00694"].version == 2


def test_a_proposal_that_changes_while_it_is_read_is_shown_anew(hub: FakeHub, page: Page):
    path = programme_target(COMMUNE)
    ident = hub.submit(COMMUNE, "programme", {path: encode(a_programme(COMMUNE))})
    sign_in(page, CHAIR)
    page.click("#pending a")
    page.wait_for_selector("#sign")
    hub.waiting[ident].targets = {path: encode(a_programme(COMMUNE, start_ms=6 * HOUR))}

    page.fill("#passphrase", passphrase_of(CHAIR))
    page.click("#sign-button")
    page.wait_for_selector("#notice.fault:not(:empty)")

    assert page.inner_text("#notice") == "Nội dung đã thay đổi sau khi xem. Xem lại trước khi ký."
    assert "6 giờ 00 – Bản tin chiều" in page.inner_text("#changes")
    assert ident in hub.waiting


def test_what_may_not_be_signed_offers_no_signing(hub: FakeHub, page: Page):
    hub.submit(COMMUNE, "programme", {programme_target(COMMUNE): encode(a_programme("08/00700"))})
    sign_in(page, CHAIR)
    page.click("#pending a")
    page.wait_for_selector("#may-not-sign")

    assert page.query_selector("#sign") is None
    page.click("#return summary")
    page.fill("#reason", "Sai địa bàn")
    page.click("#return button")
    page.wait_for_selector("#nothing-pending")
    assert hub.returned == [(1, "Sai địa bàn")]


def test_an_officer_sends_an_emergency_and_ends_it(hub: FakeHub, page: Page):
    hub.province.publish_template(make_template(sound=put_sound(hub)))
    sign_in(page, CHAIR)
    page.click("nav a.red")
    page.select_option("#blank-ho", "ho-tuyen-quang")
    wide = is_too_wide(page)
    page.click("#look")
    page.wait_for_selector("#send")
    words = page.inner_text(".wording .big")
    page.fill("#passphrase", passphrase_of(CHAIR))
    page.check("#keep")

    page.click("#send")
    sent_by_a_click = len(hub.alerts)
    hold(page, "#send")
    page.wait_for_selector("#cancel")
    (ident,) = hub.alerts
    told = {"device": "loa-1", "cluster": "cl-1", "states": ["started"], "at": real_now(), "detail": ""}
    hub.alerts[ident]["receipts"] = [told]
    page.wait_for_selector("text=đang phát")
    hold(page, "#cancel")
    page.wait_for_selector("#cancelled")

    assert words == "Hồ Tuyên Quang xả lũ khẩn cấp."
    assert (sent_by_a_click, wide, is_too_wide(page)) == (0, False, False)
    assert hub.alerts[ident]["cancelled_by"] in hub.alerts


def test_a_drill_looks_like_a_drill_and_works_by_keyboard(hub: FakeHub, page: Page):
    hub.province.publish_template(make_template(sound=put_sound(hub)))
    sign_in(page, CHAIR)
    page.focus("nav a.drill")
    page.keyboard.press("Enter")
    page.wait_for_selector("#choose")
    banner = page.inner_text(".banner")
    page.select_option("#blank-ho", "ho-tuyen-quang")
    page.focus("#look")
    page.keyboard.press("Enter")
    page.wait_for_selector("#send")
    page.fill("#passphrase", passphrase_of(CHAIR))
    page.focus("#send")
    page.keyboard.down(" ")
    page.wait_for_timeout(HOLD_MS)
    page.keyboard.up(" ")
    page.wait_for_selector("#cancel")

    assert banner == "Đây là diễn tập, không phải tình huống thật."
    assert page.inner_text("h1") == "Diễn tập: Xả lũ khẩn cấp"
    assert page.evaluate("document.body.className") == "is-drill"


def test_the_page_also_speaks_english(page: Page):
    page.click("button[lang=en]")
    page.wait_for_selector("text=Sign in to the signing machine")

    assert page.evaluate("document.documentElement.lang") == "en"
