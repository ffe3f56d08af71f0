"""Odd bytes before a phone: characters that nobody sees, names that JavaScript knows, answers that are none.

In none of them is anything signed, does a script of somebody else run, or does the page end in a fault without words.
"""

from __future__ import annotations

import json

import pytest

from tests.builders import new_signer
from tests.fakes.hub import real_now
from tests.provisioning.browsing import sign_in
from tests.provisioning.conftest import CHAIR, COMMUNE, PATH, a_programme
from wire.areas import programme_target
from wire.codec import encode
from wire.content import Item, Text
from wire.proposal import proposal_digest
from wire.trust.layout import RoleName, delegation_paths
from wire.units import HOUR, UtcTime

DEEP = '{"a":' * 5_000 + "1" + "}" * 5_000


# --- what is shown ---


def test_what_the_eye_does_not_meet_is_shown_as_a_number(phone):
    """The order of letters turned, a word split by nothing: the title would read otherwise than it is stored."""
    phone.submit(Item("tin-1", "Nghỉ \u202e!cệiv iĐ\u202c", renditions=[Text("vi", "ca\u200bo điểm")]))
    phone.open("#passkey-button")
    shown = phone.page.inner_text("#changes")
    assert "Nghỉ ⟨U+202E⟩!cệiv iĐ⟨U+202C⟩" in shown
    assert "ca⟨U+200B⟩o điểm" in shown


def test_two_writings_of_one_letter_are_a_change(phone):
    composed, apart = "Ph\u00f3ng sự", "Pho\u0301ng sự"
    phone.hub.province.publish_programme(
        COMMUNE, a_programme(COMMUNE, Item("tin-1", composed), issued=UtcTime(real_now() - HOUR))
    )
    phone.submit(Item("tin-1", apart))
    phone.open("#passkey-button")
    assert phone.page.inner_text("#changes .changed .mark") == "Sửa"


MARKUP = "<img src=x onerror=window.cracked=1><script>window.cracked=1</script>{hub}&lt;"


def test_a_title_is_text_wherever_it_stands(phone):
    phone.submit(Item("tin-1", MARKUP, renditions=[Text("vi", MARKUP)], issued_by=MARKUP), play_until=UtcTime(2**52))
    phone.hub.waiting[1].title, phone.hub.waiting[1].authors = MARKUP, [MARKUP]
    phone.page.click("nav a[href='#/pending']")
    phone.page.wait_for_selector("#pending a")
    listed = phone.page.inner_text("#pending")
    phone.open("#passkey-button")
    assert listed.count(MARKUP) == 2
    assert phone.page.inner_text("#changes").count(MARKUP) >= 3
    assert phone.page.inner_text("h1") == MARKUP
    assert phone.page.query_selector("main img, main script") is None
    assert phone.page.evaluate("window.cracked") is None


# --- answers that are none ---


def answers(phone, url: str, body: str | bytes, status: int = 200) -> None:
    headers = {"Access-Control-Allow-Origin": "*", "Content-Type": "application/json"}
    phone.page.route(url, lambda route: route.fulfill(status=status, body=body, headers=headers))


LISTS = ["null", "{}", "[null, 1, []]", '[{"id":1}]', '[{"kind":"constructor","title":{"a":1},"authors":"x"}]',
         '[{"submitted_at":"x","sign_before":[],"__proto__":{"kind":"programme"}}]',
         "[" * 5_000 + "]" * 5_000]  # fmt: skip


@pytest.mark.parametrize("raw", LISTS)
def test_a_list_of_nonsense_is_a_page_without_a_signature(phone, raw):
    answers(phone, "**/api/pending", raw)
    phone.page.click("nav a[href='#/pending']")
    phone.page.wait_for_selector("#pending, #nothing-pending")
    assert phone.page.inner_text("h1") == "Việc chờ duyệt"
    assert phone.page.query_selector("#passkey-button") is None


ODD = ["null", "[]", "{", "{}", DEEP, '{"targets":[]}', '{"targets":null,"area":"08/00694","kind":"programme"}',
       json.dumps({"kind": "programme", "area": COMMUNE, "role": "c00694", "targets": {PATH: ["{}"]}}),
       json.dumps({"kind": "programme", "area": COMMUNE, "role": "c00694", "targets": {PATH: {}}, "digest": 1}),
       '{"kind":"programme","area":"08/00694","role":"c00694","targets":{"__proto__":{"x":"y"}}}',
       '{"kind":"programme","area":"08/onstructor","role":"constructor","targets":{}}']  # fmt: skip


@pytest.mark.parametrize("raw", ODD)
def test_a_proposal_of_nonsense_is_a_page_without_a_signature(phone, raw):
    ident = phone.submit()
    answers(phone, f"**/api/pending/{ident}", raw)
    phone.open("#page-fault")
    assert phone.page.query_selector("#passkey-button") is None
    assert "undefined" not in phone.page.inner_text("#page-fault")


