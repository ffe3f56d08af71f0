"""Reads a courier bundle as a device would: from the pinned root alone, every file verified, every sound hashed."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provisioning.bundle import BundleError
from provisioning.supply import Releases, sounds_for, supplied_until
from wire.alert import read_template
from wire.areas import ancestry, placements_target, policy_target, programme_target
from wire.bundle import (
    ALERTS,
    BLOBS,
    INDEX_NAME,
    MAX_ENTRIES,
    MAX_INDEX_BYTES,
    METADATA,
    TARGETS,
    BundleIndex,
    Entry,
    parse_entry,
    read_index,
)
from wire.content import Sound
from wire.enrolment import Placement, read_placements
from wire.errors import WireError
from wire.policy import read_policy
from wire.programme import read_programme
from wire.trust.authority import find_target, targets_of
from wire.trust.expiry import BUNDLE
from wire.trust.held import Held, pin_root
from wire.trust.orders import verify_order
from wire.trust.refresh import refresh, run
from wire.trust.scope import DeviceScope
from wire.units import UtcTime

_READ_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Checked:
    """What a bundle holds and what is wrong with it."""

    index: BundleIndex
    roles: dict[str, int]
    """Verified roles and their versions."""
    sounds: int
    alerts: int
    supplied_until: UtcTime
    faults: tuple[str, ...]


def check_bundle(path: Path, root: bytes, now: UtcTime) -> Checked:
    """Verify a bundle. Raises BundleError where it is none; what a device would refuse stands in `faults`."""
    with _open(path) as bundle:
        reader = _Reader(bundle)
        index = reader.index()
        outcome = run(
            refresh(pin_root(root), scope=DeviceScope(index.area), floor=UtcTime(0), rules=BUNDLE),
            lambda wanted: reader.read(Entry(METADATA, wanted.name)),
        )
        faults = [f"{refusal.role}: {refusal.detail}" for refusal in outcome.refusals]
        held = outcome.held
        targets = _targets(reader, held, index.area, faults)
        releases, placements = _releases(targets, index)
        faults += [f"{device}: not placed in {index.area}" for device in _unplaced(index, placements)]
        sounds = sounds_for(releases, placements, now)
        good = {sound.sha256 for sound in sounds if _is_sound_good(reader, sound, faults)}
        until = supplied_until(releases, placements, now, lambda sound: sound.sha256 in good)
        alerts = _count_alerts(reader, held, now, faults)
    roles = {name: file.version for name, file in held.roles.items()}
    return Checked(index, roles, len(good), alerts, until, tuple(faults))


class _Reader:
    """The entries of an open ZIP, within the format's limits."""

    def __init__(self, bundle: zipfile.ZipFile) -> None:
        if len(bundle.infolist()) > MAX_ENTRIES:
            raise BundleError(f"more than {MAX_ENTRIES} files")
        self._bundle = bundle
        self._entries = {entry: info for info in bundle.infolist() if (entry := parse_entry(info.filename))}

    def index(self) -> BundleIndex:
        try:
            info = self._bundle.getinfo(INDEX_NAME)
        except KeyError as error:
            raise BundleError(f"no {INDEX_NAME} in it") from error
        if info.file_size > MAX_INDEX_BYTES:
            raise BundleError(f"{INDEX_NAME} is too large")
        return read_index(self._bundle.read(info))

    def read(self, entry: Entry) -> bytes | None:
        info = self._entries.get(entry)
        if info is None or info.file_size > entry.kind.max_bytes:
            return None
        return self._bundle.read(info)

    def digest(self, entry: Entry, size: int) -> str | None:
        """The SHA-256 of an entry of exactly that size, read in pieces."""
        info = self._entries.get(entry)
        if info is None or info.file_size != size:
            return None
        digest = hashlib.sha256()
        with self._bundle.open(info) as file:
            while chunk := file.read(_READ_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def names(self) -> list[Entry]:
        return list(self._entries)


@contextmanager
def _open(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as bundle:
            yield bundle
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise BundleError(f"{path} cannot be read as a bundle: {getattr(error, 'strerror', None) or error}") from error
    except WireError as error:
        raise BundleError(f"{path}: {error.detail}") from error


def _targets(reader: _Reader, held: Held, area: str, faults: list[str]) -> dict[str, bytes]:
    found = {}
    paths = [target(level) for level in ancestry(area) for target in (programme_target, policy_target)]
    for path in (*paths, placements_target(area), *targets_of(held, "tpl")):
        target = find_target(held, path)
        if target is None:
            continue
        raw = reader.read(Entry(TARGETS, path))
        try:
            target.check(raw or b"")
            found[path] = raw or b""
        except WireError as error:
            faults.append(error.detail if raw else f"{path} is released but not in the bundle")
    return found


def _releases(targets: dict[str, bytes], index: BundleIndex) -> tuple[Releases, list[Placement]]:
    programmes = [read_programme(raw).programme for path, raw in targets.items() if path.endswith("/programme.json")]
    policies = [read_policy(raw) for path, raw in targets.items() if path.endswith("/policy.json")]
    templates = [read_template(raw) for path, raw in targets.items() if path.startswith("templates/")]
    placed = targets.get(placements_target(index.area))
    placements = read_placements(placed).placements if placed else []
    mine = [one for one in placements if not index.devices or one.device in index.devices]
    return Releases(tuple(programmes), tuple(policies), tuple(templates), tuple(placements)), mine


def _unplaced(index: BundleIndex, placements: list[Placement]) -> list[str]:
    placed = {placement.device for placement in placements}
    return [device for device in index.devices if device not in placed]


def _is_sound_good(reader: _Reader, sound: Sound, faults: list[str]) -> bool:
    found = reader.digest(Entry(BLOBS, sound.sha256), sound.size)
    if found != sound.sha256:
        faults.append(f"sound {sound.sha256[:12]} is {'missing' if found is None else 'damaged'}")
    return found == sound.sha256


def _count_alerts(reader: _Reader, held: Held, now: UtcTime, faults: list[str]) -> int:
    count = 0
    for entry in (entry for entry in reader.names() if entry.kind is ALERTS):
        try:
            signed = verify_order(reader.read(entry) or b"", held, floor=UtcTime(0))
            count += signed.order.expires > now
        except WireError as error:
            faults.append(f"alert {entry.name[:12]}: {error.detail}")
    return count
