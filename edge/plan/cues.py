"""What the planner says to whoever makes the sound: cues, each a stretch of one sound at an instant of UTC.

The clock that turns these into instants of the sound process belongs to the agent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Protocol

from wire.content import Sound
from wire.timeline import ActiveAlert, AlertRound, PlannedPlay
from wire.units import FRAMES_PER_MS, Milliseconds, UtcTime

SILENT_DB: Final = -90.0
SIGNAL_MS: Final = 4_000
"""Length of the attention and of the drill signal (`edge.play.signals`)."""


@dataclass(frozen=True)
class Cue:
    """One stretch of sound: from where in it, when, how loud."""

    id: str
    """Names this cue alone: `part` and the attempt."""
    part: str
    """The same on every recomputation."""
    start: UtcTime
    end: UtcTime
    sound: Sound | None
    """None: the signal of an alert or drill."""
    volume: int
    about: PlannedPlay | AlertRound
    asap: bool = False
    after: str | None = None
    is_reserve: bool = False

    @property
    def is_alert(self) -> bool:
        return isinstance(self.about, AlertRound)

    @property
    def signal(self) -> str:
        """Which signal, where there is no sound."""
        return "drill" if isinstance(self.about, AlertRound) and self.about.drill else "attention"

    @property
    def frames(self) -> int:
        return (self.end - self.start) * FRAMES_PER_MS

    @property
    def gain_db(self) -> float:
        return max(SILENT_DB, 20 * math.log10(self.volume / 100)) if self.volume else SILENT_DB


class Stage(Protocol):
    """Takes cues. Neither method waits; what became of a cue comes back through the planner's `…ed` methods."""

    def play(self, cue: Cue) -> None: ...

    def cancel(self, cue_id: str) -> None: ...


@dataclass(frozen=True)
class Part:
    """A stretch of a play or round, before it becomes a cue."""

    key: str
    start: UtcTime
    end: UtcTime
    sound: Sound | None
    is_reserve: bool = False


def play_parts(play: PlannedPlay) -> list[Part]:
    """A planned sound is one part; what this device cannot play (relay, live) has none yet."""
    sound = play.rendition
    return [Part(play.key, play.start, play.end, sound)] if isinstance(sound, Sound) else []


def round_parts(turn: AlertRound, clips: list[Sound]) -> list[Part]:
    """Signal and message of a round, one behind the other, cut where the round is."""
    start = turn.start
    parts = []
    for number, (sound, length) in enumerate(_lengths(clips)):
        end = UtcTime(min(start + length, turn.end) if turn.is_cut else start + length)
        if end > start:
            parts.append(Part(f"{turn.key}-{number}", start, end, sound))
        start = end
    return parts


def reserve_parts(play: PlannedPlay, reserve: list[Sound]) -> list[Part]:
    """The reserve set in a play's place: as many whole sounds as fit."""
    parts: list[Part] = []
    start = play.start
    for number, sound in enumerate(reserve):
        end = UtcTime(start + sound.duration_ms)
        if end <= play.end:
            parts.append(Part(f"{play.key}-reserve{number}", start, end, sound, is_reserve=True))
            start = end
    return parts


def round_ms(clips: list[Sound]) -> Milliseconds:
    return SIGNAL_MS + sum(clip.duration_ms for clip in clips)


@dataclass(frozen=True)
class RunningAlert:
    """An accepted alert, and the clips that say it here."""

    alert: ActiveAlert
    clips: tuple[Sound, ...]


def _lengths(clips: list[Sound]) -> list[tuple[Sound | None, Milliseconds]]:
    return [(None, SIGNAL_MS), *((clip, clip.duration_ms) for clip in clips)]
