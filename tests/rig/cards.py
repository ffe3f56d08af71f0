"""Starts and ends the virtual sound cards.

room: one null sink of four channels with four mono speakers spk0..spk3 on it. Its monitor gives every speaker
      sample-aligned on ONE clock: right for comparing samples, not for absolute time.
dac:  two pipe sinks dac0, dac1. `fakedac.py` reads the pipes and so IS the card: right for absolute time. Nothing
      moves until it runs.
"""
from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SPEAKERS = ("spk0", "spk1", "spk2", "spk3")
DACS = ("dac0", "dac1")
START_LIMIT_S = 10.0


@dataclass
class Cards:
    run: Path
    servers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """In which ALSA, PortAudio and the PulseAudio tools see these cards and nothing of the user's."""
        return {**os.environ, "ALSA_CONFIG_PATH": str(self.run / "asound.conf"),
                "PULSE_COOKIE": str(self.run / "cookie"), "XDG_RUNTIME_DIR": str(self.run)}

    def start_card(self, card: str) -> None:
        """Returns when its server answers."""
        home = self.run / f"{card}.home"
        home.mkdir(mode=0o700, exist_ok=True)
        config = self.run / f"{card}.pa"
        config.write_text(room_config(self.run) if card == "room" else dac_config(self.run))
        own_home = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "PULSE_RUNTIME_PATH": str(home)}
        self.servers[card] = subprocess.Popen(
            ["pulseaudio", "-n", "-F", str(config), "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1",
             "--realtime=no", "--high-priority=yes", f"--log-target=file:{self.run}/{card}.log", "--log-level=notice"],
            env={**os.environ, **own_home}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self._wait_for(card)

    def stop_card(self, card: str) -> None:
        """As a server that dies: whoever plays through it finds it gone."""
        end(self.servers.pop(card))
        with contextlib.suppress(FileNotFoundError):
            (self.run / f"{card}.sock").unlink()

    def _wait_for(self, card: str) -> None:
        give_up_at = time.monotonic() + START_LIMIT_S
        ask = ["pactl", f"--server=unix:{self.run}/{card}.sock", "info"]
        while subprocess.run(ask, env=self.environment, capture_output=True, check=False).returncode:
            if self.servers[card].poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError(f"the card {card} did not start, see {self.run}/{card}.log")
            time.sleep(0.05)


@contextlib.contextmanager
def start_cards(*names: str) -> Iterator[Cards]:
    """The named cards (`room`, `dac`) for the length of a `with` block."""
    # A short path of our own: a unix socket's may not pass 107 bytes.
    with tempfile.TemporaryDirectory(prefix="loa-rig-") as folder:
        cards = Cards(Path(folder))
        (cards.run / "asound.conf").write_text(asound_config(cards.run))
        try:
            for name in names:
                cards.start_card(name)
            yield cards
        finally:
            for server in cards.servers.values():
                end(server)


def end(process: subprocess.Popen[bytes], *, limit_s: float = 5) -> None:
    """Ask a child to stop, and then make it."""
    process.terminate()
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def room_config(run: Path) -> str:
    speakers = (f"load-module module-remap-sink sink_name={speaker} master=room channels=1 channel_map=mono"
                f" master_channel_map=aux{n} remix=no\n" for n, speaker in enumerate(SPEAKERS))
    return ("load-module module-null-sink sink_name=room rate=48000 format=s16le channels=4"
            " channel_map=aux0,aux1,aux2,aux3\n" + "".join(speakers) + door(run, "room"))


def dac_config(run: Path) -> str:
    pipes = (f"load-module module-pipe-sink sink_name={dac} file={run}/{dac}.fifo"
             " format=s16le rate=48000 channels=1 channel_map=mono\n" for dac in DACS)
    return "".join(pipes) + door(run, "dac")


def door(run: Path, card: str) -> str:
    """Comes last in the configuration: who gets in finds the sinks."""
    return f"load-module module-native-protocol-unix socket={run}/{card}.sock auth-anonymous=1\n"


def asound_config(run: Path) -> str:
    """`hint show on` makes PortAudio list the device under exactly this name."""
    lines = ["</usr/share/alsa/alsa.conf>"]
    for device in (*SPEAKERS, *DACS):
        card = "room" if device in SPEAKERS else "dac"
        lines.append(f'pcm.{device} {{ type pulse server "unix:{run}/{card}.sock" device "{device}"'
                     f' hint {{ show on description "{device}" }} }}')
    return "\n".join(lines) + "\n"
