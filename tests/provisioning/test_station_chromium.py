"""The approval app in a real browser: sign in, look, listen, sign; send an emergency and end it; by keyboard too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route

from provisioning.approval.context import StationConfig, open_station
from tests.builders import make_template
from tests.fakes.hub import FakeHub, real_now
from tests.provisioning.browsing import free_port, is_too_wide, open_page, serving_station, sign_in
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
def page(hub, key_files, tmp_path) -> Iterator[Page]:
    """A 360 px wide browser at the app."""
    config = StationConfig(hub.url, key_files[0], hub.province.root, tmp_path / "state", free_port())
    with serving_station(open_station(config)) as origin, open_page(viewport={"width": 360, "height": 740}) as opened:
        opened.goto(f"{origin}/")
        yield opened


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


def test_a_slow_answer_never_covers_the_page_opened_after_it(hub: FakeHub, page: Page):
    hub.province.publish_template(make_template(sound=put_sound(hub)))
    sign_in(page, CHAIR)
    page.wait_for_selector("#nothing-pending")
    held: list[Route] = []
    page.route("**/api/emergency?drill=0", lambda route: held.append(route))  # noqa: PLW0108 - the builtin is not taken
    page.click("nav a.red")
    page.wait_for_function("document.body.className === 'is-emergency'")
    page.click("nav a.drill")
    page.wait_for_selector(".banner.drill")
    with page.expect_response("**/api/emergency?drill=0"):
        held.pop().continue_()
    page.wait_for_timeout(300)

    assert page.inner_text("h1") == "Diễn tập"
    assert page.is_visible(".banner.drill")


def test_the_page_also_speaks_english(page: Page):
    page.click("button[lang=en]")
    page.wait_for_selector("text=Sign in to the signing machine")

    assert page.evaluate("document.documentElement.lang") == "en"
