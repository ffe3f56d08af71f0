"""Where samples come from: a file decoded a few seconds ahead of the sound, or a signal held in memory.

The player, on the output's thread, only copies what lies ready; a thread of the source opens, seeks and decodes. Only
that thread writes what the player reads, and the other way round, so no lock is held while a memory card stalls.
"""
from __future__ import annotations

import threading
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from edge.play.pipe import RATE_HZ, SIGNAL_PREFIX

AHEAD_FRAMES: Final = 6 * RATE_HZ           # 576 kB a file, whatever its length
BLOCK_FRAMES: Final = RATE_HZ // 10
KEPT_FRAMES: Final = AHEAD_FRAMES - BLOCK_FRAMES    # older ones may be written over at this moment
REST_S: Final = 0.05                        # while there is nothing to decode
SEEK_BEYOND_FRAMES: Final = RATE_HZ         # a smaller gap is decoded through, which takes milliseconds
SEEK_LEAD_FRAMES: Final = RATE_HZ // 10     # the player goes on while the file is being searched

Samples = NDArray[np.int16]
Mix = NDArray[np.float32]


class Source(Protocol):
    """Frames of 16-bit sound by their number. `take` and `need` are called by one thread, that of the output."""

    ended_at: int | None        # number of frames, once it is known
    error: str | None           # why nothing more will come

    def ready(self, frame: int) -> int:
        """How many frames from `frame` on lie ready. It and those after it are what is needed from now on."""

    def take(self, frame: int, out: Mix) -> None:
        """Copy as many frames from `frame` on as `out` is long; `ready` must have said that they are there."""

    def close(self) -> None:
        """Stop decoding, without waiting."""


class SignalSource:
    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self.ended_at: int | None = len(samples)
        self.error: str | None = None

    def ready(self, frame: int) -> int:
        return max(0, len(self._samples) - frame)

    def take(self, frame: int, out: Mix) -> None:
        out[:] = self._samples[frame:frame + len(out)]

    def close(self) -> None:
        """Nothing runs."""


class FileSource:
    """Ogg Opus, FLAC or WAV at 48 kHz; several channels are mixed to one."""

    def __init__(self, path: Path, first_frame: int) -> None:
        self._path = path
        self._ring = np.zeros(AHEAD_FRAMES, dtype=np.int16)
        self._needed = first_frame              # written by the output's thread alone
        self._begin = self._head = first_frame  # decoded from here to there; written by our own thread alone
        self.ended_at: int | None = None
        self.error: str | None = None
        self._closing = threading.Event()
        threading.Thread(target=self._run, name=f"decode {path.name}", daemon=True).start()

    def ready(self, frame: int) -> int:
        self._needed = frame
        head = self._head       # read first: a seek changes `begin` first, so a mixture is never too much
        kept_from = max(self._begin, head - KEPT_FRAMES)
        return max(0, head - frame) if frame >= kept_from else 0

    def take(self, frame: int, out: Mix) -> None:
        at = frame % AHEAD_FRAMES
        straight = min(len(out), AHEAD_FRAMES - at)
        out[:straight] = self._ring[at:at + straight]
        out[straight:] = self._ring[:len(out) - straight]
        self._needed = frame + len(out)

    def close(self) -> None:
        self._closing.set()

    def _run(self) -> None:
        try:
            with soundfile.SoundFile(self._path) as file:
                _check(file)
                self._seek(file, self._begin)
                self._decode(file)
        except (soundfile.SoundFileError, OSError, ValueError) as error:
            self.error = f"{self._path.name}: {error}"

    def _decode(self, file: soundfile.SoundFile) -> None:
        block = np.empty((BLOCK_FRAMES, file.channels), dtype=np.float32)
        while not self._closing.is_set():
            if self._needed - self._head > SEEK_BEYOND_FRAMES:
                self._seek(file, self._needed + SEEK_LEAD_FRAMES)
            if self._head + 2 * BLOCK_FRAMES - self._needed > KEPT_FRAMES:      # the clock may step back a little
                self._closing.wait(REST_S)
                continue
            samples = to_int16(file.read(out=block))
            self._store(samples)
            if len(samples) < BLOCK_FRAMES:
                self.ended_at = self._head
                return

    def _seek(self, file: soundfile.SoundFile, frame: int) -> None:
        if frame:
            frame = file.seek(min(frame, file.frames))
        self._begin = frame
        self._head = frame

    def _store(self, samples: Samples) -> None:
        at = self._head % AHEAD_FRAMES
        straight = min(len(samples), AHEAD_FRAMES - at)
        self._ring[at:at + straight] = samples[:straight]
        self._ring[:len(samples) - straight] = samples[straight:]
        self._head += len(samples)      # last: only now may the player see them


def open_source(name: str, first_frame: int, signals: dict[str, Samples]) -> Source:
    """The source that a command names. Raises `ValueError` for a name that cannot be one; a bad file shows later."""
    if name.startswith(SIGNAL_PREFIX):
        signal = signals.get(name.removeprefix(SIGNAL_PREFIX))
        if signal is None:
            raise ValueError(f"no signal named {name}")
        return SignalSource(signal)
    path = Path(name)
    if not path.is_absolute():
        raise ValueError(f"not an absolute path: {name}")
    return FileSource(path, first_frame)


def to_int16(block: NDArray[np.float32]) -> Samples:
    """Exact for what was 16-bit in the file; what a lossy codec overshoots is clipped, not wrapped."""
    mono = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)
    return np.clip(np.rint(mono * 32768), -32768, 32767).astype(np.int16)


def _check(file: soundfile.SoundFile) -> None:
    if file.samplerate != RATE_HZ:
        raise ValueError(f"{file.samplerate} Hz instead of {RATE_HZ}")
    if not file.seekable():
        raise ValueError("not a file that can be sought in")
