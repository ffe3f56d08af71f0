"""A text read out by espeak-ng, offline, after our own normaliser. Robotic, but always there."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from hub.content.programs import ProgramLimits, find_program, run_limited
from hub.content.refusals import Refusal, SoundRefusedError
from hub.content.sound import PreparedSound, SoundLimits, prepare_sound
from wire.speech import MAX_TEXT_CHARS, speakable

VOICES = {"vi": "Northern", "vi-vn-x-central": "Central", "vi-vn-x-south": "Southern"}
SPEED_WPM = 140
"""espeak-ng's own 175 is too fast for a horn that a valley answers."""
MIN_SPEED_WPM, MAX_SPEED_WPM = 80, 260
_AMPLITUDE = 50
"""Half of espeak-ng's default, at which its peaks are cut off at full scale. Loudness is set afterwards anyway."""
_LIMITS = ProgramLimits(wall_s=120, cpu_s=60, memory_bytes=1024**3, file_bytes=512 * 1024**2)


def speak(
    text: str, work_dir: Path, *, voice: str = "vi", speed: int = SPEED_WPM, corrections: Mapping[str, str] = {}
) -> Path:
    """A new WAV in `work_dir`, which the caller removes. Raises SoundRefusedError."""
    if voice not in VOICES:
        raise SoundRefusedError(Refusal.VOICE)
    if len(text) > MAX_TEXT_CHARS:
        raise SoundRefusedError(Refusal.TEXT_TOO_LONG, limit=MAX_TEXT_CHARS)
    words = speakable(text, corrections)
    if not words:
        raise SoundRefusedError(Refusal.NO_WORDS)
    speed = min(max(speed, MIN_SPEED_WPM), MAX_SPEED_WPM)
    program = find_program("espeak-ng")
    with tempfile.NamedTemporaryFile(prefix="spoken-", suffix=".wav", dir=work_dir, delete=False) as file:
        wav = Path(file.name)
    arguments = [program, "-v", voice, "-s", str(speed), "-a", str(_AMPLITUDE), "-b", "1", "--stdin", "-w", str(wav)]
    try:
        _run(arguments, wav, words)
    except BaseException:
        wav.unlink(missing_ok=True)
        raise
    return wav


def prepare_speech(
    text: str,
    work_dir: Path,
    *,
    voice: str = "vi",
    speed: int = SPEED_WPM,
    corrections: Mapping[str, str] = {},
    limits: SoundLimits | None = None,
) -> PreparedSound:
    """A text as the sound that devices play. Raises SoundRefusedError."""
    wav = speak(text, work_dir, voice=voice, speed=speed, corrections=corrections)
    try:
        return prepare_sound(wav, work_dir, limits=limits)
    finally:
        wav.unlink(missing_ok=True)


def _run(arguments: list[str], wav: Path, words: str) -> None:
    done = run_limited(arguments, wav.parent, _LIMITS, text=words)
    if done.has_failed or not wav.stat().st_size:
        raise SoundRefusedError(Refusal.NO_WORDS)
