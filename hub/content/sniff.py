"""What a file is, by its first and last bytes: never by its name. Also whether it is whole, where its structure tells.

The answer chooses the one demultiplexer that ffmpeg may use, so nothing else in a file can choose another.
"""

from __future__ import annotations

import os
import string
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from hub.content.refusals import Refusal, SoundRefusedError

HEAD_BYTES = 64 * 1024


class SoundFormat(StrEnum):
    """The formats that are taken."""

    WAV = "wav"
    MP3 = "mp3"
    M4A = "m4a"
    AAC = "aac"
    VORBIS = "vorbis"
    OPUS = "opus"
    OGG_FLAC = "ogg flac"
    FLAC = "flac"


_ARCHIVES = (
    b"PK\x03\x04", b"PK\x05\x06", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
)  # fmt: skip
_VIDEOS = (
    b"\x1a\x45\xdf\xa3", b"FLV\x01", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
)  # fmt: skip
_DOCUMENTS = (b"%PDF", b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"{\\rtf", b"\x7fELF", b"MZ")
_PLAYLISTS = ("#extm3u", "#extinf", "[playlist]", "ffconcat", "<asx", "<smil", "file ", "<mpd")
_OGG_CODECS = {
    b"OpusHead": SoundFormat.OPUS, b"\x01vorbis": SoundFormat.VORBIS, b"\x7fFLAC": SoundFormat.OGG_FLAC,
}  # fmt: skip
_OGG_LAST_PAGE = 0x04
_WAV_STREAMED = 0x7FFFF000
"""From here up the length field of a WAV means "not known": programs that write into a pipe put it there."""
_MP3_FRAMES = 3
_KBITS = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44_100, 48_000, 32_000)


def sniff(path: Path) -> SoundFormat:
    """The format of a sound file. Raises SoundRefusedError for everything else, and for one that is visibly cut."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if not size:
            raise SoundRefusedError(Refusal.EMPTY)
        file.seek(0)
        head = file.read(HEAD_BYTES)
        if head.startswith(b"ID3"):
            file.seek(_id3_size(head))
            return _after_tag(file.read(HEAD_BYTES))
        found = _by_magic(head) or _by_frames(head)
        if found is None:
            raise SoundRefusedError(_what_else(head))
        if found is SoundFormat.WAV:
            _check_wav(file, size)
        elif head.startswith(b"OggS"):
            _check_ogg(file, size)
        return found


def _by_magic(head: bytes) -> SoundFormat | None:
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return SoundFormat.WAV
    if head.startswith(b"fLaC"):
        return SoundFormat.FLAC
    if head[4:8] == b"ftyp":
        return SoundFormat.M4A
    if head.startswith(b"OggS"):
        return _ogg_codec(head)
    return None


def _ogg_codec(head: bytes) -> SoundFormat:
    """By the first packet of the first page."""
    start = 27 + head[26] if len(head) > 27 else len(head)
    for magic, found in _OGG_CODECS.items():
        if head[start:].startswith(magic):
            return found
    is_video = head[start:].startswith((b"\x80theora", b"fishead"))
    raise SoundRefusedError(Refusal.VIDEO) if is_video else SoundRefusedError(Refusal.CODEC, codec="Ogg")


def _after_tag(data: bytes) -> SoundFormat:
    if data.startswith(b"fLaC"):
        return SoundFormat.FLAC
    found = _by_frames(data)
    if found is None:
        # A tag with nothing behind it was cut off; with something else behind it, it is no recording.
        raise SoundRefusedError(Refusal.UNKNOWN if data.strip(b"\0") else Refusal.TRUNCATED)
    return found


def _id3_size(head: bytes) -> int:
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return size + 10 + (10 if head[5:6] and head[5] & 0x10 else 0)


def _by_frames(data: bytes) -> SoundFormat | None:
    """MP3 and raw AAC have no signature: several frames, each where the one before says, are as good."""
    start = len(data) - len(data.lstrip(b"\0"))
    for length, found in ((_mp3_frame, SoundFormat.MP3), (_aac_frame, SoundFormat.AAC)):
        place = start
        for _ in range(_MP3_FRAMES):
            step = length(data[place : place + 10])
            place += step
            if not step:
                break
        else:
            return found
    return None


def _mp3_frame(header: bytes) -> int:
    """The length of an MPEG layer III frame, or 0."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, bits, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or bits in (0, 15) or rate == 3:
        return 0
    is_first = version == 3
    hertz = _RATES[rate] // {3: 1, 2: 2, 0: 4}[version]
    return (144 if is_first else 72) * _KBITS[1 if is_first else 2][bits] * 1000 // hertz + (header[2] >> 1 & 1)


def _aac_frame(header: bytes) -> int:
    """The length of an ADTS frame, or 0."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > 7 else 0


def _what_else(head: bytes) -> Refusal:
    if head.startswith(_ARCHIVES) or head[257:262] == b"ustar":
        return Refusal.ARCHIVE
    if head.startswith(_VIDEOS) or (head.startswith(b"RIFF") and head[8:12] == b"AVI "):
        return Refusal.VIDEO
    if head.startswith(_DOCUMENTS):
        return Refusal.DOCUMENT
    text = _as_text(head)
    if text is None:
        return Refusal.UNKNOWN
    return Refusal.PLAYLIST if text.lstrip("\ufeff \r\n\t").lower().startswith(_PLAYLISTS) else Refusal.TEXT


def _as_text(head: bytes) -> str | None:
    """The head as text, if it is one (UTF-8, or UTF-16 with its mark)."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace")
    text = head.decode("utf-8", "ignore")
    odd = sum(1 for sign in text if ord(sign) < 32 and sign not in "\t\r\n\f")
    lost = len(head) - len(text.encode())
    return text if not odd and lost <= 3 else None


def _check_wav(file: BinaryIO, size: int) -> None:
    """Walk the chunks: a sound that ends before its length is cut; one that goes on behind it would lose its rest."""
    place, has_data = 12, False
    while place + 8 <= size:
        file.seek(place)
        header = file.read(8)
        length = int.from_bytes(header[4:], "little")
        if not _is_chunk_name(header[:4]):
            raise SoundRefusedError(Refusal.LENGTH_LIES if has_data else Refusal.DAMAGED)
        is_data = header[:4] == b"data"
        if is_data and (length >= _WAV_STREAMED or not length):
            return
        if place + 8 + length > size:
            raise SoundRefusedError(Refusal.LENGTH_LIES if has_data else Refusal.TRUNCATED)
        has_data |= is_data
        place += 8 + length + length % 2
    if not has_data:
        raise SoundRefusedError(Refusal.TRUNCATED)


def _is_chunk_name(name: bytes) -> bool:
    allowed = (string.ascii_letters + string.digits + " _-").encode()
    return all(byte in allowed for byte in name)


def _check_ogg(file: BinaryIO, size: int) -> None:
    """The last page must reach the end of the file and say that it is the last."""
    start = max(0, size - 70_000)
    file.seek(start)
    tail = file.read()
    place = tail.rfind(b"OggS")
    page = tail[place:] if place >= 0 else b""
    if len(page) < 27 or not page[5] & _OGG_LAST_PAGE or len(page) < 27 + page[26]:
        raise SoundRefusedError(Refusal.TRUNCATED)
    if 27 + page[26] + sum(page[27 : 27 + page[26]]) > len(page):
        raise SoundRefusedError(Refusal.TRUNCATED)
