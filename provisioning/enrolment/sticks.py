"""Requests and answers on a stick, one file a device, for poles that no network reaches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from provisioning.approval.words import N_
from provisioning.enrolment.telling import StepError
from wire.codec import encode
from wire.errors import WireError
from wire.joining import (
    ANSWER_SUFFIX,
    MAX_ANSWER_BYTES,
    MAX_JOIN_BYTES,
    REQUEST_SUFFIX,
    Answer,
    Wish,
    read_answer,
    read_join,
    read_wish,
)

MOST_FILES = 500


def write_wish(stick: Path, device: str, wish: Wish) -> Path:
    """The ticket stays in the technician's head: a lost stick permits nothing."""
    bare = Wish(request=wish.request, cluster=wish.cluster, spare_of=wish.spare_of)
    return _write(stick / f"{device}{REQUEST_SUFFIX}", encode(bare))


def write_answer(stick: Path, answer: Answer) -> Path:
    return _write(stick / f"{answer.device}{ANSWER_SUFFIX}", encode(answer))


def find_answer(stick: Path, device: str) -> Answer | None:
    path = stick / f"{device}{ANSWER_SUFFIX}"
    return read_answer(_read(path, MAX_ANSWER_BYTES)) if path.is_file() else None


def wishes(stick: Path, damaged: Callable[[str, str], None]) -> Iterator[tuple[str, Wish]]:
    """The device and wish of every request; what is none is told to `damaged` and stops nothing else."""
    for path in sorted(stick.glob(f"*{REQUEST_SUFFIX}"))[:MOST_FILES]:
        try:
            wish = read_wish(_read(path, 3 * MAX_JOIN_BYTES))
            yield read_join(wish.request.encode()).device, wish
        except WireError as error:
            damaged(path.name, error.detail)


def _write(path: Path, raw: bytes) -> Path:
    """Whole or not at all: sticks are pulled out."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StepError(N_("{file} cannot be written: {reason}"), file=path, reason=error.strerror) from error
    return path


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise StepError(N_("{file} cannot be read: {reason}"), file=path, reason=error.strerror) from error
