"""What a device fetches over HTTP: answers of a hub that is somebody else, head and body, byte by byte."""

from __future__ import annotations

import contextlib
import gzip
import io
import socket
import threading

from edge.errors import FetchError
from edge.sync.fetch import HttpFetcher
from scripts.benches.fuzzing.trial import AcceptedChangeError, Seed, Verdict

LIMIT = 64 * 1024
BOMB_MB = 128
ANSWER_S = 20.0
HEAD_END = b"\r\n\r\n"


class Answers:
    """A real socket on loopback. However it answers: at most the limit is taken, or a FetchError is raised."""

    name = "answers"

    def __init__(self) -> None:
        self._server = _Answerer()
        self._fetcher = HttpFetcher(f"http://127.0.0.1:{self._server.port}", answer_s=ANSWER_S)
        body = b'{"signed":{"_type":"timestamp"}}' * 40
        packed = gzip.compress(body, mtime=0)
        bomb = gzip.compress(bytes(BOMB_MB * 1024 * 1024), mtime=0)
        chunked = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:100], body[100:])) + b"0\r\n\r\n"
        made = [
            ("get", _head(len(body)) + body),
            ("get", _head(len(packed), b"Content-Encoding: gzip") + packed),
            ("get", _head(len(bomb), b"Content-Encoding: gzip") + bomb),
            ("get", _head(None, b"Transfer-Encoding: chunked") + chunked),
            ("get", _head(0, status=b"404 Not Found")),
            ("get", _head(0, b"Location: http://127.0.0.1:1/", status=b"302 Found")),
            ("get", _head(len(packed), b"Content-Encoding: gzip, gzip, br") + packed),
            ("open", _head(len(body), b"Content-Range: bytes 10-1289/1300", status=b"206 Partial Content") + body),
            ("open", _head(2 * LIMIT) + bytes(2 * LIMIT)),
            ("open", _head(0, status=b"416 Range Not Satisfiable")),
            ("post", _head(len(body)) + body),
        ]  # fmt: skip
        self.seeds = [Seed(raw, about) for about, raw in made]

    def judge(self, raw: bytes, seed: Seed) -> Verdict:
        self._server.answer = raw
        try:
            size = self._fetch(seed.about)
        except FetchError:
            return Verdict.REFUSED
        if size > LIMIT:
            raise AcceptedChangeError(f"{size} bytes taken, {LIMIT} are the limit")
        return Verdict.TAKEN

    def close(self) -> None:
        self._server.close()

    def _fetch(self, how: str) -> int:
        if how == "get":
            return len(self._fetcher.get("/tuf/metadata/timestamp.json", limit=LIMIT) or b"")
        if how == "post":
            return len(self._fetcher.post("/device/time", b"{}", content_type="application/json"))
        blob = self._fetcher.open("/blobs/" + "ab" * 32, 10, limit=LIMIT)
        kept = io.BytesIO()
        if blob is not None:
            blob.copy_to(kept, lambda _chunk: None)
        return len(kept.getvalue())


class _Answerer:
    """Answers every request with the same bytes, and hangs up."""

    def __init__(self) -> None:
        self.answer = b""
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._door.accept()
            except OSError:
                return
            with caller, contextlib.suppress(OSError):
                asked = b""
                while HEAD_END not in asked and (more := caller.recv(65_536)):
                    asked += more
                caller.sendall(self.answer)
                caller.shutdown(socket.SHUT_WR)
                while caller.recv(65_536):
                    pass


def _head(length: int | None, *fields: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Type: application/json", *fields]
    if length is not None:
        lines.append(b"Content-Length: %d" % length)
    return b"\r\n".join(lines) + HEAD_END
