from __future__ import annotations

import time

from edge.play.event_writer import EventWriter
from edge.play.pipe import Finished, Started, Underrun, decode_event


class Lines:
    """Notes each line and when it came."""

    def __init__(self) -> None:
        self.written: list[tuple[int, bytes]] = []

    def write(self, line: bytes) -> int:
        self.written.append((time.monotonic_ns(), line))
        return len(line)


class NobodyReads:
    def write(self, line: bytes) -> int:
        raise BrokenPipeError


def test_events_leave_in_order_and_none_before_it_is_true():
    lines = Lines()
    writer = EventWriter(lines)
    soon_ns = time.monotonic_ns() + 100_000_000
    events = [Underrun(count=1), Started(id="a", at_ns=soon_ns, frame=0), Finished(id="a", at_ns=1, frames=1)]
    for event in events:
        writer.emit(event)
    writer.close()
    assert [decode_event(line) for _, line in lines.written] == events
    assert lines.written[0][0] < soon_ns <= lines.written[1][0]


def test_reader_that_has_gone_does_not_hang_the_process():
    writer = EventWriter(NobodyReads())
    writer.emit(Underrun(count=1))
    writer.emit(Underrun(count=2))
    writer.close()
    assert not writer._thread.is_alive()
