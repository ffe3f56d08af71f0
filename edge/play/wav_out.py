"""Sound into a WAV file, in real time, for machines without a sound card.

The file is valid at every moment, also after `kill -9`: samples are appended first, then the header's two lengths.
Silences are shortened to a second, and a full file makes way for a new one, keeping one predecessor (`NAME.1.wav`).
"""
from __future__ import annotations

import errno
import fcntl
import os
import struct
import threading
import time
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from edge.play.audio_out import AudioOutError, Fill, Samples
from edge.play.pipe import EXIT_NO_DEVICE, RATE_HZ

BLOCK_FRAMES: Final = RATE_HZ // 25
BLOCK_NS: Final = 40_000_000
LATE_NS: Final = 500_000_000            # slept longer than that: time is skipped, as a card would
SILENCE_KEPT_FRAMES: Final = RATE_HZ
FRAME_BYTES: Final = 2
HEADER_BYTES: Final = 44
BYTES_LIMIT: Final = 64_000_000         # 11 minutes of sound
OTHER_WRITER_S: Final = 3.0             # a writer that is just ending gets this long


class WavOut:
    """Plays in real time by the monotonic clock; a block is heard 40 ms after it was asked for."""

    name = "wav"

    def __init__(self, path: Path, *, bytes_limit: int = BYTES_LIMIT) -> None:
        self.device = str(path)
        self.latency_s = BLOCK_NS / 1e9
        self._path = path
        self._bytes_limit = bytes_limit
        self._file: WavFile | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def start(self, fill: Fill) -> None:
        try:
            self._file = WavFile(self._path, bytes_limit=self._bytes_limit)
        except OSError as error:
            raise AudioOutError(f"cannot write {self._path}: {error.strerror or error}", EXIT_NO_DEVICE) from error
        self._closing.clear()
        self._thread = threading.Thread(target=self._run, args=(fill, self._file), name="wav out", daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        self._closing.set()
        if self._thread:
            self._thread.join()
        if self._file:
            self._file.close()
        self._thread = self._file = None

    def _run(self, fill: Fill, file: WavFile) -> None:
        """A full disk ends this thread; the deck sees that and tries again."""
        block = np.zeros(BLOCK_FRAMES, dtype=np.int16)
        due_ns = time.monotonic_ns()
        while not self._closing.is_set():
            time.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
            skipped = time.monotonic_ns() - due_ns > LATE_NS
            if skipped:
                due_ns = time.monotonic_ns()
            fill(block, partial(int, due_ns + BLOCK_NS), skipped)
            file.append(block)
            due_ns += BLOCK_NS


class WavFile:
    """Goes on after what an earlier process wrote. Raises `OSError`."""

    def __init__(self, path: Path, *, bytes_limit: int) -> None:
        self._path = path
        self._bytes_limit = bytes_limit
        self._silent_frames = SILENCE_KEPT_FRAMES       # begin with the first sound
        self._fd, self._bytes = self._open()

    def append(self, samples: Samples) -> None:
        self._silent_frames = 0 if samples.any() else self._silent_frames + len(samples)
        if self._silent_frames > SILENCE_KEPT_FRAMES:
            return
        if self._bytes + samples.nbytes > self._bytes_limit:
            self._rotate()
        os.pwrite(self._fd, samples.tobytes(), self._bytes)
        self._bytes += samples.nbytes
        os.pwrite(self._fd, make_header(self._bytes - HEADER_BYTES), 0)

    def close(self) -> None:
        os.close(self._fd)

    def _open(self) -> tuple[int, int]:
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _lock(fd)
            size = _end_of_sound(fd)
            os.pwrite(fd, make_header(size - HEADER_BYTES), 0)
        except BaseException:
            os.close(fd)
            raise
        return fd, size

    def _rotate(self) -> None:
        self._path.replace(self._path.with_suffix(".1" + self._path.suffix))
        self.close()
        self._fd, self._bytes = self._open()


def make_header(data_bytes: int) -> bytes:
    """RIFF header of 16-bit mono PCM at 48 kHz."""
    sound = (1, 1, RATE_HZ, RATE_HZ * FRAME_BYTES, FRAME_BYTES, 8 * FRAME_BYTES)
    return struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", HEADER_BYTES - 8 + data_bytes, b"WAVE", b"fmt ", 16, *sound,
                       b"data", data_bytes)


def _end_of_sound(fd: int) -> int:
    """Where to go on: after the whole frames of a file of ours. Somebody else's file is not written over."""
    size = os.fstat(fd).st_size
    if not size:
        return HEADER_BYTES
    if os.pread(fd, 40, 0)[8:] != make_header(0)[8:40]:
        raise FileExistsError(errno.EEXIST, "there is a file that this program has not written")
    return size - (size - HEADER_BYTES) % FRAME_BYTES


def _lock(fd: int) -> None:
    """One writer a file; the one before may still be on its way out."""
    give_up_at = time.monotonic() + OTHER_WRITER_S
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)
