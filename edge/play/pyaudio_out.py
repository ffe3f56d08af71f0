"""Sound through PortAudio, by the library PyAudio: a second door to the same sound system.

PyAudio has no Linux wheel and cannot ask for a latency; the size of a buffer is set instead.
"""
from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyaudio

from edge.play.audio_out import AudioOutError, Fill
from edge.play.pipe import EXIT_NO_DEVICE, RATE_HZ
from edge.play.stream_time import monotonic_of

BUFFERS: Final = 2      # that make up the latency, as in `sounddevice_out`


class PyaudioOut:
    """As `SounddeviceOut`."""

    name = "pyaudio"

    def __init__(self, device: str, *, latency_s: float) -> None:
        self.device = device
        self._buffer_frames = round(latency_s * RATE_HZ / BUFFERS)
        self._audio: pyaudio.PyAudio | None = None
        self._stream: pyaudio.Stream | None = None

    def start(self, fill: Fill) -> None:
        audio = self._audio = pyaudio.PyAudio()

        def callback(_in: None, frames: int, times: dict[str, float], status: int) -> tuple[bytes, int]:
            out = np.zeros(frames, dtype=np.int16)
            fill(out, lambda: monotonic_of(times["output_buffer_dac_time"], stream.get_time),
                 bool(status & pyaudio.paOutputUnderflow))
            return out.tobytes(), pyaudio.paContinue

        try:
            stream = self._stream = audio.open(
                rate=RATE_HZ, channels=1, format=pyaudio.paInt16, output=True, start=False,
                output_device_index=_find_device(audio, self.device), frames_per_buffer=self._buffer_frames,
                stream_callback=callback)
            stream.start_stream()
        except (OSError, ValueError) as error:
            self.close()
            raise AudioOutError(f"cannot open the sound device {self.device!r}: {error}", EXIT_NO_DEVICE) from error

    @property
    def latency_s(self) -> float:
        return float(self._stream.get_output_latency()) if self._stream else 0.0

    def is_alive(self) -> bool:
        return self._stream is not None and bool(self._stream.is_active())

    def close(self) -> None:
        stream, self._stream = self._stream, None
        audio, self._audio = self._audio, None
        if stream:
            stream.close()
        if audio:
            audio.terminate()


def _find_device(audio: pyaudio.PyAudio, wanted: str) -> int | None:
    if not wanted:
        return None
    for index in range(audio.get_device_count()):
        found: dict[str, Any] = audio.get_device_info_by_index(index)
        if wanted in (found["name"], str(index)) and found["maxOutputChannels"] > 0:
            return index
    raise ValueError("PortAudio lists no such output")
