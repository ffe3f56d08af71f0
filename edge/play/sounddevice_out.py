"""Sound through PortAudio, by the library sounddevice."""
from __future__ import annotations

from typing import Any, Final

import sounddevice
from numpy.typing import NDArray

from edge.play.audio_out import AudioOutError, Fill
from edge.play.pipe import EXIT_NO_DEVICE, RATE_HZ
from edge.play.stream_time import monotonic_of

BUFFERS: Final = 2      # that make up the latency; PortAudio's own choice wakes the processor twice as often


class SounddeviceOut:
    """A PortAudio stream that runs for ever. `device`: a name or number as PortAudio lists it, "" for its default."""

    name = "sounddevice"

    def __init__(self, device: str, *, latency_s: float) -> None:
        self.device = device
        self._wanted_latency_s = latency_s
        self._buffer_frames = round(latency_s * RATE_HZ / BUFFERS)
        self._stream: sounddevice.OutputStream | None = None

    def start(self, fill: Fill) -> None:
        _list_devices_again()

        def callback(out: NDArray[Any], _frames: int, times: Any, status: sounddevice.CallbackFlags) -> None:
            def heard_at_ns() -> int:
                return monotonic_of(times.outputBufferDacTime, lambda: float(stream.time))

            fill(out[:, 0], heard_at_ns, status.output_underflow)

        try:
            stream = self._stream = sounddevice.OutputStream(
                device=_find_device(self.device), samplerate=RATE_HZ, channels=1, dtype="int16", callback=callback,
                latency=self._wanted_latency_s, blocksize=self._buffer_frames, dither_off=True)
            stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            self.close()
            raise AudioOutError(f"cannot open the sound device {self.device!r}: {error}", EXIT_NO_DEVICE) from error

    @property
    def latency_s(self) -> float:
        return float(self._stream.latency) if self._stream else 0.0

    def is_alive(self) -> bool:
        return self._stream is not None and bool(self._stream.active)

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream:
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)


def _find_device(wanted: str) -> int | None:
    """PortAudio's index of a device. An exact name goes first: sounddevice takes any part of a name for a match."""
    if not wanted:
        return None
    for device in sounddevice.query_devices():
        if wanted in (device["name"], str(device["index"])) and device["max_output_channels"] > 0:
            return int(device["index"])
    raise ValueError("PortAudio lists no such output")


def _list_devices_again() -> None:
    """PortAudio looks for cards once, when it is set up; a card that came later is seen only like this."""
    sounddevice._terminate()  # noqa: SLF001 (the documented way, though its name is private)
    sounddevice._initialize()  # noqa: SLF001
