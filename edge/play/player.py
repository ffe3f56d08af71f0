"""The timeline: given the number of a stream frame, which samples sound from there on.

Pure but for the sources it reads: no card, no clock of its own (`FrameClock` says what frames mean), no thread. The
output's thread calls `render`; the one that reads commands only appends to the inbox, so neither waits for the other.
Opening the card and keeping it open is left to `deck`.
"""
from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.play.frame_clock import FrameClock
from edge.play.pipe import (
    CANCELLED,
    FRAMES_PER_MS,
    INTERRUPTED,
    NEVER_BEGAN,
    PREEMPTED,
    RATE_HZ,
    TOO_LATE,
    Cancel,
    Event,
    Failed,
    Finished,
    Gain,
    Silence,
    Started,
    Stopped,
)
from edge.play.track import Track

LONGEST_BUFFER: Final = 8192        # frames rendered in one go; longer buffers are rendered in parts
TRACKS_LIMIT: Final = 32            # about 20 MB of decoded sound
ENDS_KEPT: Final = 64               # ends of plays that a later `after` may still name
CHECK_FRAMES: Final = RATE_HZ       # so often are sounding tracks compared with the clock
STEP_FRAMES: Final = 50 * FRAMES_PER_MS     # further off, and the next pole is heard as an echo
FRESH_FRAMES: Final = 5 * RATE_HZ           # so long after a start the stream may just have been opened, its latency
FRESH_STEP_FRAMES: Final = 10 * FRAMES_PER_MS   # not yet known: a small correction now is better than a lasting lag

Samples = NDArray[np.int16]
Order = Track | Cancel | Silence | Gain

log = logging.getLogger(__name__)


