"""Joins the player to an output and keeps the output open: counts the stream's frames, tells the clock when they are
heard, notices when card or server is gone, and tries to reopen it for as long as it takes.
"""
from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from edge.play.audio_out import AudioOut, AudioOutError, HeardAt, Samples
from edge.play.frame_clock import FrameClock, frames_to_ns
from edge.play.pipe import EXIT_STUCK, Cancel, Command, Event, Failed, Gain, Play, Ready, Silence, Trouble, Underrun
from edge.play.player import Player
from edge.play.signals import make_signals
from edge.play.source import open_source
from edge.play.track import Track

WATCH_S: Final = 0.2
QUIET_S: Final = 3.0                # an output that asked for nothing this long is gone; PulseAudio may pause for 2 s
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
CALL_LIMIT_S: Final = 6.0          # to open or close the output
FADE_LIMIT_S: Final = 1.0
LOOK_EVERY: Final = 4               # buffers, while nothing sounds or waits, for the clock not to lose the stream

log = logging.getLogger(__name__)


class Deck:
    """`open` once, `obey` commands, `close` at the end."""

    def __init__(self, out: AudioOut, emit: Callable[[Event], None]) -> None:
        self._out = out
        self._emit = emit
        self._clock = FrameClock()
        self._player = Player(self._clock, emit)
        self._signals = make_signals()
        self._frame = 0                 # frames of the stream so far, never set back
        self._idle_buffers = 0
        self._heard_until_ns = 0
        self._filled_at_s = 0.0
        self._underruns = 0
        self._underruns_told = 0
        self._is_open = False           # until then silence flows: `ready` comes before any `started`
        self._closing = threading.Event()
        self._caller = ThreadPoolExecutor(1, thread_name_prefix="out")
        self._watcher = threading.Thread(target=self._watch, name="watch", daemon=True)

    def open(self) -> None:
        """Raises `AudioOutError` when the output is not there at the start; later that is only trouble."""
        self._start_out()
        self._watcher.start()

    def obey(self, command: Command) -> None:
        match command:
            case Play():
                self._play(command)
            case Cancel() | Silence() | Gain():
                self._player.submit(command)

    def close(self) -> None:
        """Fade out what sounds, let it be heard, and stop."""
        self._player.submit(Silence())
        give_up_at = time.monotonic() + FADE_LIMIT_S
        while not self._player.is_idle and time.monotonic() < give_up_at:
            time.sleep(0.01)
        time.sleep(max(0.0, min(FADE_LIMIT_S, (self._heard_until_ns - time.monotonic_ns()) / 1e9)))
        self._closing.set()
        self._watcher.join()
        self._call(self._out.close)

    def _play(self, command: Play) -> None:
        try:
            source = open_source(command.source, command.from_frame, self._signals)
        except ValueError as error:
            self._emit(Failed(id=command.id, why=str(error)))
        else:
            self._player.submit(Track(command, source))

    def _fill(self, out: Samples, heard_at: HeardAt, underrun: bool) -> None:  # noqa: FBT001 (the shape of `Fill`)
        """On the output's thread. A loudspeaker is silent nearly all day: then it does next to nothing."""
        self._idle_buffers = self._idle_buffers + 1 if self._player.is_idle else 0
        if self._idle_buffers % LOOK_EVERY:
            out.fill(0)
        else:
            self._render(out, heard_at())
        self._frame += len(out)
        self._filled_at_s = time.monotonic()
        self._underruns += underrun

    def _render(self, out: Samples, heard_at_ns: int) -> None:
        self._clock.observe(self._frame, heard_at_ns)
        if self._is_open:
            self._player.render(self._frame, out)
        else:
            out.fill(0)
        self._heard_until_ns = heard_at_ns + frames_to_ns(len(out))

    def _watch(self) -> None:
        while not self._closing.wait(WATCH_S):
            self._tell_underruns()
            if not self._out.is_alive():
                self._recover("the sound device has stopped")
            elif time.monotonic() - self._filled_at_s > QUIET_S:
                self._recover("the sound device takes no more sound")

    def _tell_underruns(self) -> None:
        count = self._underruns + self._player.holes
        if count != self._underruns_told:
            self._underruns_told = count
            self._emit(Underrun(count=count))

    def _recover(self, why: str) -> None:
        self._is_open = False
        self._emit(Trouble(why=why))
        self._call(self._out.close)
        self._player.interrupt(self._frame, min(self._heard_until_ns, time.monotonic_ns()))
        attempt = 0
        while not self._closing.wait(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)]):
            attempt += 1
            self._player.obey()      # nobody renders now
            try:
                self._start_out()
            except AudioOutError as error:
                log.warning("attempt %d: %s", attempt, error)
            else:
                return

    def _start_out(self) -> None:
        self._clock.reset()
        self._filled_at_s = time.monotonic()
        self._call(lambda: self._out.start(self._fill))
        latency_ms = round(self._out.latency_s * 1000, 1)
        log.info("%s %s runs, latency %s ms", self._out.name, self._out.device, latency_ms)
        self._emit(Ready(output=self._out.name, device=self._out.device, latency_ms=latency_ms))
        self._is_open = True

    def _call(self, call: Callable[[], None]) -> None:
        """A sound library can hang in a dead server: then only a new process helps, and the agent starts one."""
        try:
            self._caller.submit(call).result(CALL_LIMIT_S)
        except TimeoutError:
            log.critical("the sound library does not return, giving up")
            os._exit(EXIT_STUCK)
