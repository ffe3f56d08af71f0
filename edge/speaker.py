"""The sound process as the planner's stage: cues out, events in, a new process when it dies.

Instants of UTC become instants of CLOCK_MONOTONIC here, at the moment at which a cue is handed out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge.clock import Clock
from edge.config import Output
from edge.plan.cues import Cue
from edge.play.pipe import EXIT_NO_DEVICE, EXIT_NO_LIBRARY, SIGNAL_PREFIX, Cancel, Command, Event, Play, Silence
from edge.play.process import Gone, PlayGoneError, PlayProcess

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 30.0
STEADY_S: Final = 60.0

log = logging.getLogger(__name__)


class Speaker:
    """Owns the process. Methods belong to the main loop; events reach it through `deliver`."""

    def __init__(
        self, output: Output, clock: Clock, path_of: Callable[[str], Path], deliver: Callable[[Event | Gone], None]
    ) -> None:
        self._output = output
        self._clock = clock
        self._path_of = path_of
        self._deliver = deliver
        self._process: PlayProcess | None = None
        self._started_at = 0.0
        self._pause_s = FIRST_PAUSE_S

    def start(self) -> None:
        """Start the process; it says `ready` when the output is open."""
        output = self._output
        process = PlayProcess(
            output=output.kind, device=output.device, latency_s=output.latency_s, wav=output.wav or None
        )
        self._process, self._started_at = process, time.monotonic()
        threading.Thread(target=self._forward, args=(process,), name="play events", daemon=True).start()

    def play(self, cue: Cue) -> None:
        sound = cue.sound
        source = str(self._path_of(sound.sha256)) if sound else SIGNAL_PREFIX + cue.signal
        at_ns = self._clock.monotonic_ns(cue.start)
        late_frames = max(0, -at_ns) * 48_000 // 1_000_000_000
        self._send(
            Play(
                id=cue.id, source=source, at_ns=max(0, at_ns), from_frame=late_frames,
                frames=max(0, cue.frames - late_frames), gain_db=cue.gain_db, asap=cue.asap, after=cue.after,
            )
        )  # fmt: skip

    def cancel(self, cue_id: str) -> None:
        self._send(Cancel(id=cue_id))

    def silence(self) -> None:
        """Everything stops, whatever the planner thinks is playing."""
        self._send(Silence())

    def pause_after_death(self, exit_code: int) -> float:
        """It has died. Seconds to wait before the next start: longer each time it dies soon."""
        self._process = None
        if time.monotonic() - self._started_at > STEADY_S:
            self._pause_s = FIRST_PAUSE_S
        pause = LONGEST_PAUSE_S if exit_code == EXIT_NO_LIBRARY else self._pause_s
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * (4 if exit_code == EXIT_NO_DEVICE else 2))
        return pause

    def stop(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    def _send(self, command: Command) -> None:
        if self._process is None:
            return
        try:
            self._process.send(command)
        except PlayGoneError as error:
            log.warning("%s", error)       # its `Gone` follows, and with it a new process

    def _forward(self, process: PlayProcess) -> None:
        while True:
            event = process.events.get()
            self._deliver(event)
            if isinstance(event, Gone):
                return
