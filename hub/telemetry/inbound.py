"""Health messages of devices. Unsigned: they are shown, nothing is decided on them."""

from __future__ import annotations

from hub.context import Hub
from hub.devices import store as devices
from hub.telemetry import store
from wire.telemetry import FAULTS, read_health


def take_health(hub: Hub, device: str, raw: bytes) -> None:
    """Keep the readings, and note the faults that began or ended. Raises MalformedError."""
    readings = read_health(raw)
    now = hub.now()
    with hub.writing() as conn:
        if devices.live_key(conn, device) is None:
            return
        before = store.put(conn, device, readings, now)
        devices.heard(conn, device, now)
        fault = readings.get("fault") or 0
        for name, bit in FAULTS.items():
            if (fault ^ before) & bit:
                devices.add_event(conn, device, "fault_began" if fault & bit else "fault_ended", name, now)
