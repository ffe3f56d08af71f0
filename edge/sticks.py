"""Watches for bundles and orders on sticks and in the device's own `inbox` folder; writes log and status beside them.

An order is a file `*.dsse`: the envelope as it would have come from the broker, under the same rules. It is read at
once, before any bundle: what an officer carries through a flood does not wait for gigabytes.
"""

from __future__ import annotations

import logging
import os
import queue
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from stat import S_ISREG
from typing import Final

from edge.errors import EdgeError, StoreError
from edge.parts import Parts
from edge.report.outbox import Outbox
from edge.report.playlog import PlayLog
from edge.report.stick import Visit, write_log, write_status
from edge.supply_line import StickOutcome, SupplyLine, Tell
from edge.sync.bundle import find_bundles
from edge.worker import Worker
from wire.bundle import MAX_ENVELOPE_BYTES

INBOX: Final = "inbox"
ORDER_SUFFIX: Final = ".dsse"
MOST_ORDERS: Final = 100
"""Files of orders on one stick; each is verified on the main loop."""

log = logging.getLogger(__name__)
Mark = tuple[int, int]


class Sticks:
    """A bundle is taken once as long as it stays where it is, and again when the stick comes back."""

    def __init__(
        self, parts: Parts, playlog: PlayLog, outbox: Outbox, *,
        found: Callable[[Path], None], ordered: Callable[[bytes], None],
    ) -> None:  # fmt: skip
        self._parts = parts
        self._playlog = playlog
        self._outbox = outbox
        self._found = found
        self._ordered = ordered
        self._worker = Worker("stick", lambda _, error: log.warning("stick: %s", error))
        self._known: dict[Path, Mark] = {}
        self._folders = [parts.folder / INBOX]
        if parts.config.stick_dir:
            self._folders.append(Path(parts.config.stick_dir))

    def look(self) -> None:
        """Look, in the background: a stick may hang."""
        self._worker.submit(self._look)

    def answer(self, outcome: StickOutcome) -> None:
        """Write log and status beside the bundle, in the background."""
        self._worker.submit(self._answer, outcome)

    def stop(self) -> None:
        self._worker.stop()

    def _look(self) -> None:
        files = [path for folder in self._folders for path in (*find_orders(folder), *find_bundles(folder))]
        now = {path: mark for path in files if (mark := _mark(path))}
        new = [path for path, mark in now.items() if self._known.get(path) != mark]
        self._known = now
        for path in new:
            if path.suffix == ORDER_SUFFIX:
                self._take_order(path)
            else:
                self._found(path)

    def _take_order(self, path: Path) -> None:
        raw = read_order_file(path)
        if raw is not None:
            self._ordered(raw)
        if path.parent.name == INBOX:
            path.unlink(missing_ok=True)

    def _answer(self, outcome: StickOutcome) -> None:
        parts, folder = self._parts, outcome.path.parent
        placement = outcome.supply.holdings.placement if outcome.supply else None
        until = outcome.supply.supplied_until if outcome.supply else parts.clock.now()
        refused = [(r.role, r.code, r.detail) for r in [*outcome.report.refusals, *outcome.report.dropped]]
        visit = Visit(
            device=parts.me.device, area=placement.area if placement else "",
            cluster=placement.cluster if placement else "", now=parts.clock.now(), quality=parts.clock.quality(),
            bundle=outcome.path.name, supplied_until=until,
            taken=list(outcome.report.installed), refused=refused,
            missing=len(outcome.supply.missing) if outcome.supply else 0, error=outcome.error,
        )  # fmt: skip
        try:
            write_log(folder, parts.me.device, self._outbox.sealed_batches(self._playlog.cursor))
            write_status(folder, visit)
        except EdgeError as error:
            raise StoreError(f"nothing could be written to the stick: {error}") from error
        if folder.name == INBOX:
            outcome.path.unlink(missing_ok=True)


def find_orders(folder: Path) -> list[Path]:
    """The orders on a mounted stick, where bundles are looked for too."""
    try:
        found = (path for pattern in (f"*{ORDER_SUFFIX}", f"*/*{ORDER_SUFFIX}") for path in folder.glob(pattern))
        return sorted(islice(found, MOST_ORDERS))
    except OSError:
        return []


def read_order_file(path: Path) -> bytes | None:
    """An envelope, unverified; None where the stick does not give it. What is too long is cut, and so refused."""
    try:
        # No link: what it leads to is ours. No pipe: opening one would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(MAX_ENVELOPE_BYTES + 1)
    except OSError as error:
        log.warning("the order %s cannot be read: %s", path.name, error)
        return None


def import_by_hand(parts: Parts, path: Path) -> StickOutcome:
    """Import a bundle into a device whose agent does not run; returns when it is done."""
    done: queue.Queue[StickOutcome] = queue.Queue()
    tell = Tell(
        supply=_ignore, refreshed=_ignore, hauled=_ignore, clock_refused=_ignore, stick=done.put,
    )  # fmt: skip
    line = SupplyLine(
        me=parts.me, trust=parts.trust, library=parts.library, cache=parts.cache, syncer=parts.syncer,
        clock=parts.clock, fetcher=None, tell=tell,
        failed=lambda _, error: done.put(StickOutcome(path, error=str(error))),
    )  # fmt: skip
    line.take_bundle(path)
    outcome = done.get()
    line.stop()
    return outcome


def _ignore(_: object) -> None:
    """Nobody else is listening."""


def _mark(path: Path) -> Mark | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    if not S_ISREG(stat.st_mode):  # opening a pipe would wait for ever
        return None
    return stat.st_size, stat.st_mtime_ns
