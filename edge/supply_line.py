"""How content comes to the device: refresh, fetch, switch when complete; from the hub or from a stick.

Two threads: `sync` verifies and installs, `haul` moves blobs. What they find reaches the main loop as a `Supply`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from edge.clock import DeviceClock
from edge.errors import BundleError, EdgeError, FetchError, StoreError
from edge.plan.fallback import is_complete
from edge.plan.inputs import all_accepted, situation_of, with_one
from edge.plan.needs import Need, alert_needs, missing_of, needs_of, supplied_until
from edge.plan.stand_in import stood_in
from edge.sync.attest import ask_time
from edge.sync.bundle import BundleSource
from edge.sync.cache import Cache
from edge.sync.fetch import Fetcher, HubSource
from edge.sync.library import Holdings, Library
from edge.sync.refresh import Me, Report, Syncer
from edge.sync.source import Source
from edge.sync.truststore import TrustStore
from edge.worker import Worker
from wire.areas import programme_target
from wire.errors import WireError
from wire.trust.expiry import BUNDLE, NETWORK
from wire.units import UtcTime

MOST_ALERTS: Final = 200
"""Envelopes taken from one bundle: each is verified on the main loop."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Supply:
    """What is held and what is missing, for the main loop."""

    holdings: Holdings
    supplied_until: UtcTime
    missing: tuple[Need, ...] = ()
    """Blobs to be fetched, most urgent first."""
    content_missing: bool = False
    """Something of what is in force is not on the disk."""


@dataclass(frozen=True)
class Refreshed:
    """A refresh has ended."""

    report: Report | None
    error: EdgeError | None = None


@dataclass(frozen=True)
class Hauled:
    """Fetching has ended: everything came, or why not."""

    error: EdgeError | None = None


@dataclass
class StickOutcome:
    """What came of a bundle."""

    path: Path
    report: Report = field(default_factory=Report)
    error: str = ""
    envelopes: list[bytes] = field(default_factory=list)
    supply: Supply | None = None


@dataclass(frozen=True)
class Tell:
    """Where results go: functions that put them on the main loop's queue."""

    supply: Callable[[Supply], None]
    refreshed: Callable[[Refreshed], None]
    hauled: Callable[[Hauled], None]
    stick: Callable[[StickOutcome], None]
    clock_refused: Callable[[str], None]


