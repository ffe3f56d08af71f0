"""Real brokers, real clients and the hub's own processes for tests; everything on 127.0.0.1, ended with its block."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from hub.broker_files import write_broker_files
from hub.config import Config
from hub.db import Database
from hub.secrets.keyring import Keyring

TOP = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(happened: Callable[[], object], what: str, *, limit_s: float = 10) -> None:
    """Poll until it happened; fail after the deadline."""
    deadline = time.monotonic() + limit_s
    while not happened():
        assert time.monotonic() < deadline, f"waited {limit_s} s in vain for {what}"
        time.sleep(0.01)


def port_answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def running(*command: object, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is asked to end with the block, and must obey within five seconds."""
    with log.open("wb") as out:
        process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=out, cwd=TOP)
    try:
        yield process
    finally:
        if not _ends(process):
            process.kill()
            process.wait()
            raise AssertionError(f"{command} does not end on SIGTERM")


def _ends(process: subprocess.Popen[bytes]) -> bool:
    """Asked twice: mosquitto forgets a signal that comes when its port is open and its main loop has not begun."""
    for _ in range(2):
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2.5)
            return True
    return False


@contextlib.contextmanager
def hub_process(config: Config, *words: object) -> Iterator[subprocess.Popen[bytes]]:
    """`loa-hub WORDS --dir …`."""
    log = config.root / f"{words[0]}.log"
    with running(sys.executable, "-m", "hub", *words, "--dir", config.dir, log=log) as process:
        yield process


@contextlib.contextmanager
def mosquitto(config: Config) -> Iterator[None]:
    folder = config.root / "mosquitto"
    keys = Keyring(config.master_key)
    db = Database(config.database_url, keys)
    conf = write_broker_files(config, db, keys, folder)
    db.close()
    with running("mosquitto", "-c", conf, log=config.root / "mosquitto.log") as process:
        wait_until(lambda: port_answers(config.broker_port), "mosquitto")
        assert process.poll() is None
        yield


@contextlib.contextmanager
def amqtt(config: Config) -> Iterator[None]:
    with hub_process(config, "broker"):
        wait_until(lambda: port_answers(config.broker_port), "the embedded broker")
        yield


BROKERS = {"mosquitto": mosquitto, "amqtt": amqtt}


class Listener:
    """A client that collects what it hears."""

    def __init__(
        self,
        config: Config,
        user: str,
        password: str,
        *,
        client_id: str | None = None,
        will: tuple[str, bytes] | None = None,
    ) -> None:
        self.heard: queue.SimpleQueue[tuple[str, bytes, bool]] = queue.SimpleQueue()
        self.connected: bool | None = None
        self.granted = 0
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=user if client_id is None else client_id,
            protocol=MQTTProtocolVersion.MQTTv311, clean_session=True,
        )  # fmt: skip
        self._client.username_pw_set(user, password)
        if will:
            self._client.will_set(*will, qos=1)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = lambda *_: None
        self._client.on_message = lambda _c, _u, m: self.heard.put((m.topic, bytes(m.payload), m.retain))
        self._client.on_subscribe = self._on_subscribe
        self._client.connect("127.0.0.1", config.broker_port, 30)
        self._client.loop_start()
        wait_until(lambda: self.connected is not None, "the broker's answer")

    def _on_connect(self, _client, _user, _flags, reason, _properties) -> None:
        self.connected = not reason.is_failure

    def _on_subscribe(self, *_):
        self.granted += 1

    def subscribe(self, *topics: str) -> None:
        before = self.granted
        for topic in topics:
            self._client.subscribe(topic, qos=1)
        wait_until(lambda: self.granted == before + len(topics), "the subscriptions")

    def publish(self, topic: str, body: bytes = b"x", *, qos: int = 1) -> None:
        info = self._client.publish(topic, body, qos=qos)
        with contextlib.suppress(RuntimeError, ValueError):
            info.wait_for_publish(2)

    def next(self, limit_s: float = 10) -> tuple[str, bytes, bool]:
        try:
            return self.heard.get(timeout=limit_s)
        except queue.Empty:
            raise AssertionError(f"nothing heard within {limit_s} s") from None

    def next_on(self, topic: str, limit_s: float = 10) -> bytes:
        """The next message of one topic, others thrown away."""
        while True:
            found, body, _retained = self.next(limit_s)
            if found == topic:
                return body

    def break_off(self) -> None:
        """As if the power went: the socket is cut, nothing is said."""
        self._client.reconnect_delay_set(60, 60)
        if self._client.socket():
            self._client.socket().shutdown(socket.SHUT_RDWR)
        self._client.loop_stop()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def interrupt(process: subprocess.Popen[bytes]) -> int:
    """Ctrl-C; how it ended."""
    os.kill(process.pid, signal.SIGINT)
    return process.wait(5)
