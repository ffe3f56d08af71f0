"""Programmes, policies, placements and templates on this device: which were accepted, and which are in force.

A programme that is accepted comes into force when all its content is here; until then the old one goes on, minus what
the new one withdraws. Everything else is in force at once. Files are named by hash and hashed again at boot.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.files import write_atomic
from edge.store import Store
from wire.alert import Template, read_template
from wire.areas import ancestry, placements_target, policy_target, programme_target
from wire.enrolment import Placement, read_placements
from wire.errors import NotAllowedError, WireError
from wire.policy import Policy, read_policy
from wire.programme import Programme, read_programme
from wire.trust.rolefile import sha256_hex

TEMPLATES = "templates/"
T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredTemplate:
    """A template and the hash of its file, which an order names."""

    template: Template
    sha256: str


@dataclass(frozen=True)
class Holdings:
    """Everything signed that decides what plays, as one immutable value."""

    placement: Placement | None = None
    programmes: Mapping[str, Programme] = field(default_factory=dict)
    """In force, by area."""
    waiting: Mapping[str, Programme] = field(default_factory=dict)
    """Accepted, their content not yet complete, by area."""
    policies: tuple[Policy, ...] = ()
    templates: Mapping[str, StoredTemplate] = field(default_factory=dict)
    neighbours: tuple[Placement, ...] = ()
    """For a spare: every placement of its commune, as the registrar signed them."""

    @property
    def area(self) -> str:
        return self.placement.area if self.placement else ""


def paths_of(area: str | None) -> list[str]:
    """The programme and policy files that a device at `area` obeys."""
    levels = ancestry(area)[:2] if area else []
    return [target(level) for level in levels for target in (programme_target, policy_target)]


class Library:
    """The files and their two lists. One thread changes it at a time."""

    def __init__(self, store: Store, folder: Path, *, read_only: bool = False) -> None:
        self._store = store
        self._folder = folder / "targets"
        if not read_only:
            self._folder.mkdir(parents=True, exist_ok=True)
        self.accepted = self._read_list("targets")
        self.in_force = self._read_list("in_force")

    def raw(self, path: str, sha256: str) -> bytes | None:
        """A file that is kept and whole, or None."""
        try:
            raw = (self._folder / sha256).read_bytes()
        except OSError:
            return None
        if sha256_hex(raw) == sha256:
            return raw
        log.warning("%s is damaged on the disk; it will be fetched anew", path)
        return None

    def accept(self, files: Mapping[str, tuple[str, bytes]], *, gone: frozenset[str] = frozenset()) -> None:
        """Take verified files, by path: hash and bytes. What is `gone` stops at once. Raises StoreError.

        What needs no content (all but programmes) is in force with this.
        """
        for sha256, raw in files.values():
            write_atomic(self._folder / sha256, raw)
        hashes = {path: sha256 for path, (sha256, _) in files.items()}
        at_once = {path: sha256 for path, sha256 in hashes.items() if not is_programme(path)}
        with self._store.change() as connection:
            _change(connection, "targets", hashes, gone)
            _change(connection, "in_force", at_once, gone)
        self.accepted = {p: s for p, s in {**self.accepted, **hashes}.items() if p not in gone}
        self.in_force = {p: s for p, s in {**self.in_force, **at_once}.items() if p not in gone}
        self._sweep()

    def stop(self, path: str) -> None:
        """What is in force at `path` lost its signers: it ends before its successor is complete."""
        with self._store.change() as connection:
            connection.execute("DELETE FROM in_force WHERE path = ?", (path,))
        self.in_force = {p: s for p, s in self.in_force.items() if p != path}

    def enforce(self, path: str) -> None:
        """The accepted file at `path` is complete and takes over. Raises StoreError."""
        sha256 = self.accepted[path]
        with self._store.change() as connection:
            connection.execute("INSERT OR REPLACE INTO in_force VALUES (?, ?)", (path, sha256))
        self.in_force = {**self.in_force, path: sha256}
        self._sweep()

    def holdings(self, placement: Placement | None) -> Holdings:
        """What is held for a place, read and hashed again.

        Where a policy that is in force cannot be read, no programme plays until it is fetched anew: without it the
        device would be looser than the province has signed.
        """
        programmes, waiting = {}, {}
        policies: list[Policy | None] = []
        for path in paths_of(placement.area if placement else None):
            if is_programme(path):
                now, new = self._programme(path, self.in_force), self._programme(path, self.accepted)
                if now is not None:
                    programmes[now.area] = _without_withdrawn(now, new)
                if new is not None and self.in_force.get(path) != self.accepted.get(path):
                    waiting[new.area] = new
            elif path in self.in_force:
                policies.append(self._read(path, self.in_force, read_policy))
        known = tuple(policy for policy in policies if policy is not None)
        if len(known) < len(policies):
            log.warning("a policy is damaged: nothing but emergencies until it is fetched anew")
            return Holdings(placement, policies=known, templates=self._templates())
        return Holdings(placement, programmes, waiting, known, self._templates(), self._neighbours(placement))

    def _neighbours(self, placement: Placement | None) -> tuple[Placement, ...]:
        if placement is None or not placement.spare:
            return ()
        found = self._read(placements_target(placement.area), self.accepted, read_placements)
        return tuple(found.placements) if found else ()

    def _programme(self, path: str, hashes: Mapping[str, str]) -> Programme | None:
        found = self._read(path, hashes, read_programme)
        return found.programme if found else None

    def _templates(self) -> dict[str, StoredTemplate]:
        found: dict[str, StoredTemplate] = {}
        for path, sha256 in self.accepted.items():
            template = self._read(path, self.accepted, read_template) if path.startswith(TEMPLATES) else None
            if template is not None:
                found[template.id] = StoredTemplate(template, sha256)
        return found

    def _read(self, path: str, hashes: Mapping[str, str], read: Callable[[bytes], T]) -> T | None:
        raw = self.raw(path, hashes[path]) if path in hashes else None
        try:
            return read(raw) if raw is not None else None
        except WireError as error:
            log.warning("%s is not understood any more: %s", path, error.detail)
            return None

    def _read_list(self, table: str) -> dict[str, str]:
        return dict(self._store.rows(f"SELECT path, sha256 FROM {table}"))  # noqa: S608 - names from this file

    def _sweep(self) -> None:
        wanted = {*self.accepted.values(), *self.in_force.values()}
        for path in self._folder.iterdir():
            if path.name not in wanted:
                path.unlink(missing_ok=True)


def is_programme(path: str) -> bool:
    return path.endswith("/programme.json")


def check_target(path: str, raw: bytes) -> list[str]:
    """Whether this program understands a target, and it is what its path says; notes on what is ignored in it.

    Raises MalformedError, UnknownKindError, NotAllowedError.
    """
    if path.startswith(TEMPLATES):
        template = read_template(raw)
        _check_path(path, f"{path.rpartition('/')[0]}/{template.id}.json")
        return []
    if is_programme(path):
        read = read_programme(raw)
        _check_path(path, programme_target(read.programme.area))
        return read.ignored
    if path.endswith("/policy.json"):
        _check_path(path, policy_target(read_policy(raw).area))
    else:
        _check_path(path, placements_target(read_placements(raw).area))
    return []


def _check_path(path: str, says: str) -> None:
    if path != says:
        raise NotAllowedError(f"{path} says of itself that it is {says}")


def _without_withdrawn(now: Programme, new: Programme | None) -> Programme:
    """A withdrawal does not wait for the rest of the programme that says it."""
    if new is None or set(new.withdrawn) <= set(now.withdrawn):
        return now
    return msgspec.structs.replace(now, withdrawn=[*now.withdrawn, *new.withdrawn])


def _change(connection: sqlite3.Connection, table: str, new: Mapping[str, str], gone: frozenset[str]) -> None:
    connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", new.items())  # noqa: S608 - from this file
    connection.executemany(f"DELETE FROM {table} WHERE path = ?", [(path,) for path in gone])  # noqa: S608
