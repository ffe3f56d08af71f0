"""One play on the timeline: where it lies, how far it is, how loud, and when it ends.

A track is moved by the player, on the output's thread. It knows frames of the output stream and frames of its source,
and no clock; when it should begin is decided by the player.
"""
from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.play.envelope import Envelope, gain_of
from edge.play.pipe import Play
from edge.play.source import Source

FADE_FRAMES: Final = 384        # 8 ms, for an end that is not the end of the source
JOIN_FRAMES: Final = 240        # 5 ms, for a start in the middle of the source
GAIN_FRAMES: Final = 480

Mix = NDArray[np.float32]


class Track:
    """First waiting, then sounding (`is_sounding`), then over (`over`)."""

    def __init__(self, command: Play, source: Source) -> None:
        self.command = command
        self.source = source
        self.at_ns = command.at_ns              # instant of source frame `from_frame`
        self.after = command.after
        self.from_frame = command.from_frame
        self.is_sounding = False
        self.placed_at = 0                      # stream frame at which source frame `from_frame` lies, while it sounds
        self.sounded = 0
        self.ending: str | None = None          # why it is being faded out
        self.over = False
        self._gain = gain_of(command.gain_db)
        self._envelope = Envelope(self._gain)
        self._stop_frame = command.from_frame + command.frames if command.frames else None

    def end_frame(self) -> int | None:
        """Source frame at which the track ends, as far as that is known."""
        known = [end for end in (self._stop_frame, self.source.ended_at) if end is not None]
        return min(known) if known else None

    def source_frame(self, stream_frame: int) -> int:
        """The source frame that belongs to a stream frame; the track has been placed."""
        return self.from_frame + stream_frame - self.placed_at

    def place(self, stream_frame: int, source_frame: int, *, softly: bool) -> None:
        """Sound from `source_frame` on, at `stream_frame`."""
        self.is_sounding = True
        self.placed_at = stream_frame - (source_frame - self.from_frame)
        self.sounded = 0
        if softly:
            self._envelope = Envelope(0.0)
            self._envelope.move(self._gain, JOIN_FRAMES)

    def wait_again(self, *, resume_at: int) -> None:
        """The stream broke off. An urgent track leaves nothing out; for any other its instant says where to join."""
        self.is_sounding = False
        self.after = None
        if self.command.asap:
            self.from_frame = resume_at

    def set_gain(self, gain_db: float) -> None:
        self._gain = gain_of(gain_db)
        if self.ending is None:
            self._envelope.move(self._gain, GAIN_FRAMES)

    def fade_out(self, why: str) -> None:
        if self.ending is None:
            self.ending = why
            self._envelope.move(0.0, FADE_FRAMES)

    def add_to(self, mix: Mix, scratch: Mix, stream_frame: int) -> int:
        """Add the samples for `mix`, whose first is `stream_frame`; return how many, fewer when the track is over."""
        first = self.source_frame(stream_frame)
        wanted = len(mix) if self.ending is None else min(len(mix), self._envelope.frames_left)
        end = self.end_frame()
        if end is not None:
            wanted = min(wanted, max(0, end - first))
        count = min(wanted, self.source.ready(first))
        if count:
            part = scratch[:count]
            self.source.take(first, part)
            self._envelope.apply(part)
            mix[:count] += part
            self.sounded += count
        return self._judge(count, first + count, stream_missing=wanted - count)

    def _judge(self, count: int, next_frame: int, *, stream_missing: int) -> int:
        """Is this the end? If samples are merely late, an urgent track waits for them, any other goes on with time."""
        end = self.end_frame()      # asked again: the source may have learnt it just now
        has_faded = self.ending is not None and (not self._envelope.frames_left or stream_missing)
        has_ended = end is not None and next_frame >= end
        if has_faded or has_ended or (stream_missing and self.source.error):
            self.over = True
        elif stream_missing:
            self.placed_at += stream_missing if self.command.asap else 0
        return count
