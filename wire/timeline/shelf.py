"""What an area's programme has to give: its items, offers and series, looked up quickly and judged at an instant."""

from __future__ import annotations

from bisect import bisect_right

from wire.content import Item
from wire.programme import Programme, Series
from wire.timeline.reasons import Reason, Why
from wire.units import DAY, UtcTime

FOREVER = 2**63


class Shelf:
    """One programme, indexed for one plan. Remembers the newest item of a series for as long as that holds."""

    def __init__(self, programme: Programme) -> None:
        self.programme = programme
        self.area = programme.area
        self.ends = programme.ends
        self._items = {item.id: item for item in programme.items}
        self._withdrawn = frozenset(programme.withdrawn)
        self._series = {series.id: series for series in programme.offers.series}
        named = (ident for series in programme.offers.series for ident in series.items)
        self._offered = frozenset([*programme.offers.items, *named])
        self._ordered: dict[str, list[Item]] = {}
        self._newest: dict[str, tuple[int, int, Item | None]] = {}

    def item(self, ident: str, *, at: UtcTime, from_below: bool) -> Item | Reason:
        """The item, or why it may not play at `at`; `from_below`: the slot that names it is of an area below."""
        area = {"area": self.area}
        item = self._items.get(ident)
        if ident in self._withdrawn:
            return Reason(Why.WITHDRAWN, area)
        if item is None:
            return Reason(Why.NO_ITEM, area)
        if from_below and ident not in self._offered:
            return Reason(Why.NOT_OFFERED, area)
        return _invalid(item, at) or item

    def newest(self, ident: str, *, at: UtcTime) -> Item | Reason:
        """The series' valid item with the greatest `valid_from`, then id."""
        series = self._series.get(ident)
        if series is None:
            return Reason(Why.NO_SERIES, {"area": self.area})
        known = self._newest.get(ident)
        if known is None or not known[0] <= at < known[1]:
            known = self._newest[ident] = self._look_up(series, at)
        return known[2] or Reason(Why.SERIES_EMPTY)

    def ended(self, at: UtcTime) -> Reason | None:
        """Why nothing of this programme lasts until `at`.

        A programme dated in the future waits for its day: else a commune's key could sign for longer than 45 days.
        """
        if at < self.programme.issued - DAY:
            return Reason(Why.PROGRAMME_NOT_BEGUN, {"area": self.area, "issued": self.programme.issued})
        if at < self.ends:
            return None
        return Reason(Why.PROGRAMME_ENDED, {"area": self.area, "ends": self.ends})

    def _look_up(self, series: Series, at: UtcTime) -> tuple[int, int, Item | None]:
        """The newest valid item at `at`, with the stretch from `at` in which it stays the newest."""
        if series.id not in self._ordered:
            held = {i: self._items[i] for i in series.items if i in self._items and i not in self._withdrawn}
            self._ordered[series.id] = sorted(held.values(), key=lambda item: (item.valid_from, item.id))
        ordered = self._ordered[series.id]
        begun = bisect_right(ordered, at, key=lambda item: item.valid_from)
        newest = next((item for item in reversed(ordered[:begun]) if item.is_valid(at)), None)
        until = ordered[begun].valid_from if begun < len(ordered) else FOREVER
        if newest is not None and newest.valid_until is not None:
            until = min(until, newest.valid_until)
        return at, until, newest


def _invalid(item: Item, at: UtcTime) -> Reason | None:
    if item.valid_from > at:
        return Reason(Why.NOT_YET_VALID, {"valid_from": item.valid_from})
    if item.valid_until is not None and item.valid_until <= at:
        return Reason(Why.NO_LONGER_VALID, {"valid_until": item.valid_until})
    return None
