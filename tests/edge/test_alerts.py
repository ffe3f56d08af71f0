"""Which orders a device obeys: two officers, every order of arrival, replays, restarts, rotten stores."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from edge.errors import StoreError
from edge.store import Store
from edge.sync.alerts import Accepted, Alerts, HeldBack, Moment, Refused
from edge.sync.library import Holdings, StoredTemplate
from tests.builders import NOW, make_placement, make_province, make_template, new_signer
from wire.alert import Part, Template, Wording
from wire.blanks import Blank, BlankKind
from wire.codec import encode
from wire.trust.rolefile import sha256_hex
from wire.units import DAY, HOUR, MINUTE, UtcTime

AREA = "08/00694/02"


@pytest.fixture(scope="module")
def province():
    province = make_province()
    province.publish_template(make_template())
    return province


class Device:
    def __init__(self, province, folder) -> None:
        self.province = province
        self.folder = folder
        self.held = province.held(AREA)
        template = make_template()
        placement = make_placement("loa-1", AREA, new_signer())
        stored = StoredTemplate(template, sha256_hex(encode(template)))
        self.holdings = Holdings(placement, templates={template.id: stored})
        self.now = UtcTime(NOW + MINUTE)
        self.restart()

    def restart(self) -> None:
        self.alerts = Alerts(Store(self.folder / "state.db"))

    def take(self, raw: bytes, *, after_refresh=False, store=True):
        judged = self.alerts.judge(raw, self.held, self.holdings, Moment(self.now, self.now, NOW, after_refresh))
        if isinstance(judged, Accepted) and store:
            self.alerts.remember(judged)
        return judged


@pytest.fixture
def device(province, tmp_path):
    return Device(province, tmp_path)


def said(judged) -> str:
    match judged:
        case Refused(code=code):
            return code
        case HeldBack():
            return "held"
        case Accepted(overtaken=True):
            return "overtaken"
    return "accepted"


def test_an_order_of_an_officer_of_the_area_is_accepted(province, device):
    assert said(device.take(province.start_alert("08/00694", make_template(), nonce="01"))) == "accepted"


def test_an_order_for_the_province_reaches_every_commune(province, device):
    assert said(device.take(province.start_alert("08", make_template(), nonce="02"))) == "accepted"


def test_an_order_for_another_commune_is_refused(province, device):
    assert said(device.take(province.start_alert("08/00700", make_template()))) == "not_allowed"


@pytest.mark.parametrize("restarts", [False, True])
def test_a_captured_order_replayed_makes_no_sound(province, device, restarts):
    raw = province.start_alert("08/00694", make_template(), nonce="03")
    device.take(raw)
    if restarts:
        device.restart()
    assert said(device.take(raw)) == "out_of_date"


def test_two_officers_at_once_are_two_alerts(province, device):
    first = province.start_alert("08/00694", make_template(), nonce="0a")
    second = province.start_alert("08/00694", make_template(), nonce="0b")
    assert [said(device.take(raw)) for raw in (first, second)] == ["accepted", "accepted"]
    assert len(device.alerts.starts()) == 2


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_in_every_order_of_arrival_what_was_cancelled_ends(province, device, order):
    first, second = (province.start_alert("08/00694", make_template(), nonce=n) for n in ("1a", "1b"))
    first_id = device.take(first, store=False).seen.id
    device.restart()
    cancel = province.cancel_alert("08/00694", [first_id])
    for n in order:
        device.take([first, second, cancel][n])
    for _ in range(2):
        live = [seen.id for seen in device.alerts.starts() if seen.cancelled_at is None]
        assert (len(live), first_id in live) == (1, False)
        device.restart()


def test_a_cancel_that_arrives_first_wins(province, device):
    raw = province.start_alert("08/00694", make_template(), nonce="1c")
    ident = device.take(raw, store=False).seen.id
    device.restart()
    device.take(province.cancel_alert("08/00694", [ident], nonce="1d"))
    device.restart()
    assert said(device.take(raw)) == "overtaken"


def test_a_cancel_for_drills_does_not_end_an_emergency(province, device):
    started = device.take(province.start_alert("08/00694", make_template(), nonce="1e"))
    cancelled = device.take(province.cancel_alert("08/00694", [started.seen.id], act="ed"))
    assert (said(cancelled), cancelled.cancels) == ("accepted", ())
    assert device.alerts.starts()[0].cancelled_at is None


def test_an_expired_order_is_refused(province, device):
    raw = province.start_alert("08/00694", make_template(), expires=UtcTime(NOW + 1_000), nonce="1f")
    assert said(device.take(raw)) == "expired"


def test_forgetting_raises_the_floor_and_refuses_what_it_covers(province, device):
    raw = province.start_alert("08/00694", make_template(), nonce="2a")
    device.take(raw)
    device.alerts.forget(UtcTime(NOW + 2 * DAY))
    assert device.alerts.starts() == []
    device.restart()
    assert said(device.take(raw)) == "expired"


def test_forgetting_a_short_alert_does_not_refuse_an_earlier_longer_one(province, device):
    long = province.start_alert("08/00694", make_template(), expires=UtcTime(province.now + 20 * HOUR), nonce="2b")
    province.now = UtcTime(province.now + 10)
    soon = UtcTime(province.now + 2 * MINUTE)
    device.take(province.start_alert("08/00694", make_template(), expires=soon, nonce="2c"))
    device.now = UtcTime(NOW + HOUR)
    device.alerts.forget(device.now)
    assert said(device.take(long)) == "accepted"


def test_an_unknown_key_is_held_and_judged_again_after_a_refresh(province, device):
    stranger = new_signer()
    raw = province.start_alert("08/00694", make_template(), signers=[stranger], nonce="3a")
    assert said(device.take(raw)) == "held"
    assert device.alerts.take_held() == [raw]
    assert said(device.take(raw, after_refresh=True)) == "unknown_key"
    assert device.alerts.take_held() == []


def test_at_most_eight_unknown_envelopes_are_held(province, device):
    for n in range(12):
        device.take(province.start_alert("08/00694", make_template(), signers=[new_signer()], nonce=f"{n:02x}"))
    assert len(device.alerts.take_held()) == 8


def test_a_template_that_is_not_held_is_fetched_before_it_is_refused(province, device):
    raw = province.start_alert("08/00694", make_template("khac"), nonce="3b")
    assert said(device.take(raw)) == "held"
    assert said(device.take(raw, after_refresh=True)) == "unknown_key"


def test_another_version_of_the_template_is_refused(province, device):
    raw = province.start_alert("08/00694", make_template(severity=5), nonce="3c")
    assert said(device.take(raw, after_refresh=True)) == "unknown_key"


def test_a_blank_that_is_not_on_the_list_is_refused(province, device):
    raw = province.start_alert("08/00694", make_template(), blanks={"ho": "khong-co"}, nonce="3d")
    assert said(device.take(raw)) == "not_allowed"


def test_one_key_starts_six_alerts_an_hour_and_then_needs_a_second(province, device):
    role = "ea00694"
    first, second = province.holders(role)[:2]
    nonces = [f"{n:02x}" for n in range(0x40, 0x47)]
    raws = [province.start_alert("08/00694", make_template(), signers=[first], nonce=nonce) for nonce in nonces]
    assert [said(device.take(raw)) for raw in raws] == ["accepted"] * 6 + ["not_allowed"]
    both = province.start_alert("08/00694", make_template(), signers=[first, second], nonce="48")
    assert said(device.take(both)) == "accepted"
    device.now = UtcTime(device.now + HOUR + 1)
    later = province.start_alert(
        "08/00694", make_template(), signers=[first], nonce="49", expires=UtcTime(device.now + HOUR)
    )
    assert said(device.take(later)) == "accepted"


@pytest.mark.parametrize("raw", [b"", b"{}", b"\x00" * 100, b"[" * 10_000, b"x" * 100_000])
def test_what_is_no_envelope_is_refused_without_a_word_of_python(device, raw):
    assert said(device.take(raw)) == "malformed"


def test_any_flipped_bit_is_refused(province, device):
    raw = province.start_alert("08/00694", make_template(), nonce="4a")
    for at in range(0, len(raw), 7):
        damaged = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        assert said(device.take(damaged, store=False)) != "accepted", at


def test_a_store_that_fails_says_so_and_the_memory_still_bars_a_replay(province, device):
    raw = province.start_alert("08/00694", make_template(), nonce="4b")
    judged = device.take(raw, store=False)
    device.alerts._store.db.conn.execute("DROP TABLE seen")
    with pytest.raises(StoreError):
        device.alerts.remember(judged)
    assert said(device.take(raw, store=False)) == "out_of_date"


def test_own_words_of_two_officers_are_accepted_and_of_one_refused(province, device):
    both = province.say_own("08/00694", "Cầu đã sập.", nonce="5a")
    one = province.say_own("08/00694", "Cầu đã sập.", signers=province.holders("ef00694")[:1], nonce="5b")
    assert [said(device.take(raw)) for raw in (both, one)] == ["accepted", "bad_signature"]
    device.restart()
    assert device.alerts.starts()[0].order.own.wordings[0].text == "Cầu đã sập."


def test_a_threshold_of_one_for_free_text_counts_as_two(tmp_path):
    province = make_province()
    loose = province.revise("targets", lambda signed: setattr(signed.delegations.roles["ef08"], "threshold", 1))
    province.publish({"targets": loose})
    province.publish_template(make_template())
    device = Device(province, tmp_path)
    one = province.say_own("08", "Cầu đã sập.", signers=province.holders("ef08")[:1])
    assert said(device.take(one)) == "bad_signature"
    assert said(device.take(province.say_own("08", "Cầu đã sập."))) == "accepted"


def test_letters_in_a_template_need_two_officers(tmp_path):
    province = make_province()
    blank = Blank("loi", kind=BlankKind.LETTERS)
    template = Template("loi", "Lời", "", 3, [Wording("vi", "{loi}", [Part(blank="loi")])], [blank])
    province.publish_template(template)
    device = Device(province, tmp_path)
    stored = StoredTemplate(template, sha256_hex(encode(template)))
    device.holdings = replace(device.holdings, templates={"loi": stored})
    letters = {"loi": "Nước lên nhanh"}
    assert said(device.take(province.start_alert("08/00694", template, blanks=letters))) == "not_allowed"
    assert said(device.take(province.start_alert("08/00694", template, act="ef", blanks=letters))) == "accepted"
