"""What every output of sound can do. Each library stands behind one `*_out` file; one contract test runs on all.

There is no quiet change from one output to another: a loudspeaker that silently does nothing is a fault.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

# When the first frame of the present buffer will be heard, CLOCK_MONOTONIC. Asking costs as much as filling.
HeardAt = Callable[[], int]
# Fill the buffer with the next frames. `underrun`: the sound system says that it ran dry before this buffer. Called on
# the output's own thread; must not wait.
Fill = Callable[[Samples, HeardAt, bool], None]


class AudioOutError(Exception):
    """The output cannot be opened, or no longer be used. `exit_code` is what the process ends with at its start."""

    def __init__(self, why: str, exit_code: int) -> None:
        super().__init__(why)
        self.exit_code = exit_code


class AudioOut(Protocol):
    """One mono output of 48 kHz, 16 bit."""

    name: str
    device: str

    def start(self, fill: Fill) -> None:
        """Open the device and call `fill` for ever. Raises `AudioOutError`. After `close` it may be started again."""

    @property
    def latency_s(self) -> float:
        """From `fill` to the ear, as the device states it; after `start`."""

    def is_alive(self) -> bool:
        """False once the device or its server has gone away."""

    def close(self) -> None:
        """Stop at once; `fill` is not called after it returns. Closing twice is fine."""
