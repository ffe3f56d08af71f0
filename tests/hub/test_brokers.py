"""The same rights on mosquitto and on the embedded broker: what counts is what arrives, not what was promised."""

from __future__ import annotations

import pytest

from hub.config import load_config
from hub.secrets.keyring import Keyring
from provisioning.broker import read_brokers, send_everywhere
from tests.hub.mqtt import BROKERS, Listener, free_port


@pytest.fixture(params=sorted(BROKERS))
def broker(request, box):
    """A broker over a hub with two registered devices and a station."""
    port = free_port()
    (box.config.root / "hub.toml").write_text(f'broker_port = {port}\nstations = ["station-1"]\n')
    box.hub.keys.write(box.config.root / "station-1.password", b"stations-password")
    config = load_config(box.config.root, environ={})
    box.add_cluster()
    devices = [box.add_device("loa-1"), box.add_device("loa-2")]
    with BROKERS[request.param](config):
        yield config, devices


@pytest.fixture
def connect(broker):
    config, _devices = broker
    opened = []

    def connect(user: str, password: str | None = None, **more) -> Listener:
        secret = config.root / f"{user}.password"
        known = Keyring(config.master_key).read(secret).decode() if secret.exists() else "device-password"
        opened.append(Listener(config, user, known if password is None else password, **more))
        return opened[-1]

    yield connect
    for client in opened:
        client.close()


def test_an_officers_own_machine_sends_an_order_straight_to_either_broker(broker, connect):
    """MQTT 5 where the broker speaks it, 3.1.1 where not."""
    config, _devices = broker
    listed, told = config.root / "brokers.toml", config.root / "told.password"
    told.write_bytes(Keyring(config.master_key).read(config.root / "station-1.password"))  # `account-password` tells it
    listed.write_text(
        f'[[broker]]\nhost = "127.0.0.1"\nport = {config.broker_port}\nname = "station-1"\n'
        'password_file = "told.password"\n'
    )
    hub = connect("hub")
    hub.subscribe("loa/1/em/#")
    assert send_everywhere(read_brokers(listed), "08/00694", b"order") == [f"127.0.0.1:{config.broker_port}"]
    assert hub.next()[:2] == ("loa/1/em/08.00694", b"order")


def test_only_who_has_the_password_gets_in(connect):
    assert connect("loa-1").connected is True
    assert connect("loa-1", "wrong").connected is False
    assert connect("nobody").connected is False
    assert connect("hub", "device-password").connected is False


def test_a_device_cannot_speak_for_another(connect):
    hub, one = connect("hub"), connect("loa-1")
    hub.subscribe("loa/1/#")
    for topic in ("loa/1/up/loa-2/health", "loa/1/up/loa-1/secret", "loa/1/up/loa-1/a/b", "loa/1/em/08",
                  "loa/1/ar/08/ver",
                  "loa/1/dn/loa-2/cmd", "loa/1/dn/loa-1/cmd", "other/topic"):  # fmt: skip
        one.publish(topic, b"not allowed", qos=0)
    for name in ("birth", "death", "health", "log", "ack"):
        one.publish(f"loa/1/up/loa-1/{name}", b"allowed", qos=0)
    heard = [hub.next() for _ in range(5)]
    assert [(topic.rsplit("/", 1)[1], body) for topic, body, _ in heard] == [
        (name, b"allowed") for name in ("birth", "death", "health", "log", "ack")
    ]


def test_a_device_hears_its_own_orders_and_public_speech_and_no_more(connect):
    hub, one = connect("hub"), connect("loa-1")
    one.subscribe(
        "loa/1/dn/loa-1/cmd",
        "loa/1/em/08.00694",
        "loa/1/ar/08/ver",
        "loa/1/dn/loa-2/cmd",
        "loa/1/up/loa-2/log",
        "loa/1/#",
    )
    hub.publish("loa/1/dn/loa-2/cmd", b"others")
    hub.publish("loa/1/up/loa-2/log", b"others")
    hub.publish("loa/1/dn/loa-1/cmd", b"1")
    hub.publish("loa/1/em/08.00694", b"2")
    hub.publish("loa/1/ar/08/ver", b"3")
    seen: list[bytes] = []
    while b"3" not in seen:
        seen.append(one.next()[1])
    assert sorted(set(seen)) == [b"1", b"2", b"3"]


def test_a_station_may_only_alarm(connect):
    hub, one, station = connect("hub"), connect("loa-1"), connect("station-1")
    hub.subscribe("loa/1/#")
    one.subscribe("loa/1/em/08.00694")
    station.subscribe("loa/1/em/08.00694", "loa/1/up/#")
    for topic in ("loa/1/dn/loa-1/cmd", "loa/1/ar/08/ver", "loa/1/up/loa-1/birth"):
        station.publish(topic, b"not allowed", qos=0)
    station.publish("loa/1/em/08.00694", b"alarm", qos=0)
    assert hub.next()[:2] == ("loa/1/em/08.00694", b"alarm")
    assert one.next()[:2] == ("loa/1/em/08.00694", b"alarm")


def test_nobody_takes_over_anothers_connection(connect):
    """With another's client id one is either refused, or is oneself all the same."""
    hub, one = connect("hub"), connect("loa-1")
    one.subscribe("loa/1/dn/loa-1/cmd")
    thief = connect("loa-2", client_id="loa-1")
    hub.publish("loa/1/dn/loa-1/cmd", b"still there")
    assert one.next()[1] == b"still there"
    assert thief.heard.empty()


def test_a_stranger_who_names_a_device_does_not_disturb_it(connect):
    hub, one = connect("hub"), connect("loa-1")
    one.subscribe("loa/1/dn/loa-1/cmd")
    assert connect("loa-1", "guessed").connected is False
    assert connect("hub", "guessed", client_id="loa-1").connected is False
    hub.publish("loa/1/dn/loa-1/cmd", b"still there")
    assert one.next()[1] == b"still there"


def test_a_last_will_is_bound_by_the_same_rights(broker, connect):
    config, _devices = broker
    hub = connect("hub")
    hub.subscribe("loa/1/#")
    for topic in ("loa/1/dn/loa-2/cmd", "loa/1/up/loa-1/death"):
        cut = Listener(config, "loa-1", "device-password", will=(topic, b"last words"))
        cut.break_off()
    assert hub.next()[:2] == ("loa/1/up/loa-1/death", b"last words")
    assert hub.heard.empty()
