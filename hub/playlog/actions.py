"""Taking in what a device wrote to a stick: log batches and receipts, one envelope a line, each exactly once."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from hub import audit
from hub.alerts.inbound import take_ack
from hub.context import Hub
from hub.playlog.inbound import take_log
from wire.envelope import peek
from wire.errors import MalformedError, WireError
from wire.playlog import ACK_TYPE, LOG_TYPE
from wire.topics import LOG

MAX_STICK_BYTES = 64 * 1024 * 1024
MAX_REFUSALS = 50


@dataclass
class StickResult:
    """Rows and receipts that were new, that were known already, and why lines were refused."""

    taken: int = 0
    known: int = 0
    refused: list[str] = field(default_factory=list)


def take_stick(hub: Hub, stream: BinaryIO, *, person: str = "stick") -> StickResult:
    """Read envelopes line by line, so that a large file never stands in memory. Handing one in twice does no harm."""
    result = StickResult()
    reader = io.BufferedReader(cast("io.RawIOBase", stream))
    number = 0
    while line := reader.readline(LOG.max_bytes + 1):
        number += 1
        if len(line) > LOG.max_bytes:
            _skip_line(reader)
            _refuse(result, number, f"more than {LOG.max_bytes} bytes")
        elif line.strip():
            _take_line(hub, result, number, line.strip())
    reader.detach()  # the stream is the caller's to close
    with hub.writing() as conn:
        what = f"{result.taken} taken, {result.known} known, {len(result.refused)} refused"
        audit.note(conn, at=hub.now(), person=person, verb="stick", detail=what)
    return result


def _take_line(hub: Hub, result: StickResult, number: int, line: bytes) -> None:
    try:
        kind, _payload = peek(line, LOG.max_bytes)
        if kind == LOG_TYPE:
            new, total = take_log(hub, line)
        elif kind == ACK_TYPE:
            new, total = int(take_ack(hub, line)), 1
        else:
            raise MalformedError(f"a {kind} is not taken here")
    except WireError as error:
        _refuse(result, number, f"{error.code}: {error.detail}")
        return
    result.taken += new
    result.known += total - new


def _refuse(result: StickResult, number: int, why: str) -> None:
    if len(result.refused) < MAX_REFUSALS:
        result.refused.append(f"line {number}: {why}")


def _skip_line(reader: io.BufferedReader[Any]) -> None:
    while (rest := reader.readline(LOG.max_bytes)) and not rest.endswith(b"\n"):
        pass
