"""Asks clamd, where one runs (setting `clamd_socket`), whether an uploaded file is known to be harmful.

Beside the check of structure, never instead of it. Where it is set and does not answer, nothing is taken in: a check
that is skipped in silence is none. Its own `StreamMaxLength` must be at least what may be uploaded (200M).
"""

from __future__ import annotations

import logging
import socket
from pathlib import Path

from hub.content.refusals import Refusal, SoundRefusedError

ANSWER_S, PING_S = 60.0, 2.0
_BLOCK, _MAX_ANSWER = 256 * 1024, 4_096
log = logging.getLogger(__name__)


def check_upload(path: Path, clamd_socket: str) -> None:
    """Raises SoundRefusedError for a harmful file, and where clamd does not say that it is none."""
    try:
        answer = _ask_about(path, clamd_socket)
    except OSError as error:
        log.error("clamd at %s does not answer: %s", clamd_socket, error)  # noqa: TRY400 one line is enough
        raise SoundRefusedError(Refusal.NOT_SCANNED) from error
    if answer.endswith(" FOUND"):
        name = answer.removeprefix("stream: ").removesuffix(" FOUND")
        log.warning("an upload was refused: clamd found %s", name)
        raise SoundRefusedError(Refusal.HARMFUL, name=name[:100])
    if answer != "stream: OK":
        log.error("clamd at %s did not check an upload: %s", clamd_socket, answer or "no answer")
        raise SoundRefusedError(Refusal.NOT_SCANNED)


def is_answering(clamd_socket: str) -> bool:
    """Whether clamd is there; for the page on which people upload."""
    try:
        with _connected(clamd_socket, PING_S) as line:
            line.sendall(b"zPING\0")
            return _answer(line) == "PONG"
    except OSError:
        return False


def _ask_about(path: Path, clamd_socket: str) -> str:
    with _connected(clamd_socket, ANSWER_S) as line, path.open("rb") as file:
        try:
            line.sendall(b"zINSTREAM\0")
            while block := file.read(_BLOCK):
                line.sendall(len(block).to_bytes(4, "big") + block)
            line.sendall(bytes(4))
        except (BrokenPipeError, ConnectionResetError):
            log.warning("clamd stopped listening; what it says follows")  # its limit was reached
        return _answer(line)


def _connected(clamd_socket: str, timeout_s: float) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(timeout_s)
    try:
        line.connect(clamd_socket)
    except OSError:
        line.close()
        raise
    return line


def _answer(line: socket.socket) -> str:
    raw = b""
    while not raw.endswith(b"\0") and len(raw) < _MAX_ANSWER and (more := line.recv(_MAX_ANSWER)):
        raw += more
    return raw.rstrip(b"\0").decode("utf-8", "replace")
