"""The demo's child processes: started with a log each, watched, and ended one and all.

A child that outlives its parent would keep a port and a sound card, so the kernel is asked to end it with us.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
STOP_S = 8.0


class DemoError(Exception):
    """The demo cannot go on; the text is the one line that its user reads."""


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def program(name: str) -> str:
    """The path of one of Loa's commands in this environment."""
    return str(Path(sys.executable).parent / name)


class Processes:
    """Named children. Starting a name again replaces it; `stop_all` ends them in reverse order."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[object], *, env: dict[str, str] | None = None) -> None:
        self.stop(name)
        with (self._logs / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ, **(env or {})), start_new_session=True, preexec_fn=_die_with_parent,  # noqa: PLW1509 - one thread
            )  # fmt: skip

    def stop(self, name: str) -> None:
        child = self._children.pop(name, None)
        if child is None:
            return
        child.terminate()
        try:
            child.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self._kill(child)

    def kill(self, name: str) -> None:
        """As a power cut would: SIGKILL to the child and to what it started."""
        self._kill(self._children.pop(name))

    def kill_parent(self, name: str) -> None:
        """SIGKILL to the process alone; what it started finds itself an orphan."""
        child = self._children.pop(name)
        child.kill()
        child.wait()

    def stop_all(self) -> None:
        for child in reversed(self._children.values()):
            child.terminate()
        for name in reversed(list(self._children)):
            self.stop(name)

    def names(self) -> list[str]:
        """All that were started and not stopped, the last first."""
        return list(reversed(self._children))

    def dead(self) -> list[str]:
        return [name for name, child in self._children.items() if child.poll() is not None]

    def is_running(self, name: str) -> bool:
        return name in self._children and self._children[name].poll() is None

    def pid(self, name: str) -> int:
        return self._children[name].pid

    def last_lines(self, name: str, count: int = 6) -> str:
        log = self._logs / f"{name}.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:]) if log.exists() else ""

    @staticmethod
    def _kill(child: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):  # it may end by itself between the look and the signal
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def run(*command: object, env: dict[str, str] | None = None) -> str:
    """Run one of Loa's commands to its end and return what it printed; DemoError with its last line if it failed."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env=dict(os.environ, **(env or {})),
    )  # fmt: skip
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise DemoError(f"{Path(str(command[0])).name} {command[1]}: {reason}")
    return done.stdout


def check_port(port: int, what: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = f"port {port} ({what}) is in use: end what uses it, or choose another with --{what}-port"
            raise DemoError(reason) from error


def wait_for(happened: Callable[[], bool], what: str, *, limit_s: float = 30, every_s: float = 0.05) -> None:
    """Poll until `happened()`; DemoError after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while not happened():
        if time.monotonic() > deadline:
            raise DemoError(f"waited {limit_s:g} s in vain for {what}")
        time.sleep(every_s)


def port_answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
