"""A broker in memory and links to it. Keeps what the real link promises (tests/edge/test_link.py runs on all of them):
subscriptions before `Connected`, a session a connection, the will only for who vanishes, nothing taken while down.
"""

from __future__ import annotations

import itertools
import secrets
import time

from edge.link import Arrived, Connected, Deliver, Delivered, Disconnected, Subscriptions, Will


class FakeBroker:
    """Clean sessions, QoS 0/1, retained, will."""

    def __init__(self) -> None:
        self.links: list[FakeLink] = []
        self.retained: dict[str, bytes] = {}
        self.published: list[tuple[str, bytes]] = []
        self.is_up = True

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self.published.append((topic, payload))
        if retain:
            self.retained[topic] = payload
        for link in self.links:
            link.receive(topic, payload)

    def stop(self) -> None:
        self.is_up = False
        for link in list(self.links):
            link.vanish()

    def start(self) -> None:
        self.is_up = True


class FakeLink:
    """One device's connection to a FakeBroker."""

    def __init__(self, broker: FakeBroker, *, will: Will, deliver: Deliver) -> None:
        self._broker = broker
        self._will = will
        self._deliver = deliver
        self._topics: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._session = ""
        self.is_connected = False

    def start(self, subscriptions: Subscriptions) -> None:
        self._topics = dict(subscriptions)
        self.connect()

    def connect(self) -> None:
        """The broker can be reached (again)."""
        if not self._broker.is_up:
            self._deliver(Disconnected("refused"))
            return
        self._session = secrets.token_hex(8)
        self._broker.links.append(self)
        self.is_connected = True
        self._deliver(Connected(self._session))
        self._send_retained(list(self._topics))

    def subscribe(self, subscriptions: Subscriptions) -> None:
        new = [topic for topic, _ in subscriptions if topic not in self._topics]
        self._topics = dict(subscriptions)
        if self.is_connected:
            self._send_retained(new)

    def publish(self, topic: str, payload: bytes, *, qos: int) -> int | None:
        if not self.is_connected:
            return None
        number = next(self._numbers)
        self._broker.publish(topic, payload)
        if qos:
            self._deliver(Delivered(number))
        return number

    def renew(self) -> None: ...

    def stop(self) -> None:
        if self.is_connected:
            self._broker.links.remove(self)
        self.is_connected = False

    def vanish(self) -> None:
        """The socket is cut."""
        if not self.is_connected:
            return
        self._broker.links.remove(self)
        self.is_connected = False
        self._broker.publish(self._will.topic, self._will.message(self._session))
        self._deliver(Disconnected("cut"))

    def receive(self, topic: str, payload: bytes) -> None:
        if topic in self._topics:
            self._deliver(Arrived(topic, payload, time.monotonic_ns()))

    def _send_retained(self, topics: list[str]) -> None:
        for topic in topics:
            if topic in self._broker.retained:
                self.receive(topic, self._broker.retained[topic])
