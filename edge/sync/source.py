"""Where signed things come from, seen by those who verify them: a hub on the network, or a bundle on a stick.

Whoever implements it only finds bytes and keeps the limits; nothing that it returns is believed before it is verified.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Protocol


class Source(Protocol):
    """Every method raises FetchError or BundleError when the way itself fails."""

    def metadata(self, file: str, *, limit: int) -> bytes | None:
        """A file as under /tuf/metadata (`timestamp.json`, `3.snapshot.json`); None where there is none."""

    def target(self, path: str, sha256: str, *, limit: int) -> bytes | None:
        """A target file by path and hash; None where there is none."""

    def blob(self, sha256: str, start: int, *, limit: int) -> Blob | None:
        """A blob from byte `start` on, at most `limit` bytes; None where there is none."""


class Blob(Protocol):
    """Bytes under way. `start` is where they really begin: 0 if the other side cannot resume."""

    start: int

    def copy_to(self, file: BinaryIO, taken: Callable[[bytes], None]) -> None:
        """Write every piece to `file` and show it to `taken`; closes the way at the end."""
