"""The worker's connection to the broker. Callbacks run on paho's thread and only put things on bounded queues."""

from __future__ import annotations

import logging
import queue
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hub.config import Config
from hub.secrets.keyring import Keyring
from wire.topics import EMERGENCY, FROM_DEVICES

QUEUE_SIZE = 2_000
RECONNECT_S = (1, 5)
MAX_INFLIGHT = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arrival:
    """A message of a device, acknowledged to the broker only once it was dealt with."""

    topic: str
    body: bytes
    mid: int
    qos: int


class Link:
    """Connects by itself and again; `wake` is called (on paho's thread) when there is something to look at.

    `lets_in` is asked about each message as it comes, on that thread too: what it does not let in never waits in line.
    """

    def __init__(
        self, config: Config, keys: Keyring, wake: Callable[[], None],
        lets_in: Callable[[str], bool] = lambda _topic: True,
    ) -> None:  # fmt: skip
        self._lets_in = lets_in
        self.arrivals: queue.Queue[Arrival] = queue.Queue(QUEUE_SIZE)
        self._acknowledged: deque[int] = deque()
        self._fresh = False
        self._wake = wake
        self._client = _client(config, keys)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish
        self._address = (config.broker_host, config.broker_port, config.broker_keepalive_s)

    def start(self) -> None:
        self._client.connect_async(*self._address)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected()

    def take_fresh(self) -> bool:
        """Whether the connection is a new one since this was last asked."""
        fresh, self._fresh = self._fresh, False
        return fresh

    def take_acknowledged(self) -> list[int]:
        """The ids of publications that the broker confirmed since this was last asked."""
        taken = []
        while self._acknowledged:
            taken.append(self._acknowledged.popleft())
        return taken

    def publish(self, topic: str, body: bytes, *, qos: int, retained: bool) -> int | None:
        """Hand a message to the connection; its id, or None while there is no connection."""
        info = self._client.publish(topic, body, qos=qos, retain=retained)
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def acknowledge(self, arrival: Arrival) -> None:
        self._client.ack(arrival.mid, arrival.qos)

    def _on_connect(
        self, client: Client, _user: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            log.error("the broker refuses the worker: %s", reason)
            return
        client.subscribe([(FROM_DEVICES, 1), (EMERGENCY.of("#"), 1)])  # stations may send orders without us
        self._fresh = True
        self._wake()

    def _on_disconnect(
        self, _client: Client, _user: Any, _flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        log.warning("connection to the broker ended: %s", reason)

    def _on_message(self, client: Client, _: Any, message: MQTTMessage) -> None:
        if message.retain:  # left behind by somebody: neither devices nor stations retain anything
            client.publish(message.topic, b"", qos=0, retain=True)
        if message.retain or not message.payload or not self._lets_in(message.topic):
            client.ack(message.mid, message.qos)
            return
        arrival = Arrival(message.topic, bytes(message.payload), message.mid, message.qos)
        try:
            self.arrivals.put_nowait(arrival)
        except queue.Full:
            client.ack(message.mid, message.qos)  # health is lost, logs are sent again: nothing needs to wait here
            log.warning("too much at once, %s dropped", message.topic)

    def _on_publish(self, _client: Client, _: Any, mid: int, _reason: ReasonCode, _properties: Properties) -> None:
        self._acknowledged.append(mid)


def _client(config: Config, keys: Keyring) -> Client:
    client = Client(
        CallbackAPIVersion.VERSION2, client_id=config.broker_user, protocol=MQTTProtocolVersion.MQTTv311,
        clean_session=True, manual_ack=True,
    )  # fmt: skip
    if not config.broker_certificate:
        client.username_pw_set(config.broker_user, keys.read(config.broker_password_file).decode())
    client.reconnect_delay_set(*RECONNECT_S)
    client.max_inflight_messages_set(MAX_INFLIGHT)
    if config.broker_ca:
        context = ssl.create_default_context(cafile=config.broker_ca)
        if config.broker_certificate:
            _load_certificate(context, config, keys)
        client.tls_set_context(context)
    return client


def _load_certificate(context: ssl.SSLContext, config: Config, keys: Keyring) -> None:
    """The worker's own key is sealed where `broker-config` put it; a person's, elsewhere, is as that person left it."""
    path = Path(config.broker_key) if config.broker_key else None
    if path is None or not path.is_relative_to(config.root):
        context.load_cert_chain(config.broker_certificate, path)
        return
    with keys.opened(path) as clear:
        context.load_cert_chain(config.broker_certificate, clear)
