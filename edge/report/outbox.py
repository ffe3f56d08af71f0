"""What must reach the hub and survives power loss: log batches, sent until `logged`, and receipts until delivered.

Called by one thread. The link may be down for weeks; then everything waits in the store, and a stick may carry it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Final

from edge.errors import StoreError
from edge.identity import Identity
from edge.link import Link
from edge.report.playlog import PlayLog
from edge.store import Store
from edge.sync.refresh import Me
from wire.codec import encode
from wire.playlog import ACK_TYPE, LOG_TYPE, MAX_BATCH_BYTES, MAX_BATCH_ROWS, Batch, Logged, Receipt, Row
from wire.topics import ACK, LOG

ANSWER_LIMIT_S: Final = 20.0
"""Without `logged` for so long, everything since the cursor is sent again."""
MOST_UNANSWERED: Final = 4 * MAX_BATCH_ROWS
MOST_RECEIPTS: Final = 1_000
RECEIPTS_AT_ONCE: Final = 20
ENVELOPE_RESERVE: Final = 2_000
"""Bytes that device, serial and chain take beside the rows."""

log = logging.getLogger(__name__)


class Outbox:
    """`pump` whenever something may be ready to leave; it never waits."""

    def __init__(self, store: Store, playlog: PlayLog, link: Link, identity: Identity, me: Me) -> None:
        self._store = store
        self._playlog = playlog
        self._link = link
        self._identity = identity
        self._device = me.device
        self._serial = me.serial
        self._sent = playlog.cursor
        self._sent_at = 0.0
        self._under_way: dict[int, int] = {}
        self._is_first_answer = True

    @property
    def unsent_rows(self) -> int:
        return self._playlog.last_seq - self._playlog.cursor

    def restart(self) -> None:
        """A new connection: what was under way on the old one may be lost."""
        self._sent = self._playlog.cursor
        self._is_first_answer = True
        self._under_way.clear()

    def pump(self) -> None:
        """Send receipts first, then log rows, as far as the link takes them."""
        if self._link.is_connected:
            self._send_receipts()
            self._send_rows()

    def mark_logged(self, logged: Logged) -> None:
        if logged.chain != self._playlog.chain:
            return
        if self._is_first_answer:       # a hub that was restored from a backup holds less than it once said
            self._playlog.rewind(logged.seq)
            self._sent = self._playlog.cursor
        self._is_first_answer = False
        self._playlog.mark_logged(logged.chain, logged.seq)
        self._sent_at = time.monotonic()
        self.pump()

    def rewind(self, seq: int) -> None:
        self._playlog.rewind(seq)
        self.restart()
        self.pump()

    def add_receipt(self, receipt: Receipt) -> None:
        """Store a receipt and send it. The oldest make room: their facts are in the log as well.

        Raises StoreError where it cannot be stored; then it has been sent once, if the link is up: that an alert was
        not stored is said by the very device that can store nothing.
        """
        body = encode(receipt)
        try:
            with self._store.change() as connection:
                connection.execute("INSERT INTO receipts (body) VALUES (?)", (body,))
                connection.execute(
                    "DELETE FROM receipts WHERE id <= (SELECT max(id) FROM receipts) - ?", (MOST_RECEIPTS,)
                )
        except StoreError:
            self._link.publish(ACK.of(self._device), self._identity.seal(body, ACK_TYPE), qos=ACK.qos)
            raise
        self.pump()

    def mark_delivered(self, number: int) -> None:
        """The broker has the message of this number."""
        ident = self._under_way.pop(number, None)
        if ident is not None:
            with self._store.change() as connection:
                connection.execute("DELETE FROM receipts WHERE id = ?", (ident,))
            self._send_receipts()

    def sealed_batches(self, after: int) -> Iterator[bytes]:
        """Everything after a row, as signed batches: for a stick."""
        while batch := self._batch(after):
            after = batch[-1].seq
            yield self._seal(batch)

    def _send_receipts(self) -> None:
        if self._under_way:
            return
        found = self._store.rows("SELECT id, body FROM receipts ORDER BY id LIMIT ?", RECEIPTS_AT_ONCE)
        for ident, body in found:
            number = self._link.publish(ACK.of(self._device), self._identity.seal(body, ACK_TYPE), qos=ACK.qos)
            if number is None:
                return
            self._under_way[number] = ident

    def _send_rows(self) -> None:
        cursor = self._playlog.cursor
        if self._sent > cursor and time.monotonic() - self._sent_at > ANSWER_LIMIT_S:
            self._sent = cursor
        self._sent = max(self._sent, cursor)
        while self._sent - cursor < MOST_UNANSWERED and (batch := self._batch(self._sent)):
            if self._link.publish(LOG.of(self._device), self._seal(batch), qos=LOG.qos) is None:
                return
            self._sent, self._sent_at = batch[-1].seq, time.monotonic()

    def _batch(self, after: int) -> list[Row]:
        rows = self._playlog.rows_after(after, MAX_BATCH_ROWS)
        size = ENVELOPE_RESERVE
        for count, row in enumerate(rows):
            size += len(encode(row)) + 1
            if size > MAX_BATCH_BYTES:
                return rows[:count]
        return rows

    def _seal(self, rows: list[Row]) -> bytes:
        batch = Batch(device=self._device, serial=self._serial, chain=self._playlog.chain, rows=rows)
        return self._identity.seal(encode(batch), LOG_TYPE)
