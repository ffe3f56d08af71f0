"""Who is connected, is it really that one, what must it fetch; health and faults; what is set aside."""

from __future__ import annotations

import msgspec
import pytest

from hub import set_aside
from hub.devices import actions, store
from hub.devices.model import Contact
from hub.errors import NotAllowedError, NotFoundError
from hub.inbound import take
from hub.telemetry import store as telemetry
from tests.hub.conftest import COMMUNE, OTHER, Device
from tests.hub.test_alerts import birth
from wire.codec import encode
from wire.errors import MalformedError
from wire.playlog import read_logged
from wire.telemetry import Death, encode_health, encode_message, read_command
from wire.units import HOUR, MINUTE


@pytest.fixture
def placed(box):
    box.add_cluster()
    box.add_device("loa-1")
    box.place()
    return box


def announce(box, **more) -> None:
    with box.hub.reading() as conn:
        held = box.hub.trusted.held(conn).root_fingerprint
    take(box.hub, "loa/1/up/loa-1/birth", birth("loa-1", **{"root_fingerprint": held, **more}))


def presence(box) -> dict:
    with box.hub.reading() as conn:
        return store.presence_of(conn, "loa-1")


def events(box) -> list[str]:
    with box.hub.reading() as conn:
        return [event["kind"] for event in store.events_of(conn, "loa-1")]


def contact(box) -> Contact:
    with box.hub.reading() as conn:
        [row] = store.devices_below(conn, COMMUNE)
    return actions.contact(box.hub, row)


def commands(box) -> list[str]:
    return [read_command(body).kind for topic, body in box.waiting_messages() if topic == "loa/1/dn/loa-1/cmd"]


def test_contact_is_computed_from_what_was_heard(placed):
    assert contact(placed) is Contact.NEVER
    announce(placed)
    assert contact(placed) is Contact.ONLINE
    placed.clock.at += 39 * MINUTE
    assert contact(placed) is Contact.ONLINE
    placed.clock.at += 2 * MINUTE
    assert contact(placed) is Contact.UNHEARD
    take(placed.hub, "loa/1/up/loa-1/health", encode_health({"power": 1}))
    assert contact(placed) is Contact.ONLINE


def test_a_death_counts_only_for_the_live_session(placed):
    announce(placed, session="aa" * 8)
    announce(placed, session="bb" * 8)
    take(placed.hub, "loa/1/up/loa-1/death", encode_message(Death("aa" * 8)))
    assert presence(placed)["online"] is True
    take(placed.hub, "loa/1/up/loa-1/death", encode_message(Death("bb" * 8)))
    assert (presence(placed)["online"], presence(placed)["ended_at"]) == (False, placed.clock())


def test_a_session_that_comes_back_is_a_second_device_of_the_same_name(placed):
    for session in ("aa", "bb"):
        announce(placed, session=session * 8)
    assert events(placed) == []
    announce(placed, session="aa" * 8)
    assert events(placed) == ["duplicate_session"]


def test_other_hardware_and_another_root_are_shown_once(placed):
    announce(placed)
    announce(placed, session="bb" * 8, serial="another")
    announce(placed, session="cc" * 8, serial="another", root_fingerprint="1" * 64)
    announce(placed, session="dd" * 8, serial="another", root_fingerprint="1" * 64)
    assert events(placed) == ["other_root", "duplicate_session", "other_hardware"]


def test_a_device_that_holds_less_is_called_to_fetch(placed):
    full = {"area": COMMUNE + "/02", "placement_n": 1, "versions": {"root": 1, "targets": 1, "d08": 1}}
    before = commands(placed)
    announce(placed, **full)
    assert commands(placed) == before
    announce(placed, **{**full, "versions": {"root": 1, "d08": 0}})
    announce(placed, **{**full, "placement_n": 0})
    announce(placed, **{**full, "area": ""})
    assert commands(placed) == before + ["refresh"] * 3


def test_a_birth_is_answered_with_how_far_its_log_is_known(placed):
    announce(placed, chain="ab" * 16, last_seq=7)
    answers = [read_logged(body) for topic, body in placed.waiting_messages() if topic.endswith("/logged")]
    assert [(answer.chain, answer.seq) for answer in answers] == [("ab" * 16, 0)]


