"""The province's brokers, reached from a person's machine with its own certificate: for when the hub does not answer.

The list is a file that belongs to this machine (`brokers.toml`), so that losing the hub does not lose the way:

    [[broker]]
    host = "mqtt.tuyenquang.example"
    port = 8883
    name = "station-ha-giang-1"        # the certificate's name, which is the client id
    ca = "ca.crt"                      # files beside this one; mutual TLS
    certificate = "station.crt"
    key = "station.key"
    # password_file = "station.password"   instead of certificate and key: the embedded broker of one commune
"""

from __future__ import annotations

import socket
import ssl
import threading
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from provisioning.errors import ProvisioningError
from wire.topics import EMERGENCY, dotted

ANSWER_S = 8.0
KEEPALIVE_S = 30
MAX_BROKERS = 8


class BrokerError(ProvisioningError):
    """No broker took the message; why, for each."""

    code = "no_broker"


class Broker(Struct, frozen=True, forbid_unknown_fields=True):
    """One way in. Paths are as in the file, or absolute."""

    host: Annotated[str, Meta(min_length=1, max_length=255)]
    name: Annotated[str, Meta(pattern="^[a-z0-9-]{1,40}$")]
    port: Annotated[int, Meta(ge=1, le=65_535)] = 8883
    ca: str = ""
    certificate: str = ""
    key: str = ""
    password_file: str = ""

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    broker: Annotated[list[Broker], Meta(min_length=1, max_length=MAX_BROKERS)]


def read_brokers(path: Path) -> list[Broker]:
    """The list of this machine; its file names are looked for beside it. Raises BrokerError."""
    try:
        listed = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File).broker
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise BrokerError(f"{path}: {error}") from error
    files = ("ca", "certificate", "key", "password_file")
    return [
        msgspec.structs.replace(one, **{name: _beside(path, getattr(one, name)) for name in files}) for one in listed
    ]


def send_everywhere(brokers: Sequence[Broker], area: str, envelope: bytes) -> list[str]:
    """Put an order to every broker of the list; the addresses of those that have it. Raises BrokerError if none has.

    Devices know an order again that comes twice.
    """
    taken, failed = [], []
    for broker in brokers:
        try:
            _send(broker, EMERGENCY.of(dotted(area)), envelope)
            taken.append(broker.address)
        except BrokerError as error:
            failed.append(error.detail)
    if not taken:
        raise BrokerError("; ".join(failed) or "no broker is listed on this machine")
    return taken


@dataclass
class _Delivery:
    """What the connection's own thread has found out."""

    done: threading.Event
    refused: str = ""
    is_in: bool = False


def _send(broker: Broker, topic: str, payload: bytes) -> None:
    """Connect, publish, wait until the broker has confirmed it, and go. Raises BrokerError.

    MQTT 5 first: only there a broker says that it does not let us speak; in 3.1.1 it confirms what it throws away.
    """
    delivery = _attempt(broker, topic, payload, MQTTProtocolVersion.MQTTv5)
    if not delivery.is_in:
        delivery = _attempt(broker, topic, payload, MQTTProtocolVersion.MQTTv311)
    if delivery.refused:
        raise BrokerError(f"{broker.address}: {delivery.refused}")


def _attempt(broker: Broker, topic: str, payload: bytes, protocol: MQTTProtocolVersion) -> _Delivery:
    delivery = _Delivery(threading.Event())
    try:
        client = _client(broker, protocol, topic, payload, delivery)
        client.connect(broker.host, broker.port, keepalive=KEEPALIVE_S)
    except (OSError, ValueError) as error:  # TLS errors are OSErrors
        delivery.refused = str(error)
        return delivery
    client.loop_start()
    if not delivery.done.wait(ANSWER_S):
        delivery.refused = "no confirmation"
    client.disconnect()
    client.loop_stop()
    return delivery


def _client(
    broker: Broker, protocol: MQTTProtocolVersion, topic: str, payload: bytes, delivery: _Delivery
) -> Client:
    """It publishes as soon as it is let in. What breaks off is final: somebody waits for the answer."""

    def connected(client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            _end(delivery, f"the broker refuses: {reason}")
            return
        delivery.is_in = True
        if client.publish(topic, payload, qos=1).rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            _end(delivery, "the connection broke")

    def published(_client: Client, _data: Any, _mid: int, reason: ReasonCode, _properties: Any) -> None:
        _end(delivery, f"the broker does not take it: {reason}" if reason.is_failure else "")

    def gone(_client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if not delivery.done.is_set():  # TLS 1.3 tells a refused certificate only so
            _end(delivery, f"the connection ended: {reason}")

    client = Client(CallbackAPIVersion.VERSION2, client_id=broker.name, protocol=protocol)
    client.on_connect, client.on_publish, client.on_disconnect = connected, published, gone
    client.on_socket_open = lambda _client, _data, sock: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.connect_timeout = ANSWER_S
    if broker.password_file:
        client.username_pw_set(broker.name, Path(broker.password_file).read_text("utf-8").strip())
    if broker.ca:
        client.tls_set_context(_tls_context(broker))
    return client


def _end(delivery: _Delivery, why: str) -> None:
    delivery.refused = why
    delivery.done.set()


def _tls_context(broker: Broker) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=broker.ca)
    if broker.certificate:
        context.load_cert_chain(broker.certificate, broker.key or None)
    return context


def _beside(path: Path, name: str) -> str:
    return str(path.parent / name) if name else ""
