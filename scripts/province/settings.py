"""What stands in a loudspeaker's config.toml: this machine's sound card for one of them, WAV files for the rest.

Waits that spread a fleet over minutes are set to nothing, so that a demo of six loudspeakers answers at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
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
        "broker": {"host": "127.0.0.1", "port": stage.ports.broker, "password_file": "broker.password"},
    }
    reach = network if one.online else {"stick_dir": str(stage.stick_dir)}
    return {"device": one.device, "serial": f"demo-{one.device}", "output": output, "pace": PACE, **reach}


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
