"""Passkeys at the station, in a real browser with a virtual authenticator: made, given a role, signing, refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page

from provisioning.approval.context import Station, StationConfig, open_station
from provisioning.approval.station import create_station
from tests.fakes.hub import FakeHub, real_now
from tests.fakes.passkey import SoftPasskey
from tests.provisioning.browsing import Authenticator, free_port, is_too_wide, open_page, serving_station, sign_in
from tests.provisioning.conftest import CHAIR, COMMUNE, DEPUTY, Browser, a_programme, put_sound
from wire.areas import programme_target
from wire.codec import encode
from wire.content import Item
from wire.key_request import fingerprint, read_request
from wire.release import build_role, sign_role
from wire.trust.passkey import Passkey
from wire.units import UtcTime

DEVICE = f"{COMMUNE}/02"
PATH = programme_target(COMMUNE)


@pytest.fixture
def station(hub, key_files, tmp_path) -> Station:
    """A machine on which nobody has a key file."""
    (tmp_path / "keys").mkdir()
    return open_station(StationConfig(hub.url, tmp_path / "keys", hub.province.root, tmp_path / "state", free_port()))


@pytest.fixture
def page(station) -> Iterator[Page]:
    with serving_station(station) as origin, open_page() as opened:
        opened.goto(f"{origin}/")
        yield opened


@pytest.fixture
def authenticator(page) -> Authenticator:
    return Authenticator(page)


def give_role(hub: FakeHub, key: Passkey, role: str = "c00694") -> None:
    """What the ceremony does with a request."""
    province = hub.province
    province.now = UtcTime(real_now() - 1)
    province.publish({"g08-01": province.revise("g08-01", lambda signed: signed.add_key(key, role))})


def make_passkey(page: Page, hub: FakeHub) -> Passkey:
    """Through the page: make one, ask for a role, be given it; back on the list."""
    page.click("nav a[href='#/passkey']")
    page.click("#make-passkey button")
    page.fill("#role", "c00694")
    page.click("#request-role button")
    request, key = read_request(page.input_value("#request").encode())
    assert (request.name, request.role) == (CHAIR, "c00694")
    assert page.inner_text("#fingerprint") == fingerprint(key.keyid)
    give_role(hub, key)
    return key


def two_must_sign(signed) -> None:
    signed.delegations.roles["c00694"].threshold = 2


def submit(hub: FakeHub, **fields) -> int:
    item = Item("tin-1", "Tiêm phòng", renditions=[put_sound(hub)])
    return hub.submit(COMMUNE, "programme", {PATH: encode(a_programme(COMMUNE, item, **fields))})


def open_proposal(page: Page) -> None:
    page.click("nav a[href='#/pending']")
    page.click("#pending a")
    page.wait_for_selector("#passkey-button")


def test_a_programme_signed_by_passkey_is_installed_by_a_device(hub: FakeHub, page: Page, authenticator: Authenticator):
    sign_in(page, CHAIR)
    key = make_passkey(page, hub)
    submit(hub)
    wide = [is_too_wide(page)]
    open_proposal(page)
    wide.append(is_too_wide(page))
    page.click("#passkey-button")
    page.wait_for_selector("#nothing-pending")

    installed = hub.province.held(DEVICE).roles["c00694"]
    assert page.inner_text("#notice") == "Đã ký duyệt. Nội dung được đưa ra phát."
    assert installed.signatures.keys() == {key.keyid}
    assert wide == [False, False]
    assert len(authenticator.credentials()) == 1


def test_nothing_is_signed_where_the_person_is_not_verified(hub: FakeHub, page: Page, authenticator: Authenticator):
    sign_in(page, CHAIR)
    make_passkey(page, hub)
    ident = submit(hub)
    open_proposal(page)
    authenticator.verify(succeeds=False)
    page.click("#passkey-button")
    page.wait_for_selector("#sign-by-passkey .fault:not(:empty)")

    assert page.inner_text("#sign-by-passkey .fault") == "Khóa truy cập không cho chữ ký. Chưa ký gì."
    assert hub.waiting[ident].metadata is None


def test_a_proposal_that_changes_under_the_finger_is_shown_anew(hub: FakeHub, page: Page, authenticator: Authenticator):
    sign_in(page, CHAIR)
    make_passkey(page, hub)
    ident = submit(hub)
    open_proposal(page)
    hub.waiting[ident].targets = {PATH: encode(a_programme(COMMUNE))}
    page.click("#passkey-button")
    page.wait_for_selector("#notice.fault:not(:empty)")

    assert page.inner_text("#notice") == "Nội dung đã thay đổi sau khi xem. Xem lại trước khi ký."
    assert ident in hub.waiting


def test_the_second_of_two_signs_what_the_first_signed(hub: FakeHub, page: Page, authenticator: Authenticator):
    sign_in(page, CHAIR)
    key, deputy = make_passkey(page, hub), hub.province.signers[DEPUTY]
    hub.province.publish({"g08-01": hub.province.revise("g08-01", two_must_sign)})
    ident = submit(hub)
    first = build_role(None, "c00694", hub.waiting[ident].targets, real_now())
    hub.add_signature(ident, DEPUTY, hub.describe(ident)["digest"], sign_role(first, deputy))
    open_proposal(page)
    page.click("#passkey-button")
    page.wait_for_selector("#nothing-pending")

    assert hub.province.held(DEVICE).roles["c00694"].signatures.keys() == {key.keyid, deputy.public_key.keyid}


# --- without the page: what a script that took it over could try ---


@pytest.fixture
def registered(hub, station) -> tuple[Browser, SoftPasskey, int, dict]:
    """The chair with a passkey in software that holds the role, looking at a proposal."""
    origin = station.config.origin
    passkey = SoftPasskey(origins=(origin,))
    browser = Browser(create_station(station).test_client(), origin=origin)
    browser.sign_in(CHAIR)
    made = browser.post("/api/passkey", {"credential": "abc", "public": passkey.public_key.keyval["public"]})
    assert made.json["passkey"]["fingerprint"] == fingerprint(passkey.public_key.keyid)
    give_role(hub, passkey.public_key)
    ident = submit(hub)
    return browser, passkey, ident, browser.look(ident)


def assertion(signature) -> dict[str, str]:
    value = json.loads(bytes.fromhex(signature.signature))
    names = {"authenticator_data": "authenticatorData", "client_data": "clientDataJSON", "signature": "signature"}
    return {mine: value[theirs] for mine, theirs in names.items()}


def prepare(browser, ident, shown) -> bytes:
    answer = browser.post(f"/api/pending/{ident}/prepare", {"digest": shown["digest"]})
    assert answer.status_code == 200, answer.text
    return base64.b64decode(answer.json["payload"])


def hand_in(browser, ident, shown, signature):
    return browser.post(f"/api/pending/{ident}/assertion", {"digest": shown["digest"], **assertion(signature)})


def test_a_good_assertion_is_handed_in_once(hub, registered):
    browser, passkey, ident, shown = registered
    signature = passkey.sign(prepare(browser, ident, shown))
    first, again = hand_in(browser, ident, shown, signature), hand_in(browser, ident, shown, signature)

    assert [(one.status_code, one.json.get("state", one.json.get("code"))) for one in (first, again)] == [
        (200, "released"), (409, "changed"),
    ]  # fmt: skip
    assert hub.province.held(DEVICE).roles["c00694"].version == 1


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ({"challenge": b"x" * 32}, "a challenge for other bytes"),
        ({"client": {"origin": "http://duyet.localhost:1"}}, "another origin"),
        ({"rpid": "localhost"}, "another rpId"),
        ({"flags": 0x01}, "the person was not verified"),
    ],
)
def test_an_assertion_that_no_device_would_take_is_not_handed_on(hub, registered, lie, reason):
    browser, passkey, ident, shown = registered
    answer = hand_in(browser, ident, shown, passkey.sign_with(prepare(browser, ident, shown), **lie))

    assert (answer.status_code, answer.json["code"]) == (403, "bad_signature")
    assert reason in answer.json["detail"]
    assert hub.waiting[ident].metadata is None


def test_an_assertion_over_other_bytes_than_the_prepared_ones_is_refused(hub, registered):
    browser, passkey, ident, shown = registered
    payload = prepare(browser, ident, shown)
    answer = hand_in(browser, ident, shown, passkey.sign(payload.replace(b'"version":1', b'"version":9')))

    assert answer.json["code"] == "bad_signature"


def test_nothing_is_prepared_that_was_not_shown(registered):
    browser, _passkey, ident, _shown = registered
    answer = browser.post(f"/api/pending/{ident}/prepare", {"digest": "0" * 64})
    assert (answer.status_code, answer.json["code"]) == (409, "changed")


def test_a_passkey_of_another_port_is_not_asked(hub, station, registered):
    _browser, _passkey, ident, _shown = registered
    moved = open_station(replace(station.config, port=free_port(), state=station.config.state.parent / "other"))
    elsewhere = Browser(create_station(moved).test_client(), origin=moved.config.origin)
    elsewhere.sign_in(CHAIR)
    shown = elsewhere.look(ident)
    answer = elsewhere.post(f"/api/pending/{ident}/prepare", {"digest": shown["digest"]})

    assert (answer.status_code, answer.json["code"]) == (409, "other_origin")
    assert station.config.origin in answer.json["detail"]


def test_a_person_has_one_passkey_on_a_machine_and_nobody_elses(registered, station):
    browser, _passkey, _ident, _shown = registered
    other = {"credential": "def", "public": SoftPasskey().public_key.keyval["public"]}
    deputy = Browser(create_station(station).test_client(), origin=station.config.origin)
    deputy.sign_in(DEPUTY)

    assert browser.post("/api/passkey", other).json["code"] == "passkey_exists"
    assert deputy.get("/api/passkey").json["passkey"] is None
    assert deputy.get("/api/session").json["keys"] == []


@pytest.mark.parametrize("public", ["04" + "00" * 64, "02" + "11" * 64, "x"])
def test_what_is_no_point_of_the_curve_is_no_passkey(station, public):
    browser = Browser(create_station(station).test_client(), origin=station.config.origin)
    browser.sign_in(CHAIR)
    answer = browser.post("/api/passkey", {"credential": "abc", "public": public})

    assert answer.status_code == 409
    assert browser.get("/api/passkey").json["passkey"] is None


def test_nobody_registers_a_passkey_without_signing_in(station):
    browser = Browser(create_station(station).test_client(), origin=station.config.origin)
    browser.csrf = browser.get("/api/session").json["csrf"]
    assert browser.post("/api/passkey", {"credential": "abc", "public": "04" + "1" * 128}).status_code == 401
