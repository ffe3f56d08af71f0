"""A hub on loopback and device folders for tests: a signed province, real HTTP with ranges, real Opus files.

    world = World(tmp_path)
    world.place("loa-1", "08/00694/02")
    world.say("08/00694", slots=[...], items=[...])
    parts = world.device("loa-1")

The server can be told to break things off: `server.cut_at` bytes, `server.wrong` hashes, `server.is_down`.
"""

from __future__ import annotations

import gzip
import hashlib
import http.server
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import soundfile

from edge.config import Config, check_config
from edge.parts import Parts, build_parts
from edge.setup import Wishes, init_device
from tests.builders import NOW, PROVINCE, Province, make_placement, make_programme, make_province
from wire.content import Item, Sound
from wire.enrolment import Placement
from wire.envelope import key_from_hex, seal
from wire.programme import PlayItem, Programme, Recurrence, Slot
from wire.units import DAY, MINUTE, SECOND, UtcTime, local_day, moment

RATE_HZ = 48_000
TIME_TYPE = "application/vnd.loa.time+json"
ALL_DAY = {"hours": [{"start_ms": 0, "end_ms": DAY}]}


def make_tone(duration_ms: int, hz: float = 440.0) -> tuple[bytes, int]:
    """An Ogg Opus file of a tone."""
    path = Path(f"/tmp/loa-tone-{duration_ms}-{hz}-{threading.get_ident()}.opus")  # noqa: S108
    frames = duration_ms * RATE_HZ // 1_000
    samples = 0.3 * np.sin(2 * np.pi * hz * np.arange(frames) / RATE_HZ)
    soundfile.write(path, samples, RATE_HZ, format="OGG", subtype="OPUS")
    raw = path.read_bytes()
    path.unlink()
    return raw, duration_ms


@dataclass
class Faults:
    """What the server does wrong."""

    is_down: bool = False
    cut_at: int | None = None
    """Every blob answer ends after so many bytes."""
    wrong: set[str] = field(default_factory=set)
    """Hashes whose content is replaced by as many zeros."""
    no_ranges: bool = False
    half_way: Callable[[], None] | None = None
    """Called when half of a blob has been sent."""
    time_shift_ms: int = 0


