"""What a library costs a program that loads it: time and memory of a fresh interpreter, above those of an empty one."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Mapping

LIBRARIES: Mapping[str, str] = {
    "tuf": "tuf.api.metadata",
    "cryptography": "cryptography.hazmat.primitives.asymmetric.ed25519",
    "paho": "paho.mqtt.client",
    "sqlite_utils": "sqlite_utils",
    "numpy": "numpy",
    "sounddevice": "sounddevice",
    "soundfile": "soundfile",
    "urllib3": "urllib3",
    "msgspec": "msgspec",
}
TIMES = 5
LIMIT_S = 30
PROBE = """
import sys, time
began = time.perf_counter()
if sys.argv[1]:
    __import__(sys.argv[1])
took = (time.perf_counter() - began) * 1000
with open("/proc/self/smaps_rollup") as file:
    size = {line.split(":")[0]: int(line.split()[1]) * 1024 / 1e6 for line in file if line.endswith("kB\\n")}
print(took, size["Rss"], size["Private_Clean"] + size["Private_Dirty"])
"""


def import_costs(times: int = TIMES) -> dict[str, str]:
    """Milliseconds, resident and private megabytes of each library alone; what two of them share counts in both."""
    empty = _probe("", times)
    return {name: _words(_probe(module, times), empty) for name, module in LIBRARIES.items()}


def _probe(module: str, times: int) -> tuple[float, float, float]:
    rows = [_probe_once(module) for _ in range(times)]
    took, resident, private = (statistics.median(column) for column in zip(*rows, strict=True))
    return took, resident, private


def _probe_once(module: str) -> list[float]:
    # -P: a library, not what happens to lie in the folder.
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROBE, module], capture_output=True, text=True, check=True, timeout=LIMIT_S,
        env={"OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    return [float(word) for word in done.stdout.split()]


def _words(cost: tuple[float, float, float], empty: tuple[float, float, float]) -> str:
    took, resident, private = (max(0.0, one - none) for one, none in zip(cost, empty, strict=True))
    return f"{took:.0f} ms, {resident:.1f} MB resident, {private:.1f} MB private"
