"""A plain TUF client over a folder, for the public conformance suite: `wire.trust`'s rules with TUF's strict expiry.

What a loudspeaker adds (offline rules, roles of a province) is left away; parsing, signatures, succession and the
comparison with snapshot and timestamp are the same functions. The workflow is that of the TUF specification 1.0.34, 5.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from edge.errors import FetchError, StoreError
from edge.files import store_error, write_atomic
from edge.sync.fetch import Fetcher
from wire.errors import MalformedError, WireError
from wire.trust.expiry import STRICT
from wire.trust.refresh import MAX_ROOTS
from wire.trust.rolefile import (
    MAX_ROLE_BYTES,
    MAX_TIMESTAMP_BYTES,
    AnyRoleFile,
    Delegator,
    RoleFile,
    parse_role_file,
)
from wire.trust.succession import check_contents, check_meta, check_rise, size_limit, verify_next_root
from wire.units import UtcTime

MAX_DELEGATIONS: Final = 32
MAX_TARGET_BYTES: Final = 1 << 30
F = TypeVar("F", bound=AnyRoleFile)


def init_store(folder: Path, root: Path) -> None:
    """Trust a root.json that was handed over. Raises WireError, StoreError."""
    try:
        raw = root.read_bytes()
    except OSError as error:
        raise store_error(str(root), error) from error
    _read_root(raw)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "root.json", raw)


class TufClient:
    """One run over one metadata folder. Methods raise WireError, FetchError or StoreError."""

    def __init__(self, folder: Path, metadata: Fetcher, *, now: UtcTime) -> None:
        self._folder = folder
        self._fetcher = metadata
        self._now = now
        raw = self._kept(Root.type)
        if raw is None:
            raise StoreError(f"{folder} has no root.json: init comes first")
        self._root = _read_root(raw)
        self._roles: dict[str, RoleFile[Targets]] = {}

    def refresh(self) -> None:
        """Bring root, timestamp, snapshot and targets up to date."""
        self._refresh_root()
        timestamp = self._refresh_timestamp()
        self._snapshot = self._refresh_snapshot(timestamp.signed.snapshot_meta)
        self._load_role(Targets.type, self._root)

    def find(self, path: str) -> TargetFile:
        """What the roles say of a target, the first of them in preorder (5.6.7). Raises MalformedError without any."""
        waiting: list[tuple[str, Delegator]] = [(Targets.type, self._root)]
        visited: set[str] = set()
        while waiting and len(visited) <= MAX_DELEGATIONS:
            name, delegator = waiting.pop()
            if name in visited:
                continue
            role = self._load_role(name, delegator)
            visited.add(name)
            if path in role.signed.targets:
                return role.signed.targets[path]
            inner: list[tuple[str, Delegator]] = []
            if role.signed.delegations is not None:
                for child, is_terminating in role.signed.delegations.get_roles_for_target(path):
                    inner.append((child, role))
                    if is_terminating:
                        waiting = []
                        break
            waiting += reversed(inner)
        raise MalformedError(f"no role lists {path}")

    def download(self, path: str, source: Fetcher, folder: Path) -> None:
        """Keep a target in `folder`, under its quoted path; what is there with the right hash is not fetched again."""
        target = self.find(path)
        kept = folder / quote(path, safe="")
        if kept.is_file() and _is_target(kept.read_bytes(), target):
            return
        raw = source.get(f"/{self._file_name(path, target)}", limit=min(target.length, MAX_TARGET_BYTES))
        if raw is None or not _is_target(raw, target):
            raise FetchError(f"{path}: not there, or not the bytes that were signed")
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(kept, raw)

    def _file_name(self, path: str, target: TargetFile) -> str:
        if not self._root.signed.consistent_snapshot:
            return path
        folder, slash, name = path.rpartition("/")
        return f"{folder}{slash}{next(iter(target.hashes.values()))}.{name}"

    def _refresh_root(self) -> None:
        for _ in range(MAX_ROOTS):
            raw = self._fetcher.get(f"/{self._root.version + 1}.root.json", limit=MAX_ROLE_BYTES)
            if raw is None:
                break
            self._root = verify_next_root(self._root, raw)
            self._keep(self._root)
        STRICT.check_online(self._root, self._now)

    def _refresh_timestamp(self) -> RoleFile[Timestamp]:
        kept = self._trusted_before(Timestamp.type, self._read_timestamp)
        new = self._read_timestamp(self._fetch(Timestamp.type, None, MAX_TIMESTAMP_BYTES))
        if kept is not None:
            check_rise(new.name, new.version, {new.name: kept.version})
            named = kept.signed.snapshot_meta.version
            check_rise(Snapshot.type, new.signed.snapshot_meta.version, {Snapshot.type: named})
        chosen = kept if kept is not None and kept.version == new.version else new
        STRICT.check_online(chosen, self._now)
        self._keep(chosen)
        return chosen

    def _read_timestamp(self, raw: bytes) -> RoleFile[Timestamp]:
        file = parse_role_file(Timestamp.type, raw, Timestamp, limit=MAX_TIMESTAMP_BYTES)
        file.verify_by(self._root.signed)
        return file

    def _refresh_snapshot(self, meta: MetaFile) -> RoleFile[Snapshot]:
        kept = self._trusted_before(Snapshot.type, self._read_snapshot)
        if kept is not None and kept.version == meta.version and kept.expires > self._now:
            return kept
        new = self._read_snapshot(self._fetch(Snapshot.type, meta.version, size_limit(meta)))
        check_meta(new, meta)
        check_contents(new.signed, kept.signed if kept else None)
        STRICT.check_online(new, self._now)
        self._keep(new)
        return new

    def _read_snapshot(self, raw: bytes) -> RoleFile[Snapshot]:
        file = parse_role_file(Snapshot.type, raw, Snapshot)
        file.verify_by(self._root.signed)
        return file

    def _load_role(self, name: str, delegator: Delegator) -> RoleFile[Targets]:
        """A targets role as the snapshot names it: held, kept in the folder, or fetched."""
        if name in self._roles:
            # Two roles may delegate to one name with different keys: each lookup comes with its own delegator.
            self._roles[name].verify_by(delegator.signed)
            return self._roles[name]
        meta = self._snapshot.signed.meta.get(f"{name}.json")
        if meta is None:
            raise MalformedError(f"the snapshot does not name {name}")

        def read(raw: bytes) -> RoleFile[Targets]:
            file = parse_role_file(name, raw, Targets)
            file.verify_by(delegator.signed)
            check_meta(file, meta)
            STRICT.check_new((delegator, file), self._now, first=True)
            return file

        role = self._trusted_before(name, read)
        if role is None:
            role = read(self._fetch(name, meta.version, size_limit(meta)))
            self._keep(role)
        self._roles[name] = role
        return role

    def _trusted_before(self, name: str, read: Callable[[bytes], F]) -> F | None:
        """What is kept of a role, if it still passes."""
        raw = self._kept(name)
        try:
            return read(raw) if raw is not None else None
        except WireError:
            return None

    def _fetch(self, name: str, version: int | None, limit: int) -> bytes:
        """A file of the repository; names carry versions where the root says that snapshots are consistent."""
        prefix = f"{version}." if version is not None and self._root.signed.consistent_snapshot else ""
        raw = self._fetcher.get(f"/{prefix}{quote(name, safe='')}.json", limit=limit)
        if raw is None:
            raise FetchError(f"no {name} in the repository")
        return raw

    def _kept(self, name: str) -> bytes | None:
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise store_error(str(self._path(name)), error) from error

    def _keep(self, file: AnyRoleFile) -> None:
        if self._kept(file.name) != file.raw:
            write_atomic(self._path(file.name), file.raw)

    def _path(self, name: str) -> Path:
        return self._folder / f"{quote(name, safe='')}.json"


def _read_root(raw: bytes) -> RoleFile[Root]:
    root = parse_role_file(Root.type, raw, Root)
    root.verify_by(root.signed)
    return root


def _is_target(raw: bytes, target: TargetFile) -> bool:
    try:
        target.verify_length_and_hashes(raw)
    except LengthOrHashMismatchError:
        return False
    return True