class HubServer:
    """Serves a province as the hub does. `blobs` by hash."""

    def __init__(self, province: Province) -> None:
        self.province = province
        self.blobs: dict[str, bytes] = {}
        self.faults = Faults()
        self.requests: list[str] = []
        self.now = lambda: province.now
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub.answer(self)

            def do_POST(self) -> None:
                hub.answer_time(self)

            def log_message(self, *_: Any) -> None:
                """Tests are quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add_blob(self, raw: bytes) -> str:
        sha256 = hashlib.sha256(raw).hexdigest()
        self.blobs[sha256] = raw
        return sha256

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        self.requests.append(handler.path)
        if self.faults.is_down:
            handler.close_connection = True
            return
        if handler.path.startswith("/blobs/"):
            self._answer_blob(handler, handler.path.removeprefix("/blobs/"))
            return
        raw = self._find(handler.path)
        if raw is None:
            handler.send_error(404)
            return
        body = gzip.compress(raw)
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def answer_time(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        asked = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        if self.faults.is_down:
            handler.close_connection = True
            return
        answer = {"nonce": asked["nonce"], "time": self.now() + self.faults.time_shift_ms}
        body = seal(json.dumps(answer).encode(), TIME_TYPE, [self.province.signers["timestamp"]])
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _find(self, path: str) -> bytes | None:
        if path.startswith("/tuf/metadata/"):
            return self.province.files.get(path.removeprefix("/tuf/metadata/"))
        return self.province.target_files.get(path.removeprefix("/tuf/targets/"))

    def _answer_blob(self, handler: http.server.BaseHTTPRequestHandler, sha256: str) -> None:
        raw = self.blobs.get(sha256)
        if raw is None:
            handler.send_error(404)
            return
        if sha256 in self.faults.wrong:
            raw = bytes(len(raw))
        match = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(match[1]) if match and not self.faults.no_ranges else 0
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(raw) - start))
        handler.end_headers()
        body = raw[start:]
        if self.faults.half_way is not None:
            handler.wfile.write(body[: len(body) // 2])
            handler.wfile.flush()
            self.faults.half_way()
            body = body[len(body) // 2 :]
        if self.faults.cut_at is not None and len(body) > self.faults.cut_at:
            handler.wfile.write(body[: self.faults.cut_at])
            handler.close_connection = True
            return
        handler.wfile.write(body)


class World:
    """A province, its hub, and devices in folders below `folder`."""

    def __init__(self, folder: Path, *, now: UtcTime = NOW, **thresholds: int) -> None:
        self.folder = folder
        self.province = make_province(now=now, **thresholds)
        self.hub = HubServer(self.province)
        (folder / "root.json").write_bytes(self.province.root)

    def close(self) -> None:
        self.hub.close()

    def make_folder(self, device: str, **config: Any) -> Path:
        """`loa-edge init`, and a config.toml with these keys."""
        folder = self.folder / device
        wishes = Wishes(device, f"serial-{device}", "pc", self.hub.url, "", self.folder / "root.json")
        list(init_device(folder, wishes))
        return folder

    def key_of(self, device: str) -> str:
        return str(json.loads((self.folder / device / "request.json").read_text())["key"])

    def place(self, device: str, area: str, *, n: int = 1, **fields: Any) -> Placement:
        """Register a device: the registrar places it in its commune."""
        if not (self.folder / device).exists():
            self.make_folder(device)
        placement = make_placement(device, area, _KeyHolder(self.key_of(device)), n=n, **fields)  # type: ignore[arg-type]
        self.province.publish_placements("/".join(area.split("/")[:2]), [placement])
        return placement

    def config(self, device: str, **values: Any) -> Config:
        base = {
            "device": device, "serial": f"serial-{device}", "hub_url": self.hub.url,
            "output": {"kind": "wav", "wav": str(self.folder / f"{device}.wav")},
            "store": {"free_floor_mb": 0},
        }  # fmt: skip
        return check_config({**base, **values}, where="test")

    def device(self, device: str, **config: Any) -> Parts:
        """The parts of a device, its clock at the province's time."""
        folder = self.make_folder(device)
        rig = {"clock_offset_s": self.province.now / SECOND - time.time()}
        return build_parts(folder, self.config(device, **{"rig": rig, **config}))

    def sound(self, duration_ms: int = 2_000, *, hz: float = 440.0, language: str = "vi") -> Sound:
        raw, duration_ms = make_tone(duration_ms, hz)
        return Sound(language=language, sha256=self.hub.add_blob(raw), size=len(raw), duration_ms=duration_ms)

    def item(self, ident: str, *sounds: Sound, **fields: Any) -> Item:
        return Item(id=ident, title=f"Bản tin {ident}", renditions=list(sounds) or [self.sound()], **fields)

    def say(self, area: str, **fields: Any) -> Programme:
        """Release a programme of an area."""
        programme = make_programme(area, issued=self.province.now, **fields)
        self.province.publish_programme(area, programme)
        return programme


class _KeyHolder:
    def __init__(self, raw_hex: str) -> None:
        self.public_key = key_from_hex(raw_hex)


def daily(start: UtcTime, ident: str = "sang", *plays: Any, length_ms: int = 30 * MINUTE, **fields: Any) -> Slot:
    """A slot that begins at this instant's time of day, every day from its day on."""
    at = moment(start)
    start_ms = ((at.hour * 60 + at.minute) * 60 + at.second) * 1_000 + at.microsecond // 1_000
    return Slot(
        id=ident, title=f"Khung {ident}", start_ms=start_ms, length_ms=length_ms,
        when=Recurrence(first=local_day(start).isoformat(), freq="daily"),
        plays=list(plays) or [PlayItem("08/00694", "tin-1")], **fields,
    )  # fmt: skip


def wait_for(condition: Callable[[], Any], limit_s: float = 20.0) -> Any:
    """Poll until the condition holds; what it returned. Fails after the limit."""
    deadline = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


def replaced(value: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(value, **fields)


__all__ = ["NOW", "PROVINCE", "World", "daily", "make_tone", "replaced", "wait_for"]
