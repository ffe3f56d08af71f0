"""What is done to a province's mosquitto from inside: floods, replays, poison, deaf ears; a broker that lost all."""

from __future__ import annotations

import ctypes
import dataclasses
import os
import queue
import socket
import ssl
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge.config import Broker
from edge.link import Arrived, PahoLink, Will
from hub import outbox
from hub.alerts import store as alerts
from hub.certificates import actions
from hub.certificates.authority import CRL_DAYS
from hub.clock import system_clock
from hub.devices import store as devices
from hub.flood import MOST_A_MINUTE
from hub.playlog import store as playlog
from hub.publishing import repository
from tests.builders import make_template
from tests.hub.conftest import COMMUNE
from tests.hub.mqtt import hub_process, wait_until
from tests.hub.tls import all_heard, make_request
from wire.codec import encode
from wire.playlog import row_hash
from wire.units import UtcTime

TEMPLATE = make_template()
PIDFD_GETFD = 438
"""The number of the system call: the same on x86-64 and arm64."""


@contextmanager
def working(secure):
    """The worker's own process on this broker, once it listens."""
    with hub_process(secure.config, "worker") as process:
        log = secure.hub.config.root / "worker.log"
        wait_until(lambda: "connected to the broker" in log.read_text(), "the worker's connection", limit_s=20)
        yield process


# --- names ---


@pytest.mark.parametrize("name", ["#", "+", "loa-1/x", "up/+", "$SYS"])
def test_even_a_certificate_with_a_wildcard_for_a_name_opens_nothing(secure, ear, connect, name):
    """No such certificate is issued; this is what one would be worth, were the CA careless."""
    key, request = make_request()
    authority = actions.load_authority(secure.hub)
    public = x509.load_pem_x509_csr(request).public_key()
    made = authority._issue(public, name, secure.hub.now(), 30, ExtendedKeyUsageOID.CLIENT_AUTH)
    stranger, one = connect(secure.keep("wild", key, made)), connect("loa-1")
    assert one.is_in()
    if stranger.is_in(1.5):
        stranger.subscribe("#", "loa/1/up/#", "loa/1/dn/#", "loa/1/dn/+/cmd")
        for topic in ("loa/1/up/loa-1/health", "loa/1/em/08", "loa/1/dn/loa-1/cmd", "loa/1/ar/08/ver"):
            stranger.say(topic, b"from a wildcard")
    ear.say("loa/1/dn/loa-1/cmd", b"secret")
    one.say("loa/1/up/loa-1/health", b"mine")
    heard = all_heard(ear, "loa/1/up/loa-1/health")
    assert b"from a wildcard" not in [body for _, body in heard]
    with pytest.raises(queue.Empty):
        stranger.next(0.5)


def test_a_stations_will_may_be_an_emergency_topic_and_no_other(secure, ear, connect):
    bad, good = connect("station-1", will="loa/1/dn/loa-1/cmd"), connect("station-2", will="loa/1/em/08")
    secure.renew()
    assert bad.is_in()
    assert good.is_in()
    bad.vanish()
    good.vanish()
    assert all_heard(ear, "loa/1/em/08") == [("loa/1/em/08", b"a will")]


def test_the_same_certificate_twice_is_one_device_and_the_newer_connection_stays(connect, secure):
    """A copied card: the two push each other out, which the hub shows by their sessions."""
    folder = secure.admit("loa-1")
    first = connect(folder)
    assert first.is_in()
    second = connect(folder)
    assert second.is_in()
    assert first.down.wait(5)


# --- poison and replay ---


def test_what_was_left_behind_is_swept_away_when_the_worker_comes(secure, connect):
    """Poison on a device's own topic, for the hub, and on a station's, for every device that comes later."""
    one, station, early = connect("loa-1"), connect("station-1"), connect("loa-2")
    secure.renew()
    assert [client.is_in() for client in (one, station, early)] == [True] * 3
    one.say("loa/1/up/loa-1/birth", b"poison", retain=True)
    station.say("loa/1/em/08.00694", b"poison", retain=True)
    early.subscribe("loa/1/em/08.00694")
    assert early.next()[:2] == ("loa/1/em/08.00694", b"poison")
    early.subscribe("loa/1/em/08.00694")
    assert early.next() == ("loa/1/em/08.00694", b"poison", True)
    with working(secure):
        assert early.next()[:2] == ("loa/1/em/08.00694", b"")
    worker = secure.hub.config.root / "ca"
    ear = connect(secure.keep("hub", secure.hub.keys.read(worker / "hub.key"), (worker / "hub.crt").read_bytes()))
    assert ear.is_in()
    ear.subscribe("loa/1/up/#", "loa/1/em/#")
    ear.say("loa/1/em/last", b"")
    assert ear.next() == ("loa/1/em/last", b"", False), "nothing older was there"


