"""What one line of a slot stands for at an instant: an item, a relay or a live session, or why it is nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from wire.areas import contains
from wire.content import Item
from wire.programme import Play, PlayItem, PlayLive, PlayRelay, PlayReserve, PlaySeries
from wire.timeline.plan import PlayKind
from wire.timeline.reasons import Reason, Why
from wire.timeline.rules import Rules
from wire.timeline.shelf import Shelf
from wire.units import Milliseconds, UtcTime


@dataclass(frozen=True)
class Choice:
    """What is to be laid. An item brings its own length, a relay or live session has `length_ms`."""

    why: Reason
    item: Item | None = None
    item_area: str = ""
    series: str = ""
    kind: PlayKind = "item"
    source: str = ""
    length_ms: Milliseconds = 0


@dataclass(frozen=True)
class Label:
    """How an omission names a line of a slot."""

    item: str = ""
    item_area: str = ""
    series: str = ""


@dataclass(frozen=True)
class Refusal:
    """Why a line, or one language of it, does not play."""

    why: Reason
    label: Label = field(default_factory=Label)
    title: str = ""
    language: str = ""


def label(play: Play) -> Label:
    if isinstance(play, PlayItem):
        return Label(item=play.item, item_area=play.area)
    if isinstance(play, PlaySeries):
        return Label(series=play.series, item_area=play.area)
    return Label()


def choose(rules: Rules, slot_area: str, play: Play, at: UtcTime) -> Choice | Reason:
    """What `play`, in a slot of `slot_area`, is at `at`. The reserve set is asked item by item (`choose_reserve`)."""
    if isinstance(play, PlayRelay):
        why = Reason(Why.RELAY, {"url": play.url})
        return Choice(why, kind="relay", source=play.url, length_ms=play.duration_ms)
    if isinstance(play, PlayLive):
        why = Reason(Why.LIVE, {"session": play.session})
        return Choice(why, kind="live", source=play.session, length_ms=play.duration_ms)
    if isinstance(play, PlayReserve):
        return Reason(Why.RESERVE_EMPTY)
    shelf = _shelf(rules, slot_area, play.area)
    if isinstance(shelf, Reason):
        return shelf
    return _item(shelf, slot_area, play, at) if isinstance(play, PlayItem) else _series(shelf, play, at)


def choose_reserve(rules: Rules, slot_area: str, ident: str, at: UtcTime) -> Choice | Reason:
    """One item of the area's reserve set."""
    item = rules.shelves[slot_area].item(ident, at=at, from_below=False)
    return item if isinstance(item, Reason) else Choice(Reason(Why.RESERVE), item, slot_area)


def _shelf(rules: Rules, slot_area: str, area: str) -> Shelf | Reason:
    if not contains(area, slot_area):
        return Reason(Why.NOT_ABOVE, {"area": area})
    return rules.shelves.get(area) or Reason(Why.NO_PROGRAMME, {"area": area})


def _item(shelf: Shelf, slot_area: str, play: PlayItem, at: UtcTime) -> Choice | Reason:
    item = shelf.item(play.item, at=at, from_below=slot_area != shelf.area)
    if isinstance(item, Reason):
        return item
    if play.digest is not None and all(blob.sha256 != play.digest for blob in item.blobs()):
        return Reason(Why.CHANGED)
    return Choice(Reason(Why.ITEM), item, shelf.area)


def _series(shelf: Shelf, play: PlaySeries, at: UtcTime) -> Choice | Reason:
    item = shelf.newest(play.series, at=at)
    if isinstance(item, Reason):
        return item
    why = Reason(Why.SERIES, {"series": play.series, "area": shelf.area})
    return Choice(why, item, shelf.area, play.series)
