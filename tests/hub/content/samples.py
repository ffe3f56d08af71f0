"""Real speech by espeak-ng, and other files made of it by ffmpeg: what people upload, and what they should not."""

from __future__ import annotations

import io
import struct
import subprocess
import wave
import zipfile
from pathlib import Path

SENTENCE = (
    "Ủy ban nhân dân xã thông báo khẩn: sơ tán khỏi vùng ngập lụt. Đề nghị bà con di chuyển người và tài sản đến nơi "
    "an toàn trước mười bảy giờ."
)

FORMATS = {
    "wav": ("wav", ["-c:a", "pcm_s16le"]),
    "wav of 24 bits, stereo": ("wav", ["-c:a", "pcm_s24le", "-ac", "2", "-ar", "44100"]),
    "mp3": ("mp3", ["-c:a", "libmp3lame", "-b:a", "64k"]),
    "mp3 without a length": ("mp3", ["-c:a", "libmp3lame", "-write_xing", "0", "-id3v2_version", "0"]),
    "m4a": ("m4a", ["-c:a", "aac", "-b:a", "64k"]),
    "aac": ("aac", ["-c:a", "aac", "-b:a", "64k", "-f", "adts"]),
    "ogg vorbis": ("ogg", ["-c:a", "libvorbis"]),
    "opus": ("opus", ["-c:a", "libopus", "-b:a", "24k"]),
    "flac": ("flac", ["-c:a", "flac"]),
}


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)], check=True, timeout=60)


def speech(target: Path, text: str = SENTENCE) -> Path:
    subprocess.run(
        ["espeak-ng", "-v", "vi", "-a", "50", "-b", "1", "--stdin", "-w", str(target)],
        input=text.encode(),
        check=True,
        timeout=60,
    )
    return target


def tone(target: Path, seconds: float, *options: str, volume: float = 0.3) -> Path:
    source = f"sine=frequency=440:duration={seconds}:sample_rate=48000,volume={volume}"
    ffmpeg("-f", "lavfi", "-i", source, *options, target)
    return target


def silence(target: Path, seconds: float) -> Path:
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono", "-t", str(seconds), target)
    return target


def wav_bytes(seconds: float, *, declared: float | None = None, streamed: bool = False) -> bytes:
    """A WAV whose header may state another length than it has."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(
            b"".join(struct.pack("<h", 8000 * (1 if i // 20 % 2 else -1)) for i in range(int(seconds * 16_000)))
        )
    data = bytearray(out.getvalue())
    if declared is not None:
        struct.pack_into("<I", data, 40, int(declared * 32_000))
    if streamed:
        struct.pack_into("<I", data, 40, 0xFFFFFFFF)
        struct.pack_into("<I", data, 4, 0xFFFFFFFF)
    return bytes(data)


def zero_wav(target: Path, seconds: int, rate: int = 8_000) -> Path:
    """Hours of digital silence that take no room on disk."""
    size = seconds * rate * 2
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16, b"data", size
    )
    with target.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + size)
    return target


def zip_of(path: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.write(path, "sound.wav")
    return out.getvalue()


def with_xing_frames(mp3: bytes, factor: float) -> bytes:
    """An MP3 whose header counts other frames than there are."""
    data = bytearray(mp3)
    place = max(data.find(b"Xing"), data.find(b"Info"))
    (frames,) = struct.unpack_from(">I", data, place + 8)
    struct.pack_into(">I", data, place + 8, int(frames * factor))
    return bytes(data)
