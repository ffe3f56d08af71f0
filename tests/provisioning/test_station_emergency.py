"""Sending, watching and cancelling an emergency message or a drill through the approval app's interface."""

from __future__ import annotations

import base64

import pytest

from provisioning.approval.keyring import Keyring
from tests.builders import make_template
from tests.fakes.hub import real_now
from tests.provisioning.conftest import CHAIR, COMMUNE, passphrase_of, put_sound
from wire.alert import Cancel, Start, read_order
from wire.envelope import peek
from wire.trust.orders import verify_order
from wire.units import MINUTE

SECRET = passphrase_of(CHAIR)
WISH = {"area": COMMUNE, "template": "xa-lu", "blanks": {"ho": "ho-tuyen-quang"}, "minutes": 30, "times": 2}


@pytest.fixture
def officer(hub, browser):
    """The chair, signed in, with a template that the province has released."""
    hub.province.publish_template(make_template(sound=put_sound(hub)))
    browser.sign_in(CHAIR)
    return browser


def start(browser, passphrase=SECRET, *, keep=False, **wish):
    prepared = browser.post("/api/emergency/prepare", {**WISH, **wish})
    assert prepared.status_code == 200, prepared.text
    sent = {"order": prepared.json["order"], "passphrase": passphrase, "keep": keep}
    return browser.post("/api/emergency/start", sent)


def order_of(hub, ident):
    return read_order(peek(base64.b64decode(hub.alerts[ident]["envelope"]), 64 * 1024)[1])


def test_the_desk_offers_only_the_officers_own_areas(officer):
    desk = officer.get("/api/emergency").json

    assert [area["path"] for area in desk["areas"]] == ["08/00694", "08/00694/02"]
    assert desk["areas"][0]["name"] == "Phường Hà Giang 1"
    assert (desk["areas"][0]["clusters"], desk["areas"][0]["households"]) == (3, 412)
    assert [one["title"] for one in desk["templates"]] == ["Xả lũ khẩn cấp"]


def test_the_province_offers_everything_below_it(hub, browser):
    hub.province.publish_template(make_template())
    browser.sign_in("binh")

    paths = [area["path"] for area in browser.get("/api/emergency").json["areas"]]

    assert paths[0] == "08"
    assert {"08/00694", "08/00700", "08/00705"} <= set(paths)


def test_words_and_clips_are_read_over_before_sending(officer):
    prepared = officer.post("/api/emergency/prepare", WISH).json

    assert [wording["text"] for wording in prepared["wordings"]] == ["Hồ Tuyên Quang xả lũ khẩn cấp."]
    clip = prepared["wordings"][0]["clips"][0]["sha256"]
    with officer.get(f"/api/sounds/{clip}") as played:
        assert played.data[:4] == b"OggS"


def test_an_alert_is_signed_by_the_narrowest_role_and_handed_in(hub, officer):
    before = real_now()

    answer = start(officer)

    order = order_of(hub, answer.json["id"])
    assert isinstance(order, Start)
    assert (order.role, order.area, order.template) == ("ea00694", COMMUNE, "xa-lu")
    assert order.expires - order.issued == 30 * MINUTE
    assert before <= order.issued <= real_now()
    envelope = base64.b64decode(hub.alerts[answer.json["id"]]["envelope"])
    assert verify_order(envelope, hub.province.held(COMMUNE), floor=real_now()).order == order


def test_two_equal_orders_are_two_alerts(officer):
    assert start(officer).json["id"] != start(officer).json["id"]


def test_nothing_is_sent_that_was_not_read_over(hub, officer):
    answer = officer.post("/api/emergency/start", {"order": "x", "passphrase": passphrase_of(CHAIR)})
    prepared = officer.post("/api/emergency/prepare", WISH).json["order"]
    sent = {"order": prepared, "passphrase": passphrase_of(CHAIR)}
    twice = [officer.post("/api/emergency/start", sent).status_code for _ in range(2)]

    assert (answer.status_code, answer.json["code"]) == (409, "not_prepared")
    assert twice == [200, 409]
    assert len(hub.alerts) == 1


def test_a_template_that_changed_after_it_was_read_is_not_sent(hub, officer):
    prepared = officer.post("/api/emergency/prepare", WISH).json["order"]
    hub.province.publish_template(make_template(sound=put_sound(hub, tone_hz=990)))
    officer.get("/api/emergency")

    answer = officer.post("/api/emergency/start", {"order": prepared, "passphrase": SECRET})

    assert (answer.status_code, answer.json["code"]) == (409, "changed")
    assert hub.alerts == {}


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"area": "08/00700"}, "not_allowed"),
        ({"area": "08"}, "not_allowed"),
        ({"template": "khac"}, "no_template"),
        ({"blanks": {}}, "not_allowed"),
        ({"blanks": {"ho": "ho-khac"}}, "not_allowed"),
        ({"minutes": 1441}, "malformed"),
        ({"area": "../08"}, "malformed"),
    ],
)
def test_a_wish_that_may_not_be_is_refused(officer, wish, code):
    answer = officer.post("/api/emergency/prepare", {**WISH, **wish})

    assert answer.status_code in (403, 404, 409)
    assert answer.json["code"] == code


