"""A foreign recording becomes the sound that devices play: checked, Ogg Opus, one loudness, an exact length.

An hour of sound takes a minute or more: callers work outside of transactions and, where they can, outside of requests.
Where it stands: `uploads` brings the file, `sniff` says what it is, `ffmpeg` measures and encodes, `loudness` sets the
gain, `blobs` keeps the result. A failure leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import soundfile

from hub.content import ffmpeg
from hub.content.blobs import check_space, sync_folder
from hub.content.loudness import CODEC_MARGIN_DB, MAX_TRUE_PEAK_DB, Loudness, gain_for
from hub.content.programs import ProgramLimits
from hub.content.refusals import Refusal, SoundRefusedError
from hub.content.sniff import SoundFormat, sniff
from wire.units import FRAMES_PER_MS

LENGTH_TOLERANCE_MS = 250
"""Coders pad: a header and what decodes may differ by so much."""
_ENCODINGS = 3
"""Tries to bring the peak of the encoded sound under the ceiling."""


@dataclass(frozen=True)
class SoundLimits:
    """What is taken. `programs` bounds each run of ffmpeg."""

    max_bytes: int = 200 * 1024 * 1024
    min_ms: int = 1_000
    max_ms: int = 60 * 60_000
    programs: ProgramLimits = field(default_factory=ProgramLimits)


@dataclass(frozen=True)
class PreparedSound:
    """A finished Ogg Opus file, `path` in the work folder; whoever called moves it to the store or removes it."""

    path: Path
    sha256: str
    size: int
    duration_ms: int
    loudness_lufs: float
    true_peak_db: float
    original_format: SoundFormat

    @property
    def loudness_mlufs(self) -> int:
        return round(self.loudness_lufs * 1000)


def prepare_sound(source: Path, work_dir: Path, *, limits: SoundLimits | None = None) -> PreparedSound:
    """Raises SoundRefusedError, whose code says why. `source` is left as it is."""
    limits = limits or SoundLimits()
    if source.stat().st_size > limits.max_bytes:
        raise SoundRefusedError(Refusal.TOO_LARGE, limit_mb=limits.max_bytes // 1024**2)
    kind = sniff(source)
    check_space(work_dir, source.stat().st_size)
    with tempfile.TemporaryDirectory(prefix="sound-", dir=work_dir) as folder:
        declared_ms = ffmpeg.probe(source, kind, Path(folder), limits.programs)
        _check_length(declared_ms or 0, limits)
        measured = ffmpeg.measure(source, kind, Path(folder), limits.programs, max_s=limits.max_ms / 1000)
        _check(measured, declared_ms, limits)
        made = Path(folder) / "made.opus"
        loudness = _encode(source, kind, made, measured.loudness, limits)
        return _finish(made, work_dir, loudness, kind)


def _check_length(length_ms: int, limits: SoundLimits) -> None:
    if length_ms > limits.max_ms:
        raise SoundRefusedError(Refusal.TOO_LONG, limit_min=limits.max_ms // 60_000)


def _check(measured: ffmpeg.Measured, declared_ms: int | None, limits: SoundLimits) -> None:
    decoded = measured.decoded_ms
    _check_length(decoded, limits)
    if declared_ms is not None and decoded < declared_ms - LENGTH_TOLERANCE_MS:
        raise SoundRefusedError(Refusal.TRUNCATED)
    if measured.is_damaged:
        raise SoundRefusedError(Refusal.DAMAGED)
    if decoded < limits.min_ms:
        raise SoundRefusedError(Refusal.TOO_SHORT, seconds=f"{decoded / 1000:.1f}", limit=f"{limits.min_ms / 1000:g}")
    if measured.loudness.is_silent:
        raise SoundRefusedError(Refusal.SILENT)


def _encode(source: Path, kind: SoundFormat, made: Path, loudness: Loudness, limits: SoundLimits) -> Loudness:
    """Encode, listen to the result, and with its peak too high encode again a little lower."""
    gain_db = gain_for(loudness)
    for _ in range(_ENCODINGS):
        ffmpeg.encode(source, kind, made, gain_db, limits.programs)
        max_s = limits.max_ms / 1000 + 1
        result = ffmpeg.measure(made, SoundFormat.OPUS, made.parent, limits.programs, max_s=max_s).loudness
        overshoot_db = result.true_peak_db - MAX_TRUE_PEAK_DB
        if overshoot_db <= 0:
            return result
        gain_db -= overshoot_db + CODEC_MARGIN_DB
    raise SoundRefusedError(Refusal.DAMAGED)  # no real sound does this; a crafted one might


def _finish(made: Path, work_dir: Path, loudness: Loudness, kind: SoundFormat) -> PreparedSound:
    frames = soundfile.info(str(made)).frames
    if not frames or frames % ffmpeg.FRAME_SAMPLES:
        raise SoundRefusedError(Refusal.DAMAGED)  # the device would not know when it ends
    with made.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
        os.fsync(file.fileno())
    # Named after the private folder, not the hash: two people may send the same recording at once.
    path = made.replace(work_dir / f"{made.parent.name}.opus")
    sync_folder(work_dir)
    return PreparedSound(
        path=path, sha256=digest, size=size, duration_ms=frames // FRAMES_PER_MS, loudness_lufs=loudness.lufs,
        true_peak_db=loudness.true_peak_db, original_format=kind,
    )  # fmt: skip
