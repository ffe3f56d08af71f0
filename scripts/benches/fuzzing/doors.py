"""The hub's doors for devices: what comes from the broker, and HTTP that asks for no login."""

from __future__ import annotations

import io
import json
import re
from http import HTTPStatus
from typing import Any

from werkzeug.test import run_wsgi_app

from hub import inbound
from hub.app import create_app
from scripts.benches.fuzzing.hub_side import CLUSTER, HubSide
from scripts.benches.fuzzing.province import CHAIN, DEVICE, HAMLET, Ground, log_batches, orders, receipts
from scripts.benches.fuzzing.trial import AcceptedChangeError, Seed, Verdict
from wire.codec import encode
from wire.telemetry import METRICS, Birth, Death, encode_health, encode_message
from wire.topics import BIRTH, DEATH, HEALTH, LOG
from wire.units import DAY, UtcTime

SESSION = "ab" * 8
EMPTY_EVERY = 200
FORM = '--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nmai\r\n--x--\r\n'
_TOKEN = re.compile(r"[A-Z]{1,20}")
_FIELD = re.compile(r"[A-Za-z0-9-]{1,60}")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class Broker:
    """`hub.inbound.take`: nothing may make it stumble, and nothing may be believed that was not signed."""

    name = "mqtt"

    def __init__(self, ground: Ground, side: HubSide) -> None:
        self._side = side
        self._judged = 0
        now = ground.province.now
        birth = Birth(
            DEVICE, SESSION, "boot-1", f"serial-{DEVICE}", "1.0", "ab" * 32, HAMLET, CLUSTER, 1, {"root": 1}, 3, now,
            UtcTime(now + DAY), CHAIN, 8, ["ab" * 32],
        )  # fmt: skip
        health = encode_health({metric.name: metric.high for metric in METRICS[:4]})
        plain = [(BIRTH.of(DEVICE), encode_message(birth)), (HEALTH.of(DEVICE), health)]
        plain += [(DEATH.of(DEVICE), encode_message(Death(SESSION))), (LOG.of("loa-2"), log_batches()[0])]
        plain += [(topic, b"{}") for topic in ("loa/1/up/loa-1", "loa/1/up//birth", "loa/1/up/loa-1/x", "$SYS/x", "")]
        self.seeds = [Seed(raw, topic) for topic, raw in [*plain, *side.good_messages(ground)]]

    def judge(self, raw: bytes, seed: Seed) -> Verdict:
        inbound.take(self._side.hub, seed.about, raw)
        return _look(self._side, self._count())

    def close(self) -> None:
        """The hub is its own."""

    def _count(self) -> bool:
        self._judged += 1
        return self._judged % EMPTY_EVERY == 0


class Web:
    """Requests as any WSGI server would let them through, to every door that asks for no login and some that do."""

    name = "http"

    def __init__(self, ground: Ground, side: HubSide) -> None:
        self._side = side
        self._judged = 0
        self._app = create_app(side.hub.config, side.hub)
        log = "\n".join(raw.decode() for raw in [*log_batches(), *receipts()])
        target = next(name for name in ground.province.target_files if name.startswith("templates/"))
        order = json.dumps({"envelope": orders(ground)[0].decode()})
        asked = [
            ("GET", "/tuf/metadata/timestamp.json", {"Accept-Encoding": "gzip;q=0.5, *;q=0"}, ""),
            ("GET", "/tuf/metadata/1.c00694.json", {"If-None-Match": '"ab"', "If-Modified-Since": "x"}, ""),
            ("GET", f"/tuf/targets/{target}", {"Range": "bytes=0-9", "Accept": "*/*"}, ""),
            ("HEAD", "/blobs/" + "ab" * 32, {"Range": "bytes=5-", "If-Range": "x", "Cookie": "loa=a.b.c"}, ""),
            ("POST", "/device/time", {"Content-Type": "application/json"}, '{"nonce":"' + "ab" * 16 + '"}'),
            ("POST", "/device/log", {"Content-Type": "application/octet-stream"}, log),
            ("POST", "/api/login", {"Content-Type": "application/json"}, '{"username":"mai","password":"x"}'),
            ("POST", "/api/alerts", {"Authorization": "Bearer " + "ab" * 20}, order),
            ("POST", "/login", {"Content-Type": "multipart/form-data; boundary=x"}, FORM),
            ("GET", "/login?next=//evil&next=x", {"Accept-Language": "vi,en;q=0.5", "Host": "hub:8080"}, ""),
            ("OPTIONS", "/device/../api/pending", {"X-Forwarded-For": "1.2.3.4"}, ""),
        ]  # fmt: skip
        self.seeds = [Seed(encode({"method": m, "path": p, "headers": h, "body": b}), p) for m, p, h, b in asked]

    def judge(self, raw: bytes, seed: Seed) -> Verdict:
        request = _read_request(raw, seed.raw)
        _body, answered, _headers = run_wsgi_app(self._app, request, buffered=True)
        status = int(answered[:3])
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise RuntimeError(f"{request['REQUEST_METHOD']} {request['PATH_INFO'][:80]}: {answered}")
        self._judged += 1
        verdict = _look(self._side, self._judged % EMPTY_EVERY == 0)
        return verdict if status < HTTPStatus.BAD_REQUEST else Verdict.REFUSED

    def close(self) -> None:
        """The hub is its own."""


def _look(side: HubSide, is_time_to_empty: bool) -> Verdict:  # noqa: FBT001 - one caller each
    if stumbled := side.stumbled_at():
        raise RuntimeError(stumbled)
    if side.counts() != side.first_counts:
        raise AcceptedChangeError(f"{side.first_counts} became {side.counts()}")
    if is_time_to_empty:
        side.empty_outbox()
    return Verdict.TAKEN


def _read_request(raw: bytes, good: bytes) -> dict[str, Any]:
    """A WSGI environment: what a mutant lacks is taken from the good request, and no field holds what HTTP cannot."""
    said = _as_dict(good) | _as_dict(raw)
    body = said["body"] if isinstance(said["body"], str) else json.dumps(said["body"])
    path, _, query = _clean(said["path"]).partition("?")
    packed = body.encode("utf-8", "surrogatepass")
    method = str(said["method"]).upper()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method if _TOKEN.fullmatch(method) else "GET", "PATH_INFO": "/" + path.lstrip("/"),
        "QUERY_STRING": query, "SERVER_NAME": "localhost", "SERVER_PORT": "8080", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": io.BytesIO(packed), "wsgi.url_scheme": "http", "REMOTE_ADDR": "127.0.0.1", "SCRIPT_NAME": "",
        "CONTENT_LENGTH": str(len(packed)), "wsgi.version": (1, 0), "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False,
    }  # fmt: skip
    headers = said["headers"] if isinstance(said["headers"], dict) else {}
    for name, value in headers.items():
        if _FIELD.fullmatch(name):
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = _clean(value)
    return environ


def _as_dict(raw: bytes) -> dict[str, Any]:
    """The JSON object that these bytes are; else they are the path of a request."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"path": raw.decode("latin-1")}


def _clean(value: object) -> str:
    """As WSGI has it: bytes as Latin-1, no control characters, and not without end."""
    text = value if isinstance(value, str) else json.dumps(value)
    return _CONTROLS.sub("", text.encode("utf-8", "surrogatepass").decode("latin-1"))[:8_000]
