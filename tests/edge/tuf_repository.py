"""A TUF repository as others make them, on loopback: any role names, consistent snapshots or not."""

from __future__ import annotations

import http.server
import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)  # fmt: skip

LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
EARLIER = LATER - timedelta(days=60)
TOP = ("root", "timestamp", "snapshot", "targets")


class Repository:
    """Change what `signed` holds, then `publish` the roles; `requests` are the paths that were asked for."""

    def __init__(self, *, consistent: bool = True) -> None:
        self.signers = {name: [CryptoSigner.generate_ed25519()] for name in TOP}
        self.root = Root(expires=LATER, consistent_snapshot=consistent)
        self.timestamp = Timestamp(expires=LATER)
        self.snapshot = Snapshot(expires=LATER)
        self.targets = Targets(expires=LATER)
        self.delegated: dict[str, Targets] = {}
        self.files: dict[str, bytes] = {}
        self.requests: list[str] = []
        for name in TOP:
            self.root.add_key(self.signers[name][0].public_key, name)
        self.publish("root", "targets")
        self._serve()

    # -- what it says --

    def signed(self, name: str) -> Root | Timestamp | Snapshot | Targets:
        return self.delegated[name] if name in self.delegated else getattr(self, name)

    def sign(self, name: str, signers: list[CryptoSigner] | None = None) -> bytes:
        metadata = Metadata(self.signed(name))
        for signer in self.signers[name] if signers is None else signers:
            metadata.sign(signer, append=True)
        return metadata.to_bytes()

    def publish(self, *names: str) -> None:
        """Sign these, then snapshot and timestamp with a version more."""
        for name in names:
            self.put(name)
            if name != "root":
                self.snapshot.meta[f"{name}.json"] = MetaFile(self.signed(name).version)
        self.snapshot.version += 1
        self.put("snapshot")
        self.timestamp.snapshot_meta = MetaFile(self.snapshot.version)
        self.publish_timestamp()

    def publish_timestamp(self) -> None:
        self.timestamp.version += 1
        self.put("timestamp")

    def put(self, name: str, raw: bytes | None = None) -> None:
        is_versioned = name == "root" or (name != "timestamp" and self.root.consistent_snapshot)
        prefix = f"{self.signed(name).version}." if is_versioned else ""
        self.files[f"/metadata/{prefix}{quote(name, safe='')}.json"] = self.sign(name) if raw is None else raw

    def delegate(self, outer: str, name: str, *paths: str, terminating: bool = False) -> Targets:
        self.signers[name] = [CryptoSigner.generate_ed25519()]
        self.delegated[name] = Targets(expires=LATER)
        role = DelegatedRole(name, [], 1, terminating, paths=list(paths))
        signed = self.signed(outer)
        if signed.delegations is None:
            signed.delegations = Delegations({}, {})
        signed.delegations.roles[name] = role
        signed.add_key(self.signers[name][0].public_key, name)
        return self.delegated[name]

    def add_target(self, role: Targets, path: str, raw: bytes) -> None:
        target = role.targets[path] = TargetFile.from_data(path, raw, ["sha256"])
        folder, slash, name = path.rpartition("/")
        prefix = f"{target.hashes['sha256']}." if self.root.consistent_snapshot else ""
        self.files[f"/targets/{folder}{slash}{prefix}{name}"] = raw

    def rotate_root(self, *, sign_with_old: bool = True) -> None:
        """New holders of root."""
        old, new = self.signers["root"], [CryptoSigner.generate_ed25519()]
        self.root.revoke_key(old[0].public_key.keyid, "root")
        self.root.add_key(new[0].public_key, "root")
        self.root.version += 1
        self.signers["root"] = new
        self.put("root", self.sign("root", [*(old if sign_with_old else []), *new]))

    # -- how it is asked --

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self) -> None:
        repository = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                repository.requests.append(self.path)
                raw = repository.files.get(self.path) or repository.files.get(unquote(self.path))
                self.send_response(404 if raw is None else 200)
                self.send_header("Content-Length", str(len(raw or b"")))
                self.end_headers()
                self.wfile.write(raw or b"")

            def log_message(self, *_: object) -> None:
                """Tests are quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
