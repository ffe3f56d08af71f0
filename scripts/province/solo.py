"""A province with one loudspeaker, for measuring: peopled as the demo's is, every process real.

Made once in a folder and resumed there; what sounds where, and how often the device reports, is the caller's choice.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from scripts.province import cast, peopling, settings
from scripts.province.processes import DemoError, wait_for
from scripts.province.stage import Ports, Stage

LOUDSPEAKER = cast.LOUDSPEAKERS[0]
AREA = cast.VALLEY
SUPPLY_LIMIT_S = 120
Status = dict[str, Any]
Settings = dict[str, Any]


@contextmanager
def one_loudspeaker(
    folder: Path, *, broker: str, change: Settings, environment: Mapping[str, str] | None = None
) -> Iterator[Stage]:
    """Hub, broker and one supplied loudspeaker, as long as the block lasts.

    `change` stands in its config.toml beside or instead of the demo's settings; `environment` is where it plays.
    """
    was_empty = not folder.exists() or not any(folder.iterdir())
    stage = Stage(folder, free_ports(), broker=broker)
    with ExitStack() as stack:
        stack.callback(stage.processes.stop_all)
        is_new = not stage.is_made
        if is_new and not was_empty:
            raise DemoError(f"{folder} holds something else than a finished province: empty it, or choose another")
        if is_new:
            stage.make()
            stage.make_devices([LOUDSPEAKER], lambda _: settings_of(stage, {}))
        else:
            stage.resume()
        stage.configure(LOUDSPEAKER.device, settings_of(stage, change))
        stage.start_hub()
        if is_new:
            stage.start_station()
            peopling.people(stage)
            stage.processes.stop("station")
            stage.mark_made()
        start_loudspeaker(stage, environment)
        wait_for(lambda: is_supplied(read_status(stage)), "the loudspeaker's programme", limit_s=SUPPLY_LIMIT_S)
        yield stage


def start_loudspeaker(stage: Stage, environment: Mapping[str, str] | None = None) -> None:
    stage.start_device(LOUDSPEAKER.device, env=dict(environment or {}))


def settings_of(stage: Stage, change: Settings, *, hub_port: int = 0, broker_port: int = 0) -> str:
    """config.toml; with ports, hub and broker are reached through these."""
    made = settings.device_settings(stage, LOUDSPEAKER)
    made["hub_url"] = f"http://127.0.0.1:{hub_port or stage.ports.hub}"
    made["broker"] = made["broker"] | {"port": broker_port or stage.ports.broker}
    return settings.write_settings(made | change)


def read_status(stage: Stage) -> Status:
    """What the running loudspeaker says of itself; empty while it has said nothing since it was started."""
    path = stage.device_dir(LOUDSPEAKER.device) / "status.json"
    status: Status = json.loads(path.read_text()) if path.exists() else {}
    return status if status.get("pid") == stage.processes.pid(LOUDSPEAKER.device) else {}


def is_supplied(status: Status) -> bool:
    """Connected, with an output, the commune's programme, every sound, and the alert templates."""
    roles = status.get("versions", {})
    wanted = {"tpl", f"c{AREA.rsplit('/', 1)[-1]}"}
    return bool(status and status["connected"] and status["output"] and wanted <= set(roles) and not status["missing"])


def free_ports() -> Ports:
    """Three ports that are free at this moment."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(3)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return Ports(*(one.getsockname()[1] for one in sockets))
