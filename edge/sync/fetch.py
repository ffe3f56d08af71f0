"""Fetching over HTTP: ranges, limits while streaming, growing pauses. One `Source` (`sync.source`), the hub.

Only moves bytes: verifying is `truststore`, keeping is `cache`. Redirects are not followed, proxies are not asked.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from contextlib import closing
from typing import BinaryIO, Final, Protocol

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from edge.errors import FetchError
from edge.sync.source import Blob

CHUNK: Final = 64 * 1024
CONNECT_S: Final = 10.0
READ_S: Final = 30.0
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


class HttpFetcher:
    """HTTP and HTTPS by urllib3, one connection kept alive."""

    name = "loa.http"

    def __init__(self, base: str, *, ca_file: str = "") -> None:
        self._base = base.rstrip("/")
        timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
        self._pool = urllib3.PoolManager(maxsize=2, timeout=timeout, retries=False, ca_certs=ca_file or None)

    def get(self, path: str, *, limit: int) -> bytes | None:
        """The whole body of at most `limit` bytes, or None where the hub has none. Raises FetchError."""
        response = self._request("GET", path, headers={"Accept-Encoding": "gzip"}, decode=True)
        with closing(response):
            if response.status in NOT_FOUND:
                return None
            _check_status(response, path, FULL)
            return _read_all(response, path, limit)

    def open(self, path: str, start: int, *, limit: int) -> Blob | None:
        """The body from byte `start` on. Raises FetchError."""
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        response = self._request("GET", path, headers=headers, decode=False)
        if response.status in (FULL, PARTIAL):
            return HttpBlob(response, path, start if response.status == PARTIAL else 0, limit)
        response.close()
        if response.status in NOT_FOUND:
            return None
        if response.status == NOT_SATISFIABLE and start:
            return self.open(path, 0, limit=limit)
        raise FetchError(f"{path}: the hub answers {response.status}")

    def post(self, path: str, body: bytes, *, content_type: str) -> bytes:
        """The answer to a small body. Raises FetchError."""
        response = self._request("POST", path, headers={"Content-Type": content_type}, decode=True, body=body)
        with closing(response):
            _check_status(response, path, FULL)
            return _read_all(response, path, POST_LIMIT)

    def _request(
        self, method: str, path: str, *, headers: dict[str, str], decode: bool, body: bytes | None = None
    ) -> BaseHTTPResponse:
        try:
            return self._pool.request(
                method, self._base + path, headers=headers, body=body,
                preload_content=False, decode_content=decode, redirect=False,
            )  # fmt: skip
        except (HTTPError, OSError) as error:
            raise FetchError(f"{path}: {error}") from error


class HttpBlob:
    """A response body under way."""

    def __init__(self, response: BaseHTTPResponse, path: str, start: int, limit: int) -> None:
        self.start = start
        self._response = response
        self._path = path
        self._limit = limit

    def copy_to(self, file: BinaryIO, taken: Callable[[bytes], None]) -> None:
        """As `Blob`. Raises FetchError when the body breaks off or passes the limit; what was written stays usable."""
        left = self._limit
        with closing(self._response):
            try:
                for chunk in self._response.stream(CHUNK, decode_content=False):
                    left -= len(chunk)
                    if left < 0:
                        raise FetchError(f"{self._path}: more than {self._limit} bytes")
                    file.write(chunk)
                    taken(chunk)
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
