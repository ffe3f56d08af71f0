"""A real agent in a process of its own, a real mosquitto beside it, and what they said: rows, status, messages."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.edge.world import World, wait_for
from wire.policy import Hours, Policy, QuietException
from wire.units import DAY, UtcTime, local_day

TOP = Path(__file__).resolve().parents[2]
QUICK = "birth_jitter_s = 0\nrefresh_jitter_s = 0\nfetch_jitter_s = 0\nack_jitter_s = 0\nretry_s = 1\n"


def wall_clock() -> UtcTime:
    return UtcTime(time.time_ns() // 1_000_000)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def live_world(folder: Path) -> World:
    """A province at the present time, whose policy lets it sound at whatever hour the test runs."""
    now = wall_clock()
    world = World(folder, now=UtcTime(now - 60 * 60_000))
    world.hub.now = wall_clock
    days = [local_day(UtcTime(now + n * DAY)).isoformat() for n in (-1, 0, 1)]
    exceptions = [QuietException(day, Hours(0, DAY), ["08"], "thử") for day in days]
    world.province.publish_policy("08", Policy("08", world.province.now, exceptions=exceptions))
    return world


class Broker:
    """mosquitto on loopback, and a client that hears everything."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.heard: list[tuple[str, bytes, float]] = []
        self._conf = folder / "mosquitto.conf"
        self._conf.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n")
        self.start()

    def start(self) -> None:
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        null = subprocess.DEVNULL
        self._process = subprocess.Popen([program, "-c", self._conf], stdout=null, stderr=null)
        wait_for(self._is_open)
        self._listen()

    def _listen(self) -> None:
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="test")
        self._client.on_message = lambda _, __, m: self.heard.append((m.topic, bytes(m.payload), time.monotonic()))
        self._client.connect("127.0.0.1", self.port)
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.subscribe("loa/#", qos=1)
        self._client.loop_start()
        assert subscribed.wait(10)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()  # it is the loop that closes the socket
        self._process.kill()
        self._process.wait()

    def publish(self, topic: str, payload: bytes) -> float:
        """The moment at which it left."""
        at = time.monotonic()
        self._client.publish(topic, payload, qos=1)
        return at

    def on(self, suffix: str) -> list[bytes]:
        return [payload for topic, payload, _ in self.heard if topic.endswith(suffix)]

    def _is_open(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class DeviceProcess:
    """`python -m edge run` in a folder made by `World.make_folder`. `config` replaces keys of config.toml."""

    def __init__(self, world: World, device: str, broker: Broker | None = None, **config: Any) -> None:
        self.folder = world.make_folder(device)
        self.wav = world.folder / f"{device}.wav"
        self._environment = {
            "LOA_EDGE_OUTPUT_KIND": "wav", "LOA_EDGE_OUTPUT_WAV": str(self.wav), "LOA_EDGE_STORE_FREE_FLOOR_MB": "0",
            **{f"LOA_EDGE_PACE_{line.split(' = ')[0].upper()}": line.split(" = ")[1] for line in QUICK.splitlines()},
            **{f"LOA_EDGE_{key.upper()}": str(value) for key, value in config.items()},
        }  # fmt: skip
        if broker:
            self._environment |= {"LOA_EDGE_BROKER_HOST": "127.0.0.1", "LOA_EDGE_BROKER_PORT": str(broker.port)}
        self.process: subprocess.Popen[bytes] | None = None
        self.log = world.folder / f"{device}.stderr"

    def start(self, **config: Any) -> None:
        """Start (again), with changed settings if given."""
        self._environment |= {f"LOA_EDGE_{key.upper()}": str(value) for key, value in config.items()}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "edge", "run", "--dir", self.folder], cwd=TOP, stderr=log,
                env={**os.environ, **self._environment},
            )  # fmt: skip

    def kill(self) -> None:
        """As a crash or a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        if self.process is None:
            return 0
        self.process.terminate()
        return self.process.wait(20)

    def rows(self, kind: str = "") -> list[dict[str, Any]]:
        """The log's rows, straight from the disk."""
        if not (self.folder / "state.db").exists():
            return []
        connection = sqlite3.connect(f"file:{self.folder}/state.db?mode=ro", uri=True)
        try:
            rows = [json.loads(body) for (body,) in connection.execute("SELECT body FROM rows ORDER BY seq")]
        except sqlite3.OperationalError:
            return []
        finally:
            connection.close()
        return [row for row in rows if not kind or row["kind"] == kind]

    @property
    def status(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.folder / "status.json").read_text()))
        except FileNotFoundError:
            return {}

    def wait_for_rows(self, kind: str, count: int, limit_s: float = 30) -> list[dict[str, Any]]:
        wait_for(lambda: len(self.rows(kind)) >= count, limit_s)
        return self.rows(kind)

    def wait_until_placed(self) -> None:
        """It knows its place, and listens there."""
        wait_for(lambda: self.status.get("area") and self.status["connected"] and not self.status["missing"], 30)

    def wait_until_ready(self) -> None:
        """The programme is in force and everything is here."""
        wait_for(lambda: self.status.get("rung") == "programme" and self.status.get("missing") == 0, 30)


class BatteryClock:
    """A file that counts seconds as /sys/class/rtc/rtc0/since_epoch does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stopping = threading.Event()
        self._write()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(1 - time.time() % 1):
            self._write()

    def _write(self) -> None:
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(f"{round(time.time())}\n")
        temporary.replace(self.path)
