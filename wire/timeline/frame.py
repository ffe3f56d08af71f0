"""Which slots a broadcast day has: recurrence, targets, composition of areas (TT 39/2020) and special days.

A special day acts on the frame of its own area and on everything of the areas below, their special days included;
nobody silences an area above. It counts by the local date on which a slot begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from wire.areas import contains
from wire.programme import Slot, SpecialDay
from wire.timeline.hours import DAY_BEGINS_MS
from wire.timeline.plan import Omission
from wire.timeline.reasons import Reason, Why
from wire.timeline.recurrence import occurs
from wire.timeline.rules import Rules
from wire.units import UtcTime, at_local


@dataclass(frozen=True)
class Occurrence:
    """A slot on one day. It may begin items from `start` until just before `window_end`."""

    slot: Slot
    area: str
    start: UtcTime
    special_day: str
    """Title of the special day that brought it, or empty."""
    drops: Mapping[str, Reason]
    """Sorts of item that a special day leaves out here."""

    @property
    def window_end(self) -> UtcTime:
        return UtcTime(self.start + self.slot.length_ms)

    @property
    def depth(self) -> int:
        return self.area.count("/")


@dataclass(frozen=True)
class _Layer:
    area: str
    special: SpecialDay

    def reaches(self, area: str, special_day: str) -> bool:
        """Whether it acts on a slot of `area` that `special_day` brought (empty: the frame)."""
        return contains(self.area, area) and not (area == self.area and special_day)

    def reason(self, why: Why, **more: str) -> Reason:
        return Reason(why, {"special_day": self.special.title, "area": self.area, **more})


def slots_of_day(rules: Rules, day: date) -> tuple[list[Occurrence], list[Omission]]:
    """The slots that may play in a broadcast day, and those of the path that may not."""
    taken: list[Occurrence] = []
    omitted: list[Omission] = []
    for on in (day, day + timedelta(days=1)):
        layers = _layers(rules, on)
        for occurrence in _occurrences(rules, layers, day, on):
            why = _set_aside(rules, layers, occurrence)
            if why is None:
                taken.append(occurrence)
            else:
                omitted.append(omission(occurrence, occurrence.start, why))
    return taken, omitted


def omission(occurrence: Occurrence, at: UtcTime, why: Reason) -> Omission:
    """The omission of a whole slot."""
    slot = occurrence.slot
    window = (occurrence.start, occurrence.window_end)
    return Omission(at=at, slot=slot.id, slot_area=occurrence.area, slot_title=slot.title, window=window, why=why)


def _layers(rules: Rules, on: date) -> list[_Layer]:
    """The special days of a date that mean this endpoint, the province's first."""
    return [
        _Layer(shelf.area, special)
        for shelf in rules.shelves.values()
        for special in shelf.programme.special_days
        if special.first <= on.isoformat() <= special.last and not rules.targets.isdisjoint(special.targets)
    ]


def _occurrences(rules: Rules, layers: Iterable[_Layer], day: date, on: date) -> Iterator[Occurrence]:
    """Those of the date `on` that begin in the broadcast day `day`."""
    sources = [(shelf.area, "", shelf.programme.slots) for shelf in rules.shelves.values()]
    sources += [(layer.area, layer.special.title, layer.special.slots) for layer in layers]
    for area, special_day, slots in sources:
        drops = _drops(layers, area, special_day)
        for slot in slots:
            if (slot.start_ms >= DAY_BEGINS_MS) == (on == day) and occurs(slot.when, on):
                yield Occurrence(slot, area, at_local(on, slot.start_ms), special_day, drops)


def _drops(layers: Iterable[_Layer], area: str, special_day: str) -> dict[str, Reason]:
    return {
        sort: layer.reason(Why.SPECIAL_DAY_DROPS, sort=sort)
        for layer in layers
        if layer.reaches(area, special_day)
        for sort in layer.special.drop
    }


def _set_aside(rules: Rules, layers: Iterable[_Layer], occurrence: Occurrence) -> Reason | None:
    """Why a slot does not count for this endpoint on this date."""
    if rules.targets.isdisjoint(occurrence.slot.targets):
        return Reason(Why.NOT_TARGETED)
    if not occurrence.depth and not occurrence.slot.priority:
        return Reason(Why.ORDINARY_FROM_ABOVE, {"area": occurrence.area})
    for layer in layers:
        if layer.reaches(occurrence.area, occurrence.special_day):
            if layer.special.mute:
                return layer.reason(Why.SPECIAL_DAY_MUTES)
            if layer.special.replace:
                return layer.reason(Why.SPECIAL_DAY_REPLACES)
    return None
