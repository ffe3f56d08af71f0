"""Emergency orders: verified, sent first, receipts with the silent devices on top, told again to who comes back."""

from __future__ import annotations

import base64
import hashlib

import pytest

from hub import outbox
from hub.alerts import actions, store
from hub.alerts.inbound import take_ack
from hub.auth.roles import Right
from hub.devices.model import Contact
from hub.errors import BadInputError, NotAllowedError, NotFoundError
from hub.inbound import take
from hub.publishing import repository
from tests.builders import make_template
from tests.hub.conftest import COMMUNE, OTHER
from wire.alert import alert_id
from wire.codec import encode
from wire.envelope import add_signature, peek, seal
from wire.errors import BadSignatureError, ExpiredError, UnknownKeyError
from wire.errors import NotAllowedError as WireNotAllowedError
from wire.playlog import ACK_TYPE, Receipt
from wire.telemetry import Birth, encode_message, read_command
from wire.units import HOUR, UtcTime

TEMPLATE = make_template()


@pytest.fixture
def ready(box):
    """With the template released and two devices in the commune, one elsewhere."""
    raw = encode(TEMPLATE)
    with box.hub.writing() as conn:
        repository.lock(conn)
        repository.put_targets(conn, "tpl", 1, {"templates/08/xa-lu.json": raw}, box.clock())
    box.add_cluster()
    box.add_cluster("cl-2", COMMUNE)
    box.add_cluster("cl-3", OTHER + "/01")
    for number, cluster in enumerate(("cl-1", "cl-2", "cl-3"), start=1):
        box.add_device(f"loa-{number}", cluster)
    box.province.now = box.clock()
    return box


def send(box, envelope: bytes, by: str = "chair-00694") -> str:
    return actions.send_alert(box.hub, box.person(by), envelope).id


def receipt(device, alert: str, *states: str, **more) -> bytes:
    made = Receipt(device=device.name, alert=alert, states=list(states), at=UtcTime(5), time_quality=3, **more)
    return seal(encode(made), ACK_TYPE, [device.signer])


def birth(name: str, **more) -> bytes:
    values = {"device": name, "session": "ab" * 8, "boot": "b", "serial": f"serial-{name}", "software": "1",
              "root_fingerprint": "0" * 64, "area": "", "cluster": "", "placement_n": 0, "versions": {},
              "time_quality": 3, "at": UtcTime(1), "supplied_until": UtcTime(2), "chain": "",
              "last_seq": 0, **more}  # fmt: skip
    return encode_message(Birth(**values))


def test_an_order_goes_out_before_everything_else_that_waits(ready):
    with ready.hub.writing() as conn:
        outbox.put(conn, "loa/1/dn/loa-1/cmd", b"{}", now=ready.clock())
    envelope = ready.province.start_alert(COMMUNE, TEMPLATE)
    ident = send(ready, envelope)
    assert ident == alert_id(peek(envelope, 20_000)[1])
    assert ready.waiting_messages()[0] == ("loa/1/em/08.00694", envelope)


def test_the_same_order_twice_is_sent_once(ready):
    envelope = ready.province.start_alert(COMMUNE, TEMPLATE)
    assert send(ready, envelope) == send(ready, envelope, "deputy-00694")
    assert [topic for topic, _ in ready.waiting_messages()].count("loa/1/em/08.00694") == 1


@pytest.mark.parametrize(
    ("make", "by", "error"),
    [
        (lambda p: p.start_alert(OTHER, TEMPLATE), "chair-00694", NotAllowedError),
        (lambda p: p.start_alert(OTHER, TEMPLATE, role="ea00694"), "chair-00700", WireNotAllowedError),
        (lambda p: p.start_alert("08", TEMPLATE), "chair-00694", NotAllowedError),
        (lambda p: p.start_alert(COMMUNE, TEMPLATE, signers=[p.signers["chair-00700"]]), "chair-00694",
         UnknownKeyError),
        (lambda p: p.start_alert(COMMUNE, TEMPLATE, act="ef", signers=[p.signers["chair-00700"]]), "chair-00694",
         UnknownKeyError),
        (lambda p: p.start_alert(COMMUNE, TEMPLATE, blanks={"ho": "khac"}), "chair-00694", WireNotAllowedError),
        (lambda p: p.start_alert(COMMUNE, TEMPLATE, blanks={}), "chair-00694", WireNotAllowedError),
        (lambda p: p.start_alert(COMMUNE, TEMPLATE, issued=UtcTime(1), expires=UtcTime(2)), "chair-00694",
         ExpiredError),
        (lambda p: p.start_alert(COMMUNE, TEMPLATE, template_sha256="0" * 64), "chair-00694", BadInputError),
        (lambda p: p.start_alert(COMMUNE, TEMPLATE), "mai", NotAllowedError),
        (lambda p: p.start_alert(COMMUNE, TEMPLATE), "chair-00700", NotAllowedError),
    ],
)  # fmt: skip
def test_what_devices_would_refuse_or_the_person_may_not_is_not_sent(ready, make, by, error):
    with pytest.raises(error):
        send(ready, make(ready.province), by)
    assert not [topic for topic, _ in ready.waiting_messages() if "/em/" in topic]


