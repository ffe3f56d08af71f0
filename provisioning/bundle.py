"""Packs a courier bundle: all that devices of one area would fetch, verified here first, in one file for a stick.

What it brings is kept in a cache, so that a broken-off run goes on where it stopped. Format: `wire.bundle`.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from provisioning.blobs import BlobSource, BlobStore, sync_folder
from provisioning.errors import ProvisioningError
from provisioning.supply import Releases, sounds_for, supplied_until
from provisioning.trusted import MetadataSource, NotTrustedError, Truststore
from wire.alert import read_template
from wire.areas import ancestry, contains, placements_target, policy_target, programme_target
from wire.bundle import ALERTS, BLOBS, INDEX_NAME, METADATA, TARGETS, BundleIndex, Entry, encode_index
from wire.content import Sound
from wire.enrolment import Placement, read_placements
from wire.errors import WireError
from wire.policy import read_policy
from wire.programme import read_programme
from wire.release import metadata_file_name
from wire.trust.authority import targets_of
from wire.trust.held import Held
from wire.trust.orders import SignedOrder, verify_order
from wire.trust.scope import DeviceScope

ENTRY_DATE = (1980, 1, 1, 0, 0, 0)
"""ZIP has no time zone; the index says when the bundle was made."""


class BundleError(ProvisioningError):
    """The bundle was not made; an older file of that name is still whole."""

    code = "bundle"


class Source(MetadataSource, BlobSource, Protocol):
    """The hub, as far as a bundle asks it."""


@dataclass(frozen=True)
class Order:
    """For whom a bundle is packed: an area, and its devices (none named: all that are placed there)."""

    area: str
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Packed:
    """What lies in a finished bundle."""

    index: BundleIndex
    sounds: int
    bytes: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Content:
    """Verified files of a bundle by their path in it, and its sounds."""

    files: Mapping[Entry, bytes]
    releases: Releases
    placements: tuple[Placement, ...]


class Packer:
    """Collects from one hub into one cache."""

    def __init__(self, source: Source, store: Truststore, blobs: BlobStore) -> None:
        self._source, self._store, self._blobs = source, store, blobs

    def pack(self, order: Order, out: Path, envelopes: Iterable[bytes] = ()) -> Packed:
        """Write the bundle. `envelopes` are alerts and cancels that the hub knows; those that count are packed.

        Raises BundleError (nobody is placed there, the disk fails), NotTrustedError, and what the hub's client raises.
        """
        notes = self._refresh(order.area)
        content = self._content(order)
        alerts = _alert_files(self._store, order.area, envelopes)
        now = self._store.now()
        sounds = sounds_for(content.releases, content.placements, now)
        for sound in sounds:
            self._blobs.bring(sound.sha256, sound.size, self._source)
        held = {sound.sha256 for sound in sounds}
        until = supplied_until(content.releases, content.placements, now, lambda sound: sound.sha256 in held)
        province = order.area.split("/")[0]
        index = BundleIndex(province, order.area, [p.device for p in content.placements], now, until)
        self._write(out, index, {**content.files, **alerts}, sounds)
        return Packed(index, len(sounds), out.stat().st_size, tuple(notes))

    def _refresh(self, area: str) -> list[str]:
        """Bring the area's roles up to date. Raises NotTrustedError where the hub's own word does not verify."""
        refused = self._store.refresh(self._source, DeviceScope(area))
        lines = [f"{one.role}: {one.detail}" for one in refused]
        if self._store.held.targets is None or any(one.role in ("timestamp", "snapshot", "root") for one in refused):
            raise NotTrustedError("; ".join(lines) or "the hub has no releases")
        return lines

    def _content(self, order: Order) -> Content:
        placements = self._placements(order)
        targets = self._targets(order.area)
        programmes = [
            read_programme(raw).programme for path, raw in targets.items() if path.endswith("/programme.json")
        ]
        policies = [read_policy(raw) for path, raw in targets.items() if path.endswith("/policy.json")]
        templates = [read_template(raw) for path, raw in targets.items() if path.startswith("templates/")]
        files = {Entry(METADATA, name): raw for name, raw in self._metadata().items()}
        files |= {Entry(TARGETS, path): raw for path, raw in targets.items()}
        placed = targets.get(placements_target(order.area))
        neighbours = tuple(read_placements(placed).placements) if placed else ()
        return Content(files, Releases(tuple(programmes), tuple(policies), tuple(templates), neighbours), placements)

    def _placements(self, order: Order) -> tuple[Placement, ...]:
        raw = self._store.target(placements_target(order.area), self._source) if "/" in order.area else None
        placed = {p.device: p for p in read_placements(raw).placements if contains(order.area, p.area)} if raw else {}
        strangers = [device for device in order.devices if device not in placed]
        if strangers:
            raise BundleError(
                f"{', '.join(strangers)} is not placed in {order.area}: the registrar has not signed that"
            )
        chosen = tuple(placed[device] for device in order.devices) or tuple(placed.values())
        if not chosen:
            raise BundleError(f"no device is placed in {order.area}")
        return chosen

    def _metadata(self) -> dict[str, bytes]:
        """The roots from 1 on, so that a device at any of them can follow; and the newest file of every other role."""
        held = self._store.held
        roots = {name: self._source.metadata(name) for name in _root_names(held.root.version)}
        files = {metadata_file_name(name, _version(held, name)): raw for name, raw in held.files.items()}
        return {name: raw for name, raw in roots.items() if raw is not None} | files

    def _targets(self, area: str) -> dict[str, bytes]:
        paths = [target(level) for level in ancestry(area) for target in (programme_target, policy_target)]
        paths += [placements_target(area), *targets_of(self._store.held, "tpl")]
        brought = {path: self._store.target(path, self._source) for path in paths}
        return {path: raw for path, raw in brought.items() if raw is not None}

    def _write(self, out: Path, index: BundleIndex, files: Mapping[Entry, bytes], sounds: Sequence[Sound]) -> None:
        temporary = out.with_name(out.name + ".tmp")
        try:
            with temporary.open("wb") as file:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as bundle:
                    self._fill(bundle, index, files, sounds)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(out)
            sync_folder(out.parent)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise BundleError(f"{out} could not be written: {error.strerror or error}") from error

    def _fill(
        self, bundle: zipfile.ZipFile, index: BundleIndex, files: Mapping[Entry, bytes], sounds: Sequence[Sound]
    ) -> None:
        bundle.writestr(zipfile.ZipInfo(INDEX_NAME, ENTRY_DATE), encode_index(index))
        for entry, raw in sorted(files.items(), key=lambda pair: (_KIND_ORDER.index(pair[0].kind), pair[0].name)):
            bundle.writestr(zipfile.ZipInfo(entry.path, ENTRY_DATE), raw)
        for sound in sounds:
            path = self._blobs.bring(sound.sha256, sound.size, self._source)
            bundle.write(path, Entry(BLOBS, sound.sha256).path)


_KIND_ORDER = (METADATA, TARGETS, ALERTS)


def _root_names(newest: int) -> list[str]:
    return [metadata_file_name("root", version) for version in range(1, newest + 1)]


def _version(held: Held, role: str) -> int:
    files = {"root": held.root, "timestamp": held.timestamp, "snapshot": held.snapshot, **held.roles}
    file = files[role]
    return file.version if file else 0


def _alert_files(store: Truststore, area: str, envelopes: Iterable[bytes]) -> dict[Entry, bytes]:
    """The envelopes that verify, still count, and concern the area. Cancels are packed with what they cancel."""
    files = {}
    for raw in envelopes:
        signed = _judge(store, raw)
        if signed is None or signed.order.expires <= store.now():
            continue
        if contains(signed.order.area, area) or contains(area, signed.order.area):
            files[Entry(ALERTS, f"{signed.id}.dsse")] = raw
    return files


def _judge(store: Truststore, raw: bytes) -> SignedOrder | None:
    try:
        return verify_order(raw, store.held, floor=store.floor)
    except WireError:
        return None
