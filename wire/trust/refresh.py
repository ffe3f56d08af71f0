"""Bring what is held up to date: TUF's client workflow as a generator that does no I/O (the order is in the package).

A refused role keeps its last good file and stops nothing beside it; below it nothing new is taken. What its delegator
no longer vouches for is dropped: so a revoked key's word stops when the revocation is installed (review §15).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from tuf.api.metadata import MetaFile, Root, Snapshot, Targets, Timestamp

from wire.errors import OutOfDateError, WireError
from wire.trust.expiry import NETWORK, Rules
from wire.trust.floor import raised_floor
from wire.trust.held import Held, Refusal, delegations, highest_versions, verify_role
from wire.trust.layout import province_of
from wire.trust.rolefile import (
    MAX_ROLE_BYTES,
    MAX_TIMESTAMP_BYTES,
    Delegator,
    RoleFile,
    metadata_file_name,
    parse_role_file,
)
from wire.trust.scope import Scope
from wire.trust.succession import check_contents, check_meta, check_rise, matches_meta, next_root, size_limit
from wire.trust.time_reset import new_floor
from wire.units import UtcTime

MAX_ROOTS = 256
MISSING = "missing"
T = TypeVar("T")


@dataclass(frozen=True)
class Wanted:
    """A file to be brought: its name under /tuf/metadata and in bundles."""

    name: str
    role: str
    max_bytes: int


@dataclass(frozen=True)
class Outcome:
    """What a refresh came to. `held` is to be stored even if something was refused."""

    held: Held
    installed: tuple[str, ...] = ()
    """Roles whose file is new, in the order in which they were accepted."""
    dropped: tuple[Refusal, ...] = ()
    """Roles held before and not any more: revoked, or out of scope (code `moved`)."""
    refusals: tuple[Refusal, ...] = ()
    floor_reset: UtcTime | None = None
    """The floor from which to go on, if `targets` lowered ours."""


Steps = Generator[Wanted, bytes | None, T]


def refresh(
    held: Held, *, scope: Scope, floor: UtcTime, rules: Rules = NETWORK, device: str = ""
) -> Steps[Outcome]:
    """The steps of one refresh; see the package for how to drive it. Never raises a WireError itself.

    `device` is whose floor a `time_reset` may lower; the hub and people's stations have none.
    """
    return (yield from _Refresh(held, scope, floor, rules, device).steps())


def run(steps: Steps[T], fetch: Callable[[Wanted], bytes | None]) -> T:
    """Drive a refresh with a function that brings files. What `fetch` raises ends it, and nothing has changed."""
    try:
        wanted = next(steps)
        while True:
            wanted = steps.send(fetch(wanted))
    except StopIteration as done:
        result: T = done.value
        return result


class _StopError(Exception):
    """Top-level metadata was refused: nothing below it can be judged."""


@dataclass
class _Refresh:
    before: Held
    scope: Scope
    floor: UtcTime
    rules: Rules
    device: str
    held: Held = field(init=False)
    roles: dict[str, RoleFile[Targets]] = field(default_factory=dict)
    installed: list[str] = field(default_factory=list)
    dropped: list[Refusal] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    floor_reset: UtcTime | None = None

    def __post_init__(self) -> None:
        self.held = self.before

    def steps(self) -> Steps[Outcome]:
        try:
            yield from self._roots()
            self.floor = raised_floor(self.held, self.floor)
            timestamp = yield from self._timestamp()
            snapshot = yield from self._snapshot(timestamp)
            fresh = replace(self.held, timestamp=timestamp, snapshot=snapshot)
            yield from self._role(Targets.type, (self.held.root,), snapshot, frozen=False)
            self._require_targets()
        except _StopError:
            return self._outcome(self._roots_alone())
        self._note_moved()
        return self._outcome(replace(fresh, roles=self.roles))

    def _outcome(self, held: Held) -> Outcome:
        held = replace(held, versions=highest_versions(held.versions, held))
        return Outcome(held, tuple(self.installed), tuple(self.dropped), tuple(self.refusals), self.floor_reset)

    def _roots_alone(self) -> Held:
        """What an early stop leaves: new roots, unless they disown `targets` before its successor came."""
        self.installed, self.dropped = [name for name in self.installed if name == Root.type], []
        self.floor_reset = None
        if self.before.targets is None or self._still_vouched(Targets.type, self.held.root):
            return self.held
        self.installed = []
        return self.before

    def _require_targets(self) -> None:
        if Targets.type not in self.roles:
            raise _StopError

    def _refuse(self, role: str, error: WireError) -> None:
        self.refusals.append(Refusal(role, error.code, error.detail))

    def _roots(self) -> Steps[None]:
        for _ in range(MAX_ROOTS):
            name = metadata_file_name(Root.type, self.held.root.version + 1)
            raw = yield Wanted(name, Root.type, MAX_ROLE_BYTES)
            if raw is None:
                return
            try:
                self.held = next_root(self.held, raw)
            except WireError as error:
                self._refuse(Root.type, error)
                raise _StopError from error
            self.installed.append(Root.type)

    def _timestamp(self) -> Steps[RoleFile[Timestamp]]:
        raw = yield Wanted("timestamp.json", Timestamp.type, MAX_TIMESTAMP_BYTES)
        try:
            if raw is None:
                raise _MissingError("no timestamp")
            new = parse_role_file(Timestamp.type, raw, Timestamp, limit=MAX_TIMESTAMP_BYTES)
            new.verify_by(self.held.root.signed)
            check_rise(new.name, new.version, self.held.versions)
            check_rise(Snapshot.type, new.signed.snapshot_meta.version, self.held.versions)
            kept = self.held.timestamp
            chosen = kept if kept is not None and kept.version == new.version else new
            self._judge_online(chosen, is_new=chosen is new)
        except WireError as error:
            self._refuse(Timestamp.type, error)
            raise _StopError from error
        return chosen

    def _snapshot(self, timestamp: RoleFile[Timestamp]) -> Steps[RoleFile[Snapshot]]:
        meta = timestamp.signed.snapshot_meta
        kept = self.held.snapshot
        try:
            if kept is not None and matches_meta(kept, meta):
                self._judge_online(kept, is_new=False)
                return kept
            raw = yield Wanted(metadata_file_name(Snapshot.type, meta.version), Snapshot.type, size_limit(meta))
            if raw is None:
                raise _MissingError(f"no snapshot v{meta.version}")
            new = parse_role_file(Snapshot.type, raw, Snapshot)
            check_meta(new, meta)
            new.verify_by(self.held.root.signed)
            check_rise(new.name, new.version, self.held.versions)
            check_contents(new.signed, kept.signed if kept else None)
            self._judge_online(new, is_new=True)
        except WireError as error:
            self._refuse(Snapshot.type, error)
            raise _StopError from error
        return new

    def _role(
        self, name: str, chain: tuple[Delegator, ...], snapshot: RoleFile[Snapshot], *, frozen: bool
    ) -> Steps[None]:
        meta = snapshot.signed.meta.get(f"{name}.json")
        kept = self._still_vouched(name, chain[-1])
        chosen = kept
        if kept is None or meta is None or not matches_meta(kept, meta):
            new = None if frozen or meta is None else (yield from self._new_role(name, chain, meta))
            frozen = new is None
            chosen = new or kept
        if chosen is None:
            self._note_revoked(name)
            return
        self.roles[name] = chosen
        province = self._province()
        for inner, delegation in delegations(chosen.signed).items():
            if self.scope.wants(delegation, province):
                yield from self._role(inner, (*chain, chosen), snapshot, frozen=frozen)

    def _new_role(self, name: str, chain: tuple[Delegator, ...], meta: MetaFile) -> Steps[RoleFile[Targets] | None]:
        raw = yield Wanted(metadata_file_name(name, meta.version), name, size_limit(meta))
        try:
            if raw is None:
                raise _MissingError(f"no file of {name} v{meta.version}")
            new = verify_role(name, raw, chain[-1], self._province() if name != Targets.type else None)
            check_meta(new, meta)
            self._check_succession(new)
            self.rules.check_new((*chain, new), self.floor, first=name not in self.held.roles)
        except WireError as error:
            self._refuse(name, error)
            return None
        self.installed.append(name)
        self._move_floor(new)
        return new

    def _province(self) -> str:
        targets = self.roles.get(Targets.type)
        return province_of(targets.signed) if targets else ""

    def _still_vouched(self, name: str, delegator: Delegator) -> RoleFile[Targets] | None:
        kept = self.held.roles.get(name)
        if kept is None or delegator is self.before.roles.get(delegator.name, self.before.root):
            return kept  # what vouched for it is what vouches for it now
        try:
            return verify_role(name, kept.raw, delegator, self._province() if name != Targets.type else None)
        except WireError:
            return None

    def _note_revoked(self, name: str) -> None:
        if name in self.held.roles:
            self.dropped.append(Refusal(name, "revoked", "its delegator's keys no longer vouch for what was held"))

    def _note_moved(self) -> None:
        gone = set(self.before.roles) - set(self.roles) - {refusal.role for refusal in self.dropped}
        self.dropped += [Refusal(name, "moved", "not on this device's path any more") for name in sorted(gone)]

    def _check_succession(self, new: RoleFile[Targets]) -> None:
        kept = self.held.roles.get(new.name)
        known = self.held.versions.get(new.name, 0)
        if new.version < known:
            raise OutOfDateError(f"{new.name} v{new.version}, v{known} is known")
        if kept is not None and kept.version == new.version and kept.payload != new.payload:
            raise OutOfDateError(f"{new.name} v{new.version} again, with another content")

    def _move_floor(self, new: RoleFile[Targets]) -> None:
        roles = {**self.roles, new.name: new}
        if new.name == Targets.type:
            self.floor_reset = new_floor(new, self.before.versions.get(new.name, 0), self.device)
            self.floor = self.floor if self.floor_reset is None else self.floor_reset
        self.floor = raised_floor(replace(self.held, roles=roles), self.floor)

    def _judge_online(self, file: RoleFile[Timestamp] | RoleFile[Snapshot], *, is_new: bool) -> None:
        self.rules.check_online(file, self.floor)
        if is_new:
            self.installed.append(file.name)


class _MissingError(WireError):
    """A file that the metadata names and the source does not have."""

    code = MISSING
