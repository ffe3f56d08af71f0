"""Tells the worker at once that something waits in the outbox: one datagram on a Unix socket beside the database.

Losing a ring is harmless: the worker looks by itself every second.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

_LONGEST_PATH = 100  # the kernel takes 107 bytes


def doorbell_path(directory: Path) -> Path:
    path = directory / "doorbell.sock"
    if len(str(path).encode()) <= _LONGEST_PATH:
        return path
    name = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"loa-hub-{name}.sock"


class Doorbell:
    """The button, in every process that writes."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def ring(self) -> None:
        with contextlib.suppress(OSError):  # nobody there, or already rung often enough
            self._socket.sendto(b"!", self._path)

    def close(self) -> None:
        self._socket.close()


class Bell:
    """The bell, in the worker."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o600)

    def wait(self, timeout_s: float) -> bool:
        """Wait for a ring; swallow all that are there. False when none came in time."""
        self._socket.settimeout(timeout_s)
        try:
            self._socket.recv(16)
        except TimeoutError:
            return False
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(16)
        return True

    def close(self) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
