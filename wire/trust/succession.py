"""What may follow what: the next root after a root, a version after a version, a snapshot after a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import MetaFile, Root, Snapshot, Timestamp

from wire.errors import BadSignatureError, MalformedError, NotAllowedError, OutOfDateError, WireError
from wire.trust.held import Held
from wire.trust.layout import check_root
from wire.trust.rolefile import MAX_ROLE_BYTES, AnyRoleFile, RoleFile, S, parse_role_file

MAX_JUMP = 10**6
"""No honest hub comes so far; a stolen one could mute a province for good with one leap (review §10)."""


def next_root(held: Held, raw: bytes) -> Held:
    """The state after the next root, which the old and the new holders signed.

    New online keys mean that the old ones may have been stolen and used to fast-forward: what they said is forgotten
    (TUF 5.3.11).
    """
    new = verify_next_root(held.root, raw)
    check_root(new.signed)
    versions = {**held.versions, Root.type: new.version}
    if _online_keys(held.root.signed) != _online_keys(new.signed):
        kept = {name: version for name, version in versions.items() if name not in (Timestamp.type, Snapshot.type)}
        return replace(held, root=new, timestamp=None, snapshot=None, versions=kept)
    timestamp, snapshot = _if_vouched(held.timestamp, new), _if_vouched(held.snapshot, new)
    return replace(held, root=new, timestamp=timestamp, snapshot=snapshot, versions=versions)


def verify_next_root(root: RoleFile[Root], raw: bytes) -> RoleFile[Root]:
    """The root that follows `root`: one version on, signed by the old and the new holders (TUF 5.3.4, 5.3.5)."""
    new = parse_role_file(Root.type, raw, Root)
    if new.version != root.version + 1:
        raise OutOfDateError(f"root v{new.version} after v{root.version}")
    new.verify_by(root.signed)
    new.verify_by(new.signed)
    return new


def _if_vouched(file: RoleFile[S] | None, root: RoleFile[Root]) -> RoleFile[S] | None:
    """The file, unless the new root asks for more than it has; its version stays known all the same."""
    try:
        if file is not None:
            file.verify_by(root.signed)
    except BadSignatureError:
        return None
    return file


def _online_keys(root: Root) -> list[frozenset[str]]:
    return [frozenset(root.roles[name].keyids) for name in (Timestamp.type, Snapshot.type)]


def check_rise(role: str, version: int, known: Mapping[str, int]) -> None:
    """Raise OutOfDateError for a version below the known one, NotAllowedError for a leap."""
    before = known.get(role, 0)
    if version < before:
        raise OutOfDateError(f"{role} v{version}, v{before} is known")
    if version - before > MAX_JUMP:
        raise NotAllowedError(f"{role} jumps from v{before} to v{version}")


def check_contents(new: Snapshot, old: Snapshot | None) -> None:
    """No role may vanish, fall back or leap from one snapshot to the next."""
    before = {name: meta.version for name, meta in old.meta.items()} if old else {}
    missing = set(before) - set(new.meta)
    if missing:
        raise OutOfDateError(f"snapshot v{new.version} lacks {min(missing)}")
    for name, meta in new.meta.items():
        check_rise(name, meta.version, before)


def matches_meta(file: AnyRoleFile, meta: MetaFile) -> bool:
    """Whether a held file is the one that the metadata above it names."""
    try:
        check_meta(file, meta)
    except WireError:
        return False
    return True


def check_meta(file: AnyRoleFile, meta: MetaFile) -> None:
    """Raise MalformedError or OutOfDateError unless a file is the one that the metadata above it names."""
    try:
        meta.verify_length_and_hashes(file.raw)
    except LengthOrHashMismatchError as error:
        raise MalformedError(f"{file.name}: {error}") from error
    if file.version != meta.version:
        raise OutOfDateError(f"{file.name} is v{file.version}, the snapshot or timestamp names v{meta.version}")


def size_limit(meta: MetaFile) -> int:
    """How much of a file to fetch at most."""
    return min(meta.length or MAX_ROLE_BYTES, MAX_ROLE_BYTES)
