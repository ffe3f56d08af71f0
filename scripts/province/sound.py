"""Where the demo's loudspeakers sound: this machine's card for one of them, WAV files for the rest."""

from __future__ import annotations

import subprocess
import sys

from scripts.province.cast import Loudspeaker
from scripts.province.stage import Stage

PROBE = "import sounddevice; print(sounddevice.query_devices(kind='output')['name'])"
FAST = """
[pace]
birth_jitter_s = 0
refresh_jitter_s = 0
fetch_jitter_s = 0
ack_jitter_s = 0
health_s = 20
refresh_s = 60
retry_s = 2
"""


def find_sound_card() -> str | None:
    """The name of the default output, or None; asked in a process of its own, since sound systems may hang or abort."""
    try:
        asked = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=15, check=False)
    except subprocess.TimeoutExpired:
        return None
    return asked.stdout.strip() or None if asked.returncode == 0 else None


def device_settings(stage: Stage, one: Loudspeaker, *, card: str | None = None) -> str:
    """What is added to a loudspeaker's config.toml."""
    wav = stage.device_dir(one.device) / "sound.wav"
    output = f'[output]\nkind = "wav"\nwav = "{wav}"\n'
    if one.output == "broken":
        output = '[output]\nkind = "sounddevice"\ndevice = "khong-co-card-nay"\n'
    elif card is not None and one.output == "card":
        output = '[output]\nkind = "sounddevice"\n'
    stick = "" if one.online else f'stick_dir = "{stage.stick_dir}"\n'
    return stick + output + FAST
