"""One refresh, from whichever source: metadata by the rules of `wire.trust`, our place, then the files that it names.

The same steps serve hub and stick; only the rules of age differ. What fails half-way leaves what was held.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from edge.clock import DeviceClock
from edge.store import Store
from edge.sync.library import TEMPLATES, Library, check_target, is_programme, paths_of
from edge.sync.source import Source
from edge.sync.truststore import TrustStore
from wire.areas import placements_target
from wire.codec import decode, encode
from wire.enrolment import MAX_PLACEMENTS_BYTES, Placement, Placements, read_placements
from wire.errors import UnknownKeyError, WireError
from wire.trust.authority import Target, authority, find_target, targets_of
from wire.trust.expiry import Rules
from wire.trust.held import Held, Refusal
from wire.trust.refresh import MISSING, Wanted, refresh, run
from wire.trust.scope import DeviceScope
from wire.trust.succession import MAX_JUMP

MOVES: Final = 2
"""A place that changes the scope is followed once more; then the next refresh goes on."""
REGISTRAR: Final = "d"
PLACEMENTS_SUFFIX: Final = "/placements.json"

log = logging.getLogger(__name__)


@dataclass
class Report:
    """What one refresh came to."""

    installed: list[str] = field(default_factory=list)
    """Roles and paths that are new."""
    dropped: list[Refusal] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    """What this program is too old to know."""
    moved: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.installed or self.dropped or self.moved)


@dataclass(frozen=True)
class Me:
    """Who this device is, as a placement must name it."""

    device: str
    key: str
    serial: str


class Syncer:
    """Refreshes the trust store and the library together. One thread at a time."""

    def __init__(self, store: Store, trust: TrustStore, library: Library, clock: DeviceClock, me: Me) -> None:
        self._store = store
        self._trust = trust
        self._library = library
        self._clock = clock
        self._me = me
        self.placement = self._load_placement()

    def refresh(self, source: Source, rules: Rules, *, hint: str = "") -> Report:
        """Bring everything up to date from a source. `hint`: the area where our placement may now lie.

        Raises FetchError, BundleError, StoreError: what had been installed by then counts.
        """
        report = Report()
        for _ in range(MOVES):
            before = self._trust.held
            area = self.placement.area if self.placement else None
            scope, floor = DeviceScope(area), self._clock.floor
            steps = refresh(before, scope=scope, floor=floor, rules=rules, device=self._me.device)
            outcome = run(steps, lambda wanted: self._bring(source, wanted))
            report.installed += outcome.installed
            report.dropped += outcome.dropped
            report.refusals += outcome.refusals
            if outcome.held.files != before.files or outcome.held.versions != before.versions:
                self._trust.install(outcome.held, self._clock, floor_reset=outcome.floor_reset)
            self._take_targets(source, before, report)
            if not self._find_place(source, hint, report):
                break
        return report

    def _bring(self, source: Source, wanted: Wanted) -> bytes | None:
        return source.metadata(wanted.name, limit=wanted.max_bytes)

    def _take_targets(self, source: Source, before: Held, report: Report) -> None:
        held = self._trust.held
        area = self.placement.area if self.placement else None
        named = self._named_targets(held, area)
        self._stop_revoked(before, held, named, report)
        files = {}
        for target in named.values():
            raw = self._new_file(source, target, report)
            if raw is not None:
                files[target.path] = (target.sha256, raw)
        gone = frozenset(path for path in self._library.accepted if path not in named)
        if files or gone:
            self._library.accept(files, gone=gone)
        report.installed += files
        report.dropped += [Refusal(path, "gone", "not released any more") for path in gone]

    def _named_targets(self, held: Held, area: str | None) -> dict[str, Target]:
        """What the metadata say we should have; placements only of where we stand."""
        paths = [*paths_of(area), *([placements_target(area)] if area else [])]
        found = {path: target for path in paths if (target := find_target(held, path)) is not None}
        templates = {path: t for path, t in targets_of(held, "tpl").items() if path.startswith(TEMPLATES)}
        return found | templates

    def _new_file(self, source: Source, target: Target, report: Report) -> bytes | None:
        """A target that is not accepted yet, brought and checked; None, with the reason in the report."""
        if self._library.accepted.get(target.path) == target.sha256 and self._library.raw(target.path, target.sha256):
            return None
        raw = source.target(target.path, target.sha256, limit=target.length)
        if raw is None:
            report.refusals.append(Refusal(target.path, MISSING, "named, but not there"))
            return None
        try:
            target.check(raw)
            report.ignored += check_target(target.path, raw)
        except WireError as error:
            report.refusals.append(Refusal(target.path, error.code, error.detail))
            return None
        return raw

    def _stop_revoked(self, before: Held, held: Held, named: dict[str, Target], report: Report) -> None:
        """What only a revoked key vouched for ends now, even if its successor is not complete yet."""
        for path, sha256 in list(self._library.in_force.items()):
            if not is_programme(path) or path not in named or named[path].sha256 == sha256:
                continue
            if _lost_keys(before, held, named[path].role):
                self._library.stop(path)
                report.dropped.append(Refusal(path, "revoked", "a key that signed for it was taken away"))

    def _find_place(self, source: Source, hint: str, report: Report) -> bool:
        """Look for a newer placement of this device; True if it moved us."""
        for area in self._areas_to_search(hint):
            found = self._placement_in(source, area, report)
            if found is not None and self._is_newer(found):
                moved = self.placement is None or self.placement.area != found.area
                self._store.put(placement=encode(found).decode())
                self.placement = found
                report.moved = True
                return moved
        return False

    def _areas_to_search(self, hint: str) -> list[str]:
        """Where we stand, where we are said to stand; a device without a place searches the province."""
        areas = [hint] if hint else []
        if self.placement is not None:
            return [*areas, self.placement.area]
        province = self._trust.held.province
        listed = targets_of(self._trust.held, f"{REGISTRAR}{province}") if province else {}
        found = (path.removeprefix("areas/").removesuffix(PLACEMENTS_SUFFIX) for path in listed)
        return [*areas, *(area for area in found if area not in areas)]

    def _placement_in(self, source: Source, area: str, report: Report) -> Placement | None:
        target = find_target(self._trust.held, placements_target(area))
        if target is None:
            return None
        try:
            placements = self._read_placements(source, target)
        except WireError as error:
            report.refusals.append(Refusal(target.path, error.code, error.detail))
            return None
        found = placements.of(self._me.device) if placements else None
        if found is None or self._me.key in found.keys:
            return found
        report.refusals.append(Refusal(target.path, "not_allowed", "our placement names another device's key"))
        return None

    def _read_placements(self, source: Source, target: Target) -> Placements | None:
        kept = self._library.accepted.get(target.path) == target.sha256
        raw = self._library.raw(target.path, target.sha256) if kept else None
        raw = raw or source.target(target.path, target.sha256, limit=target.length)
        if raw is None:
            return None
        target.check(raw)
        return read_placements(raw)

    def _is_newer(self, found: Placement) -> bool:
        """No leap: after a registrar's stolen key said the highest number, nobody could place this device again."""
        held = self.placement.n if self.placement else 0
        return held < found.n <= held + MAX_JUMP

    def _load_placement(self) -> Placement | None:
        raw = self._store.get("placement")
        try:
            return decode(raw.encode(), Placement, limit=MAX_PLACEMENTS_BYTES) if raw else None
        except WireError as error:
            log.warning("the remembered placement is not understood: %s", error.detail)
            return None


def _lost_keys(before: Held, after: Held, role: str) -> bool:
    try:
        return not authority(before, role).key_ids <= authority(after, role).key_ids
    except UnknownKeyError:
        return False
