"""The link to the broker: the `Link` protocol, and paho behind it. Bytes and topics; trust never rests on it.

paho's thread only hands over what arrived: `deliver` must put it on a bounded queue and return. Every connection has a
session of its own, named in its last will, so that a late death of an old connection is not taken for ours.
"""

from __future__ import annotations

import logging
import random
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.config import Broker
from edge.errors import LinkError
from edge.tls import judge_dates, make_context

SHORTEST_CEILING_S: Final = 1.0
CONNECT_LIMIT_S: Final = 10.0
WAITING_LIMIT: Final = 64
"""Messages handed to paho and not yet acknowledged. Beyond it, health is dropped and everything else waits outside."""

log = logging.getLogger(__name__)
Subscriptions = Sequence[tuple[str, int]]


@dataclass(frozen=True)
class Arrived:
    """A message as it came."""

    topic: str
    payload: bytes
    received_ns: int
    retained: bool = False
    """The broker kept it for whoever subscribes; False: it was said just now."""


@dataclass(frozen=True)
class Connected:
    """We hear what we subscribed to; say birth with this session."""

    session: str


@dataclass(frozen=True)
class Disconnected:
    """The connection broke, or could not be made. The link tries again by itself."""

    why: str


@dataclass(frozen=True)
class Delivered:
    """The broker has the message of this number."""

    number: int


LinkEvent = Arrived | Connected | Disconnected | Delivered
Deliver = Callable[[LinkEvent], None]


class Link(Protocol):
    """One device's connection. Its methods may be called from any thread and never wait for the network."""

    @property
    def is_connected(self) -> bool: ...

    def start(self, subscriptions: Subscriptions) -> None:
        """Connect, and go on trying until `stop`."""

    def subscribe(self, subscriptions: Subscriptions) -> None:
        """Listen to these topics instead of the present ones."""

    def publish(self, topic: str, payload: bytes, *, qos: int) -> int | None:
        """Hand a message over; its number, which `Delivered` names later if `qos` is 1.

        None: not connected, or too much is waiting; the caller keeps what must not be lost.
        """

    def renew(self) -> None:
        """The certificate on the disk is another now: the next connection uses it."""

    def stop(self) -> None:
        """Say good-bye (no will is sent) and end; stopping twice is fine."""


@dataclass(frozen=True)
class Will:
    """What the broker says for us if we vanish: topic, and the message for a session."""

    topic: str
    message: Callable[[str], bytes]


class PahoLink:
    """MQTT 3.1.1, clean sessions, full jitter between attempts, no delay for small packets."""

    def __init__(
        self, broker: Broker, *, client_id: str, password: str, will: Will, deliver: Deliver,
        knows_date: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        """`knows_date`: whether the clock is good enough to judge by it how long a certificate counts."""
        self._broker = broker
        self._knows_date = knows_date
        self._context = _tls_context(broker) if broker.tls_ca else None
        self._will = will
        self._deliver = deliver
        self._subscriptions: list[tuple[str, int]] = []
        self._session = ""
        self._failures = 0
        self._asked: int | None = None
        self._is_up = False
        self._client = self._make_client(client_id, password)

    @property
    def is_connected(self) -> bool:
        return self._is_up

    def start(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = list(subscriptions)
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=self._broker.keepalive_s)
        self._client.loop_start()

    def subscribe(self, subscriptions: Subscriptions) -> None:
        gone = [topic for topic, _ in self._subscriptions if topic not in dict(subscriptions)]
        self._subscriptions = list(subscriptions)
        if self._is_up:
            if gone:
                self._client.unsubscribe(gone)
            self._client.subscribe(self._subscriptions)

    def publish(self, topic: str, payload: bytes, *, qos: int) -> int | None:
        if not self._is_up:
            return None
        info = self._client.publish(topic, payload, qos=qos)
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def renew(self) -> None:
        if self._context is not None:
            _load_certificate(self._context, self._broker)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _make_client(self, client_id: str, password: str) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv311, clean_session=True
        )
        client.username_pw_set(self._broker.username or client_id, password)
        client.max_queued_messages_set(WAITING_LIMIT)
        client.connect_timeout = CONNECT_LIMIT_S
        if self._context is not None:
            client.tls_set_context(self._context)
        client.on_pre_connect = self._before_connect
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_socket_open = _send_at_once
        self._draw_pause(client)
        return client

    def _before_connect(self, client: Client, _data: Any) -> None:
        self._session = secrets.token_hex(8)
        if self._context is not None:
            judge_dates(self._context, is_known=self._knows_date())
        client.will_set(self._will.topic, self._will.message(self._session), qos=1)

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._deliver(Disconnected(f"the broker refuses: {reason}"))
            return
        self._failures = 0
        self._asked = client.subscribe(self._subscriptions)[1]

    def _on_subscribe(
        self, _client: Client, _data: Any, number: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        refused = [topic for (topic, _), reason in zip(self._subscriptions, reasons, strict=False) if reason.is_failure]
        if refused:
            log.warning("the broker does not let us hear %s", ", ".join(refused))
        if number == self._asked:
            self._is_up = True
            self._deliver(Connected(self._session))

    def _on_connect_fail(self, client: Client, _data: Any) -> None:
        self._failures += 1
        self._draw_pause(client)

    def _on_disconnect(
        self, client: Client, _data: Any, _flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._is_up = False
        self._failures += 1
        self._draw_pause(client)
        self._deliver(Disconnected(str(reason)))

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self._deliver(Arrived(message.topic, bytes(message.payload), time.monotonic_ns(), message.retain))

    def _on_publish(
        self, _client: Client, _data: Any, number: int, _reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._deliver(Delivered(number))

    def _draw_pause(self, client: Client) -> None:
        """Full jitter: anywhere up to a ceiling that doubles, so that a fleet does not come back as one."""
        ceiling = min(self._broker.longest_pause_s, SHORTEST_CEILING_S * 2 ** min(self._failures, 10))
        pause = random.uniform(0, ceiling)  # noqa: S311 - spreads load, guards nothing
        client.reconnect_delay_set(pause, pause)  # type: ignore[arg-type]  # seconds; a float is taken


def _send_at_once(_client: Client, _data: Any, sock: Any) -> None:
    """Without this a receipt may wait 40 ms for the acknowledgement of the packet before it."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _tls_context(broker: Broker) -> ssl.SSLContext:
    context = make_context(broker.tls_ca)
    _load_certificate(context, broker)
    return context


def _load_certificate(context: ssl.SSLContext, broker: Broker) -> None:
    """One that is not there yet is on its way: until then the broker refuses us, and everything else goes on."""
    if not broker.tls_certificate or not Path(broker.tls_certificate).exists():
        return
    try:
        context.load_cert_chain(broker.tls_certificate, broker.tls_key or None)
    except (OSError, ssl.SSLError) as error:
        raise LinkError(f"TLS of the broker: {error}") from error


class NoLink:
    """For a device without a broker: a cluster that is fed by bundles."""

    is_connected = False

    def start(self, subscriptions: Subscriptions) -> None: ...

    def subscribe(self, subscriptions: Subscriptions) -> None: ...

    def publish(self, topic: str, payload: bytes, *, qos: int) -> int | None:  # noqa: ARG002 - the protocol's shape
        return None

    def renew(self) -> None: ...

    def stop(self) -> None: ...
