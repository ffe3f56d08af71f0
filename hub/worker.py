"""The one long-running process: broker in, outbox out, due work. Web processes never meet the broker.

The main thread sends: it waits for the doorbell (or a second), publishes what waits, most urgent first, and notes what
the broker confirmed. A second thread takes what devices say, one transaction each, and confirms it to the broker only
then. Exactly one worker runs on SQLite.
"""

from __future__ import annotations

import fcntl
import logging
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hub import inbound, outbox
from hub.broker_tls import BrokerFiles, broker_log
from hub.context import Hub
from hub.doorbell import Bell, doorbell_path
from hub.enrolment.admission import admit_signed
from hub.errors import ConfigError
from hub.flood import Meter, end_flooding
from hub.link import Arrival, Link
from hub.publishing.release import prolong_online
from hub.security import store as security
from hub.security.watch import watch_audit
from hub.telemetry import store as telemetry

POLL_S = 1.0
DUE_EVERY_S = 60.0
TIDY_EVERY_S = 3_600.0
CONFIRM_WITHIN_S = 15.0
"""A publication that the broker did not confirm for so long is sent again."""

log = logging.getLogger(__name__)


class Worker:
    """Runs until `stop` is set; ringing the doorbell makes it look at once."""

    def __init__(self, hub: Hub, stop: threading.Event) -> None:
        self._hub = hub
        self._stop = stop
        self._bell = Bell(doorbell_path(hub.config.root))
        self._flooding: deque[str] = deque()
        self._meter = Meter(self._note_flood)
        self._link = Link(hub.config, hub.keys, wake=hub.doorbell.ring, lets_in=self._meter.lets_in)
        self._broker_files = BrokerFiles(hub)
        self._broker_log = broker_log(hub)
        self._flying: dict[int, tuple[int, float]] = {}
        """Row of each publication that the broker has not confirmed, and since when, by paho's message id."""
        self._next_due = 0.0
        self._next_tidy = 0.0

    def run(self) -> None:
        taker = threading.Thread(target=self._take, name="inbound")
        self._link.start()
        taker.start()
        log.info("worker runs for %s", self._hub.config.root)
        try:
            while not self._stop.is_set():
                self._bell.wait(POLL_S)
                self._attempt("floods", self._end_floods)
                self._attempt("the broker's files", self._renew_broker_files)
                self._attempt("sending", self._send)
                self._attempt("due work", self._do_due_work)
        finally:
            self._stop.set()
            taker.join()
            self._link.stop()
            self._bell.close()

    def _note_flood(self, device: str) -> None:
        """On the connection's thread, which must go on taking messages."""
        self._flooding.append(device)
        self._hub.doorbell.ring()

    def _end_floods(self) -> None:
        while self._flooding:
            end_flooding(self._hub, self._flooding[0])
            self._flooding.popleft()

    def _renew_broker_files(self) -> None:
        if self._broker_files.renew():
            log.info("the broker's list of revoked certificates was written again")

    def _send(self) -> None:
        if self._link.take_fresh():
            self._flying.clear()
            self._restore_retained()
        self._note_confirmed()
        if not self._link.is_connected:
            return
        now = time.monotonic()
        flying = {row for row, since in self._flying.values() if now - since < CONFIRM_WITHIN_S}
        with self._hub.reading() as conn:
            due = outbox.waiting(conn, self._hub.now(), limit=200 + len(flying))
        for message in due:
            if message.id not in flying:
                self._publish(message)

    def _publish(self, message: outbox.Outgoing) -> None:
        try:
            mid = self._link.publish(message.topic, message.body, qos=message.qos, retained=message.retained)
        except ValueError as error:  # paho does not take such a topic or so large a body, now or ever
            log.error("message %d set aside: %s", message.id, error)  # noqa: TRY400
            with self._hub.db.write() as conn:
                outbox.set_aside(conn, message.id, str(error))
            return
        if mid is not None:
            self._flying[mid] = (message.id, time.monotonic())

    def _note_confirmed(self) -> None:
        rows = [self._flying.pop(mid)[0] for mid in self._link.take_acknowledged() if mid in self._flying]
        if rows:
            with self._hub.db.write() as conn:
                outbox.mark_sent(conn, rows, self._hub.now())

    def _restore_retained(self) -> None:
        """An embedded broker forgets what it retained when it restarts; the same again does no harm."""
        with self._hub.reading() as conn:
            kept = outbox.retained(conn)
        for message in kept:
            self._link.publish(message.topic, message.body, qos=message.qos, retained=True)
        log.info("connected to the broker, %d retained messages restored", len(kept))

    def _do_due_work(self) -> None:
        if time.monotonic() < self._next_due:
            return
        self._next_due = time.monotonic() + DUE_EVERY_S
        if prolong_online(self._hub):
            log.info("timestamp signed again")
        admitted = admit_signed(self._hub)
        if admitted:
            log.info("%d devices were let in: their placements are signed", admitted)
        with self._hub.db.write() as conn:
            late = outbox.expire(conn, self._hub.now())
        if late:
            log.warning("%d messages were given up: too late to be of use", late)
        if self._broker_log and (refused := self._broker_log.take()):
            log.warning("the broker refused %d connections for want of a good certificate", refused)
        self._tidy()

    def _tidy(self) -> None:
        if time.monotonic() < self._next_tidy:
            return
        self._next_tidy = time.monotonic() + TIDY_EVERY_S
        with self._hub.db.write() as conn:
            outbox.forget_old(conn, self._hub.now())
            telemetry.forget_old(conn, self._hub.now())
            security.forget_old(conn, self._hub.now())
        self._attempt("judging the log of what people did", partial(watch_audit, self._hub))

    def _take(self) -> None:
        while not self._stop.is_set():
            try:
                arrival = self._link.arrivals.get(timeout=POLL_S / 2)
            except queue.Empty:
                continue
            self._attempt(arrival.topic, partial(self._take_one, arrival))

    def _take_one(self, arrival: Arrival) -> None:
        if not self._meter.is_over(arrival.topic):
            inbound.take(self._hub, arrival.topic, arrival.body)
        self._link.acknowledge(arrival)

    def _attempt(self, what: str, act: Callable[[], None]) -> None:
        """A stumble of one round must not end the worker: the rows are still there in the next."""
        try:
            act()
        except Exception:
            log.exception("%s failed", what)


def run_worker(hub: Hub) -> None:
    """Run until SIGTERM or SIGINT. Raises ConfigError where another worker has this data folder."""
    with _only_one(hub.config.root / "worker.lock"):
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: _stop(hub, stop))
        Worker(hub, stop).run()


def _stop(hub: Hub, stop: threading.Event) -> None:
    stop.set()
    hub.doorbell.ring()


class _only_one:  # noqa: N801 reads as a clause of `with`
    """Holds a lock file as long as the process lives."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")

    def __enter__(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise ConfigError("Another worker runs on this data folder") from error

    def __exit__(self, *_: object) -> None:
        self._file.close()
