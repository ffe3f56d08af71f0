"""`loa-hub web` as a process: answers soon, refuses what is too large before reading it, ends when asked to."""

from __future__ import annotations

import http.client
import signal
import socket
import time

import pytest

from hub.config import load_config
from tests.hub.conftest import PASSWORD
from tests.hub.mqtt import free_port, hub_process, port_answers, wait_until
from wire.codec import encode


@pytest.fixture
def settings(box):
    (box.config.root / "hub.toml").write_text(f"port = {free_port()}\nthreads = 4\n")
    return load_config(box.config.root, environ={})


def connection(settings) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", settings.port, timeout=10)


def ask(settings, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    made = connection(settings)
    made.request(method, path, body, headers)
    answer = made.getresponse()
    result = answer.status, answer.read()
    made.close()
    return result


def test_it_answers_and_ends_on_a_signal_with_an_idle_connection_open(settings):
    with hub_process(settings, "web") as process:
        wait_until(lambda: port_answers(settings.port), "the web process")
        assert ask(settings, "GET", "/tuf/metadata/1.root.json")[0] == 200
        status, body = ask(settings, "POST", "/api/login", encode({"username": "mai", "password": PASSWORD}))
        assert (status, b"token" in body) == (200, True)
        idle = connection(settings)
        idle.request("GET", "/nothing")
        idle.getresponse().read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        idle.close()


def test_two_gigabytes_are_refused_before_they_are_sent(settings):
    """The client says how much it wants to send, sends nothing, and has its answer."""
    with hub_process(settings, "web"):
        wait_until(lambda: port_answers(settings.port), "the web process")
        for path in ("/device/log", "/api/login", "/device/time"):
            with socket.create_connection(("127.0.0.1", settings.port), timeout=5) as client:
                head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {2 * 1024**3}\r\n\r\n"
                started = time.monotonic()
                client.sendall(head.encode())
                answer = client.recv(65_536)
                assert answer.startswith(b"HTTP/1.1 413"), answer[:80]
                assert time.monotonic() - started < 5


def test_a_body_without_a_length_is_refused_before_it_is_sent(settings):
    """It could be endless; and one that is cut off at its limit would look whole."""
    with hub_process(settings, "web"):
        wait_until(lambda: port_answers(settings.port), "the web process")
        with socket.create_connection(("127.0.0.1", settings.port), timeout=5) as client:
            client.sendall(b"POST /device/time HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            answer = client.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 411"), answer[:80]
        assert ask(settings, "GET", "/tuf/metadata/1.root.json")[0] == 200


def test_a_port_in_use_is_said_in_the_log_and_the_exit_code(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.port))
        taken.listen()
        with hub_process(settings, "web") as process:
            assert process.wait(20) == 1
    assert "Address already in use" in (settings.root / "web.log").read_text().splitlines()[-1]
