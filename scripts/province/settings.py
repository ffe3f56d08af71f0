"""What stands in a loudspeaker's config.toml: this machine's sound card for one of them, WAV files for the rest.

Waits that spread a fleet over minutes are set to nothing, so that a demo of six loudspeakers answers at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.province.cast import Loudspeaker
from scripts.province.stage import Stage

PROBE = "import sounddevice; print(sounddevice.query_devices(kind='output')['name'])"
PACE = {"birth_jitter_s": 0, "refresh_jitter_s": 0, "fetch_jitter_s": 0, "ack_jitter_s": 0, "health_s": 20,
        "refresh_s": 60, "retry_s": 2}  # fmt: skip
Settings = dict[str, Any]


def find_sound_card() -> str | None:
    """The name of the default output, or None; asked in a process of its own, since sound systems may hang or abort."""
    try:
        asked = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=15, check=False)
    except subprocess.TimeoutExpired:
        return None
    return asked.stdout.strip() or None if asked.returncode == 0 else None


def device_settings(stage: Stage, one: Loudspeaker, *, card: str | None = None) -> Settings:
    """Everything that `loa-edge init` would write for such a device, and what the demo wants otherwise."""
    output: Settings = {"kind": "wav", "wav": str(stage.device_dir(one.device) / "sound.wav")}
    if one.output == "broken":
        output = {"kind": "sounddevice", "device": "khong-co-card-nay"}
    elif card is not None and one.output == "card":
        output = {"kind": "sounddevice"}
    network: Settings = {
        "hub_url": f"http://127.0.0.1:{stage.ports.hub}",
        "broker": {
            "host": "127.0.0.1", "port": stage.ports.broker, "password_file": "broker.password", "longest_pause_s": 2
        },
    }  # fmt: skip
    reach = network if one.online else {"stick_dir": str(stage.stick_dir), "rtc": str(stage.rtc_path)}
    return {"device": one.device, "serial": f"demo-{one.device}", "output": output, "pace": PACE, **reach}


def cut_off(settings: Settings) -> Settings:
    """The same device without a network."""
    return {key: value for key, value in settings.items() if key not in ("hub_url", "broker")}


def after_power_cut(settings: Settings, *, now_s: float, rtc: str) -> Settings:
    """The same device as it wakes from a power cut: another boot, the clock at 1970, no network; `rtc` may be empty."""
    rig = {"clock_offset_s": -now_s, "boot_id": str(uuid.uuid4())}
    return {**cut_off(settings), "rtc": rtc, "rig": rig}


def on_battery(settings: Settings, folder: Path, percent: int) -> Settings:
    """The same device without mains."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mains").write_text("0\n")
    (folder / "battery").write_text(f"{percent}\n")
    files = {"mains_online": str(folder / "mains"), "battery_capacity": str(folder / "battery"), "interval_s": 1}
    return {**settings, "power": files}


def write_settings(settings: Mapping[str, Any]) -> str:
    """Settings as TOML: plain values first, then one table each."""
    plain = {key: value for key, value in settings.items() if not isinstance(value, Mapping)}
    lines = [f"{key} = {_value(value)}" for key, value in plain.items()]
    for name, table in settings.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{name}]", *(f"{key} = {_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    """Text, whole numbers, floats and truth values are written alike in JSON and TOML."""
    return json.dumps(value, ensure_ascii=False)
