"""The agent's side of the `play` process: start it, send commands, take its events, notice its death, end it.

What a death means (start another, send the plays again) is the agent's decision.
"""
from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Final, cast

import msgspec

from edge.play.pipe import LINE_LIMIT, Command, Event, PipeError, decode_event, encode

CLOSE_S: Final = 4.0        # to fade out and exit, before it is killed
# One thread for numpy's algebra, which sound does not use: each would hold memory of its own.
ENVIRONMENT: Final = {"OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


class PlayGoneError(Exception):
    """The process does not take commands any more. The caller starts a new one."""


class Gone(msgspec.Struct, frozen=True):
    """Comes last of all events. `exit_code` is one of `pipe.EXIT_*`, negative for a signal; 0 after `close`."""

    exit_code: int


class PlayProcess:
    """Runs from construction to `close`. `events` is filled by a thread; the last one is `Gone`."""

    def __init__(self, *, output: str, device: str = "", latency_s: float | None = None, wav: str | None = None,
                 environment: Mapping[str, str] | None = None) -> None:
        self.events: queue.Queue[Event | Gone] = queue.Queue()
        self._process = subprocess.Popen(
            make_command(output=output, device=device, latency_s=latency_s, wav=wav),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **ENVIRONMENT, **(environment or {})})
        self._stdin = cast("IO[bytes]", self._process.stdin)
        self._stdout = cast("IO[bytes]", self._process.stdout)
        os.set_blocking(self._stdin.fileno(), False)        # a hung child must not hang the agent
        self._sending = threading.Lock()
        self._reader = threading.Thread(target=self._read, name="play events", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def send(self, command: Command) -> None:
        """Raises `PlayGoneError` when the process has ended or hangs, `PipeError` when the command is too long."""
        line = encode(command)
        try:
            with self._sending:
                written = os.write(self._stdin.fileno(), line)
        except (OSError, ValueError) as error:      # ValueError: closed by us
            raise PlayGoneError(f"the play process takes no commands: {error}") from error
        if written != len(line):                    # cannot be: a pipe takes up to PIPE_BUF bytes whole or not at all
            raise PlayGoneError("half a command was written")

    def close(self, *, limit_s: float = CLOSE_S) -> int:
        """Let it fade out and exit; return its exit code. Closing twice is fine."""
        with self._sending:
            self._stdin.close()
        try:
            self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reader.join(limit_s)
        return self._process.wait()

    def _read(self) -> None:
        with self._stdout:
            for line in _lines(self._stdout):
                try:
                    self.events.put(decode_event(line))
                except PipeError:
                    continue                        # a newer or broken child: what it says else still counts
        self.events.put(Gone(exit_code=self._process.wait()))


def make_command(*, output: str, device: str, latency_s: float | None, wav: str | None) -> Sequence[str]:
    command = [sys.executable, "-m", "edge.play", "--output", output]
    if wav is not None:
        return [*command, "--wav", wav]
    if latency_s is not None:
        command += ["--latency", str(latency_s)]
    return [*command, "--device", device]


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(LINE_LIMIT + 1):
        yield line
