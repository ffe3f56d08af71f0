"""Mains or battery, as the kernel says it in files such as /sys/class/power_supply/AC/online and BAT0/capacity."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wire.timeline import Power


@dataclass(frozen=True)
class PowerSensor:
    """Reads two files; an empty name means that there is nothing to read, which counts as mains."""

    mains_online: str = ""
    battery_capacity: str = ""

    def read(self) -> Power:
        """What the device runs on now. Files that cannot be read make it unknown, never an error."""
        online = _number(self.mains_online)
        if online is None:
            return Power.unknown()
        return Power.mains() if online else Power.battery(self._percent())

    def _percent(self) -> int | None:
        percent = _number(self.battery_capacity)
        return percent if percent is not None and 0 <= percent <= 100 else None


def _number(name: str) -> int | None:
    if not name:
        return None
    try:
        return int(Path(name).read_text())
    except (OSError, ValueError):
        return None
