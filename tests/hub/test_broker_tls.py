"""A province's mosquitto as `loa-hub broker-config` writes it: who is nobody, who pretends, who was revoked."""

from __future__ import annotations

import dataclasses
import queue
import socket
import ssl

import pytest
from cryptography import x509

from edge.config import Broker
from edge.link import Connected, PahoLink, Will
from hub import outbox
from hub.broker_tls import BrokerFiles, write_broker_config
from hub.certificates import actions
from hub.certificates.authority import MAX_CSR_BYTES, Authority
from hub.clock import system_clock
from hub.errors import BadInputError, ConfigError
from hub.link import Link
from tests.hub.mqtt import hub_process, wait_until
from tests.hub.tls import Secure, TlsClient, make_request, make_secure

DENIED = ("loa/1/up/loa-2/health", "loa/1/up/loa-1/secret", "loa/1/up/loa-1/a/b", "loa/1/em/08", "loa/1/ar/08/ver",
          "loa/1/dn/loa-2/cmd", "loa/1/dn/loa-1/cmd", "loa/1/live/08/x", "other", "$SYS/x")  # fmt: skip


@pytest.fixture
def secure(box):
    """The broker runs; its hub lives at the machine's time, since TLS here checks dates."""
    made = make_secure(dataclasses.replace(box.hub, now=system_clock))
    with made.running():
        yield made


@pytest.fixture
def connect(secure):
    opened = []

    def connect(who, **more) -> TlsClient:
        folder = secure.admit(who) if isinstance(who, str) else who
        opened.append(TlsClient(secure, folder, **more))
        return opened[-1]

    yield connect
    for client in opened:
        client.close()


@pytest.fixture
def ear(secure, connect):
    """Hears all, with the worker's own certificate."""
    folder = secure.hub.config.root / "ca"
    worker = secure.keep("hub", (folder / "hub.key").read_bytes(), (folder / "hub.crt").read_bytes())
    made = connect(worker)
    assert made.is_in()
    made.subscribe("loa/1/#")
    return made


def all_heard(ear: TlsClient, last: str) -> list[tuple[str, bytes]]:
    """Everything up to the message on the topic `last`."""
    heard = []
    while not heard or heard[-1][0] != last:
        heard.append(ear.next()[:2])
    return heard


# --- who comes in ---


def test_who_has_no_certificate_or_a_foreign_one_stays_outside(secure, connect, tmp_path):
    foreign = Authority.create(tmp_path / "ca", "08", now=secure.hub.now())
    assert connect(None).is_in(1.5) is False
    assert connect(secure.admit_by(foreign, "loa-1")).is_in(1.5) is False
    assert connect("loa-1").is_in() is True


def test_the_name_is_the_certificates_whatever_the_client_calls_itself(ear, connect):
    one = connect("loa-1", client_id="loa-2")
    assert one.is_in()
    one.say("loa/1/up/loa-2/birth")
    one.say("loa/1/up/loa-1/birth")
    assert all_heard(ear, "loa/1/up/loa-1/birth") == [("loa/1/up/loa-1/birth", b"x")]


def test_nobody_takes_over_the_connection_of_another(connect):
    victim, thief = connect("loa-1"), connect("loa-2", client_id="loa-1")
    assert victim.is_in()
    assert thief.is_in()
    assert not victim.down.wait(1)


@pytest.mark.parametrize("name", ["#", "+", "loa/1", "a#", "", "LOA", "loa 1", "x" * 41, "station-1", "hub", "../x"])
def test_no_device_has_a_name_that_means_something_else(secure, name):
    _, request = make_request()
    with pytest.raises(BadInputError):
        actions.issue_device(secure.hub, request, name)


@pytest.mark.parametrize("name", ["loa-1", "hub", "station-", "station-#", "station-+", "station-A"])
def test_no_station_has_a_devices_name(secure, name):
    with pytest.raises(BadInputError):
        actions.issue_station(secure.hub, make_request()[1], name)


def test_a_request_that_proves_nothing_is_refused(secure):
    _, good = make_request()
    other = make_request()[1]
    for bad in (b"", b"rubbish", good[:-60], other[:200] + good[200:], good + b"x" * MAX_CSR_BYTES):
        with pytest.raises(BadInputError):
            actions.issue_device(secure.hub, bad, "loa-1")


