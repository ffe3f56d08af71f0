"""A hub that lies to a phone: what it may withhold, and what it cannot make a person sign."""

from __future__ import annotations

from tests.fakes.hub import real_now
from tests.provisioning.browsing import (
    sign_in,
)  # fmt: skip
from tests.provisioning.conftest import CHAIR, COMMUNE, a_programme, put_sound
from wire.areas import programme_target
from wire.codec import encode
from wire.content import Item
from wire.units import HOUR, UtcTime

PATH = programme_target(COMMUNE)
CHANGED = "Nội dung đã thay đổi sau khi xem. Xem lại trước khi ký."


def test_a_proposal_that_changes_under_the_finger_is_shown_anew(phone):
    ident = phone.submit()
    phone.open("#passkey-button")
    phone.hub.waiting[ident].targets = {PATH: encode(a_programme(COMMUNE, start_ms=6 * HOUR))}
    phone.page.click("#passkey-button")
    phone.page.wait_for_selector("#notice.fault:not(:empty)")

    assert phone.page.inner_text("#notice") == CHANGED
    assert "6 giờ 00 – Bản tin chiều" in phone.page.inner_text("#changes")
    assert phone.hub.waiting[ident].metadata is None


def test_a_release_under_the_finger_is_looked_at_anew(phone):
    ident = phone.submit()
    phone.open("#passkey-button")
    phone.hub.province.publish_programme(COMMUNE, a_programme(COMMUNE, issued=UtcTime(real_now() - HOUR)))
    phone.page.click("#passkey-button")
    phone.page.wait_for_selector("#notice.fault:not(:empty)")

    assert phone.page.inner_text("#notice") == CHANGED
    assert phone.hub.waiting[ident].metadata is None


def test_a_proposal_that_holds_more_than_it_says_is_not_shown(phone):
    phone.submit()
    content = encode(a_programme(COMMUNE)).decode()
    lies = [
        {"targets": {PATH: content, programme_target("08/00700"): content}},
        {"targets": {programme_target("08/00700"): content}},
        {"role": "p08"},
        {"targets": {PATH: content.replace("17", "18")}},
    ]
    told = []
    for lie in lies:
        phone.hub.lie_about_proposal = lambda honest, lie=lie: {**honest, **lie}
        phone.open("#page-fault")
        told.append((phone.page.inner_text("#page-fault"), phone.page.query_selector("#passkey-button")))

    more = "Không thể hiển thị ở đây: Nội dung gửi duyệt chứa phần không thuộc về nó: "
    assert [text.startswith(more) for text, _button in told] == [True, True, True, False]
    assert [button for _text, button in told] == [None] * 4


def test_what_may_not_be_signed_offers_no_signing(phone):
    wrong = [a_programme("08/00700"), a_programme(COMMUNE, issued=UtcTime(real_now() + 10 * HOUR))]
    ident, told = phone.submit(), []
    for programme in wrong:
        phone.hub.waiting[ident].targets = {PATH: encode(programme)}
        phone.open("#may-not-sign")
        told.append((phone.page.inner_text(".refusal")[:20], phone.page.query_selector("#passkey-button")))

    assert told == [("Nội dung này là của ", None), ("Thời điểm lập ở tươn", None)]


def test_a_missing_recording_offers_no_signing(phone):
    phone.submit(Item("tin-1", "Tiêm phòng", renditions=[put_sound(phone.hub)]))
    phone.hub.blobs.clear()
    phone.open("#may-not-sign")
    assert phone.page.inner_text(".refusal").startswith("Bản âm thanh “Tiêm phòng” không đúng")


def test_a_colleagues_file_that_says_more_offers_no_signing(phone):
    ident = phone.submit()
    province = phone.hub.province
    province.release("c00694", {PATH: phone.hub.waiting[ident].targets[PATH]})
    leap = province.revise("c00694", lambda _: None, version=9)
    phone.hub.waiting[ident].metadata = leap
    phone.open("#may-not-sign")

    assert phone.page.inner_text(".refusal") == (
        "Chữ ký trước đó ký một nội dung khác với nội dung đang xem: c00694 differs from what was shown: version"
    )


def test_a_hub_that_rolls_back_is_found_after_a_reload(phone):
    old = phone.hub.province.roles["timestamp"]
    phone.hub.province.publish_programme(COMMUNE, a_programme(COMMUNE, issued=UtcTime(real_now() - HOUR)))
    phone.submit()
    phone.open("#passkey-button")
    phone.hub.lie_about_metadata["timestamp.json"] = old
    phone.page.reload()
    sign_in(phone.page, CHAIR)
    phone.page.wait_for_selector("#may-not-sign")

    assert "timestamp" in phone.page.inner_text(".refusal")
    assert phone.page.query_selector("#passkey-button") is None


def test_the_author_does_not_approve(phone):
    ident = phone.submit()
    phone.hub.waiting[ident].authors = [CHAIR]
    phone.open("main .fault")

    assert phone.page.inner_text("main > .fault") == "Người soạn không được tự duyệt. Cần người duyệt khác ký."
    assert phone.page.query_selector("#passkey-button") is None


def test_nothing_is_signed_where_the_person_is_not_verified(phone):
    ident = phone.submit()
    phone.open("#passkey-button")
    phone.authenticator.verify(succeeds=False)
    phone.page.click("#passkey-button")
    phone.page.wait_for_selector("#sign-by-passkey .fault:not(:empty)")

    assert phone.hub.waiting[ident].metadata is None


def test_a_damaged_memory_is_not_believed(phone):
    """A kept file that no longer verifies is left out at the next start and fetched anew."""
    page = phone.page
    page.evaluate(
        """() => {
          const kept = JSON.parse(localStorage.getItem("loa-trusted"));
          kept.files["g08-01"] = btoa(atob(kept.files["g08-01"]).replace("c00694", "c00695"));
          localStorage.setItem("loa-trusted", JSON.stringify(kept));
        }"""
    )
    phone.submit()
    page.reload()
    sign_in(page, CHAIR)
    phone.open("#passkey-button")
    page.click("#passkey-button")
    page.wait_for_selector("#nothing-pending")
    assert phone.hub.province.held(f"{COMMUNE}/02").roles["c00694"].version == 1
