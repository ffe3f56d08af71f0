"""A slot in progress: whose turn is next, and what is left of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from wire.programme import PlayReserve
from wire.timeline.choice import Choice, Label, Refusal, choose, choose_reserve, label
from wire.timeline.frame import Occurrence
from wire.timeline.laying import Laid, Layer
from wire.timeline.reasons import Reason, Why
from wire.units import UtcTime

UNLISTED = 2**31


@dataclass(frozen=True)
class Turn:
    """A line that can play now."""

    choice: Choice
    laid: Laid
    is_cuttable: bool
    """Music, entertainment and the reserve set may be cut by a fixed time, speech never."""

    @property
    def end(self) -> UtcTime:
        return self.laid.spans[-1].end


@dataclass
class Block:
    """Goes through the lines of an occurrence. The reserve set stays one line until the window ends or it is empty."""

    occurrence: Occurrence
    held_for: UtcTime | None = None
    has_begun: bool = False
    _index: int = 0
    _cycle: deque[str] | None = None
    _has_filled: bool = False
    _ahead: tuple[int, int, int] = (-1, -1, UNLISTED)

    @property
    def is_done(self) -> bool:
        return self._index >= len(self.occurrence.slot.plays)

    def try_turn(self, layer: Layer, at: UtcTime) -> Turn | Refusal:
        """The line whose turn it is, laid at `at`; a line refused is passed over."""
        play = self.occurrence.slot.plays[self._index]
        if isinstance(play, PlayReserve):
            return self._try_reserve(layer, at)
        judged = self._judge(layer, choose(layer.rules, self.occurrence.area, play, at), at, label(play))
        if isinstance(judged, Refusal):
            self._index += 1
        return judged

    def take(self) -> None:
        """The line that `try_turn` gave has been laid: on to the next."""
        self.has_begun = True
        self.held_for = None
        if self._cycle is None:
            self._index += 1
        else:
            self._cycle.rotate(-1)
            self._has_filled = True

    def rest(self) -> Iterator[Label]:
        """The lines that have had no turn. Afterwards the block is done."""
        plays = self.occurrence.slot.plays[self._index + (1 if self._has_filled else 0) :]
        self._index = len(self.occurrence.slot.plays)
        return iter([label(play) for play in plays])

    def priority_rank(self, layer: Layer, at: UtcTime) -> int:
        """The place in the commune's signed order of the next line that is something at `at`."""
        if not layer.rules.ranks:
            return UNLISTED
        if self._ahead[0] != at or self._ahead[1] < self._index:
            self._ahead = self._look_ahead(layer, at)
        return self._ahead[2]

    def _look_ahead(self, layer: Layer, at: UtcTime) -> tuple[int, int, int]:
        """Instant, index and rank of that line; kept, so that a run of dead lines is walked once."""
        plays = self.occurrence.slot.plays
        for index in range(self._index, len(plays)):
            if isinstance(plays[index], PlayReserve):
                return at, index, UNLISTED
            choice = choose(layer.rules, self.occurrence.area, plays[index], at)
            if isinstance(choice, Choice):
                ident = choice.item.id if choice.item else ""
                return at, index, layer.rules.ranks.get(ident, UNLISTED)
        return at, len(plays), UNLISTED

    def _try_reserve(self, layer: Layer, at: UtcTime) -> Turn | Refusal:
        area = self.occurrence.area
        if self._cycle is None:
            self._cycle = deque(layer.rules.shelves[area].programme.reserve)
        if not self._cycle:
            return self._leave_reserve(Refusal(Reason(Why.RESERVE_EMPTY)))
        ident = self._cycle[0]
        chosen = choose_reserve(layer.rules, area, ident, at)
        judged = self._judge(layer, chosen, at, Label(item=ident, item_area=area))
        if isinstance(judged, Refusal):
            self._cycle.popleft()
            return judged if self._cycle else self._leave_reserve(judged)
        return Turn(judged.choice, judged.laid, is_cuttable=True)

    def _leave_reserve(self, refusal: Refusal) -> Refusal:
        self._cycle = None
        self._has_filled = False
        self._index += 1
        return refusal

    def _judge(self, layer: Layer, chosen: Choice | Reason, at: UtcTime, named: Label) -> Turn | Refusal:
        if isinstance(chosen, Reason):
            return Refusal(chosen, named)
        item = chosen.item
        if item is not None:
            named = Label(item.id, chosen.item_area, chosen.series)
        title = item.title if item else ""
        dropped = self.occurrence.drops.get(item.sort) if item else None
        if dropped is not None:
            return Refusal(dropped, named, title)
        laid = layer.lay(chosen, self.occurrence.area, at)
        if not laid.spans:
            return Refusal(laid.refused[0][1], named, title)
        return Turn(chosen, laid, is_cuttable=item is not None and item.sort != "speech")
