"""ffmpeg as a separate, limited program: measures a foreign sound, and makes the Ogg Opus that devices play.

Debian's `ffmpeg`, else the binary in the package imageio-ffmpeg (which has no ffprobe: all is asked of ffmpeg itself).
It may open one file, by the demultiplexer that `sniff` chose, with the decoders listed here; no network, no other file.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from hub.content.loudness import Loudness, read_summary
from hub.content.programs import ProgramLimits, run_limited
from hub.content.refusals import Refusal, SoundRefusedError
from hub.content.sniff import SoundFormat
from wire.units import RATE_HZ

BITRATE = "32k"
FRAME_MS = 20
FRAME_SAMPLES = RATE_HZ * FRAME_MS // 1000
MAX_ERROR_RATE = "0.01"
"""Share of packets that may fail to decode before the file counts as damaged."""

_DEMUXERS = {
    SoundFormat.WAV: "wav", SoundFormat.MP3: "mp3", SoundFormat.M4A: "mov", SoundFormat.AAC: "aac",
    SoundFormat.VORBIS: "ogg", SoundFormat.OPUS: "ogg", SoundFormat.OGG_FLAC: "ogg", SoundFormat.FLAC: "flac",
}  # fmt: skip
_DECODERS = (
    "pcm_u8,pcm_s16le,pcm_s24le,pcm_s32le,pcm_f32le,pcm_f64le,pcm_alaw,pcm_mulaw,adpcm_ms,adpcm_ima_wav,"
    "mp3,mp3float,aac,alac,vorbis,opus,libopus,flac"
)
_LENGTH = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)", re.MULTILINE)
_OUT_TIME = re.compile(r"^out_time_us=(\d+)$", re.MULTILINE)
_VIDEO_STREAM = re.compile(r"^ +Stream #0:\d+.*: Video: (?!.*\(attached pic\))", re.MULTILINE)
_AUDIO_STREAM = re.compile(r"^ +Stream #0:\d+.*?: Audio: (\S+)", re.MULTILINE)
_PROTECTED = re.compile(r"Audio: .*\((?:drms|enca|aavd|aax)\b")
_FIRST_SOUND = ["-map", "0:a:0", "-vn", "-sn", "-dn"]
_MONO = f"aresample={RATE_HZ},aformat=sample_fmts=flt:channel_layouts=mono"
_METER = "ebur128=peak=true:framelog=verbose"


@dataclass(frozen=True)
class Measured:
    """A sound, decoded to its end: how long it is, how loud, and whether more of it than `MAX_ERROR_RATE` was lost."""

    decoded_ms: int
    loudness: Loudness
    is_damaged: bool


def find_ffmpeg() -> str:
    """The program's path. Raises SoundRefusedError when there is none."""
    path = shutil.which("ffmpeg")
    if path:
        return path
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise SoundRefusedError(Refusal.NO_PROGRAM, program="ffmpeg") from error


def probe(source: Path, kind: SoundFormat, folder: Path, limits: ProgramLimits) -> int | None:
    """Look at the streams; the length in ms that the file states, if it does. Raises SoundRefusedError."""
    done = run_limited(_input(source, kind), folder, limits)
    if "Input #0" not in done.report:
        raise SoundRefusedError(_why_failed(done.report))
    _check_streams(done.report)
    return _declared_ms(done.report)


def measure(source: Path, kind: SoundFormat, folder: Path, limits: ProgramLimits, *, max_s: float) -> Measured:
    """Decode everything (or a little more than `max_s`) and measure it. Raises SoundRefusedError."""
    end = [*_FIRST_SOUND, "-t", str(max_s + 1), "-af", f"{_MONO},{_METER}", "-f", "null", "-"]
    done = run_limited([*_input(source, kind), *end], folder, limits)
    loudness, length = read_summary(done.report), _OUT_TIME.findall(done.output)
    if loudness is None or not length:
        raise SoundRefusedError(_why_failed(done.report))
    return Measured(int(length[-1]) // 1000, loudness, is_damaged=done.has_failed)


def encode(source: Path, kind: SoundFormat, target: Path, gain_db: float, limits: ProgramLimits) -> None:
    """Write Ogg Opus, 48 kHz mono, silence added up to a whole 20 ms frame, nothing of the source's tags."""
    # Timestamps are counted anew: gaps in the source's own would make the length no whole number of frames.
    whole = f"asetnsamples=n={FRAME_SAMPLES}:p=1,asetpts=N/SR/TB"
    filters = f"{_MONO},volume={gain_db:.2f}dB:precision=float,{whole}"
    # Constrained: a tone or music may not take twice the bit rate, which a commune pays for over its SIM cards.
    codec = ["-c:a", "libopus", "-b:a", BITRATE, "-vbr", "constrained", "-application", "audio"]
    plain = ["-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact"]
    out = ["-frame_duration", str(FRAME_MS), *plain, "-f", "ogg", f"file:{target.resolve()}"]
    end = [*_FIRST_SOUND, "-af", filters, *codec, *out]
    if run_limited([*_input(source, kind), *end], target.parent, limits).has_failed:
        raise SoundRefusedError(Refusal.DAMAGED)


def _input(source: Path, kind: SoundFormat) -> list[str]:
    demuxer = _DEMUXERS[kind]
    # libopus is the decoder whose output equals that of libsndfile, which devices use.
    decoder = ["-c:a", "libopus"] if kind is SoundFormat.OPUS else []
    return [
        find_ffmpeg(), "-nostdin", "-hide_banner", "-nostats", "-v", "info", "-progress", "pipe:1", "-y",
        "-max_error_rate", MAX_ERROR_RATE, "-threads", "1", "-protocol_whitelist", "file",
        "-format_whitelist", demuxer, "-codec_whitelist", _DECODERS, *decoder, "-f", demuxer,
        "-i", f"file:{source.resolve()}",
    ]  # fmt: skip


def _check_streams(head: str) -> None:
    if _PROTECTED.search(head):
        raise SoundRefusedError(Refusal.ENCRYPTED)
    if _VIDEO_STREAM.search(head):
        raise SoundRefusedError(Refusal.VIDEO)
    codec = _AUDIO_STREAM.search(head)
    if not codec:
        raise SoundRefusedError(Refusal.NO_AUDIO)
    if codec.group(1).rstrip(",") not in _DECODERS.split(","):
        raise SoundRefusedError(Refusal.CODEC, codec=codec.group(1).rstrip(","))


def _declared_ms(report: str) -> int | None:
    """The length in the file's header; None where there is none or ffmpeg had to guess."""
    match = _LENGTH.search(report)
    if match is None or "Estimating duration from bitrate" in report:
        return None
    hours, minutes, seconds = match.groups()
    return round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000)


def _why_failed(report: str) -> Refusal:
    if "moov atom not found" in report or "partial file" in report:
        return Refusal.TRUNCATED
    return Refusal.TOO_SLOW if "Cannot allocate memory" in report else Refusal.DAMAGED
