"""What every link promises, on the fake, on mosquitto and on amqtt alike (style.md, "a transport")."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable

import pytest
from amqtt.broker import Broker as Amqtt

from edge.config import Broker as BrokerConfig
from edge.link import Arrived, Connected, Delivered, Disconnected, PahoLink, Will
from tests.edge.device_process import Broker as Mosquitto
from tests.edge.device_process import free_port
from tests.edge.world import wait_for
from tests.fakes.link import FakeBroker, FakeLink

TOPICS = [("loa/1/dn/d1/cmd", 1), ("loa/1/ar/08/ver", 1)]


class OnFake:
    """The fake broker behind the names that the tests use."""

    def __init__(self, _folder) -> None:
        self.broker = FakeBroker()
        self.links: list[FakeLink] = []

    def link(self, deliver: Callable[[object], None]) -> FakeLink:
        link = FakeLink(self.broker, will=will(), deliver=deliver)
        self.links.append(link)
        return link

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self.broker.publish(topic, payload, retain=retain)

    def heard(self, topic: str) -> list[bytes]:
        return [payload for t, payload in self.broker.published if t == topic]

    def cut(self) -> None:
        self.broker.stop()

    def heal(self) -> None:
        self.broker.start()
        for link in self.links:
            link.connect()

    def close(self) -> None:
        """Nothing runs."""


class OnMosquitto:
    def __init__(self, folder) -> None:
        self.broker = Mosquitto(folder)

    def link(self, deliver) -> PahoLink:
        config = BrokerConfig(host="127.0.0.1", port=self.broker.port, keepalive_s=10)
        return PahoLink(config, client_id="d1", password="", will=will(), deliver=deliver)

    def say(self, topic, payload, *, retain=False) -> None:
        self.broker._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def heard(self, topic):
        return [payload for t, payload, _ in self.broker.heard if t == topic]

    def cut(self) -> None:
        self.broker.stop()

    def heal(self) -> None:
        self.broker.start()

    def close(self) -> None:
        self.broker.stop()


class OnAmqtt(OnMosquitto):
    """The embedded broker, in a thread as the demo's process runs it."""

    def __init__(self, folder) -> None:
        self.broker = _AmqttBroker(folder)


class _AmqttBroker(Mosquitto):
    def __init__(self, folder) -> None:
        self.port = free_port()
        self.heard = []
        self.start()

    def start(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        self._listen()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()  # it is the loop that closes the socket
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    async def _serve(self, ready: threading.Event) -> None:
        config = {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        broker = Amqtt(config)
        await broker.start()
        ready.set()
        await self._stopping.wait()
        await broker.shutdown()


def will() -> Will:
    return Will("loa/1/up/d1/death", lambda session: session.encode())


@pytest.fixture(params=[OnFake, OnMosquitto, OnAmqtt], ids=["fake", "mosquitto", "amqtt"])
def side(request, tmp_path):
    side = request.param(tmp_path)
    yield side
    side.close()


@pytest.fixture
def events():
    return queue.Queue()


@pytest.fixture
def link(side, events):
    link = side.link(events.put)
    link.start(TOPICS)
    yield link
    link.stop()


def await_event(events, kind):
    """The next event of a kind."""
    while True:
        event = events.get(timeout=20)
        if isinstance(event, kind):
            return event


def test_what_is_said_after_connected_arrives(side, link, events):
    await_event(events, Connected)
    side.say("loa/1/dn/d1/cmd", b"hello")
    assert await_event(events, Arrived).payload == b"hello"


def test_what_is_retained_comes_with_the_connection(side, events):
    side.say("loa/1/ar/08/ver", b"v7", retain=True)
    link = side.link(events.put)
    link.start(TOPICS)
    arrived = await_event(events, Arrived)
    link.stop()
    assert (arrived.topic, arrived.payload) == ("loa/1/ar/08/ver", b"v7")


def test_a_message_that_the_broker_has_is_delivered_by_its_number(side, link, events):
    await_event(events, Connected)
    number = link.publish("loa/1/up/d1/log", b"rows", qos=1)
    assert await_event(events, Delivered).number == number
    wait_for(lambda: side.heard("loa/1/up/d1/log") == [b"rows"])


def test_other_subscriptions_take_the_place_of_the_first(side, link, events):
    await_event(events, Connected)
    link.subscribe([("loa/1/em/08", 1)])
    wait_for(lambda: _reaches(side, events, "loa/1/em/08"))
    side.say("loa/1/dn/d1/cmd", b"old")
    side.say("loa/1/em/08", b"new")
    heard = [await_event(events, Arrived).payload]
    while heard[-1] != b"new":
        heard.append(await_event(events, Arrived).payload)
    assert b"old" not in heard


def test_nothing_is_taken_while_the_broker_is_away_and_it_comes_back_by_itself(side, link, events):
    first = await_event(events, Connected).session
    side.cut()
    await_event(events, Disconnected)
    wait_for(lambda: not link.is_connected)
    assert link.publish("loa/1/up/d1/health", b"x", qos=0) is None
    side.heal()
    second = await_event(events, Connected).session
    assert first != second
    assert link.is_connected


def test_a_good_bye_leaves_no_will(side, link, events):
    await_event(events, Connected)
    link.stop()
    side.say("loa/1/up/x/last", b"")
    wait_for(lambda: side.heard("loa/1/up/x/last"))
    assert side.heard("loa/1/up/d1/death") == []


def _reaches(side, events, topic) -> bool:
    side.say(topic, b"probe")
    try:
        return events.get(timeout=0.3).payload == b"probe"
    except (queue.Empty, AttributeError):
        return False
