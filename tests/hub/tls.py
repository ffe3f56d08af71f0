"""A real mosquitto with mutual TLS on loopback, as `loa-hub broker-config` writes it, and clients with certificates."""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from hub.broker_tls import BrokerFiles, write_broker_config
from hub.certificates import actions
from hub.certificates.authority import Authority
from hub.config import Config, load_config
from hub.context import Hub
from tests.hub.mqtt import free_port, port_answers, running, wait_until

RELOADED = "Reloading config"
PEM = serialization.Encoding.PEM


def make_request(name: str = "whatever") -> tuple[bytes, bytes]:
    """A P-256 key (PEM) and a certificate request of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private, request.public_bytes(PEM)


@dataclass
class Secure:
    """The broker of a hub."""

    hub: Hub
    folder: Path
    port: int

    def admit(self, name: str) -> Path:
        """Certify a device or station; the folder with key and certificate."""
        key, request = make_request()
        issue = actions.issue_station if name.startswith("station-") else actions.issue_device
        return self.keep(name, key, issue(self.hub, request, name))

    def admit_by(self, authority: Authority, name: str) -> Path:
        """As if by this CA."""
        key, request = make_request()
        return self.keep(f"{name}-foreign", key, authority.issue_device(request, name, now=self.hub.now()))

    def keep(self, name: str, key: bytes, certificate: bytes) -> Path:
        folder = self.hub.config.root / f"tls-{name}"
        folder.mkdir(exist_ok=True)
        (folder / "tls.key").write_bytes(key)
        (folder / "device.crt").write_bytes(certificate)
        return folder

    @property
    def config(self) -> Config:
        """The settings that `broker-config` tells a person to write down."""
        ca = self.hub.config.root / "ca"
        (self.hub.config.root / "hub.toml").write_text(
            f'broker_host = "localhost"\nbroker_port = {self.port}\nbroker_files = "{self.folder}"\n'
            f'broker_ca = "{ca}/ca.crt"\nbroker_certificate = "{ca}/hub.crt"\nbroker_key = "{ca}/hub.key"\n'
        )
        return load_config(self.hub.config.root, environ={})

    def renew(self) -> None:
        """As the worker does, until mosquitto has read it."""
        before = self._log.read_text().count(RELOADED)
        BrokerFiles(dataclasses.replace(self.hub, config=self.config)).renew()
        wait_until(lambda: self._log.read_text().count(RELOADED) > before, "mosquitto to read its files again")

    @property
    def _log(self) -> Path:
        return self.hub.config.root / "mosquitto-tls.log"

    @property
    def ca(self) -> Path:
        return self.folder / "ca.crt"

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        with running("mosquitto", "-c", self.folder / "mosquitto.conf", log=self._log) as process:
            wait_until(lambda: port_answers(self.port), "mosquitto")
            assert process.poll() is None
            yield self


def make_secure(hub: Hub) -> Secure:
    folder, port = hub.config.root / "broker", free_port()
    write_broker_config(hub, folder, names=["localhost", "127.0.0.1"], address="127.0.0.1", port=port)
    return Secure(hub, folder, port)


class TlsClient:
    """One MQTT connection with a certificate (or, with None, without)."""

    def __init__(self, secure: Secure, certificate: Path | None, *, client_id: str = "x", will: str = "") -> None:
        self.heard: queue.Queue[tuple[str, bytes, bool]] = queue.Queue()
        self._up, self.down = threading.Event(), threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv311)
        context = ssl.create_default_context(cafile=str(secure.ca))
        if certificate is not None:
            context.load_cert_chain(certificate / "device.crt", certificate / "tls.key")
        self._client.tls_set_context(context)
        if will:
            self._client.will_set(will, b"a will", qos=0)
        self._client.on_connect = lambda *a: None if a[3].is_failure else self._up.set()
        self._client.on_disconnect = lambda *_: self.down.set()
        self._client.on_message = lambda _, __, m: self.heard.put((m.topic, bytes(m.payload), m.retain))
        with contextlib.suppress(OSError):
            self._client.connect("127.0.0.1", secure.port)
            self._client.loop_start()

    def is_in(self, limit_s: float = 3.0) -> bool:
        return self._up.wait(limit_s)

    def subscribe(self, *topics: str) -> None:
        done = threading.Event()
        self._client.on_subscribe = lambda *_: done.set()
        self._client.subscribe([(topic, 1) for topic in topics])
        assert done.wait(5)

    def say(self, topic: str, body: bytes = b"x", *, retain: bool = False) -> None:
        self._client.publish(topic, body, qos=0, retain=retain)

    def next(self, limit_s: float = 5.0) -> tuple[str, bytes, bool]:
        return self.heard.get(timeout=limit_s)

    def vanish(self) -> None:
        """The socket is cut: the broker says the will."""
        self._client.loop_stop()
        self._client.socket().close()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def all_heard(ear: TlsClient, last: str) -> list[tuple[str, bytes]]:
    """Everything up to the message on the topic `last`."""
    heard = []
    while not heard or heard[-1][0] != last:
        heard.append(ear.next()[:2])
    return heard
