"""A hub over real HTTP that keeps the contract's rules, on a province of `tests.builders`; it lies where told to.

It verifies signatures and releases as the real one does (`wire.trust`, `wire.release`), but stores nothing on disk.
"""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from flask import Flask, Response, abort, g, jsonify, request, send_file
from werkzeug.serving import make_server

from hub import cross_origin
from tests.builders import Province
from wire.errors import WireError
from wire.proposal import proposal_digest, proposal_role
from wire.release import add_signatures, check_rebuilt, target_file_name
from wire.trust.authority import authority, count_signatures
from wire.trust.orders import verify_half, verify_order
from wire.units import SECOND, UtcTime

PASSWORD = "mot-mat-khau-dai"


def real_now() -> UtcTime:
    return UtcTime(time.time_ns() * SECOND // 1_000_000_000)


@dataclass
class Waiting:
    """A proposal that waits for signatures."""

    area: str
    kind: str
    targets: dict[str, bytes]
    title: str = "Chương trình tuần"
    authors: list[str] = field(default_factory=lambda: ["vanhoa"])
    sign_before: int | None = None
    metadata: bytes | None = None
    signers: list[str] = field(default_factory=list)
    submitted_at: int = field(default_factory=real_now)
    reason: str = ""


@dataclass
class FakeHub:
    """`province` holds what is released; `people` may log in. The `lie_…` fields are what a stolen hub does."""

    province: Province
    people: tuple[str, ...]
    blobs: dict[str, bytes] = field(default_factory=dict)
    waiting: dict[int, Waiting] = field(default_factory=dict)
    returned: list[tuple[int, str]] = field(default_factory=list)
    alerts: dict[str, dict[str, Any]] = field(default_factory=dict)
    half: dict[str, bytes] = field(default_factory=dict)
    """Orders that wait for a second officer."""
    log_lines: set[bytes] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    lie_about_proposal: Callable[[dict[str, Any]], dict[str, Any]] = lambda told: told
    lie_about_metadata: dict[str, bytes | None] = field(default_factory=dict)
    lie_about_target: Callable[[bytes], bytes] = lambda raw: raw
    url: str = ""
    approval_origins: tuple[str, ...] = ()

    def submit(self, area: str, kind: str, targets: dict[str, bytes], **fields: Any) -> int:
        ident = len(self.waiting) + 1
        self.waiting[ident] = Waiting(area, kind, targets, **fields)
        return ident

    def put_blob(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return digest

    # -- what the routes do --

    def describe(self, ident: int) -> dict[str, Any]:
        one = self.waiting[ident]
        role = proposal_role(one.kind, one.area)
        held = self.province.held()
        current = held.roles.get(role)
        return {
            "id": ident, "role": role, "area": one.area, "kind": one.kind, "title": one.title,
            "digest": proposal_digest(one.targets), "base_version": current.version if current else 0,
            "submitted_at": one.submitted_at, "authors": one.authors, "sign_before": one.sign_before,
            "signatures": len(one.signers), "threshold": authority(held, role).threshold,
        }  # fmt: skip

    def add_signature(self, ident: int, username: str, digest: str, raw: bytes) -> str:
        one, held = self.waiting.get(ident), self.province.held()
        if one is None or proposal_digest(one.targets) != digest:
            raise RefusedError(409, "changed")
        if username in one.authors:
            raise RefusedError(403, "own_work")
        role = proposal_role(one.kind, one.area)
        current = held.roles.get(role)
        check_rebuilt(raw, current.raw if current else None, role, one.targets, now=real_now())
        joined = add_signatures(one.metadata, raw) if one.metadata else raw
        one.metadata, one.signers = joined, [*one.signers, username]
        if not count_signatures(held, role, joined).is_complete:
            return "signed"
        self.release(role, one.targets, joined)
        del self.waiting[ident]
        return "released"

    def release(self, role: str, targets: dict[str, bytes], raw: bytes) -> None:
        for path, content in targets.items():
            self.province.target_files[target_file_name(path, hashlib.sha256(content).hexdigest())] = content
        self.province.now = real_now()
        self.province.publish({role: raw})

    def take_alert(self, envelope: bytes) -> str:
        half = verify_half(envelope, self.province.held(), floor=real_now())
        if len(half.signed.key_ids) < half.threshold:
            self.half[half.signed.id] = envelope
            return half.signed.id
        self.half.pop(half.signed.id, None)
        signed = verify_order(envelope, self.province.held(), floor=real_now())
        self.alerts.setdefault(signed.id, {
            "id": signed.id, "envelope": base64.b64encode(envelope).decode(), "receipts": [], "cancelled_by": "",
        })  # fmt: skip
        for cancelled in getattr(signed.order, "cancels", []):
            if cancelled in self.alerts:
                self.alerts[cancelled]["cancelled_by"] = signed.id
        return signed.id

    def take_log(self, body: bytes) -> dict[str, Any]:
        lines = [line for line in body.split(b"\n") if line]
        good = [line for line in lines if line.startswith(b"{")]
        new = set(good) - self.log_lines
        self.log_lines |= new
        refused = [{"line": lines.index(line) + 1, "reason": "not an envelope"} for line in lines if line not in good]
        return {"taken": len(new), "known": len(good) - len(new), "refused": refused}


class RefusedError(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


def create_hub(hub: FakeHub) -> Flask:
    app = Flask("fake-hub")
    cross_origin.init_app(app, hub.approval_origins)
    app.before_request(lambda: hub.requests.append(f"{request.method} {request.path}"))
    app.before_request(lambda: setattr(g, "person", request.headers.get("Authorization", "")[len("Bearer token-") :]))
    app.register_error_handler(RefusedError, lambda e: _problem(e.status, e.code))
    app.register_error_handler(WireError, lambda e: _problem(400, e.code, e.detail))
    _add_files(app, hub)
    _add_station_routes(app, hub)
    _add_alerts(app, hub)
    return app


@contextmanager
def serving(hub: FakeHub) -> Iterator[FakeHub]:
    """The hub on a free port, until the block ends."""
    server = make_server("127.0.0.1", 0, create_hub(hub), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _problem(status: int, code: str, detail: str = "") -> Response:
    answer = jsonify(title=code, detail=detail, code=code)
    answer.status_code, answer.mimetype = status, "application/problem+json"
    return answer


def _person() -> str:
    if not g.person:
        raise RefusedError(401, "not_signed_in")
    return str(g.person)


def _add_files(app: Flask, hub: FakeHub) -> None:
    @app.get("/tuf/metadata/<name>")
    def metadata(name: str) -> Response:
        newest = hub.province.roles["timestamp"] if name == "timestamp.json" else hub.province.files.get(name)
        raw = hub.lie_about_metadata.get(name, newest)
        return Response(raw, mimetype="application/json") if raw is not None else abort(404)

    @app.get("/tuf/targets/<path:name>")
    def target(name: str) -> Response:
        raw = hub.province.target_files.get(name)
        return Response(hub.lie_about_target(raw), mimetype="application/json") if raw is not None else abort(404)

    @app.get("/blobs/<sha256>")
    def blob(sha256: str) -> Response:
        raw = hub.blobs.get(sha256)
        return send_file(BytesIO(raw), "audio/ogg", conditional=True, etag=sha256) if raw is not None else abort(404)

    @app.post("/device/log")
    def log() -> Response:
        return jsonify(hub.take_log(request.get_data()))


def _add_station_routes(app: Flask, hub: FakeHub) -> None:
    @app.post("/api/login")
    def login() -> Response:
        given = request.get_json()
        if given["username"] not in hub.people or given["password"] != PASSWORD:
            raise RefusedError(401, "not_signed_in")
        person = {"username": given["username"], "name": f"Ông/bà {given['username']}", "roles": [], "areas": []}
        return jsonify(token=f"token-{given['username']}", person=person)

    @app.get("/api/pending")
    def pending() -> Response:
        keys = {hub.province.signers[_person()].public_key.keyid}
        held = hub.province.held()
        told = [hub.describe(ident) for ident in hub.waiting]
        return jsonify([one for one in told if keys & authority(held, one["role"]).key_ids])

    @app.get("/api/pending/<int:ident>")
    def proposal(ident: int) -> Response:
        _person()
        one = hub.waiting.get(ident)
        if one is None:
            raise RefusedError(404, "not_found")
        told = hub.describe(ident)
        told["targets"] = {path: raw.decode() for path, raw in one.targets.items()}
        told["metadata"] = base64.b64encode(one.metadata).decode() if one.metadata else None
        return jsonify(hub.lie_about_proposal(told))

    @app.post("/api/pending/<int:ident>/signature")
    def sign(ident: int) -> Response:
        given = request.get_json()
        return jsonify(state=hub.add_signature(ident, _person(), given["digest"], base64.b64decode(given["metadata"])))

    @app.post("/api/pending/<int:ident>/return")
    def send_back(ident: int) -> Response:
        _person()
        hub.returned.append((ident, request.get_json()["reason"]))
        hub.waiting.pop(ident)
        return jsonify({})


def _add_alerts(app: Flask, hub: FakeHub) -> None:
    @app.post("/api/alerts")
    def send() -> tuple[Response, int]:
        _person()
        return jsonify(id=hub.take_alert(base64.b64decode(request.get_json()["envelope"]))), 201

    @app.get("/api/alerts")
    def alerts() -> Response:
        _person()
        return jsonify(list(hub.alerts.values()))

    @app.get("/api/alerts/half-signed")
    def half_signed() -> Response:
        _person()
        return jsonify([{"id": i, "envelope": base64.b64encode(raw).decode()} for i, raw in hub.half.items()])

    @app.get("/api/alerts/<ident>")
    def alert(ident: str) -> Response:
        _person()
        if ident not in hub.alerts:
            raise RefusedError(404, "not_found")
        return jsonify(hub.alerts[ident])

    @app.get("/api/areas")
    def areas() -> Response:
        clusters = [{"id": f"cl-{n}", "name": f"Cụm {n}", "kind": "loudspeaker"} for n in (1, 2, 3)]
        ha_giang = {"path": "08/00694", "name": "Phường Hà Giang 1", "households": None, "clusters": clusters[:1]}
        hamlets = [
            {"path": f"08/00694/0{n}", "name": f"Thôn {n}", "households": 206, "clusters": [clusters[n]]}
            for n in (1, 2)
        ]
        province = {"path": "08", "name": "Tỉnh Tuyên Quang", "households": 9, "clusters": []}
        return jsonify([province, ha_giang, *hamlets])