def test_an_order_and_a_log_that_are_sent_again_count_once(box, secure, connect):
    ready = dataclasses.replace(box, hub=secure.hub)
    with ready.hub.writing() as conn:
        repository.lock(conn)
        repository.put_targets(conn, "tpl", 1, {"templates/08/xa-lu.json": encode(TEMPLATE)}, ready.hub.now())
    box.add_cluster()
    device, other = box.add_device("loa-1"), box.add_device("loa-2")
    box.province.now = ready.hub.now()
    order = box.province.start_alert(COMMUNE, TEMPLATE)
    one, two, station = connect("loa-1"), connect("loa-2"), connect("station-1")
    secure.renew()
    assert [client.is_in() for client in (one, two, station)] == [True] * 3
    rows = device.rows(3)
    with working(secure):
        for _ in range(20):
            station.say("loa/1/em/08.00694", order)
            one.say("loa/1/up/loa-1/log", device.log(rows))
            two.say("loa/1/up/loa-2/log", device.log(rows))  # another's log on one's own topic
        one.say("loa/1/up/loa-1/log", device.log(device.rows(1, first=4, previous=row_hash(rows[-1]))))
        wait_until(lambda: whole_to(secure.hub, "loa-1", device.chain) == 4, "the last row", limit_s=30)
        wait_until(lambda: refused(secure.hub, "loa-2") == 20, "the refusals", limit_s=30)
    with secure.hub.reading() as conn:
        assert len(alerts.latest(conn, ("08",), limit=100)) == 1
        assert len(playlog.plays(conn, since=UtcTime(0), until=UtcTime(2**60), cluster="cl-1")) == 4
        assert playlog.chains_of(conn, other.name) == []


def whole_to(hub, device: str, chain: str) -> int:
    with hub.reading() as conn:
        found = playlog.chain(conn, device, chain)
    return found["whole_to"] if found else 0


def refused(hub, device: str) -> int:
    with hub.reading() as conn:
        return [event["kind"] for event in devices.events_of(conn, device)].count("refused")


# --- floods ---


def test_who_floods_is_found_its_registration_ends_and_the_others_are_heard(box, secure, connect):
    box.add_cluster()
    box.add_device("loa-1")
    device = box.add_device("loa-2")
    folder = secure.admit("loa-1")
    flood, other = connect(folder), connect("loa-2")
    assert flood.is_in()
    assert other.is_in()
    with working(secure):
        for _ in range(MOST_A_MINUTE + 500):
            flood.say("loa/1/up/loa-1/health", b"{}" * 20)
        wait_until(lambda: ended(secure.hub, "loa-1"), "the end of its registration", limit_s=60)
        wait_until(lambda: "user loa-1\ntopic deny #" in (secure.folder / "acl").read_text(), "the ACL", limit_s=10)
        other.say("loa/1/up/loa-2/log", device.log(device.rows(2)))
        wait_until(lambda: whole_to(secure.hub, "loa-2", device.chain) == 2, "the other's log", limit_s=60)
    assert connect(folder).is_in(1.5) is False
    assert not ended(secure.hub, "loa-2")


def ended(hub, device: str) -> bool:
    with hub.reading() as conn:
        return devices.device(conn, device)["revoked_at"] is not None


def test_an_ear_that_does_not_listen_holds_up_nobody_and_fills_no_memory(secure, ear, connect):
    """It subscribes to public speech and never reads: the broker queues so much for it and no more."""
    deaf = RawEar(secure, secure.admit("loa-1"), "loa/1/em/08")
    one = connect("loa-2")
    assert one.is_in()
    one.subscribe("loa/1/em/08")
    before = rss_kb(secure)
    body = os.urandom(16_000)
    for number in range(6_000):
        ear.say("loa/1/em/08", number.to_bytes(4, "big") + body)
        if number % 100 == 99:  # the one that listens keeps step
            while int.from_bytes(one.next(20)[1][:4], "big") != number:
                pass
    assert rss_kb(secure) - before < 48_000, "of 96 MB"
    deaf.close()


