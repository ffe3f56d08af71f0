"""Record the monitor of the card `room`: four speakers, sample-aligned on one clock.

Records until its standard input ends, then writes the capture and prints one JSON object. The instant of frame 0 is the
lower envelope of (arrival - frames / rate), good to about 35 ms: use the differences between samples, and `fakedac.py`
for absolute time.
"""
from __future__ import annotations

import argparse
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from tests.rig.capture import RATE_HZ, Capture
from tests.rig.cards import end

CHANNELS = 4
LISTENER_LATENCY_MS = 10
FRAME_BYTES = 2 * CHANNELS


def open_listener(run: Path) -> subprocess.Popen[bytes]:
    channel_map = ",".join(f"aux{n}" for n in range(CHANNELS))
    return subprocess.Popen(
        ["parec", f"--server=unix:{run}/room.sock", "--device=room.monitor", "--raw", "--format=s16le",
         f"--rate={RATE_HZ}", f"--channels={CHANNELS}", f"--channel-map={channel_map}", "--no-remix",
         f"--latency-msec={LISTENER_LATENCY_MS}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0)


def listen_until_stdin_ends(listener: subprocess.Popen[bytes]) -> tuple[bytes, list[tuple[float, int]]]:
    """All bytes, and after each read (instant, frames so far)."""
    assert listener.stdout
    data = bytearray()
    arrivals: list[tuple[float, int]] = []
    while True:
        readable = select.select([sys.stdin, listener.stdout], [], [])[0]
        if sys.stdin in readable:
            break
        block = os.read(listener.stdout.fileno(), 65536)
        if not block:
            break
        data += block
        arrivals.append((time.monotonic(), len(data) // FRAME_BYTES))
        if len(arrivals) == 1:
            sys.stderr.write("recording\n")
    return bytes(data), arrivals


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="the directory of the cards")
    parser.add_argument("--out", type=Path, required=True, help="capture file to write")
    args = parser.parse_args()
    listener = open_listener(args.run)
    try:
        data, arrivals = listen_until_stdin_ends(listener)
    finally:
        end(listener)
    if not arrivals:
        raise SystemExit("nothing to record: is the card `room` running?")
    samples = np.frombuffer(data[:len(data) // FRAME_BYTES * FRAME_BYTES], dtype="<i2").reshape(-1, CHANNELS)
    first_s = float(np.percentile([at_s - frames / RATE_HZ for at_s, frames in arrivals], 1))
    Capture([samples[:, n].copy() for n in range(CHANNELS)], [RATE_HZ] * CHANNELS, first_s).save(args.out)
    sys.stdout.write(json.dumps({"frames": len(samples)}))


if __name__ == "__main__":
    main()