class SupplyLine:
    """Does it; when is the agent's decision."""

    def __init__(
        self,
        *,
        me: Me,
        trust: TrustStore,
        library: Library,
        cache: Cache,
        syncer: Syncer,
        clock: DeviceClock,
        fetcher: Fetcher | None,
        tell: Tell,
        failed: Callable[[str, EdgeError], None],
    ) -> None:
        self._me = me
        self._trust = trust
        self._library = library
        self._cache = cache
        self._syncer = syncer
        self._clock = clock
        self._fetcher = fetcher
        self._tell = tell
        self._sync = Worker("sync", failed)
        self._haul = Worker("haul", failed)

    def load(self) -> Supply:
        """What is on the disk, at boot: before any thread works on it."""
        return self._settle()

    def refresh(self, hint: str = "") -> None:
        """Refresh from the hub, in the background."""
        self._sync.submit(self._refresh, hint)

    def haul(self, needs: tuple[Need, ...]) -> None:
        """Fetch these blobs from the hub, in the background; programmes switch as they become complete."""
        self._haul.submit(self._haul_all, needs)

    def settle(self) -> None:
        """See again what is complete, in the background."""
        self._sync.submit(self._settle_and_tell)

    def take_bundle(self, path: Path) -> None:
        """Import a bundle, in the background, before anything that a slow hub still has under way."""
        if self._fetcher is not None:
            self._fetcher.interrupt()
        self._sync.submit(self._take_bundle, path)

    def stop(self) -> None:
        self._sync.stop()
        self._haul.stop()

    def _refresh(self, hint: str) -> None:
        if self._fetcher is None:
            return
        try:
            self._ask_time(self._fetcher)
            report = self._syncer.refresh(HubSource(self._fetcher), NETWORK, hint=hint)
        except EdgeError as error:
            self._tell.refreshed(Refreshed(None, error))
            return
        self._settle_and_tell()
        self._tell.refreshed(Refreshed(report))

    def _ask_time(self, fetcher: Fetcher) -> None:
        before = self._clock.quality()
        try:
            if not self._clock.hear(ask_time(fetcher, self._trust.held)):
                self._tell.clock_refused("the hub's time is too far from ours")
            elif self._clock.quality() != before:
                self._clock.save()      # a crash from now on costs nothing: the same boot still knows the time
        except WireError as error:
            self._tell.clock_refused(f"the hub's time: {error.code} {error.detail}")
        except FetchError as error:
            log.info("no time from the hub: %s", error)

    def _haul_all(self, needs: tuple[Need, ...]) -> None:
        if self._fetcher is None:
            return
        error = self._take_blobs(HubSource(self._fetcher), needs)
        self._sync.submit(self._finish_haul, Hauled(error))

    def _finish_haul(self, done: Hauled) -> None:
        """First what is here now, then that fetching has ended: else what just came would be asked for again."""
        self._settle_and_tell()
        self._tell.hauled(done)

    def _take_blobs(self, source: Source, needs: tuple[Need, ...]) -> EdgeError | None:
        """Take each; a blob that is wrong or not there costs only itself. The first error, if any."""
        first: EdgeError | None = None
        left: dict[str, set[str]] = {}
        for need in needs:
            left.setdefault(need.area, set()).add(need.sha256)
        for need in needs:
            try:
                found = self._cache.take(source, need.sha256, need.size)
            except (StoreError, BundleError) as error:
                return error
            except FetchError as error:
                first = first or error
                continue
            if not found:
                first = first or FetchError(f"content {need.sha256[:12]} is not there")
                continue
            left[need.area].discard(need.sha256)
            if not left[need.area]:
                self._sync.submit(self._settle_and_tell)
        return first

    def _settle_and_tell(self) -> None:
        self._tell.supply(self._settle())

    def _settle(self) -> Supply:
        """Switch what is complete, and say what is missing."""
        placement = self._syncer.placement
        now = self._clock.now()
        holdings = self._library.holdings(placement)
        for area in list(holdings.waiting):
            candidate = situation_of(holdings, serial=self._me.serial, programmes=with_one(holdings, area))
            if candidate is None or is_complete(candidate, area, now, self._cache.has):
                self._library.enforce(programme_target(area))
                holdings = self._library.holdings(placement)
        return self._supply(holdings, now)

    def _supply(self, held: Holdings, now: UtcTime) -> Supply:
        """For a spare that stands in for a cluster, everything from here on is that cluster's."""
        holdings = stood_in(held)
        clips = alert_needs(holdings)
        current = situation_of(held, serial=self._me.serial)
        coming = situation_of(held, serial=self._me.serial, programmes=all_accepted(held))
        in_force = needs_of(current, now) if current else []
        wanted = [*clips, *in_force, *(needs_of(coming, now) if coming and holdings.waiting else [])]
        self._cache.keep = frozenset(need.sha256 for need in wanted)
        missing = {need.sha256: need for need in reversed(missing_of(wanted, self._cache.has))}
        return Supply(
            holdings=holdings,
            supplied_until=supplied_until(current, now, self._cache.has) if current else now,
            missing=tuple(sorted(missing.values(), key=lambda need: need.first)),
            content_missing=bool(missing_of(in_force, self._cache.has)),
        )

    def _take_bundle(self, path: Path) -> None:
        """Metadata and files here, then the sounds in the hauler, then the outcome to the main loop."""
        outcome = StickOutcome(path)
        if self._fetcher is not None:
            self._fetcher.go_on()
        try:
            bundle = BundleSource(path)
        except BundleError as error:
            outcome.error = str(error)
            self._finish_stick(outcome)
            return
        try:
            area = self._syncer.placement.area if self._syncer.placement else None
            bundle.check_for(self._me.device, area)
            outcome.report = self._syncer.refresh(bundle, BUNDLE, hint=bundle.index.area)
            outcome.envelopes = list(islice(bundle.alerts(), MOST_ALERTS))
        except EdgeError as error:
            outcome.error = str(error)
            bundle.close()
            self._finish_stick(outcome)
            return
        self._haul.submit(self._haul_bundle, bundle, outcome, self._settle().missing)

    def _haul_bundle(self, bundle: BundleSource, outcome: StickOutcome, needs: tuple[Need, ...]) -> None:
        try:
            error = self._take_blobs(bundle, needs)
        finally:
            bundle.close()
        if isinstance(error, BundleError | StoreError):
            outcome.error = str(error)
        self._sync.submit(self._finish_stick, outcome)

    def _finish_stick(self, outcome: StickOutcome) -> None:
        outcome.supply = self._settle()
        self._tell.supply(outcome.supply)
        self._tell.stick(outcome)