def test_the_province_alarms_its_communes(ready):
    ident = send(ready, ready.province.start_alert("08", TEMPLATE), "binh")
    _alert, states = actions.look_at(ready.hub, ready.person("vy"), ident)
    assert {state.device for state in states} == {"loa-1", "loa-2", "loa-3"}


def test_silent_devices_come_first_then_refusals(ready):
    ident = send(ready, ready.province.start_alert(COMMUNE, TEMPLATE))
    one = ready.add_device("loa-4", "cl-1")
    two = ready.add_device("loa-5", "cl-1")
    take_ack(ready.hub, receipt(one, ident, "received", "verified", "started"), carrier="loa-4")
    take_ack(ready.hub, receipt(one, ident, "finished"), carrier="loa-4")
    take_ack(ready.hub, receipt(two, ident, "received", "refused", detail="expired"), carrier="loa-5")
    _alert, states = actions.look_at(ready.hub, ready.person("chair-00694"), ident)
    assert [(s.device, s.states, s.detail) for s in states] == [
        ("loa-2", (), ""),
        ("loa-1", (), ""),
        ("loa-5", ("received", "refused"), "expired"),
        ("loa-4", ("received", "verified", "started", "finished"), ""),
    ]
    assert {s.contact for s in states} == {Contact.NEVER}


def test_a_receipt_must_be_the_devices_own(ready):
    ident = send(ready, ready.province.start_alert(COMMUNE, TEMPLATE))
    one, two = ready.add_device("loa-4", "cl-1"), ready.add_device("loa-5", "cl-1")
    with pytest.raises(BadSignatureError):
        take_ack(ready.hub, receipt(one, ident, "received"), carrier="loa-5")
    two.name = "loa-4"
    with pytest.raises(BadSignatureError):
        take_ack(ready.hub, receipt(two, ident, "finished"), carrier="loa-4")
    with ready.hub.reading() as conn:
        assert store.receipts_of(conn, ident) == []


def test_a_device_that_comes_back_is_told_what_still_runs_and_what_was_cancelled(ready):
    running = ready.province.start_alert(COMMUNE, TEMPLATE)
    over = ready.province.start_alert(COMMUNE, TEMPLATE, nonce="ab")
    kept = [send(ready, running), send(ready, over)]
    cancel = ready.province.cancel_alert(COMMUNE, [kept[1]])
    cancelled = send(ready, cancel)
    send(ready, ready.province.start_alert(OTHER, TEMPLATE, nonce="cd"), "chair-00700")

    def told(**more):
        before = len(ready.waiting_messages())
        take(ready.hub, "loa/1/up/loa-1/birth", birth("loa-1", **more))
        new = [read_command(body) for topic, body in ready.waiting_messages()[:] if topic == "loa/1/dn/loa-1/cmd"]
        assert before <= len(ready.waiting_messages())
        return [command.body for command in new if command.kind == "envelope"]

    assert [base64.b64decode(body) for body in told()] == [cancel, running]
    assert len(told(alerts=[kept[0], cancelled])) == 2  # nothing was added
    ready.clock.at += 2 * HOUR
    assert told() == []


def test_a_cancel_that_comes_first_wins(ready):
    start = ready.province.start_alert(COMMUNE, TEMPLATE)
    ident = alert_id(peek(start, 20_000)[1])
    cancel = send(ready, ready.province.cancel_alert(COMMUNE, [ident]))
    send(ready, start)
    with ready.hub.reading() as conn:
        assert store.get(conn, ident)["cancelled_by"] == cancel
        assert store.running(conn, [COMMUNE], ready.clock()) == []


