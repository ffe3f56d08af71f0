"""How one chosen line fills time from an instant on: its renditions back to back, each inside the safety envelope."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from wire.content import Image, Item, Rendition, Sound, Text, Video
from wire.timeline.choice import Choice
from wire.timeline.hours import Stretches, lies_inside
from wire.timeline.reasons import Reason, Why
from wire.timeline.rules import Rules
from wire.units import SECOND, Milliseconds, UtcTime

IMAGE_DWELL_MS = 15 * SECOND
TEXT_DWELL_MS = 20 * SECOND
TEXT_MS_PER_CHARACTER = 60
"""A board shows a picture for 15 s; a text for 20 s, or for as long as reading takes (17 characters a second)."""


@dataclass(frozen=True)
class Span:
    """One rendition in its place."""

    rendition: Rendition | None
    start: UtcTime
    end: UtcTime


@dataclass(frozen=True)
class Laid:
    """What sounds, back to back, and which languages cannot and why. Nothing sounds if `spans` is empty."""

    spans: tuple[Span, ...]
    refused: tuple[tuple[str, Reason], ...]


@dataclass
class Layer:
    """Lays lines within one broadcast day. Keeps each item's renditions, which are asked for many times."""

    rules: Rules
    hours: Stretches
    day_end: UtcTime
    _renditions: dict[tuple[str, str], tuple[tuple[Rendition, Milliseconds], ...]] = field(default_factory=dict)

    def lay(self, choice: Choice, slot_area: str, at: UtcTime) -> Laid:
        spans: list[Span] = []
        refused: list[tuple[str, Reason]] = []
        cursor = at
        for rendition, length in self._parts(choice):
            end = UtcTime(cursor + length)
            why = self._why_not(choice, slot_area, cursor, end)
            if why is None:
                spans.append(Span(rendition, cursor, end))
                cursor = end
            else:
                refused.append((rendition.language if rendition else "", why))
        if not spans and not refused:
            refused.append(("", Reason(Why.NO_RENDITION)))
        return Laid(tuple(spans), tuple(refused))

    def _parts(self, choice: Choice) -> tuple[tuple[Rendition | None, Milliseconds], ...]:
        item = choice.item
        if item is None:
            return ((None, choice.length_ms),)
        key = (choice.item_area, item.id)
        if key not in self._renditions:
            self._renditions[key] = tuple((r, length_ms(r)) for r in _playable(item, self.rules))
        return self._renditions[key]

    def _why_not(self, choice: Choice, slot_area: str, start: UtcTime, end: UtcTime) -> Reason | None:
        policy = self.rules.policy
        if choice.item is not None and end - start > policy.max_item_ms:
            return Reason(Why.TOO_LONG, {"length_ms": end - start, "max_ms": policy.max_item_ms})
        if not lies_inside(self.hours, start, end):
            return Reason(Why.QUIET_HOURS)
        if end > self.day_end:
            return Reason(Why.ACROSS_DAY_END)
        last = UtcTime(end - 1)
        ended = self.rules.shelves[slot_area].ended(last)
        if ended is None and choice.item_area:
            ended = self.rules.shelves[choice.item_area].ended(last)
        return ended


def length_ms(rendition: Rendition) -> Milliseconds:
    """A sound's and a film's own length, a text's and a picture's dwell."""
    if isinstance(rendition, Sound | Video):
        return rendition.duration_ms
    if isinstance(rendition, Text):
        return max(TEXT_DWELL_MS, TEXT_MS_PER_CHARACTER * len(rendition.text))
    return IMAGE_DWELL_MS


def _playable(item: Item, rules: Rules) -> Iterator[Rendition]:
    """Sounds for a loudspeaker, all else for a board; by the endpoint's order of languages, then the item's."""
    kinds: tuple[type, ...] = (Text, Image, Video) if rules.is_board else (Sound,)
    for language in rules.languages:
        yield from (r for r in item.renditions if r.language == language and isinstance(r, kinds))
