"""The figures of the health message: one reader for each row of `wire.telemetry.METRICS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from wire.telemetry import FAULTS, METRICS
from wire.timeline import Power, TimeQuality
from wire.units import HOUR, UtcTime

MEGABYTE: Final = 1_000_000
KILOBYTE: Final = 1_024
MEMINFO: Final = Path("/proc/meminfo")
TEMPERATURE: Final = Path("/sys/class/thermal/thermal_zone0/temp")


@dataclass(frozen=True)
class State:
    """What the agent knows at one moment."""

    time_quality: TimeQuality
    clock_error_ms: int
    power: Power
    disk_free_bytes: int
    volume_percent: int
    playing: int
    supplied_until: UtcTime
    unsent_rows: int
    refused: int
    faults: frozenset[str] = field(default_factory=frozenset)


READERS: Mapping[str, Callable[[State], int | None]] = {
    "time_quality": lambda state: int(state.time_quality),
    "clock_error_ms": lambda state: state.clock_error_ms,
    "power": lambda state: int(state.power.source),
    "battery_percent": lambda state: state.power.percent,
    "disk_free_mb": lambda state: state.disk_free_bytes // MEGABYTE,
    "memory_free_mb": lambda _: _memory_free_mb(),
    "temperature_c": lambda _: _temperature_c(),
    "volume_percent": lambda state: state.volume_percent,
    "playing": lambda state: state.playing,
    "supplied_until_h": lambda state: state.supplied_until // HOUR,
    "unsent_rows": lambda state: state.unsent_rows,
    "refused": lambda state: state.refused,
    "fault": lambda state: sum(FAULTS[fault] for fault in state.faults),
}


def read_all(state: State) -> dict[str, int | None]:
    """Every metric of the table; a value that is out of its range is not sent."""
    found = {metric.name: READERS[metric.name](state) for metric in METRICS}
    return {m.name: v if (v := found[m.name]) is not None and m.low <= v <= m.high else None for m in METRICS}


def _memory_free_mb() -> int | None:
    try:
        lines = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * KILOBYTE // MEGABYTE
    except (OSError, ValueError, KeyError):
        return None


def _temperature_c() -> int | None:
    try:
        return round(int(TEMPERATURE.read_text()) / 1_000)
    except (OSError, ValueError):
        return None