def test_a_device_speaks_for_itself_alone(placed):
    take(placed.hub, "loa/1/up/loa-1/birth", birth("loa-2"))
    assert (presence(placed), events(placed)) == (None, ["refused"])


def test_a_stranger_leaves_no_trace(placed):
    take(placed.hub, "loa/1/up/fremd/birth", birth("fremd"))
    take(placed.hub, "loa/1/up/fremd/health", encode_health({"power": 1}))
    with placed.hub.reading() as conn:
        assert store.presence_of(conn, "fremd") is None
        assert telemetry.latest_of(conn, "fremd") is None


def test_faults_are_noted_when_they_begin_and_end(placed):
    for fault in (0, 1, 1, 5, 4, 0):
        placed.clock.at += MINUTE
        take(placed.hub, "loa/1/up/loa-1/health", encode_health({"fault": fault}))
    with placed.hub.reading() as conn:
        found = [(e["kind"], e["detail"]) for e in reversed(store.events_of(conn, "loa-1"))]
        assert len(telemetry.curve(conn, "loa-1", placed.clock() - HOUR)) == 6
    assert found == [
        ("fault_began", "no_sound_device"), ("fault_began", "disk_full"),
        ("fault_ended", "no_sound_device"), ("fault_ended", "disk_full"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["birth", "log", "ack", "death", "health", "what"])
@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[" * 100_000, b"{}", b"null", b'{"payload":"","payloadType":"x","signatures":[]}']
)
def test_rubbish_is_noted_at_the_device_and_stops_nothing(placed, name, body):
    take(placed.hub, f"loa/1/up/loa-1/{name}", body)
    assert events(placed) == ["refused"]
    with placed.hub.reading() as conn:
        assert set_aside.count(conn) == 0


def test_what_makes_us_stumble_is_set_aside(placed, monkeypatch):
    def stumble(*_):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("hub.inbound.take_health", stumble)
    take(placed.hub, "loa/1/up/loa-1/health", b"x")
    with placed.hub.reading() as conn:
        assert set_aside.count(conn) == 1


def test_a_device_that_floods_us_keeps_a_bounded_number_of_events(placed):
    with placed.hub.writing() as conn:
        store.add_event(conn, "loa-2", "of another", "", placed.clock())
        for number in range(store.KEEP_EVENTS + 5):
            store.add_event(conn, "loa-1", "refused", str(number), placed.clock())
        found = [event["detail"] for event in store.events_of(conn, "loa-1", limit=10_000)]
        assert (len(found), found[0]) == (store.KEEP_EVENTS, str(store.KEEP_EVENTS + 4))
        assert len(store.events_of(conn, "loa-2")) == 1


def test_registering_asks_for_the_right_and_a_known_cluster(box):
    box.add_cluster()
    device = Device("loa-9")
    with pytest.raises(NotAllowedError):
        actions.register_device(box.hub, box.person("mai"), device.request(), cluster="cl-1")
    with pytest.raises(NotFoundError):
        actions.register_device(box.hub, box.person("tuan"), device.request(), cluster="cl-none")
    box.add_cluster("cl-2", OTHER)
    with pytest.raises(NotAllowedError):
        actions.register_device(box.hub, box.person("tuan"), device.request(), cluster="cl-2")


@pytest.mark.parametrize(
    "change",
    [{"device": "Loa 1"}, {"device": "../x"}, {"key": "zz"}, {"serial": ""}, {"broker_password_hash": "plain"}],
)
def test_a_request_that_is_not_one_is_refused(box, change):
    box.add_cluster()
    good = Device("loa-9").request()

    bad = encode({**msgspec.json.decode(good), **change})
    with pytest.raises(MalformedError):
        actions.register_device(box.hub, box.person("tuan"), bad, cluster="cl-1")


def test_a_device_entered_anew_needs_its_place_signed_anew(placed):
    again = Device("loa-1")
    actions.register_device(placed.hub, placed.person("tuan"), again.request(), cluster="cl-1")
    placed.clock.at += 1_000
    placed.place()
    with placed.hub.reading() as conn:
        placement = actions.released_placement(conn, "loa-1", COMMUNE)
        key = store.live_key(conn, "loa-1")
    assert (placement.n, placement.keys) == (2, [key])
