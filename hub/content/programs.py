"""Runs ffmpeg and espeak-ng on what strangers sent: an argument list, no shell, no input but ours, and firm limits.

Time, memory, file size and open files are limited by `prlimit` (util-linux), not by code between fork and exec, which
is not safe in a web process with threads. Output is kept in files that the same limits bound.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hub.content.refusals import Refusal, SoundRefusedError

MAX_REPORT_BYTES = 256 * 1024
_NICENESS = "10"
"""Preparing sound waits behind pages and alerts."""


@dataclass(frozen=True)
class ProgramLimits:
    """What one run may use. Memory is address space, of which ffmpeg's libraries alone take about 0.5 GiB."""

    wall_s: float = 300.0
    cpu_s: int = 240
    memory_bytes: int = 2 * 1024**3
    file_bytes: int = 256 * 1024**2


@dataclass(frozen=True)
class Finished:
    """How a program ended and what it said."""

    status: int
    output: str
    report: str

    @property
    def has_failed(self) -> bool:
        return self.status != 0


def find_program(*names: str) -> str:
    """The first of these programs that is installed. Raises SoundRefusedError."""
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    raise SoundRefusedError(Refusal.NO_PROGRAM, program=names[0])


def run_limited(arguments: Sequence[str], folder: Path, limits: ProgramLimits, *, text: str = "") -> Finished:
    """Run a program in `folder` with `text` as its input. Raises SoundRefusedError when it exceeds its limits."""
    with (
        tempfile.TemporaryFile(dir=folder) as fed,
        tempfile.TemporaryFile(dir=folder) as output,
        tempfile.TemporaryFile(dir=folder) as report,
    ):
        fed.write(text.encode())
        fed.seek(0)
        process = subprocess.Popen(
            [*_limiter(limits), *arguments],
            stdin=fed,
            stdout=output,
            stderr=report,
            cwd=folder,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "AV_LOG_FORCE_NOCOLOR": "1"},
            start_new_session=True,
        )
        status = _wait(process, limits.wall_s)
        return Finished(status, _ends_of(output), _ends_of(report))


def _limiter(limits: ProgramLimits) -> list[str]:
    return [
        find_program("nice"),
        "-n",
        _NICENESS,
        find_program("prlimit"),
        f"--as={limits.memory_bytes}",
        f"--cpu={limits.cpu_s}",
        f"--fsize={limits.file_bytes}",
        "--nofile=64",
        "--core=0",
        "--",
    ]


def _wait(process: subprocess.Popen[bytes], wall_s: float) -> int:
    try:
        status = process.wait(timeout=wall_s)
    except subprocess.TimeoutExpired as error:
        raise SoundRefusedError(Refusal.TOO_SLOW) from error
    finally:
        _kill(process)
    if status in (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGXFSZ):
        raise SoundRefusedError(Refusal.TOO_SLOW)
    return status


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The program and whatever it started; it leads a group of its own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _ends_of(file: IO[bytes]) -> str:
    """All that was written, or of a flood its beginning and its end."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    said = file.read(MAX_REPORT_BYTES)
    if size > 2 * MAX_REPORT_BYTES:
        file.seek(size - MAX_REPORT_BYTES)
    return (said + file.read(MAX_REPORT_BYTES)).decode("utf-8", "replace")
