"""Recordings for the demo: made on this machine, since none may be carried in the tree.

Vietnamese is spoken by the hub itself; what stands for a Mông speaker, and for music, is made here.
"""

from __future__ import annotations

import math
import shutil
import struct
import subprocess
import wave
import zlib
from pathlib import Path

RATE_HZ = 22_050
NOTES_HZ = (392.0, 440.0, 523.25, 587.33, 659.25, 523.25, 440.0, 392.0)
NOTE_S = 0.45


def can_speak() -> bool:
    return shutil.which("espeak-ng") is not None


def record_voice(text: str, path: Path) -> Path:
    """A recording that stands for a human speaker: another voice than the hub's, or a melody where none can speak."""
    if not can_speak():
        return record_melody(path, tune=text)
    command = ["espeak-ng", "-v", "vi-vn-x-south", "-s", "145", "-p", "70", "-w", str(path), "--stdin"]
    subprocess.run(command, input=text.encode(), check=True, timeout=30)
    return path


def record_melody(path: Path, *, tune: str = "", seconds: float = 8.0) -> Path:
    """A plucked pentatonic tune as a WAV file; each `tune` has its own pitch, so that no two are the same sound."""
    pitch = 0.75 + zlib.crc32(tune.encode()) % 1_000 / 2_000
    samples = (_pluck(n / RATE_HZ, pitch) for n in range(int(seconds * RATE_HZ)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(b"".join(struct.pack("<h", round(sample * 12_000)) for sample in samples))
    return path


def _pluck(at_s: float, pitch: float) -> float:
    note, since_s = divmod(at_s, NOTE_S)
    tone_hz = NOTES_HZ[int(note) % len(NOTES_HZ)] * pitch
    return math.exp(-4 * since_s) * (
        math.sin(math.tau * tone_hz * at_s) + 0.4 * math.sin(2 * math.tau * tone_hz * at_s)
    )
