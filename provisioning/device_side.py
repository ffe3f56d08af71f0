"""The device beside a technician: its own `loa-edge` makes key and request, and takes in the answer.

On this machine, or over ssh. JSON goes through pipes; the only words on a command line are the program's and the
folder, which is quoted for the far shell. Keys are made there and never come here.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from provisioning.errors import ProvisioningError
from wire.codec import encode
from wire.joining import MAX_JOIN_BYTES, Answer, Kit

PROGRAM = "loa-edge"
LIMIT_S = 120
_FAR = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,60}(@[A-Za-z0-9][A-Za-z0-9.:-]{0,250})?")


class DeviceError(ProvisioningError):
    """The device does not do it; `detail` is its own one line. Mend that and run the command again."""

    code = "device"


@dataclass(frozen=True)
class DeviceSide:
    """`far`: USER@HOST to reach it by ssh; empty: this machine is the device."""

    folder: Path
    far: str = ""

    def __post_init__(self) -> None:
        if self.far and not _FAR.fullmatch(self.far):
            raise DeviceError(f"--ssh {self.far}: USER@HOST")

    def request(self, kit: Kit) -> bytes:
        """The device's signed request; made again it is the same device, key and place. Raises DeviceError."""
        said = self._run("enrol", encode(kit)).strip()
        if len(said) > MAX_JOIN_BYTES:
            raise DeviceError("the device says more than a request")
        return said

    def take(self, answer: Answer) -> None:
        """Raises DeviceError."""
        self._run("enrol-take", encode(answer))

    def _run(self, verb: str, given: bytes) -> bytes:
        command = [verb, "--dir", str(self.folder)]
        line = ["ssh", "--", self.far, shlex.join([PROGRAM, *command])] if self.far else [_program(), *command]
        try:
            done = subprocess.run(line, input=given, capture_output=True, timeout=LIMIT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DeviceError(f"{line[0]}: {error}") from error
        if done.returncode:
            said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
            raise DeviceError((said or [f"{line[0]} ended with {done.returncode}"])[-1][:500])
        return done.stdout


def _program() -> str:
    """The one of this environment, else of the system."""
    beside = Path(sys.executable).parent / PROGRAM
    found = str(beside) if beside.exists() else shutil.which(PROGRAM)
    if found is None:
        raise DeviceError(f"{PROGRAM} is not installed here: on another machine use --ssh USER@HOST")
    return found
