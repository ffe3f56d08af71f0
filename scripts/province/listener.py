"""Somebody on the broker: what a stolen device account hears, and what a stolen broker account can send.

Used by the check and the flow tests to show that captured bytes, sent again, make no sound.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from scripts.province.processes import DemoError

CONNECT_S = 10


class Listener:
    """One connection to the broker under somebody's account; `heard` fills with (topic, bytes)."""

    def __init__(self, port: int, username: str, password: str) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._is_up = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=username, protocol=MQTTProtocolVersion.MQTTv311)
        self._client.username_pw_set(username, password)
        self._client.on_connect = lambda *_: self._is_up.set()
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not self._is_up.wait(CONNECT_S):
            raise DemoError(f"{username} could not connect to the broker")

    def subscribe(self, topic: str) -> None:
        done = threading.Event()
        self._client.on_subscribe = lambda *_: done.set()
        self._client.subscribe(topic, qos=1)
        if not done.wait(CONNECT_S):
            raise DemoError(f"no answer to a subscription of {topic}")

    def publish(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(CONNECT_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.heard.append((message.topic, message.payload))


@contextmanager
def listening_as(port: int, username: str, password: str) -> Iterator[Listener]:
    listener = Listener(port, username, password)
    try:
        yield listener
    finally:
        listener.close()