def test_an_order_that_a_station_sent_straight_to_the_broker_is_seen(ready):
    envelope = ready.province.start_alert(COMMUNE, TEMPLATE)
    take(ready.hub, "loa/1/em/08.00694", envelope)
    take(ready.hub, "loa/1/em/08.00694", envelope)
    [alert] = actions.visible(ready.hub, ready.person("vy"))
    assert (alert["taken_from"], alert["title"], alert["severity"]) == ("broker", "Xả lũ khẩn cấp", 4)
    assert [topic for topic, _ in ready.waiting_messages() if "/em/" in topic] == []


def test_outsiders_do_not_see_an_order_of_another_commune(ready):
    ident = send(ready, ready.province.start_alert(COMMUNE, TEMPLATE))
    assert ready.person("outsider").may(Right.VIEW, OTHER)
    with pytest.raises(NotFoundError):
        actions.look_at(ready.hub, ready.person("outsider"), ident)
    assert actions.visible(ready.hub, ready.person("outsider")) == []


def test_a_template_is_named_by_the_hash_that_is_released(ready):
    ident = send(ready, ready.province.start_alert(COMMUNE, TEMPLATE))
    with ready.hub.reading() as conn:
        assert store.get(conn, ident)["template"] == "xa-lu"
        stored = repository.current_target_info(conn, "templates/08/xa-lu.json")
    assert stored["sha256"] == hashlib.sha256(encode(TEMPLATE)).hexdigest()


# -- two officers on two machines --


def test_own_words_wait_for_the_second_officer_and_reach_no_device_before(ready):
    officers = ready.province.holders("ef00694")
    first = ready.province.say_own(COMMUNE, "Cầu đã sập.", signers=officers[:1])
    sent = actions.send_alert(ready.hub, ready.person("chair-00694"), first)
    assert (sent.signatures, sent.threshold, sent.is_complete) == (1, 2, False)
    assert em_messages(ready) == []
    take(ready.hub, "loa/1/up/loa-1/birth", birth("loa-1"))
    assert [read_command(body).kind for _, body in ready.waiting_messages()].count("envelope") == 0
    assert actions.visible(ready.hub, ready.person("vy")) == []
    [waiting] = actions.half_signed(ready.hub, ready.person("deputy-00694"))
    both = add_signature(waiting["envelope"], officers[1], limit=20_000)
    done = actions.send_alert(ready.hub, ready.person("deputy-00694"), both)
    assert (done.id, done.is_complete) == (sent.id, True)
    assert em_messages(ready) == [both]
    assert actions.half_signed(ready.hub, ready.person("deputy-00694")) == []
    assert [alert["title"] for alert in actions.visible(ready.hub, ready.person("vy"))] == ["Tin khẩn"]


def test_who_may_not_alarm_the_area_sees_no_half_signed_order(ready):
    officers = ready.province.holders("ef00694")
    send(ready, ready.province.say_own(COMMUNE, "Cầu đã sập.", signers=officers[:1]))
    for name, seen in (("chair-00694", 1), ("binh", 1), ("chair-00700", 0), ("vy", 0), ("outsider", 0)):
        assert len(actions.half_signed(ready.hub, ready.person(name))) == seen, name


def test_a_half_signed_order_ends_with_its_time(ready):
    officers = ready.province.holders("ef00694")
    send(ready, ready.province.say_own(COMMUNE, "Cầu đã sập.", signers=officers[:1]))
    ready.clock.at += 2 * HOUR
    assert actions.half_signed(ready.hub, ready.person("chair-00694")) == []


def test_an_order_that_was_seen_half_signed_counts_when_the_broker_brings_it_whole(ready):
    officers = ready.province.holders("ef00694")
    first = ready.province.say_own(COMMUNE, "Cầu đã sập.", signers=officers[:1])
    send(ready, first)
    take(ready.hub, "loa/1/em/08.00694", add_signature(first, officers[1], limit=20_000))
    [alert] = actions.visible(ready.hub, ready.person("vy"))
    assert (alert["taken_from"], alert["kind"]) == ("broker", "start")


def test_a_half_signed_order_on_the_broker_is_none(ready):
    first = ready.province.say_own(COMMUNE, "Cầu đã sập.", signers=ready.province.holders("ef00694")[:1])
    with pytest.raises(BadSignatureError):
        actions.take_from_broker(ready.hub, first)
    assert actions.visible(ready.hub, ready.person("vy")) == []


def em_messages(box) -> list[bytes]:
    return [body for topic, body in box.waiting_messages() if "/em/" in topic]