def test_a_request_names_nothing_in_the_certificate(secure):
    key, request = make_request("hub")
    made = x509.load_pem_x509_certificate(actions.issue_device(secure.hub, request, "loa-1"))
    assert made.subject.rfc4514_string() == "CN=loa-1"
    assert key


def test_a_second_authority_is_never_made_over_the_first(secure):
    with pytest.raises(ConfigError):
        Authority.create(actions.ca_folder(secure.hub), "08", now=secure.hub.now())


# --- who says what ---


def test_foreign_topics_are_heard_by_nobody(ear, connect):
    one = connect("loa-1")
    assert one.is_in()
    for topic in DENIED:
        one.say(topic)
    one.say("loa/1/up/loa-1/health")
    assert all_heard(ear, "loa/1/up/loa-1/health") == [("loa/1/up/loa-1/health", b"x")]


def test_a_will_on_a_foreign_topic_is_heard_by_nobody(ear, connect):
    one = connect("loa-1", will="loa/1/up/loa-2/death")
    own = connect("loa-3", will="loa/1/up/loa-3/death")
    assert one.is_in()
    assert own.is_in()
    one.vanish()
    own.vanish()
    assert all_heard(ear, "loa/1/up/loa-3/death") == [("loa/1/up/loa-3/death", b"a will")]


def test_a_station_says_emergencies_and_nothing_else(secure, ear, connect):
    station, one = connect("station-1"), connect("loa-1")
    secure.renew()
    assert station.is_in()
    assert one.is_in()
    one.subscribe("loa/1/em/08.00694")
    for topic in (*DENIED, "loa/1/up/station-1/birth", "loa/1/dn/station-1/cmd"):
        if "/em/" not in topic:
            station.say(topic)
    station.say("loa/1/em/08.00694", b"alarm")
    assert all_heard(ear, "loa/1/em/08.00694") == [("loa/1/em/08.00694", b"alarm")]
    assert one.next()[1] == b"alarm"


def test_what_is_not_for_a_device_does_not_reach_it(ear, connect):
    one = connect("loa-1")
    assert one.is_in()
    one.subscribe("#", "loa/1/#", "loa/1/dn/loa-2/cmd", "loa/1/up/loa-2/log", "loa/1/dn/loa-1/cmd")
    for topic in ("loa/1/dn/loa-2/cmd", "loa/1/up/loa-2/log", "loa/1/dn/loa-1/cmd"):
        ear.say(topic)
    assert one.next()[0] == "loa/1/dn/loa-1/cmd"


def test_what_a_device_retains_reaches_no_hub_that_comes_later(ear, connect, secure):
    """Poison left on the device's own topic; the worker overlooks what was retained there."""
    one = connect("loa-1")
    assert one.is_in()
    one.say("loa/1/up/loa-1/birth", b"poison", retain=True)
    assert all_heard(ear, "loa/1/up/loa-1/birth")
    config = secure.config
    link = Link(config, wake=lambda: None)
    link.start()
    wait_until(lambda: link.is_connected, "the worker's connection")
    one.say("loa/1/up/loa-1/health", b"fresh")
    wait_until(lambda: not link.arrivals.empty(), "something to arrive")
    arrival = link.arrivals.get()
    link.stop()
    assert (arrival.topic, arrival.body) == ("loa/1/up/loa-1/health", b"fresh")


def test_what_is_too_large_is_not_carried(ear, connect):
    one = connect("loa-1")
    assert one.is_in()
    one.say("loa/1/up/loa-1/log", b"x" * 200_000)
    assert one.down.wait(5)
    with pytest.raises(queue.Empty):
        ear.next(0.5)


# --- who was revoked ---


