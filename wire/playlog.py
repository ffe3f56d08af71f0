"""The play log: hash-chained rows, sent in batches that the device signs (design §5, §6).

A row is stored before it is sent and delivered exactly once: the hub keeps (device, chain, seq) unique, and answers
with the sequence up to which it holds every row. Hashing and checking are here; storing is the device's and the hub's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from wire.codec import SCHEMA, decode, encode
from wire.content import Sha256
from wire.enrolment import DeviceId
from wire.errors import MalformedError
from wire.units import UtcTime

LOG_TYPE = "application/vnd.loa.log+json"
ACK_TYPE = "application/vnd.loa.ack+json"
MAX_BATCH_BYTES = 64 * 1024
MAX_BATCH_ROWS = 100
MAX_ACK_BYTES = 8 * 1024
FIRST_PREVIOUS = "0" * 64

ChainId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Short = Annotated[str, Meta(max_length=200)]
State = Annotated[str, Meta(pattern="^(received|verified|started|finished|cancelled|refused|not_stored)$")]

ROW_KINDS = ("play", "alert", "refused", "omitted", "event", "gap")
"""play: an item sounded · alert: a round of an alert · refused: something was not accepted · omitted: a planned play
that did not sound · event: boot, time, power, supply, store · gap: rows left by quota (`detail` says how many)."""


class Row(Struct, frozen=True):
    """One fact, in the order in which it was stored. Empty strings where a field does not apply."""

    seq: Annotated[int, Meta(ge=1)]
    previous: Sha256
    at: UtcTime
    time_quality: Annotated[int, Meta(ge=0, le=3)]
    kind: Annotated[str, Meta(pattern="^[a-z]{1,12}$")]
    item: Short = ""
    """Item id, or alert id."""
    area: Short = ""
    slot: Short = ""
    title: Annotated[str, Meta(max_length=300)] = ""
    sha256: Annotated[str, Meta(max_length=64)] = ""
    started: UtcTime = UtcTime(0)
    ended: UtcTime = UtcTime(0)
    offset_ms: int = 0
    """How far into the sound it began (late join or resumption)."""
    complete: bool = False
    heard: Annotated[str, Meta(pattern="^(not_observed|heard|not_heard)$")] = "not_observed"
    detail: Annotated[str, Meta(max_length=500)] = ""
    """A code of `wire.timeline.Why` or of a WireError, with what explains it."""


class Batch(Struct, frozen=True):
    """Consecutive rows of one chain."""

    device: DeviceId
    serial: Annotated[str, Meta(max_length=64)]
    chain: ChainId
    rows: Annotated[list[Row], Meta(min_length=1, max_length=MAX_BATCH_ROWS)]
    schema: int = SCHEMA


class Logged(Struct, frozen=True):
    """The hub's answer: it holds every row of `chain` up to `seq`. Unsigned, it only moves the send cursor."""

    chain: ChainId
    seq: Annotated[int, Meta(ge=0)]


class Receipt(Struct, frozen=True):
    """What became of one alert or cancel on one device; states that follow at once share a message."""

    device: DeviceId
    alert: Sha256
    states: Annotated[list[State], Meta(min_length=1, max_length=8)]
    at: UtcTime
    time_quality: Annotated[int, Meta(ge=0, le=3)]
    detail: Annotated[str, Meta(max_length=500)] = ""
    schema: int = SCHEMA


def row_hash(row: Row) -> str:
    """What the next row's `previous` must be."""
    return hashlib.sha256(encode(row)).hexdigest()


def read_batch(payload: bytes) -> Batch:
    """Decode a verified batch and check that it is one unbroken stretch of chain.

    Raises MalformedError where a row is missing, doubled or not chained to the one before it.
    """
    batch = decode(payload, Batch, limit=MAX_BATCH_BYTES)
    check_chain(batch.rows)
    return batch


def check_chain(rows: Sequence[Row]) -> None:
    """Raise MalformedError unless each row follows the one before it by number and hash."""
    if rows and rows[0].seq == 1 and rows[0].previous != FIRST_PREVIOUS:
        raise MalformedError("the first row of a chain has a predecessor")
    for before, row in pairwise(rows):
        if row.seq != before.seq + 1 or row.previous != row_hash(before):
            raise MalformedError(f"row {row.seq} does not follow row {before.seq}")


def read_receipt(payload: bytes) -> Receipt:
    return decode(payload, Receipt, limit=MAX_ACK_BYTES)


def read_logged(payload: bytes) -> Logged:
    return decode(payload, Logged, limit=1_024)


def encode_logged(logged: Logged) -> bytes:
    return msgspec.json.encode(logged)
