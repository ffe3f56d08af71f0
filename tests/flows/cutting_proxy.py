"""A bad line between a device and its hub: every sound breaks off after some bytes, everything else passes."""

from __future__ import annotations

import http.client
import http.server
import re
import threading
from dataclasses import dataclass
from typing import Any, Self

RANGE = re.compile(r"bytes=(\d+)-")
CHUNK = 4096
LIMIT_S = 20


@dataclass(frozen=True)
class Passed:
    """What one answer with sound carried: from which byte, how many."""

    path: str
    start: int
    count: int


class CuttingProxy:
    """Serves at `url` what the hub at `port` serves, while a `with` block lasts. `cut_at` bytes pass of each sound."""

    def __init__(self, port: int, *, cut_at: int) -> None:
        self.passed: list[Passed] = []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                proxy._relay(self, port, cut_at if self.path.startswith("/blobs/") else None)

            do_POST = do_GET  # noqa: N815 - the name that the base class calls

            def log_message(self, *_: Any) -> None:
                """Tests are quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, sha256: str) -> list[Passed]:
        return [one for one in self.passed if one.path.endswith(sha256)]

    def _relay(self, client: http.server.BaseHTTPRequestHandler, port: int, cut_at: int | None) -> None:
        body = client.rfile.read(int(client.headers.get("Content-Length", 0)))
        hub = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
        try:
            hub.request(client.command, client.path, body or None, dict(client.headers))
            answer = hub.getresponse()
            client.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection"):
                    client.send_header(name, value)
            client.end_headers()
            count = self._copy(answer, client, cut_at)
        finally:
            hub.close()
        client.close_connection = True
        if cut_at is not None:
            found = RANGE.match(client.headers.get("Range", ""))
            self.passed.append(Passed(client.path, int(found[1]) if found else 0, count))

    @staticmethod
    def _copy(answer: http.client.HTTPResponse, client: http.server.BaseHTTPRequestHandler, cut_at: int | None) -> int:
        count = 0
        while chunk := answer.read(CHUNK if cut_at is None else min(CHUNK, cut_at - count)):
            client.wfile.write(chunk)
            count += len(chunk)
        return count
