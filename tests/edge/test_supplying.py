"""When the device asks the hub: soon when an officer is new, seldom when somebody only pretends."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from edge.config import Pace
from edge.inbox import Timers
from edge.supply_line import Refreshed
from edge.supplying import KEYS_EVERY_S, KEYS_JITTER_S, Supplying
from edge.sync.fetch import FetchError


@dataclass
class Line:
    """Counts refreshes."""

    refreshes: int = 0
    hints: list[str] = field(default_factory=list)

    def refresh(self, hint: str = "") -> None:
        self.refreshes += 1
        self.hints.append(hint)


class Standing:
    def set_fault(self, name: str, *, is_on: bool, why: str = "") -> bool:
        return False


def make() -> tuple[Supplying, Line, Timers]:
    line, timers = Line(), Timers()
    return Supplying(line, timers, Pace(), Standing(), None, None, is_possible=True), line, timers


def test_the_first_order_by_unknown_keys_asks_within_seconds():
    supplying, _, timers = make()
    supplying.ask_for_keys()
    assert timers.wait_s() <= KEYS_JITTER_S


def test_a_flood_of_them_asks_once_a_minute_at_most():
    supplying, line, timers = make()
    supplying.ask_for_keys()
    supplying._refresh()
    timers.drop("refresh")
    for _ in range(1_000):
        supplying.ask_for_keys()
    supplying.refreshed(Refreshed(None, FetchError("gone")))
    timers.drop("refresh")
    for _ in range(1_000):
        supplying.ask_for_keys()
    assert line.refreshes == 1
    assert KEYS_EVERY_S - KEYS_JITTER_S - 1 < timers._due["refresh"][0] - time.monotonic() <= KEYS_EVERY_S
