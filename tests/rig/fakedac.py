"""Be the sound card `dac`: pull samples out of dac0.fifo and dac1.fifo by this process's own clock.

Each millisecond it takes as many frames as a crystal of 48000 * (1 + ppm / 1e6) Hz would have played, so frame k of
the capture was heard at first_s + k / rate, to 1-2 ms. Whatever plays into the pipe sink is paced by this reader.
Records until its standard input ends, then writes the capture and prints one JSON object: `starved` counts ticks with
too little in the pipe between the first and the last sound, `late_ticks` those that this process slept through.
"""
from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import select
import sys
import time
from pathlib import Path

import numpy as np

from tests.rig.capture import RATE_HZ, Capture

# 64 KiB, the kernel's default, would add 620 ms before the first sample; 4096 starves the card.
PIPE_BYTES = 8192
SHRINK_TRIES = 100
TICK_S = 0.001
LATE_S = 0.005
NICENESS = -15
FRAME_BYTES = 2


class Card:
    """One mono output with a crystal of its own."""

    def __init__(self, fifo: Path, ppm: float) -> None:
        self.rate_hz = RATE_HZ * (1 + ppm * 1e-6)
        self.samples = bytearray()
        self.starved = 0
        self._starved_lately = 0      # becomes `starved` once sound follows
        self._fed = False
        self._fd = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"another fakedac reads {fifo}: two readers share the sound and spoil both") from None
        self._shrink_pipe()
        self._drain()                   # what is left of an earlier run

    def play_until(self, elapsed_s: float) -> None:
        """Take every frame that is due; silence stands in for what the pipe does not hold."""
        due = int(elapsed_s * self.rate_hz) * FRAME_BYTES - len(self.samples)
        if due <= 0:
            return
        data = self._read(due)
        if len(data) < due:
            self._starved_lately += self._fed
        else:
            self.starved, self._starved_lately, self._fed = self.starved + self._starved_lately, 0, True
        self.samples += data.ljust(due, b"\0")

    def _shrink_pipe(self) -> None:
        """A player that was here first may have filled the pipe to its old size, and goes on filling it."""
        for _ in range(SHRINK_TRIES):
            self._drain()
            with contextlib.suppress(OSError):      # EBUSY: holds more than that
                fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
                return
        raise SystemExit("the pipe is filled faster than it can be emptied")

    def _drain(self) -> None:
        while self._read(65536):
            pass

    def _read(self, size: int) -> bytes:
        try:
            return os.read(self._fd, size)
        except BlockingIOError:
            return b""


def play_until_stdin_ends(cards: list[Card]) -> tuple[float, int]:
    """Run the cards; return the instant of frame 0 and how many ticks came late."""
    late = 0
    first_s = time.monotonic()
    sys.stderr.write("recording\n")
    previous = 0.0
    while not select.select([sys.stdin], [], [], 0)[0]:
        elapsed = time.monotonic() - first_s
        late += elapsed - previous > LATE_S
        previous = elapsed
        for card in cards:
            card.play_until(elapsed)
        time.sleep(TICK_S)
    return first_s, late


def go_first() -> None:
    """Hardware is not slowed down by a busy machine; neither should this be, where that is allowed."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="the directory of the cards")
    parser.add_argument("--out", type=Path, required=True, help="capture file to write")
    parser.add_argument("--ppm", type=float, nargs=2, default=[0, 0], help="crystal errors of dac0 and dac1")
    args = parser.parse_args()
    go_first()
    cards = [Card(args.run / f"dac{n}.fifo", ppm) for n, ppm in enumerate(args.ppm)]
    first_s, late = play_until_stdin_ends(cards)
    channels = [np.frombuffer(bytes(card.samples), dtype="<i2") for card in cards]
    Capture(channels, [card.rate_hz for card in cards], first_s).save(args.out)
    sys.stdout.write(json.dumps({"starved": [card.starved for card in cards], "late_ticks": late}))


if __name__ == "__main__":
    main()
