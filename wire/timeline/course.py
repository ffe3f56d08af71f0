"""The course of a broadcast day: one loudspeaker, slots that collide, one item after another.

Between items, a slot with a fixed time goes first, then priority by the commune's signed order, earlier start, higher
area, id; then ordinary slots by earlier start, nearer area (the commune's own), id. Nothing interrupts an item, but
music is cut, and speech held back, where a fixed time comes. A slot begins no item once its window has ended.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from heapq import heappop, heappush

from wire.content import Rendition
from wire.timeline.block import UNLISTED, Block, Turn
from wire.timeline.choice import Label, Refusal
from wire.timeline.frame import Occurrence
from wire.timeline.laying import Layer, Span
from wire.timeline.plan import Omission, PlannedPlay
from wire.timeline.reasons import Reason, Why
from wire.units import SECOND, UtcTime

MAX_PLAYS = 10_000
"""A day holds 86,400 seconds: more than this is no programme, and would only cost time."""
MIN_STUB_MS = 10 * SECOND
"""Music is not begun for less than this before a fixed time: it is held like speech."""

_Rank = tuple[int, int, int, int, int, str]


class Course:
    """Runs once and is then read: `plays` in order, `omissions` as they came about."""

    def __init__(self, layer: Layer, occurrences: Iterable[Occurrence]) -> None:
        self.plays: list[PlannedPlay] = []
        self.omissions: list[Omission] = []
        self._layer = layer
        self._coming = sorted(occurrences, key=lambda o: (o.start, o.depth, o.slot.id), reverse=True)
        fixed = (o for o in self._coming if o.slot.fixed)
        self._fixed = sorted({o.start for o in fixed if _will_begin(layer, o)})
        self._waiting: list[tuple[_Rank, int, Block]] = []
        self._held: list[tuple[UtcTime, Block]] = []
        self._now = UtcTime(0)
        self._queued = 0

    def run(self) -> None:
        while self._waiting or self._held or self._coming:
            if self._waiting:
                self._turn(heappop(self._waiting)[2])
            else:
                self._now = min([o.start for o in self._coming[-1:]] + [until for until, _ in self._held])
            self._admit()

    def _admit(self) -> None:
        """Queue the slots that have begun and those whose fixed time has come."""
        while self._coming and self._coming[-1].start <= self._now:
            self._queue(Block(self._coming.pop()))
        due = [block for until, block in self._held if until <= self._now]
        if due:
            self._held = [(until, block) for until, block in self._held if until > self._now]
            for block in due:
                self._queue(block)

    def _queue(self, block: Block) -> None:
        if not block.is_done:
            self._queued += 1
            heappush(self._waiting, (self._rank(block), self._queued, block))

    def _rank(self, block: Block) -> _Rank:
        occurrence = block.occurrence
        slot, depth = occurrence.slot, occurrence.depth
        if not slot.priority:
            return (1, 0, UNLISTED, occurrence.start, -depth, slot.id)
        order = block.priority_rank(self._layer, self._now)
        return (0, 0 if slot.fixed else 1, order, occurrence.start, depth, slot.id)

    def _turn(self, block: Block) -> None:
        """Give a block its turn: lay one line, pass one over, hold it, or end it."""
        if self._now >= block.occurrence.window_end:
            return self._end(block, Reason(Why.WINDOW_ENDED))
        if len(self.plays) >= MAX_PLAYS:
            return self._end(block, Reason(Why.TOO_MANY, {"limit": MAX_PLAYS}))
        turn = block.try_turn(self._layer, self._now)
        if isinstance(turn, Refusal):
            self._omit(block, turn)
            return self._queue(block)
        fixed = None if block.occurrence.slot.fixed else self._fixed_before(turn.end)
        if fixed is not None and not (turn.is_cuttable and fixed - self._now >= MIN_STUB_MS):
            block.held_for = fixed
            return self._held.append((fixed, block))
        self._lay(block, turn, fixed)
        block.take()
        return self._queue(block)

    def _fixed_before(self, end: UtcTime) -> UtcTime | None:
        """The next fixed time, if it comes before `end`."""
        index = bisect_right(self._fixed, self._now)
        return self._fixed[index] if index < len(self._fixed) and self._fixed[index] < end else None

    def _lay(self, block: Block, turn: Turn, cut: UtcTime | None) -> None:
        begun = self._now
        why = (turn.choice.why, *_moved(block, begun))
        for span in turn.laid.spans:
            if cut is None or span.end <= cut:
                self._play(block, turn, span, why)
            elif span.start < cut:
                reasons = (*why, Reason(Why.CUT_BY_FIXED, {"fixed": cut}))
                self._play(block, turn, Span(span.rendition, span.start, cut), reasons)
            else:
                self._omit_language(block, turn, span.rendition, Reason(Why.CUT_BY_FIXED, {"fixed": cut}))
        for language, refused in turn.laid.refused:
            self._omit(block, Refusal(refused, _name(turn), _title(turn), language))

    def _play(self, block: Block, turn: Turn, span: Span, why: tuple[Reason, ...]) -> None:
        occurrence, choice, rules = block.occurrence, turn.choice, self._layer.rules
        slot, item = occurrence.slot, choice.item
        self.plays.append(
            PlannedPlay(
                start=span.start, end=span.end, kind=choice.kind,
                slot=slot.id, slot_area=occurrence.area, slot_title=slot.title,
                window=(occurrence.start, occurrence.window_end),
                item=item.id if item else "", item_area=choice.item_area, title=_title(turn) or slot.title,
                sort=item.sort if item else "speech", series=choice.series,
                rendition=span.rendition, source=choice.source,
                priority=slot.priority, fixed=slot.fixed, any_time=slot.any_time,
                volume=rules.priority_volume if slot.priority else rules.ordinary_volume, why=why,
            )
        )  # fmt: skip
        self._now = span.end

    def _end(self, block: Block, why: Reason) -> None:
        for named in block.rest():
            self._omit(block, Refusal(why, named))

    def _omit_language(self, block: Block, turn: Turn, rendition: Rendition | None, why: Reason) -> None:
        self._omit(block, Refusal(why, _name(turn), _title(turn), rendition.language if rendition else ""))

    def _omit(self, block: Block, refusal: Refusal) -> None:
        occurrence, named = block.occurrence, refusal.label
        self.omissions.append(
            Omission(
                at=self._now, slot=occurrence.slot.id, slot_area=occurrence.area, slot_title=occurrence.slot.title,
                window=(occurrence.start, occurrence.window_end), why=refusal.why, item=named.item,
                item_area=named.item_area, title=refusal.title, series=named.series, language=refusal.language,
            )
        )  # fmt: skip


def _will_begin(layer: Layer, occurrence: Occurrence) -> bool:
    """Whether a slot with a fixed time has anything to play at its second; if not, nobody waits for it."""
    block = Block(occurrence)
    while not block.is_done:
        if isinstance(block.try_turn(layer, occurrence.start), Turn):
            return True
    return False


def _moved(block: Block, at: UtcTime) -> list[Reason]:
    """What brought a line here beside its slot's own time."""
    occurrence = block.occurrence
    reasons: list[Reason] = []
    if occurrence.special_day:
        reasons.append(Reason(Why.SPECIAL_DAY, {"special_day": occurrence.special_day}))
    if block.held_for is not None:
        reasons.append(Reason(Why.HELD_FOR_FIXED, {"fixed": block.held_for}))
    elif not block.has_begun and at > occurrence.start:
        reasons.append(Reason(Why.FOLLOWS_ON, {"late_ms": at - occurrence.start}))
    return reasons


def _name(turn: Turn) -> Label:
    choice = turn.choice
    return Label(choice.item.id if choice.item else "", choice.item_area, choice.series)


def _title(turn: Turn) -> str:
    return turn.choice.item.title if turn.choice.item else ""
