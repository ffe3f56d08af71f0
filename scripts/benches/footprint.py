"""What a loudspeaker at rest costs: memory and processor of agent and sound process together, the time until it knows
its programme after a start without a network, and what it sends and receives in a day.

A real agent with a full cache plays silence through PortAudio on the virtual card `dac`; hub and mosquitto are real,
over plain TCP through a counting proxy, at the default pace. It is watched until every kind of exchange has happened,
which takes a keep-alive of silence; a day is then so many of each as the pace says, and one connection.
"""

from __future__ import annotations

import selectors
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
import psutil
import soundfile

from edge.config import Broker, Pace
from scripts.benches.parts.imports import import_costs
from scripts.benches.parts.traffic import DAY_S, CountingProxy, Traffic, read_traffic
from scripts.benches.report import load_average, parser, print_report
from scripts.province.processes import DemoError, program
from scripts.province.solo import LOUDSPEAKER, Settings, one_loudspeaker, settings_of, start_loudspeaker
from scripts.province.stage import Stage
from tests.rig.capture import RATE_HZ
from tests.rig.cards import Cards, end, start_cards
from tests.rig.listen import listening
from wire.topics import HEALTH

PACE = Pace()
KEEPALIVE_S = Broker().keepalive_s
SETTLE_S = PACE.birth_jitter_s + 15
WATCH_S = SETTLE_S + KEEPALIVE_S + 15
"""Birth and first refresh come within a minute; a ping only after a keep-alive without any word."""
READY_TIMES = 5
READY_LIMIT_S = 30
KNOWN = b"programme known: programme"
PEER_S = 20
CONNECTS_A_DAY = 1
Environment = Mapping[str, str]


@dataclass(frozen=True)
class Rest:
    """What processes took while nothing happened."""

    rss_mb: dict[str, float]
    private_mb: dict[str, float]
    cpu_pct: dict[str, float]
    seconds: float


def watch_rest(processes: Mapping[str, psutil.Process], seconds: float) -> Rest:
    """Share of one core over that time, memory at its end."""
    began, before = time.monotonic(), {name: _cpu_s(one) for name, one in processes.items()}
    time.sleep(seconds)
    lasted = time.monotonic() - began
    memory = {name: one.memory_full_info() for name, one in processes.items()}
    return Rest(
        rss_mb={name: round(one.rss / 1e6, 1) for name, one in memory.items()},
        private_mb={name: round(one.uss / 1e6, 1) for name, one in memory.items()},
        cpu_pct={name: round((_cpu_s(one) - before[name]) / lasted * 100, 2) for name, one in processes.items()},
        seconds=round(lasted),
    )


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def watch_traffic(stage: Stage, output: Settings, environment: Environment) -> tuple[Rest, Traffic]:
    """Start the loudspeaker at the default pace behind a counting proxy, and let it rest."""
    hub, broker = CountingProxy(stage.ports.hub), CountingProxy(stage.ports.broker)
    try:
        stage.processes.stop(LOUDSPEAKER.device)
        config = settings_of(stage, output | {"pace": {}}, hub_port=hub.port, broker_port=broker.port)
        stage.configure(LOUDSPEAKER.device, config)
        start_loudspeaker(stage, environment)
        time.sleep(SETTLE_S)
        rest = watch_rest(_agent_and_play(stage), WATCH_S - SETTLE_S)
        return rest, read_traffic(broker.conversations, hub.conversations, HEALTH.of(LOUDSPEAKER.device))
    except ValueError as error:
        raise DemoError(str(error)) from error
    finally:
        hub.close()
        broker.close()


def _agent_and_play(stage: Stage) -> dict[str, psutil.Process]:
    agent = psutil.Process(stage.processes.pid(LOUDSPEAKER.device))
    (play,) = agent.children()
    return {"agent": agent, "play": play}


def bytes_a_day(traffic: Traffic) -> dict[str, float]:
    """By the default pace: a refresh is asked for whether or not anything is new, pings go as if nothing else did."""
    return traffic.a_day(
        connects=CONNECTS_A_DAY, pings=DAY_S / KEEPALIVE_S, healths=DAY_S / PACE.health_s,
        refreshes=DAY_S / PACE.refresh_s,
    )  # fmt: skip


