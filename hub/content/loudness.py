"""How loud prepared sound is: measured by EBU R 128, changed by ONE constant gain, never by a limiter or compressor.

Why -23 LUFS, EBU R 128's own target, though horns like it loud: speech peaks 13 to 20 LU above its loudness (21
recordings measured: median near 17), and espeak-ng's 19 to 20. At -16 LUFS most peaks would pass full scale; they
would end at different loudnesses, or need a limiter. At -23 all reach the target: a notice is as loud as a bulletin.
The level in the street is set where it belongs, by the amplifier and the volume of policy.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

TARGET_LUFS = -23.0
"""EBU R 128 (2023), programme loudness."""
MAX_TRUE_PEAK_DB = -1.0
"""EBU R 128 and ITU-R BS.1770, dBTP, of the encoded result as the device decodes it."""
CODEC_MARGIN_DB = 0.1
"""Opus changes peaks a little: aim so far below the ceiling. The result is measured, and made again if it passes it."""
MAX_GAIN_DB = 24.0
"""More would lift the noise of the room into the street; what is quieter still stays quieter than the target."""
SILENT_LUFS = -60.0
SILENT_PEAK_DB = -50.0

_INTEGRATED = re.compile(r"^ +I: +(-?[\d.]+|-?inf|nan) LUFS", re.MULTILINE)
_PEAK = re.compile(r"^ +Peak: +(-?[\d.]+|-?inf|nan) dBFS", re.MULTILINE)


@dataclass(frozen=True)
class Loudness:
    """Integrated loudness in LUFS and true peak in dBTP."""

    lufs: float
    true_peak_db: float

    @property
    def is_silent(self) -> bool:
        """Nothing that a person would hear. Not-a-number counts as silent."""
        return not (self.lufs > SILENT_LUFS and self.true_peak_db > SILENT_PEAK_DB)


def read_summary(report: str) -> Loudness | None:
    """What ffmpeg's ebur128 filter says at its end, or None if it never got there."""
    integrated, peaks = _INTEGRATED.findall(report), _PEAK.findall(report)
    return Loudness(float(integrated[-1]), float(peaks[-1])) if integrated and peaks else None


def gain_for(loudness: Loudness) -> float:
    """The one gain, in dB: to the target, but under the ceiling and not above the greatest gain."""
    wanted = TARGET_LUFS - loudness.lufs
    room = MAX_TRUE_PEAK_DB - CODEC_MARGIN_DB - loudness.true_peak_db
    return math.floor(min(wanted, room, MAX_GAIN_DB) * 100) / 100