class RawEar:
    """A device that connects and subscribes in bytes of its own, and reads no further."""

    def __init__(self, secure, folder: Path, topic: str) -> None:
        context = ssl.create_default_context(cafile=str(secure.ca))
        context.load_cert_chain(folder / "device.crt", folder / "tls.key")
        plain = socket.create_connection(("127.0.0.1", secure.port))
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self._line = context.wrap_socket(plain, server_hostname="localhost")
        self._send(0x10, b"\0\4MQTT\4\2\0\0" + b"\0\1x")
        assert self._line.recv(4) == b"\x20\2\0\0"
        self._send(0x82, b"\0\1" + len(topic).to_bytes(2, "big") + topic.encode() + b"\1")
        assert self._line.recv(5) == b"\x90\3\0\1\1"

    def _send(self, kind: int, body: bytes) -> None:
        self._line.sendall(bytes([kind, len(body)]) + body)

    def close(self) -> None:
        self._line.close()


def pid_of(secure) -> int:
    return int((secure.folder / "mosquitto.pid").read_text())


def rss_kb(secure) -> int:
    status = Path(f"/proc/{pid_of(secure)}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


# --- what the configuration promises ---


def test_small_messages_do_not_wait_for_large_ones_to_be_full(secure, connect):
    """No-delay is set on the sockets of devices, as the running mosquitto has them."""
    assert connect("loa-1").is_in()
    options = nodelay_of(pid_of(secure), secure.port)
    assert options
    assert set(options) == {True}


def nodelay_of(pid: int, port: int) -> list[bool]:
    """TCP_NODELAY of each connection that a process has on its port."""
    handle = os.pidfd_open(pid)
    copies = [_copy(handle, int(entry.name)) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    os.close(handle)
    found = []
    for copied in copies:
        if copied is None:
            continue
        with copied as line:
            is_open = line.family == socket.AF_INET and not line.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if is_open and line.getsockname()[1] == port:
                found.append(bool(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
    return found


def _copy(handle: int, number: int) -> socket.socket | None:
    """Another process's socket, or None for a file of another kind."""
    copied = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, handle, number, 0)
    assert copied >= 0, os.strerror(ctypes.get_errno())
    if Path(f"/proc/self/fd/{copied}").readlink().name.startswith("socket:"):
        return socket.socket(fileno=copied)
    os.close(copied)
    return None


def test_the_list_of_revoked_certificates_outlives_every_holiday(secure):
    """mosquitto refuses everybody once it is past its date."""
    crl = x509.load_pem_x509_crl((secure.folder / "crl.pem").read_bytes())
    assert (crl.next_update_utc - crl.last_update_utc).days > CRL_DAYS


# --- a broker that lost everything ---


def test_a_broker_that_comes_back_empty_is_filled_again(secure, box):
    """Killed; where it ran lies a damaged store, as a power cut leaves it: there is none that it would read."""
    topics = [f"loa/1/ar/08.{number:05}/ver" for number in range(60)]
    with box.hub.writing() as conn:
        for number, topic in enumerate(topics):
            for version in (1, number + 2):
                outbox.put(conn, topic, b'{"timestamp":%d,"snapshot":1}' % version, now=system_clock(),
                           lasts_ms=10**9, retained=True)  # fmt: skip
    expected = {topic: b'{"timestamp":%d,"snapshot":1}' % (number + 2) for number, topic in enumerate(topics)}
    with working(secure):
        wait_until(lambda: not waiting(box.hub), "everything to be sent", limit_s=30)
        os.kill(pid_of(secure), 9)
        for _ in range(2):
            (secure.folder / "mosquitto.db").write_bytes(b"\0" * 5_000)
            with secure.running():
                hear(secure, "loa-1", expected)
                os.kill(pid_of(secure), 9)


def waiting(hub) -> list:
    with hub.reading() as conn:
        return outbox.waiting(conn, system_clock())


def hear(secure, name: str, expected: dict[str, bytes]) -> None:
    """The device's own link subscribes, and hears just this within half a minute."""
    folder, heard = secure.admit(name), {}
    broker = Broker(host="localhost", port=secure.port, tls_ca=str(secure.ca),
                    tls_certificate=str(folder / "device.crt"), tls_key=str(folder / "tls.key"))  # fmt: skip

    def deliver(event: object) -> None:
        if isinstance(event, Arrived):
            heard[event.topic] = event.payload

    will = Will(f"loa/1/up/{name}/death", str.encode)
    link = PahoLink(broker, client_id=name, password="", will=will, deliver=deliver)
    link.start([("loa/1/ar/+/ver", 1)])
    wait_until(lambda: heard == expected, "all that was retained", limit_s=30)
    link.stop()