def test_a_revoked_device_is_silenced_at_once_and_does_not_come_back(secure, ear, connect):
    folder = secure.admit("loa-1")
    live, other = connect(folder), connect("loa-2")
    assert live.is_in()
    assert other.is_in()
    live.subscribe("loa/1/em/08")
    secure.renew()
    with secure.hub.writing() as conn:
        actions.revoke(secure.hub, conn, "loa-1", why="mất", person="mai")
    secure.renew()
    live.say("loa/1/up/loa-1/health", b"still here?")
    ear.say("loa/1/em/08", b"alarm")
    assert ear.next()[:2] == ("loa/1/em/08", b"alarm")  # two connections are in no order: one after the other
    other.say("loa/1/up/loa-2/health", b"last")
    assert all_heard(ear, "loa/1/up/loa-2/health") == [("loa/1/up/loa-2/health", b"last")]
    with pytest.raises(queue.Empty):
        live.next(0.5)
    assert connect(folder).is_in(1.5) is False
    assert connect("loa-3").is_in() is True, "the others go on"


def test_writing_the_configuration_again_keeps_what_was_revoked(secure):
    secure.admit("loa-1")
    with secure.hub.writing() as conn:
        actions.revoke(secure.hub, conn, "loa-1", why="mất", person="mai")
    write_broker_config(secure.hub, secure.folder, names=["localhost"], address="127.0.0.1", port=secure.port)
    crl = x509.load_pem_x509_crl((secure.folder / "crl.pem").read_bytes())
    assert len(list(crl)) == 1
    assert "user loa-1\ntopic deny #" in (secure.folder / "acl").read_text()


def test_private_keys_are_the_hubs_alone(secure):
    keys = [*secure.folder.glob("*.key"), *(secure.hub.config.root / "ca").glob("*.key")]
    assert len(keys) == 3
    assert {path.stat().st_mode & 0o077 for path in keys} == {0}


def test_the_files_are_written_only_when_something_changed(secure):
    files = BrokerFiles(dataclasses.replace(secure.hub, config=secure.config))
    assert [files.renew(), files.renew()] == [True, False]
    secure.admit("loa-1")
    assert files.renew() is False
    secure.admit("station-1")
    assert [files.renew(), files.renew()] == [True, False]


# --- our own programs ---


def device_link(secure: Secure, name: str, heard: list) -> PahoLink:
    folder = secure.admit(name)
    broker = Broker(host="localhost", port=secure.port, tls_ca=str(secure.ca),
                    tls_certificate=str(folder / "device.crt"), tls_key=str(folder / "tls.key"))  # fmt: skip
    return PahoLink(broker, client_id=name, password="", will=Will(f"loa/1/up/{name}/death", str.encode),
                    deliver=heard.append)  # fmt: skip


def test_the_devices_own_link_comes_in_and_the_worker_rebuilds_what_was_retained(secure, box):
    """mosquitto keeps nothing over a restart: whatever was retained is said again by the worker."""
    config = secure.config
    with box.hub.writing() as conn:
        outbox.put(conn, "loa/1/ar/08.00694/ver", b'{"timestamp":1,"snapshot":1}', now=system_clock(),
                   lasts_ms=10**9, retained=True)  # fmt: skip
    heard: list = []
    link = device_link(secure, "loa-1", heard)
    with hub_process(config, "worker"):
        link.start([("loa/1/ar/08.00694/ver", 1)])
        wait_until(lambda: [event for event in heard if getattr(event, "topic", "")], "the retained message")
    link.stop()
    assert isinstance(heard[0], Connected)


def test_a_device_checks_chain_and_name_but_no_dates(box, tmp_path):
    """Below the quality of a battery clock, dates would keep it out of the network that tells it the time."""
    long_ago = dataclasses.replace(box.hub, now=lambda: system_clock() - 5 * 365 * 86_400_000)
    expired = make_secure(long_ago)
    heard: list = []
    with expired.running():
        with pytest.raises(ssl.SSLCertVerificationError):
            _handshake(expired)
        _, request = make_request()
        assert request
        link = device_link(expired, "loa-1", heard)
        link.start([("loa/1/dn/loa-1/cmd", 1)])
        wait_until(lambda: heard, "the device to connect")
        link.stop()
    assert isinstance(heard[0], Connected)


def _handshake(secure: Secure) -> None:
    context = ssl.create_default_context(cafile=str(secure.ca))
    with socket.create_connection(("127.0.0.1", secure.port)) as plain:
        context.wrap_socket(plain, server_hostname="localhost")
