"""An uploaded file on its way to disk: bounded while it streams in, named by us. Its own name is only ever shown."""

from __future__ import annotations

import contextlib
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from hub.content.blobs import check_space
from hub.content.refusals import Refusal, SoundRefusedError
from hub.content.sound import SoundLimits

MAX_NAME_CHARS = 120
UNNAMED = "ghi âm"
_BLOCK = 256 * 1024


class Readable(Protocol):
    """A stream of bytes; werkzeug's uploads and request bodies are such."""

    def read(self, size: int, /) -> bytes: ...


@contextlib.contextmanager
def received(stream: Readable, work_dir: Path, *, limits: SoundLimits | None = None) -> Iterator[Path]:
    """The upload as a file of ours while the block runs. Raises SoundRefusedError at the first byte too many."""
    limits = limits or SoundLimits()
    with tempfile.NamedTemporaryFile(prefix="upload-", dir=work_dir) as file:
        size = 0
        while block := _read(stream):
            size += len(block)
            if size > limits.max_bytes:
                raise SoundRefusedError(Refusal.TOO_LARGE, limit_mb=limits.max_bytes // 1024**2)
            check_space(work_dir, len(block))
            file.write(block)
        file.flush()
        if not size:
            raise SoundRefusedError(Refusal.EMPTY)
        yield Path(file.name)


def clean_display_name(name: str) -> str:
    """A file's name as people may see it: the last part of any path, no control signs, not too long. Never a path."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(" " if unicodedata.category(sign) in {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"} or _turns(sign) else sign
                    for sign in last)  # fmt: skip
    shown = " ".join(shown.split()).strip(" .")
    return shown[:MAX_NAME_CHARS] or UNNAMED


def _turns(sign: str) -> bool:
    """Signs that turn the direction of writing make a name look like another."""
    return unicodedata.bidirectional(sign) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def _read(stream: Readable) -> bytes:
    try:
        return stream.read(_BLOCK)
    except OSError as error:
        raise SoundRefusedError(Refusal.UPLOAD_CUT) from error