def time_ready(folder: Path, environment: Environment) -> float:
    """Seconds from exec until the agent says that it knows its programme. Raises DemoError."""
    began = time.monotonic()
    with _started([program("loa-edge"), "run", "--dir", str(folder)], environment) as agent:
        for line in _lines_within(agent, READY_LIMIT_S):
            if KNOWN in line:
                return time.monotonic() - began
    raise DemoError(f"the loudspeaker did not know its programme within {READY_LIMIT_S} s")


@contextmanager
def _started(command: Sequence[str], environment: Environment) -> Iterator[subprocess.Popen[bytes]]:
    """A child that ends with the block."""
    child = subprocess.Popen(
        command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        bufsize=0,
    )  # fmt: skip
    try:
        yield child
    finally:
        end(child)
        _said_by(child).close()


def _lines_within(child: subprocess.Popen[bytes], limit_s: float) -> Iterator[bytes]:
    """What it says on its standard error, until it falls silent for good or the time is up."""
    said = _said_by(child)
    deadline = time.monotonic() + limit_s
    with selectors.DefaultSelector() as waiting:
        waiting.register(said, selectors.EVENT_READ)
        while waiting.select(max(0.0, deadline - time.monotonic())):
            line = said.readline()
            if not line:
                return
            yield line


def _said_by(child: subprocess.Popen[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", child.stderr)


def watch_peers(cards: Cards) -> dict[str, object]:
    """Players that hold a card open, where they are installed: silent, as ours is at rest."""
    silence = cards.run / "silence.wav"
    soundfile.write(silence, np.zeros((PEER_S + 20) * RATE_HZ, dtype=np.int16), RATE_HZ)
    card = {**cards.environment, "SDL_AUDIODRIVER": "alsa", "AUDIODEV": "dac1"}
    commands = {
        "ffplay": ["ffplay", "-nodisp", "-loglevel", "quiet", str(silence)],
        "mpv": ["mpv", "--no-config", "--no-video", "--idle", "--really-quiet", "--ao=alsa",
                "--audio-device=alsa/dac1", str(silence)],
    }  # fmt: skip
    return {name: _watch_peer(name, command, card) for name, command in commands.items() if shutil.which(name)}


def _watch_peer(name: str, command: Sequence[str], environment: Environment) -> dict[str, float]:
    with _started(command, environment) as child:
        time.sleep(3)
        rest = watch_rest({name: psutil.Process(child.pid)}, PEER_S)
    return {"rss_mb": rest.rss_mb[name], "cpu_pct": rest.cpu_pct[name]}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--dir", type=Path, help="keep the province here, and go on with it the next time")
    args = options.parse_args()
    output: Settings = {"output": {"kind": "sounddevice", "device": "dac0"}}
    with (
        tempfile.TemporaryDirectory(prefix="loa-bench-") as made,
        start_cards("dac") as cards,
        listening(cards, "dac"),
    ):
        with one_loudspeaker(
            args.dir or Path(made), broker="mosquitto", change=output, environment=cards.environment
        ) as stage:
            rest, traffic = watch_traffic(stage, output, cards.environment)
            stage.processes.stop(LOUDSPEAKER.device)
            stage.kill_hub()
            ready = [time_ready(stage.device_dir(LOUDSPEAKER.device), cards.environment) for _ in range(READY_TIMES)]
        peers = watch_peers(cards)
    day = bytes_a_day(traffic)
    figures = {
        "rss_mb": sum(rest.rss_mb.values()),
        "idle_cpu_pct": sum(rest.cpu_pct.values()),
        "ready_s": statistics.median(ready),
        "bytes_day": sum(day.values()),
    }
    print_report(
        "footprint", figures=figures, peers=peers, runs=1, as_json=args.json,
        details=_details(rest, traffic, day, ready),
    )  # fmt: skip


def _details(rest: Rest, traffic: Traffic, day: Mapping[str, float], ready: Sequence[float]) -> dict[str, object]:
    return {
        "rss_mb": rest.rss_mb,
        "private_mb": rest.private_mb,
        "cpu_pct": rest.cpu_pct | {"seconds": rest.seconds},
        "ready_s": {"runs": [round(one, 2) for one in ready]},
        "bytes_each": {name: round(getattr(traffic, name)) for name in day},
        "bytes_a_day": {name: round(size) for name, size in day.items()},
        "how": f"1 connection, a ping every {KEEPALIVE_S} s, health every {PACE.health_s:g} s, a refresh every "
        f"{PACE.refresh_s:g} s; TCP payload without TLS; no play, no release",
        "libraries": import_costs(),
        "load": load_average(),
    }


if __name__ == "__main__":
    main()
