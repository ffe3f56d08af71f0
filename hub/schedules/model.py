"""An area's programme while staff work on it: slots, series, reserve set, offers. Pure.

A draft slot holds the very `wire.programme.Slot` that will be signed, so nothing is translated on the way. Building the
programme's bytes is `build`, saying what is wrong with it `checks`, approving it `hub.publishing`.
"""

from __future__ import annotations

from dataclasses import dataclass

from wire.programme import MAX_PLAY_DAYS, Play, PlayItem, PlayReserve, PlaySeries, Recurrence, Slot, Swap
from wire.units import UtcTime

PLAY_DAYS = MAX_PLAY_DAYS
"""How long an approved programme plays without being approved again: all that the devices allow."""
SERIES_KEPT = 20
"""How many bulletins of a series are signed: devices need the newest valid one, and some to fall back on."""


@dataclass(frozen=True)
class DraftSlot:
    """One slot of the draft. `changed` also tells two editors apart who have the same slot open."""

    area: str
    slot: Slot
    author: str
    changed_by: str
    created: UtcTime
    changed: UtcTime

    @property
    def id(self) -> str:
        return self.slot.id


@dataclass(frozen=True)
class SeriesItem:
    """A bulletin of a series. One that names no first day counts from the moment at which it was added."""

    item: str
    added: UtcTime


@dataclass(frozen=True)
class DraftSeries:
    """A series that the area offers; `items` the last added first."""

    id: str
    area: str
    title: str
    items: tuple[SeriesItem, ...] = ()


@dataclass(frozen=True)
class Settings:
    """What belongs to the whole programme. All but `swaps` are item ids."""

    reserve: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    swaps: tuple[Swap, ...] = ()


@dataclass(frozen=True)
class Draft:
    """Everything from which an area's programme is built."""

    area: str
    slots: tuple[DraftSlot, ...] = ()
    series: tuple[DraftSeries, ...] = ()
    settings: Settings = Settings()


def own_items(draft: Draft) -> tuple[str, ...]:
    """Ids of the area's own items that the programme must carry, each once, in a steady order."""
    named = [p.item for s in draft.slots for p in s.slot.plays if isinstance(p, PlayItem) and p.area == draft.area]
    in_series = [entry.item for series in draft.series for entry in series.items[:SERIES_KEPT]]
    return tuple(dict.fromkeys([*named, *draft.settings.reserve, *draft.settings.offers, *in_series]))


def play_code(play: Play) -> str:
    """How a form names what a slot plays: `item:AREA:ID`, `series:AREA:ID` or `reserve`."""
    if isinstance(play, PlayItem):
        return f"item:{play.area}:{play.item}"
    if isinstance(play, PlaySeries):
        return f"series:{play.area}:{play.series}"
    return "reserve" if isinstance(play, PlayReserve) else ""


def repeat_code(when: Recurrence) -> str:
    """The form's word for a recurrence."""
    return "once" if when.freq == "none" else when.freq
