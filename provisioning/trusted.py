"""What this machine trusts: the pinned root, every release that it verified, and the highest versions it ever saw.

The rules are `wire.trust`; here are the steps with files and network. All of it lies in one file that is replaced in
one step, so that a hub can neither roll it back nor leave it half written.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from provisioning.blobs import write_durably
from provisioning.errors import ProvisioningError
from wire.areas import contains
from wire.errors import WireError
from wire.trust.authority import Target, find_target, roles_of_key
from wire.trust.expiry import OfflineRules
from wire.trust.floor import BEGINNING, raised_floor
from wire.trust.held import Held, Refusal, load_held, pin_root
from wire.trust.layout import parse_role_name
from wire.trust.refresh import refresh, run
from wire.trust.rolefile import MAX_ROLE_BYTES
from wire.trust.scope import Scope
from wire.units import DAY, SECOND, UtcTime

STATE_FILE = "trusted.json"
TARGETS_FOLDER = "targets"
LENIENT = OfflineRules(grace_ms=3_650 * DAY)
"""A release whose keys have lapsed is still what the next one is built on. Devices apply their own, stricter rules."""


class MetadataSource(Protocol):
    """Where signed files come from; `HubApi` is one."""

    def metadata(self, file: str) -> bytes | None: ...

    def target(self, path: str, sha256: str) -> bytes | None: ...


class NotTrustedError(ProvisioningError):
    """The hub gave something that does not verify; nothing of it was taken."""

    code = "not_trusted"


class _Kept(Struct, frozen=True):
    pinned: str
    files: dict[str, str]
    versions: dict[str, int]
    floor: int


def read_root(path: Path) -> bytes:
    """The bytes of a root.json that a person was handed. Raises NotTrustedError."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_ROLE_BYTES)
    except OSError as error:
        raise NotTrustedError(f"{path}: {error.strerror}") from error


class Named(Protocol):
    """A delegation, as far as a scope looks at it."""

    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class PersonScope:
    """What a person's machine keeps: what the province shares, all groups, and the communes of its keys."""

    communes: frozenset[str]

    def wants(self, delegation: Named, province: str) -> bool:
        role = parse_role_name(delegation.name, province)
        if role is None or role.kind in ("sw", "v", "ea", "ef", "ed"):
            return False
        return role.kind not in ("c", "h") or role.area in self.communes


def system_time() -> UtcTime:
    return UtcTime(time.time_ns() * SECOND // 1_000_000_000)


class Truststore:
    """The verified state of one province on this machine."""

    def __init__(self, folder: Path, root: bytes, *, clock: Callable[[], UtcTime] = system_time) -> None:
        """Raises NotTrustedError where `root` is no root of a province."""
        self._folder, self._clock = folder, clock
        self._pinned = hashlib.sha256(root).hexdigest()
        try:
            self.held, self._floor = self._load(root)
        except WireError as error:
            raise NotTrustedError(f"root.json: {error.detail}") from error

    @property
    def root_fingerprints(self) -> frozenset[str]:
        """Of the root that a person brought here, and of the newest that follows from it."""
        return frozenset({self._first_fingerprint, self.held.root_fingerprint})

    @property
    def floor(self) -> UtcTime:
        return self._floor

    def now(self) -> UtcTime:
        return self._clock()

    def is_clock_behind(self) -> bool:
        """Whether this machine's clock stands more than a day before what the province has already signed."""
        return self._clock() < raised_floor(self.held, BEGINNING) - DAY

    def refresh(self, source: MetadataSource, scope: Scope) -> tuple[Refusal, ...]:
        """Bring what is held up to date and keep it. What was refused is returned, and nothing of that was taken."""
        outcome = run(
            refresh(self.held, scope=scope, floor=self._floor, rules=LENIENT), lambda w: source.metadata(w.name)
        )
        self.held = outcome.held
        self._floor = raised_floor(outcome.held, self._floor, self._clock())
        self._keep()
        return outcome.refusals

    def is_stale(self) -> bool:
        """Whether the hub's last word is so old that newer releases may be missing."""
        return self.held.timestamp is None or self.held.timestamp.expires <= self._clock()

    def target(self, path: str, source: MetadataSource) -> bytes | None:
        """The verified bytes of a released target; None where nobody released it. Raises NotTrustedError."""
        found = find_target(self.held, path)
        return None if found is None else self._bytes_of(found, source)

    def _bytes_of(self, target: Target, source: MetadataSource) -> bytes:
        kept = self._folder / TARGETS_FOLDER / target.sha256
        if kept.is_file() and hashlib.sha256(raw := kept.read_bytes()).hexdigest() == target.sha256:
            return raw
        brought = source.target(target.path, target.sha256)
        if brought is None:
            raise NotTrustedError(f"{target.path} is released, but the hub does not have it")
        try:
            target.check(brought)
        except WireError as error:
            raise NotTrustedError(error.detail) from error
        write_durably(kept, brought)
        return brought

    def _load(self, root: bytes) -> tuple[Held, UtcTime]:
        """What was kept, if it grew from the same pinned root; otherwise the root alone."""
        pinned = pin_root(root)
        self._first_fingerprint = pinned.root_fingerprint
        try:
            kept = msgspec.json.decode((self._folder / STATE_FILE).read_bytes(), type=_Kept)
        except (FileNotFoundError, msgspec.DecodeError):
            return pinned, UtcTime(0)
        if kept.pinned != self._pinned:
            return pinned, UtcTime(0)
        files = {name: base64.b64decode(raw) for name, raw in kept.files.items()}
        held, _refusals = load_held(files, kept.versions)
        return held, UtcTime(kept.floor)

    def _keep(self) -> None:
        files = {name: base64.b64encode(raw).decode() for name, raw in self.held.files.items()}
        kept = _Kept(self._pinned, files, dict(self.held.versions), self._floor)
        write_durably(self._folder / STATE_FILE, msgspec.json.encode(kept))


def communes_of_keys(held: Held, key_ids: Iterable[str]) -> frozenset[str]:
    """The communes for which any of these keys may sign something."""
    names = [parse_role_name(role, held.province or "") for key in key_ids for role in roles_of_key(held, key)]
    return frozenset("/".join(name.area.split("/")[:2]) for name in names if name and "/" in name.area)


def refresh_for_keys(store: Truststore, source: MetadataSource, key_ids: Iterable[str]) -> tuple[Refusal, ...]:
    """Refresh in two steps: the groups say for which communes the keys sign, then those communes' roles follow."""
    keys = list(key_ids)
    before = communes_of_keys(store.held, keys)
    refusals = store.refresh(source, PersonScope(before))
    communes = communes_of_keys(store.held, keys)
    return refusals if communes <= before else store.refresh(source, PersonScope(communes))


def subareas(held: Held, area: str) -> list[str]:
    """The area itself and every commune and hamlet below it that the verified delegations name."""
    province = held.province or ""
    names = [parse_role_name(name, province) for file in held.roles.values() for name in _delegated(file.signed)]
    below = {name.area for name in names if name and name.kind in ("c", "h", "v") and contains(area, name.area)}
    return [area, *sorted(below - {area})]


def _delegated(signed: object) -> list[str]:
    found = getattr(signed, "delegations", None)
    return list(found.roles or {}) if found else []
