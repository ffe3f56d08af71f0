"""Uploads are bounded while they stream in, and their names are only shown."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from hub.content.refusals import Refusal, SoundRefusedError
from hub.content.sound import SoundLimits
from hub.content.uploads import MAX_NAME_CHARS, clean_display_name, received


class Endless:
    """Sends `size` bytes, and remembers how many were taken and how much lay on disk meanwhile."""

    def __init__(self, size: int, folder: Path) -> None:
        self.left, self.taken, self.most_on_disk, self._folder = size, 0, 0, folder

    def read(self, size: int, /) -> bytes:
        block = b"\0" * min(size, self.left)
        self.left -= len(block)
        self.taken += len(block)
        self.most_on_disk = max(self.most_on_disk, sum(path.stat().st_size for path in self._folder.iterdir()))
        return block


class Broken:
    def read(self, _size: int, /) -> bytes:
        raise ConnectionResetError


def test_upload_is_there_while_it_is_used_and_gone_afterwards(work: Path) -> None:
    with received(io.BytesIO(b"sound" * 100_000), work) as path:
        assert path.read_bytes() == b"sound" * 100_000
    assert list(work.iterdir()) == []


def test_two_gigabytes_are_refused_early_and_never_lie_on_disk(work: Path) -> None:
    stream = Endless(2 * 1024**3, work)
    limits = SoundLimits(max_bytes=4 * 1024**2)
    with pytest.raises(SoundRefusedError) as caught, received(stream, work, limits=limits):
        pass
    assert caught.value.code == Refusal.TOO_LARGE
    assert caught.value.status == 413
    assert stream.taken <= limits.max_bytes + 1024**2
    assert stream.most_on_disk <= limits.max_bytes + 1024**2
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(("stream", "why"), [(io.BytesIO(b""), Refusal.EMPTY), (Broken(), Refusal.UPLOAD_CUT)])
def test_upload_that_brings_nothing_leaves_nothing(stream: io.BytesIO | Broken, why: Refusal, work: Path) -> None:
    with pytest.raises(SoundRefusedError) as caught, received(stream, work):
        pass
    assert caught.value.code == why
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("họp thôn.mp3", "họp thôn.mp3"),
        ("ho\u0323p.mp3", "họp.mp3"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.wav", "system.wav"),
        ("..", "ghi âm"),
        ("", "ghi âm"),
        ("a\x00b\nc.mp3", "a b c.mp3"),
        ("\"; rm -rf ~; '.mp3", "\"; rm -rf ~; '.mp3"),
        ("🔊 loa 🙂.ogg", "🔊 loa 🙂.ogg"),
        ("thu\u202e3pm.exe", "thu 3pm.exe"),
        ("-i.mp3", "-i.mp3"),
        ("x" * 500, "x" * MAX_NAME_CHARS),
    ],
)
def test_name_is_cleaned_for_showing(name: str, shown: str) -> None:
    assert clean_display_name(name) == shown