def test_a_wrong_passphrase_sends_nothing_and_the_order_stays(hub, officer):
    prepared = officer.post("/api/emergency/prepare", WISH).json["order"]
    wrong = officer.post("/api/emergency/start", {"order": prepared, "passphrase": "sai sai sai"})
    right = officer.post("/api/emergency/start", {"order": prepared, "passphrase": passphrase_of(CHAIR)})

    assert wrong.json["code"] == "wrong_passphrase"
    assert right.status_code == 200
    assert len(hub.alerts) == 1


def test_a_key_kept_open_needs_no_passphrase_for_ten_minutes(hub, officer, station):
    now = [0.0]
    station.keyring = Keyring(station.config.keys, monotonic=lambda: now[0])
    start(officer, keep=True)

    second = start(officer, passphrase="")
    told = officer.post("/api/emergency/prepare", WISH).json["unlocked_text"]
    now[0] = 601.0
    third = start(officer, passphrase="")

    assert second.status_code == 200
    assert told.startswith(f"Khóa {CHAIR} còn mở")
    assert third.json["code"] == "wrong_passphrase"
    assert len(hub.alerts) == 2


def test_an_open_key_ends_with_the_session(officer):
    start(officer, keep=True)
    officer.post("/api/logout")
    officer.sign_in(CHAIR)

    assert start(officer, passphrase="").json["code"] == "wrong_passphrase"


def test_without_keeping_the_key_is_closed_again(officer):
    start(officer)

    assert start(officer, passphrase="").json["code"] == "wrong_passphrase"


def test_a_cancel_names_the_alert_and_ends_it(hub, officer):
    ident = start(officer).json["id"]

    before = officer.get(f"/api/alerts/{ident}").json
    answer = officer.post("/api/emergency/cancel", {"id": ident, "passphrase": passphrase_of(CHAIR)})
    after = officer.get(f"/api/alerts/{ident}").json

    cancel = order_of(hub, answer.json["id"])
    assert isinstance(cancel, Cancel)
    assert cancel.cancels == [ident]
    assert (before["cancelled"], before["may_cancel"]) == (False, True)
    assert after["cancelled"]
    assert officer.get("/api/emergency").json["running"] == []


def test_a_commune_ends_the_provinces_alert_only_at_home(hub, officer):
    template = make_template(sound=put_sound(hub))
    hub.province.publish_template(template)
    hub.province.now = real_now()
    ident = hub.take_alert(hub.province.start_alert("08", template))

    told = officer.get(f"/api/alerts/{ident}").json
    answer = officer.post("/api/emergency/cancel", {"id": ident, "passphrase": passphrase_of(CHAIR)})

    assert told["cancel_note"] == "Khóa này chỉ dừng được trong địa bàn 08/00694."
    assert order_of(hub, answer.json["id"]).area == COMMUNE
    assert not officer.get(f"/api/alerts/{ident}").json["cancelled"]


def test_what_no_officer_signed_is_no_alert(hub, officer):
    ident = start(officer).json["id"]
    envelope = base64.b64decode(hub.alerts[ident]["envelope"]).replace(b'"sig":"', b'"sig":"AAAA', 1)
    hub.alerts[ident]["envelope"] = base64.b64encode(envelope).decode()

    assert officer.get("/api/emergency").json["running"] == []
    assert officer.get(f"/api/alerts/{ident}").status_code == 409


def test_receipts_show_the_silent_and_the_refusing_first(hub, officer):
    ident = start(officer).json["id"]
    hub.alerts[ident]["receipts"] = [
        {"device": "a", "cluster": "cl-a", "states": ["received", "started"], "at": real_now(), "detail": ""},
        {"device": "b", "cluster": "cl-b", "cluster_name": "Cụm chợ", "states": [], "at": None, "detail": ""},
        {"device": "c", "cluster": "cl-c", "states": ["refused"], "at": real_now(), "detail": "expired"},
    ]

    receipts = officer.get(f"/api/alerts/{ident}").json["receipts"]

    assert [(one["cluster"], one["states_text"], one["is_fault"]) for one in receipts] == [
        ("Cụm chợ", "chưa trả lời", True),
        ("cl-c", "không nhận", True),
        ("cl-a", "đã nhận, đang phát", False),
    ]


def test_a_drill_is_signed_by_the_drill_role(hub, officer):
    ident = start(officer, drill=True).json["id"]

    assert order_of(hub, ident).role == "ed00694"
    assert officer.get("/api/emergency").json["running"] == []
    assert [one["id"] for one in officer.get("/api/emergency?drill=1").json["running"]] == [ident]


def test_who_holds_no_emergency_key_sees_no_emergency(browser):
    session = browser.sign_in("dang")

    assert (session["emergency"], session["drill"]) == (False, False)
    assert browser.get("/api/emergency").json["areas"] == []
    assert browser.post("/api/emergency/prepare", WISH).json["code"] == "not_allowed"