def test_a_refusal_without_end_is_cut(phone):
    said = b'{"detail": "' + b"x" * 3_000_000 + b'"}'
    answers(phone, "**/api/pending", said, status=409)
    phone.page.click("nav a[href='#/pending']")
    phone.page.wait_for_selector("#page-fault")
    assert len(phone.page.inner_text("#page-fault")) < 600


def test_a_programme_with_depth_doubled_names_or_great_numbers_is_not_shown(phone):
    ident = phone.submit()
    honest = encode(a_programme(COMMUNE))
    for old, new in [
        (b'"schema":1', b'"schema":1,"schema":1'), (b'"schema":1', b'"__proto__":{},"schema":1'),
        (b'"schema":1', b'"constructor":1,"schema":1'), (b'"reserve":[]', b'"reserve":' + b"[" * 400 + b"]" * 400),
        (b'"issued":', b'"issued":9007199254740993,"was":'), (b'"schema":1', b'"schema":1.0'),
        (b'"schema":1', b'"schema":1e0'),
    ]:  # fmt: skip
        assert old in honest
        phone.hub.waiting[ident].targets = {PATH: honest.replace(old, new)}
        phone.open("#page-fault")
        assert phone.page.query_selector("#passkey-button") is None


def test_a_commune_of_the_same_code_in_another_province_is_not_signed(phone):
    ident = phone.submit()
    path = programme_target("09/00694")
    targets = {path: encode(a_programme("09/00694"))}
    phone.hub.lie_about_proposal = lambda honest: {
        **honest, "area": "09/00694", "digest": proposal_digest(targets),
        "targets": {path: targets[path].decode()},
    }  # fmt: skip
    phone.open("#page-fault")
    assert "chứa phần không thuộc về nó" in phone.page.inner_text("#page-fault")
    assert phone.hub.waiting[ident].metadata is None


def test_a_role_with_a_name_that_every_object_has_stops_nothing(phone):
    """A commune `onstructor` would have the role `constructor`."""
    province = phone.hub.province
    province.now = real_now()
    group = delegation_paths(RoleName("g08-01", "g", "08"), ["08/onstructor"])
    province.publish({
        "p08": province.revise("p08", lambda s: s.delegations.roles["g08-01"].paths.extend(group)),
        "g08-01": province.revise("g08-01", add_odd_role),
    })  # fmt: skip
    ident = phone.submit()
    phone.open("#passkey-button")
    phone.page.click("#passkey-button")
    phone.page.wait_for_selector("#nothing-pending")
    assert ident not in phone.hub.waiting


def add_odd_role(signed) -> None:
    role = type(next(iter(signed.delegations.roles.values())))
    name = RoleName("constructor", "c", "08/onstructor")
    signed.delegations.roles["constructor"] = role("constructor", [], 1, terminating=True, paths=delegation_paths(name))
    signed.add_key(new_signer().public_key, "constructor")


# --- what the browser remembers ---


def test_a_second_page_cannot_be_rolled_back_behind_the_first(phone):
    """Two pages of one phone: what one has verified binds the other."""
    old = phone.hub.province.roles["timestamp"]
    behind = phone.page.context.new_page()
    behind.goto(phone.page.url)
    sign_in(behind, CHAIR)
    phone.hub.province.publish_programme(COMMUNE, a_programme(COMMUNE, issued=UtcTime(real_now() - HOUR)))
    phone.submit()
    phone.open("#passkey-button")
    phone.hub.lie_about_metadata["timestamp.json"] = old
    behind.goto(behind.url.partition("#")[0] + "#/pending/1")
    behind.wait_for_selector("#may-not-sign")
    assert "timestamp" in behind.inner_text(".refusal")


KEPT = ["{", "null1", '{"files":{}}', '{"files":{"root":"AAAA"},"versions":{},"floor":0}', "7"]


@pytest.mark.parametrize("kept", KEPT)
def test_a_memory_that_cannot_be_read_says_so_and_begins_again(phone, kept):
    phone.page.evaluate("(kept) => localStorage.setItem('loa-trusted', kept)", kept)
    phone.page.reload()
    phone.page.wait_for_selector("#damaged")
    phone.page.click("#forget")
    phone.page.wait_for_selector("#pin")
    phone.page.fill("#root-fingerprint", phone.hub.province.held().root_fingerprint)
    phone.page.click("#pin button")
    phone.page.wait_for_selector("#login")


@pytest.mark.parametrize("raw", ["null", "[]", '{"token":1,"person":{}}', '{"token":"x"}', "{"])
def test_a_login_of_nonsense_signs_nobody_in(phone, raw):
    answers(phone, "**/api/login", raw)
    phone.page.reload()
    phone.page.fill("#username", CHAIR)
    phone.page.fill("#password", "x")
    phone.page.keyboard.press("Enter")
    phone.page.wait_for_selector("#login .fault:not(:empty)")
    assert phone.page.inner_text("#login .fault") == "Hệ thống trả lời không đọc được."
