"""A hub that answers byte by byte holds nobody up."""

from __future__ import annotations

import gzip
import io
import socket
import threading
import time
import tracemalloc

import pytest

from edge.errors import FetchError
from edge.sync.fetch import HttpFetcher

ANSWER_S = 0.6
SOON_S = 5.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
DRIP_S = 0.05
BOMB_BYTES = 40_000_000


class DrippingHub:
    """Sends `at_once`, then a byte at a time, until the other side has enough."""

    def __init__(self, at_once: bytes) -> None:
        self._at_once = at_once
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

        self.was_asked = threading.Event()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._drip, args=(client,), daemon=True).start()

    def _drip(self, client: socket.socket) -> None:
        with client:
            try:
                client.recv(4096)
                self.was_asked.set()
                client.sendall(self._at_once)
                while True:
                    client.sendall(b"x")
                    time.sleep(DRIP_S)
            except OSError:
                return


@pytest.mark.parametrize("layers", [1, 2])
def test_what_unpacks_beyond_the_limit_is_refused_before_it_fills_the_memory(layers):
    body, encoding = bytes(BOMB_BYTES), ", ".join(["gzip"] * layers)
    for _ in range(layers):
        body = gzip.compress(body, mtime=0)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
    hub = DrippingHub(head.encode() + body)
    tracemalloc.start()
    with pytest.raises(FetchError, match="more than 1000 bytes"):
        HttpFetcher(hub.url).get("/tuf/metadata/timestamp.json", limit=1_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    hub.close()
    assert peak < BOMB_BYTES / 10


@pytest.fixture(params=[HEAD, b"HTTP/1.1 200 OK\r\nX-Slow: "], ids=["body", "head"])
def fetcher(request):
    hub = DrippingHub(request.param)
    yield HttpFetcher(hub.url, answer_s=ANSWER_S)
    hub.close()


def get(fetcher: HttpFetcher) -> None:
    fetcher.get("/tuf/metadata/timestamp.json", limit=10**6)


def post(fetcher: HttpFetcher) -> None:
    fetcher.post("/device/time", b"{}", content_type="application/json")


def open_blob(fetcher: HttpFetcher) -> None:
    blob = fetcher.open("/blobs/00", 0, limit=10**6)
    assert blob is not None
    blob.copy_to(io.BytesIO(), lambda _: None)


@pytest.mark.parametrize("ask", [get, post, open_blob])
def test_an_answer_that_drips_is_cut_off(fetcher, ask):
    began = time.monotonic()
    with pytest.raises(FetchError):
        ask(fetcher)
    assert time.monotonic() - began < SOON_S


def test_what_came_slowly_is_kept_for_the_next_attempt():
    hub = DrippingHub(HEAD)
    got = io.BytesIO()
    blob = HttpFetcher(hub.url, answer_s=ANSWER_S).open("/blobs/00", 0, limit=10**6)
    with pytest.raises(FetchError, match="too slow"):
        blob.copy_to(got, lambda _: None)
    assert got.getvalue().startswith(b"xxx")
    hub.close()


@pytest.mark.parametrize("ask", [get, post, open_blob])
def test_something_more_urgent_interrupts_at_once(fetcher, ask):
    patient = HttpFetcher(fetcher._base)
    threading.Timer(0.3, patient.interrupt).start()
    began = time.monotonic()
    with pytest.raises(FetchError):
        ask(patient)
    with pytest.raises(FetchError, match="more urgent"):
        ask(patient)
    assert time.monotonic() - began < SOON_S