class Player:
    """All tracks, and the events that they cause."""

    def __init__(self, clock: FrameClock, emit: Callable[[Event], None]) -> None:
        self._clock = clock
        self._emit = emit
        self._inbox: deque[Order] = deque()
        self._tracks: list[Track] = []
        self._ends: OrderedDict[str, int] = OrderedDict()       # id → stream frame after the last one
        self._checked_at = 0
        self.holes = 0                                          # times that a sounding track had no samples ready
        self._mix = np.zeros(LONGEST_BUFFER, dtype=np.float32)
        self._scratch = np.zeros(LONGEST_BUFFER, dtype=np.float32)

    def submit(self, order: Order) -> None:
        """Take an order from another thread; it is obeyed with the next buffer."""
        self._inbox.append(order)

    @property
    def is_idle(self) -> bool:
        return not self._tracks and not self._inbox

    def render(self, frame: int, out: Samples) -> None:
        """Fill `out` with the stream's samples from `frame` on."""
        self.obey()
        if self._tracks and frame - self._checked_at >= CHECK_FRAMES:
            self._checked_at = frame
            self._keep_in_step(frame)
        for begin in range(0, len(out), LONGEST_BUFFER):
            part = out[begin:begin + LONGEST_BUFFER]
            if self._tracks:
                self._render_part(frame + begin, part)
            else:
                part.fill(0)

    def obey(self) -> None:
        """Carry out what lies in the inbox; `render` does it, and the deck while no card is there to render for."""
        while self._inbox:
            match self._inbox.popleft():
                case Track() as track:
                    self._add(track)
                case Gain(id=id_, gain_db=gain_db):
                    for track in self._named(id_):
                        track.set_gain(gain_db)
                case Cancel(id=id_):
                    self._cancel(self._named(id_))
                case Silence():
                    self._cancel(list(self._tracks))

    def interrupt(self, frame: int, at_ns: int) -> None:
        """The stream broke off before `frame`: what sounded waits again, and joins where it should be by then."""
        for track in tuple(self._tracks):
            if track.is_sounding:
                self._interrupt_track(track, frame, at_ns)

    def _keep_in_step(self, frame: int) -> None:
        """After a hole in the stream, or long drift, the programme leaves out or repeats a little rather than lag."""
        for track in tuple(self._tracks):
            if track.is_sounding and not track.ending and not track.command.asap:
                off = self._clock.frame_at(track.at_ns) - track.placed_at
                if abs(off) > (FRESH_STEP_FRAMES if track.sounded < FRESH_FRAMES else STEP_FRAMES):
                    log.warning("play %s is %d ms off its time", track.command.id, -off // FRAMES_PER_MS)
                    self._interrupt_track(track, frame, self._clock.ns_at(frame))

    def _interrupt_track(self, track: Track, frame: int, at_ns: int) -> None:
        source_frame = track.source_frame(frame)
        self._emit(Stopped(id=track.command.id, at_ns=at_ns, frame=source_frame, why=track.ending or INTERRUPTED))
        if track.ending:
            self._drop(track)
        else:
            track.wait_again(resume_at=source_frame)

    def _add(self, track: Track) -> None:
        if self._named(track.command.id):
            self._refuse(track, "a play of this id is under way")
        elif len(self._tracks) >= TRACKS_LIMIT:
            self._refuse(track, f"more than {TRACKS_LIMIT} plays at once")
        else:
            self._tracks.append(track)

    def _refuse(self, track: Track, why: str) -> None:
        track.source.close()
        self._emit(Failed(id=track.command.id, why=why))

    def _cancel(self, tracks: list[Track]) -> None:
        for track in tracks:
            if track.is_sounding:
                track.fade_out(CANCELLED)
            else:
                self._fail(track, NEVER_BEGAN)

    def _render_part(self, frame: int, out: Samples) -> None:
        mix = self._mix[:len(out)]
        mix.fill(0)
        # In the order of commands, so that a track ends before its successor begins; but what pre-empts goes first.
        for track in sorted(self._tracks, key=_comes_later):
            try:
                self._render_track(track, mix, frame)
            except Exception:       # one bad track must not end the sound of the others
                log.exception("play %s", track.command.id)
                self._fail(track, "internal error, see the log")
        np.clip(mix, -32768, 32767, out=mix)
        np.rint(mix, out=mix)
        out[:] = mix

    def _render_track(self, track: Track, mix: NDArray[np.float32], frame: int) -> None:
        begin = frame if track.is_sounding else self._begin(track, frame, len(mix))
        if begin is None:
            return
        room = mix[begin - frame:]
        count = track.add_to(room, self._scratch, begin)
        if track.over:
            self._end(track, begin + count)
        elif count < len(room):
            self.holes += 1

    def _begin(self, track: Track, frame: int, length: int) -> int | None:
        """The stream frame of this buffer at which a waiting track begins, or None: not in this one."""
        belongs_at = self._belongs_at(track, frame)
        if belongs_at is None or belongs_at >= frame + length:
            track.source.ready(track.from_frame)
            return None
        begin = max(frame, belongs_at)
        source_frame = track.from_frame + (0 if track.command.asap else begin - belongs_at)
        end = track.end_frame()
        if end is not None and source_frame >= end:
            self._fail(track, TOO_LATE if source_frame > track.from_frame else "the source has no sound from there on")
        elif track.source.ready(source_frame):
            self._start(track, begin, source_frame)
            return begin
        elif track.source.error:
            self._fail(track, track.source.error)
        return None

    def _belongs_at(self, track: Track, frame: int) -> int | None:
        """Stream frame at which the track's first frame belongs; None while that depends on another play."""
        if track.after is not None:
            if self._named(track.after):
                return None
            if track.after in self._ends:
                return self._ends[track.after]
        return frame if track.command.asap else self._clock.frame_at(track.at_ns)

    def _start(self, track: Track, begin: int, source_frame: int) -> None:
        follows = track.after is not None and self._ends.get(track.after) == begin
        track.place(begin, source_frame, softly=source_frame > 0 and not follows)
        if track.after is not None:
            track.at_ns = self._clock.ns_at(track.placed_at)
        if track.command.asap:
            for other in self._tracks:
                if other is not track and other.is_sounding:
                    other.fade_out(PREEMPTED)
        self._emit(Started(id=track.command.id, at_ns=self._clock.ns_at(begin), frame=source_frame))

    def _end(self, track: Track, frame: int) -> None:
        """The track has sounded up to stream frame `frame`."""
        id_, at_ns = track.command.id, self._clock.ns_at(frame)
        why = track.ending or track.source.error
        if why:
            self._emit(Stopped(id=id_, at_ns=at_ns, frame=track.source_frame(frame), why=why))
        else:
            self._remember_end(id_, frame)
            self._emit(Finished(id=id_, at_ns=at_ns, frames=track.sounded))
        self._drop(track)

    def _remember_end(self, id_: str, frame: int) -> None:
        self._ends[id_] = frame
        self._ends.move_to_end(id_)
        if len(self._ends) > ENDS_KEPT:
            self._ends.popitem(last=False)

    def _fail(self, track: Track, why: str) -> None:
        self._emit(Failed(id=track.command.id, why=why))
        self._drop(track)

    def _drop(self, track: Track) -> None:
        track.source.close()
        self._tracks.remove(track)

    def _named(self, id_: str) -> list[Track]:
        return [track for track in self._tracks if track.command.id == id_]


def _comes_later(track: Track) -> bool:
    return not (track.command.asap and track.after is None)
