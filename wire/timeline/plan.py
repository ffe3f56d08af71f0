"""The timeline's answer for a day: what plays when, and what does not and why."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Literal

from msgspec import Struct

from wire.content import Rendition, Text
from wire.timeline.reasons import Reason
from wire.units import UtcTime

PlayKind = Literal["item", "relay", "live"]


class PlannedPlay(Struct, frozen=True, kw_only=True):
    """One rendition (or relay, or live session) from `start` to `end`."""

    start: UtcTime
    end: UtcTime
    kind: PlayKind = "item"
    slot: str
    slot_area: str
    slot_title: str
    window: tuple[UtcTime, UtcTime]
    """The slot's window on that day."""
    item: str = ""
    item_area: str = ""
    title: str = ""
    """The item's; for a relay or a live session the slot's."""
    sort: str = "speech"
    series: str = ""
    rendition: Rendition | None = None
    """None for a relay or a live session."""
    source: str = ""
    """The relay's URL or the live session's id."""
    priority: bool = False
    fixed: bool = False
    any_time: bool = False
    volume: int = 100
    why: tuple[Reason, ...] = ()
    """What chose it comes first; then what moved or shortened it."""

    @property
    def rendition_id(self) -> str:
        """The blob's SHA-256, or for a text its language."""
        if self.rendition is None or isinstance(self.rendition, Text):
            return self.rendition.language if self.rendition else self.source
        return self.rendition.sha256

    @property
    def key(self) -> str:
        """The same on every recomputation, on hub and device; another for every other play (32 hex digits)."""
        parts = (self.start, self.slot_area, self.slot, self.item_area, self.item, self.kind, self.rendition_id)
        return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:32]

    def omitted(self, why: Reason) -> Omission:
        """The same play as an omission: it keeps its place in time, but does not sound."""
        return Omission(
            at=self.start, slot=self.slot, slot_area=self.slot_area, slot_title=self.slot_title, window=self.window,
            why=why, item=self.item, item_area=self.item_area, title=self.title, series=self.series,
            language=self.rendition.language if self.rendition else "",
        )  # fmt: skip


class Omission(Struct, frozen=True, kw_only=True):
    """A slot, a line of it (`item` or `series` set) or one language of an item (`language` set) that does not play."""

    at: UtcTime
    """When its turn came, or would have come."""
    slot: str
    slot_area: str
    slot_title: str
    window: tuple[UtcTime, UtcTime]
    """The slot's window on that day."""
    why: Reason
    item: str = ""
    item_area: str = ""
    title: str = ""
    series: str = ""
    language: str = ""


class Plan(Struct, frozen=True):
    """A stretch of time: plays by start, none overlapping; omissions by the time of their turn."""

    start: UtcTime
    end: UtcTime
    plays: tuple[PlannedPlay, ...]
    omissions: tuple[Omission, ...]


class DayPlan(Plan, frozen=True):
    """All that begins in one broadcast day."""

    day: date
