"""Fetching over HTTP: ranges, limits while streaming, growing pauses. One `Source` (`sync.source`), the hub.

Only moves bytes: verifying is `truststore`, keeping is `cache`. Redirects are not followed, proxies are not asked.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import closing
from typing import BinaryIO, Final, Protocol

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from edge.errors import FetchError
from edge.sync.leash import Leashes, make_pool
from edge.sync.source import Blob
from edge.tls import make_context

CHUNK: Final = 64 * 1024
CONNECT_S: Final = 10.0
READ_S: Final = 30.0
ANSWER_S: Final = 90.0
"""For the whole of a small answer, and for the head of one with content."""
SLOWEST: Final = 500
"""Bytes a second: content that comes slower, on average once `ANSWER_S` are over, is broken off, to be resumed."""
POST_LIMIT: Final = 16 * 1024
PARTIAL: Final = 206
FULL: Final = 200
NOT_FOUND: Final = (404, 410)
NOT_SATISFIABLE: Final = 416

log = logging.getLogger(__name__)


class Fetcher(Protocol):
    """A way to get bytes by path; its name stands in messages. `HttpFetcher` is the one there is."""

    name: str

    def get(self, path: str, *, limit: int) -> bytes | None: ...

    def open(self, path: str, start: int, *, limit: int) -> Blob | None: ...

    def post(self, path: str, body: bytes, *, content_type: str) -> bytes: ...

    def interrupt(self) -> None:
        """End what is under way; every request fails until `go_on`. Called by any thread."""

    def go_on(self) -> None: ...


class HttpFetcher:
    """HTTP and HTTPS by urllib3, one connection kept alive."""

    name = "loa.http"

    def __init__(
        self, base: str, *, ca_file: str = "", answer_s: float = ANSWER_S,
        knows_date: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        """`knows_date`: whether the clock is good enough to judge by it how long the hub's certificate counts."""
        self._base = base.rstrip("/")
        self._answer_s = answer_s
        self._leashes = Leashes()
        timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
        context = make_context(ca_file) if base.startswith("https:") else None
        self._pool = make_pool(self._leashes, timeout=timeout, context=context, knows_date=knows_date)

    def get(self, path: str, *, limit: int) -> bytes | None:
        """The whole body of at most `limit` bytes, or None where the hub has none. Raises FetchError."""
        with (
            self._leashes.leash(self._answer_s),
            closing(self._request("GET", path, headers={"Accept-Encoding": "gzip"}, decode=True)) as response,
        ):
            if response.status in NOT_FOUND:
                return None
            _check_status(response, path, FULL)
            return _read_all(response, path, limit)

    def open(self, path: str, start: int, *, limit: int) -> Blob | None:
        """The body from byte `start` on. Raises FetchError."""
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        with self._leashes.leash(self._answer_s):
            response = self._request("GET", path, headers=headers, decode=False)
        if response.status in (FULL, PARTIAL):
            return HttpBlob(response, path, start if response.status == PARTIAL else 0, limit, self._answer_s)
        response.close()
        if response.status in NOT_FOUND:
            return None
        if response.status == NOT_SATISFIABLE and start:
            return self.open(path, 0, limit=limit)
        raise FetchError(f"{path}: the hub answers {response.status}")

    def post(self, path: str, body: bytes, *, content_type: str) -> bytes:
        """The answer to a small body. Raises FetchError."""
        headers = {"Content-Type": content_type}
        with (
            self._leashes.leash(self._answer_s),
            closing(self._request("POST", path, headers=headers, decode=True, body=body)) as response,
        ):
            _check_status(response, path, FULL)
            return _read_all(response, path, POST_LIMIT)

    def interrupt(self) -> None:
        self._leashes.cut()

    def go_on(self) -> None:
        self._leashes.release()

    def _request(
        self, method: str, path: str, *, headers: dict[str, str], decode: bool, body: bytes | None = None
    ) -> BaseHTTPResponse:
        if self._leashes.is_held:
            raise FetchError(f"{path}: something more urgent goes first")
        try:
            return self._pool.request(
                method, self._base + path, headers=headers, body=body,
                preload_content=False, decode_content=decode, redirect=False,
            )  # fmt: skip
        except (HTTPError, OSError) as error:
            raise FetchError(f"{path}: {error}") from error


class HttpBlob:
    """A response body under way."""

    def __init__(self, response: BaseHTTPResponse, path: str, start: int, limit: int, patience_s: float) -> None:
        self.start = start
        self._response = response
        self._path = path
        self._limit = limit
        self._patience_s = patience_s

    def copy_to(self, file: BinaryIO, taken: Callable[[bytes], None]) -> None:
        """As `Blob`. Raises FetchError when the body breaks off or passes the limit; what was written stays usable."""
        size, began = 0, time.monotonic()
        with closing(self._response):
            try:
                while chunk := self._response.read1(CHUNK, decode_content=False):
                    size += len(chunk)
                    if size > self._limit:
                        raise FetchError(f"{self._path}: more than {self._limit} bytes")
                    file.write(chunk)
                    taken(chunk)
                    if size < SLOWEST * (time.monotonic() - began - self._patience_s):
                        raise FetchError(f"{self._path}: too slow, {size} bytes so far")
            except HTTPError as error:
                raise FetchError(f"{self._path}: broke off: {error}") from error


class HubSource:
    """The hub as a `Source`."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def metadata(self, file: str, *, limit: int) -> bytes | None:
        return self._fetcher.get(f"/tuf/metadata/{file}", limit=limit)

    def target(self, path: str, sha256: str, *, limit: int) -> bytes | None:
        folder, _, name = path.rpartition("/")
        return self._fetcher.get(f"/tuf/targets/{folder}/{sha256}.{name}", limit=limit)

    def blob(self, sha256: str, start: int, *, limit: int) -> Blob | None:
        return self._fetcher.open(f"/blobs/{sha256}", start, limit=limit)


class Backoff:
    """Pauses with full jitter that double up to a limit; `reset` after a success."""

    def __init__(self, longest_s: float, *, first_s: float = 2.0) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._failures = 0

    def failed(self) -> float:
        """Seconds until the next attempt."""
        ceiling = min(self._longest_s, self._first_s * 2 ** min(self._failures, 12))
        self._failures += 1
        return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - spreads load, guards nothing

    def reset(self) -> None:
        self._failures = 0


def _check_status(response: BaseHTTPResponse, path: str, wanted: int) -> None:
    if response.status != wanted:
        raise FetchError(f"{path}: the hub answers {response.status}")


def _read_all(response: BaseHTTPResponse, path: str, limit: int) -> bytes:
    parts, size = [], 0
    try:
        for chunk in response.stream(CHUNK, decode_content=True):
            size += len(chunk)
            if size > limit:
                raise FetchError(f"{path}: more than {limit} bytes")
            parts.append(chunk)
    except HTTPError as error:
        raise FetchError(f"{path}: broke off: {error}") from error
    return b"".join(parts)
