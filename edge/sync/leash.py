"""Connections that can be cut: a hub that answers byte by byte must not hold a thread, however patient each read is.

A socket's timeout counts from byte to byte; a `leash` bounds an answer as a whole, and `cut` ends all at once.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from edge.errors import FetchError
from edge.tls import judge_dates

CONNECTIONS: Final = 2
"""The threads that fetch: one for metadata, one for content."""


class Leashes:
    """Which socket each thread's request uses."""

    def __init__(self) -> None:
        self._sockets: dict[int, socket.socket] = {}
        self._lock = threading.Lock()
        self._held = threading.Event()

    @property
    def is_held(self) -> bool:
        """Between `cut` and `release` no request begins."""
        return self._held.is_set()

    def took(self, sock: socket.socket) -> None:
        """The calling thread's request goes over this socket."""
        with self._lock:
            self._sockets[threading.get_ident()] = sock

    def cut(self) -> None:
        """End what is under way, in whatever thread, and let nothing begin until `release`."""
        self._held.set()
        with self._lock:
            for sock in self._sockets.values():
                _shut(sock)

    def release(self) -> None:
        self._held.clear()

    @contextlib.contextmanager
    def leash(self, limit_s: float) -> Iterator[None]:
        """The calling thread's request is cut off after so many seconds. Raises FetchError if it was cut.

        A head that is cut off would else count as an answer with nothing in it.
        """
        is_cut = threading.Event()
        timer = threading.Timer(limit_s, self._cut_one, (threading.get_ident(), is_cut))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
        if is_cut.is_set() or self.is_held:
            raise FetchError(f"cut off: no whole answer within {limit_s:g} s, or something more urgent goes first")

    def _cut_one(self, thread: int, is_cut: threading.Event) -> None:
        with self._lock:
            is_cut.set()
            sock = self._sockets.get(thread)
            if sock is not None:
                _shut(sock)


def make_pool(
    leashes: Leashes, *, timeout: urllib3.Timeout, context: ssl.SSLContext | None, knows_date: Callable[[], bool]
) -> urllib3.PoolManager:
    """A pool without retries whose connections are on these leashes. `context`: of https."""
    pool = urllib3.PoolManager(maxsize=CONNECTIONS, timeout=timeout, retries=False, ssl_context=context)

    def prepare() -> None:
        if context is not None:
            judge_dates(context, is_known=knows_date())

    pool.pool_classes_by_scheme = {
        "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": _leashed(HTTPConnection, leashes, _nothing)}),
        "https": type("Pool", (HTTPSConnectionPool,), {"ConnectionCls": _leashed(HTTPSConnection, leashes, prepare)}),
    }
    return pool


class _Connection(Protocol):
    sock: Any


def _nothing() -> None:
    """Plain HTTP has no certificates."""


def _leashed(base: type[Any], leashes: Leashes, prepare: Callable[[], None]) -> type[Any]:
    class Leashed(base):  # type: ignore[misc]
        def connect(self: _Connection) -> None:
            prepare()
            super().connect()
            leashes.took(self.sock)

        def request(self: _Connection, *args: Any, **kwargs: Any) -> None:
            if self.sock is not None:
                leashes.took(self.sock)
            super().request(*args, **kwargs)

    return Leashed


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):      # it has ended by itself
        sock.shutdown(socket.SHUT_RDWR)
