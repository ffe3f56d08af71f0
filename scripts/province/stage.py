"""The stage on which the demo, its check, the flow tests and the benchmarks play: a hub, a broker, a station, devices.

Everything is made by Loa's own commands in one folder and runs as processes of its own. `resume` finds an earlier
province in the folder and goes on with it.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.areas.actions import COMMUNES_CSV
from scripts.province import cast
from scripts.province.approvals import Approver
from scripts.province.battery_clock import BatteryClock
from scripts.province.browser import Browser
from scripts.province.processes import DemoError, Processes, check_port, port_answers, program, run, wait_for
from scripts.province.staff import log_in

BROKER_LIMIT_S = 20
BEGUN, MADE = "roster.json", "peopled"
"""Files of a province's folder: the first that is written, and the one that stands only in a finished province."""
Settings = Callable[[cast.Loudspeaker], str]
"""The text of a loudspeaker's config.toml."""


@dataclass(frozen=True)
class Ports:
    hub: int = 8080
    station: int = 8090
    broker: int = 18830

    def named(self) -> dict[str, int]:
        return {"hub": self.hub, "station": self.station, "broker": self.broker}


@dataclass
class Stage:
    """One province in a folder. `broker` is `embedded` (amqtt) or `mosquitto`."""

    folder: Path
    ports: Ports
    broker: str = "embedded"
    people: Mapping[str, cast.Person] = field(default_factory=lambda: {p.username: p for p in cast.PEOPLE})
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()
        self.processes = Processes(self.folder / "logs")
        self.battery_clock = BatteryClock(self.folder / "rtc")

    @property
    def rtc_path(self) -> Path:
        """The battery clock of loudspeakers that have one."""
        return self.folder / "rtc"

    @property
    def hub_dir(self) -> Path:
        return self.folder / "hub"

    @property
    def trust_dir(self) -> Path:
        return self.folder / "trust"

    @property
    def stick_dir(self) -> Path:
        """The stick of the cluster without coverage."""
        return self.folder / "stick"

    def device_dir(self, device: str) -> Path:
        return self.folder / "devices" / device

    def device_password(self, device: str) -> str:
        return (self.device_dir(device) / "broker.password").read_text().strip()

    def account_password(self, account: str) -> str:
        """Of the worker or of a station on the broker."""
        return self._hub("account-password", account).strip()

    @property
    def hub_url(self) -> str:
        """Where programs find the hub; a bare machine's own may not know the name `localhost`."""
        return f"http://127.0.0.1:{self.ports.hub}"

    @property
    def hub_origin(self) -> str:
        """Where people's browsers find it."""
        return f"http://localhost:{self.ports.hub}"

    @property
    def station_origin(self) -> str:
        return f"http://duyet.localhost:{self.ports.station}"

    @property
    def is_made(self) -> bool:
        """A province that was made to its end; one that was interrupted is made anew."""
        return (self.folder / MADE).exists()

    def mark_made(self) -> None:
        (self.folder / MADE).touch()

    def check_ports(self) -> None:
        for what, port in self.ports.named().items():
            check_port(port, what)

    # -- making a province --------------------------------------------------------------------------------------

    def make(self) -> None:
        """Keys, hub, people, hamlets: what a province's own staff would set up with the commands."""
        made = {p.username: {"password": secrets.token_urlsafe(9), "passphrase": _passphrase()} for p in cast.PEOPLE}
        self._make_trust(made)
        run(program("loa-hub"), "init", "--dir", self.hub_dir, "--trust", self.trust_dir)
        self._write_hub_settings()
        self.enter(
            hamlets=[
                {"path": h.area, "name": h.name, "households": h.households, "languages": h.languages}
                for h in cast.HAMLETS
            ],
            people=[self._person_entry(person, made[person.username]["password"]) for person in cast.PEOPLE],
        )
        self._write_secret("people.json", made)
        self.secrets = made

    def resume(self) -> None:
        self.battery_clock.start()
        self.secrets = json.loads((self.folder / "people.json").read_text())
        self._write_hub_settings()

    def reset(self) -> None:
        """Raises DemoError rather than empty a folder that holds something else than a province."""
        names = {path.name for path in self.folder.iterdir()} if self.folder.exists() else set()
        if names - {"logs"} and BEGUN not in names:
            raise DemoError(f"{self.folder} holds other files and is left alone: name another folder with --dir")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.processes = Processes(self.folder / "logs")

    def _make_trust(self, made: Mapping[str, Mapping[str, str]]) -> None:
        self.stick_dir.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.trust_dir, ignore_errors=True)
        communes = [line.split(",")[0] for line in COMMUNES_CSV.read_text().splitlines()[1:]]
        holders = [{"name": p.username, "roles": list(p.keys)} for p in cast.PEOPLE if p.keys]
        roster = self.folder / BEGUN
        roster.write_text(json.dumps({"province": cast.PROVINCE, "communes": communes, "people": holders}))
        passphrases = self._write_secret("passphrases.json", {name: one["passphrase"] for name, one in made.items()})
        run(program("loa-provision"), "trust", "init", "--roster", roster, "--out", self.trust_dir,
            "--passphrases", passphrases)  # fmt: skip
        passphrases.unlink()

    def _write_hub_settings(self) -> None:
        (self.hub_dir / "hub.toml").write_text(
            f"port = {self.ports.hub}\nbroker_port = {self.ports.broker}\n"
            f'approval_url = "{self.station_origin}/"\nunheard_after_s = 120\n'
            f'public_address = "http://localhost:{self.ports.hub}"\n'
        )

    def _person_entry(self, person: cast.Person, password: str) -> dict[str, Any]:
        keys = [str(self.trust_dir / "keys" / f"{person.username}.pub")] if person.keys else []
        roles = [f"{role}:{area}" for role, area in person.roles]
        return {"username": person.username, "name": person.name, "password": password, "roles": roles, "keys": keys}

    def enter(self, **lists: list[dict[str, Any]]) -> None:
        """Enter people, hamlets, clusters or devices by `loa-hub import`."""
        path = self._write_secret("unit.json", lists)
        self._hub("import", path)
        path.unlink()

    def _write_secret(self, name: str, value: object) -> Path:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(json.dumps(value, ensure_ascii=False, indent=1))
        return path

    def _hub(self, *words: object, env: dict[str, str] | None = None) -> str:
        return run(program("loa-hub"), *words, "--dir", self.hub_dir, env=env)

    # -- devices ------------------------------------------------------------------------------------------------

    def make_devices(self, loudspeakers: Iterable[cast.Loudspeaker], settings: Settings) -> None:
        """Make each device's key on the device, enter its cluster, and register it; the registrar signs its place."""
        self.battery_clock.start()
        loudspeakers = list(loudspeakers)
        with ThreadPoolExecutor(len(loudspeakers)) as benches:
            list(benches.map(lambda one: self._init_device(one, settings(one)), loudspeakers))
        self.enter(
            clusters=[
                {"id": one.cluster, "area": one.area, "name": one.name, "languages": one.languages, "lat": one.lat,
                 "lon": one.lon, "note": one.note, "tags": [] if one.online else ["carried"]}
                for one in loudspeakers
            ],
            devices=[
                {"request": str(self.device_dir(one.device) / "request.json"), "cluster": one.cluster}
                for one in loudspeakers
            ],
        )  # fmt: skip

    def _init_device(self, loudspeaker: cast.Loudspeaker, settings: str) -> None:
        folder = self.device_dir(loudspeaker.device)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.toml").write_text(settings)
        run(program("loa-edge"), "init", "--dir", folder, "--device", loudspeaker.device, "--serial",
            f"demo-{loudspeaker.device}", "--root", self.trust_dir / "root.json")  # fmt: skip

    def configure(self, device: str, settings: str) -> None:
        """Give a device another config.toml; it counts from its next start."""
        (self.device_dir(device) / "config.toml").write_text(settings)

    def start_device(self, device: str, *, env: dict[str, str] | None = None) -> None:
        self.processes.start(device, [program("loa-edge"), "run", "--dir", self.device_dir(device)], env=env)

    def edge(self, device: str, verb: str, *words: object) -> str:
        """Run `loa-edge VERB` on a device's folder, as a technician beside it would."""
        return run(program("loa-edge"), verb, "--dir", self.device_dir(device), *words)

    # -- running ------------------------------------------------------------------------------------------------

    def start_hub(self) -> None:
        """Broker, web and worker; returns when the pages answer."""
        if self.broker == "mosquitto":
            self._hub("broker-files", self.folder / "mosquitto")
            self.processes.start("broker", ["mosquitto", "-c", self.folder / "mosquitto" / "mosquitto.conf"])
        else:
            self.processes.start("broker", [program("loa-hub"), "broker", "--dir", self.hub_dir])
        self.processes.start("web", [program("loa-hub"), "web", "--dir", self.hub_dir])
        wait_for(lambda: self._answers("broker", self.ports.broker), "the broker", limit_s=BROKER_LIMIT_S)
        self.start_worker()
        wait_for(lambda: self._answers("web", self.ports.hub), "the hub", limit_s=BROKER_LIMIT_S)

    def start_worker(self) -> None:
        self.processes.start("worker", [program("loa-hub"), "worker", "--dir", self.hub_dir])

    def start_station(self) -> None:
        self.processes.start("station", [
            program("loa-provision"), "station", "--hub", self.hub_url, "--keys", self.trust_dir / "keys",
            "--root", self.trust_dir / "root.json", "--state", self.folder / "station", "--port", self.ports.station,
        ])  # fmt: skip
        wait_for(lambda: self._answers("station", self.ports.station), "the approval app", limit_s=BROKER_LIMIT_S)

    def kill_hub(self) -> None:
        """Hub and broker end as in a power cut."""
        for name in ("web", "worker", "broker"):
            self.processes.kill(name)

    def _answers(self, name: str, port: int) -> bool:
        if not self.processes.is_running(name):
            raise DemoError(f"{name} ended at once: {self.processes.last_lines(name, 1)}")
        return port_answers(port)

    # -- people -------------------------------------------------------------------------------------------------

    def staff(self, username: str) -> Browser:
        return log_in(self.hub_origin, username, self.secrets[username]["password"])

    def approver(self, username: str) -> Approver:
        secret = self.secrets[username]
        return Approver.sign_in(self.station_origin, username, secret["password"], secret["passphrase"])

    def sign_all(self, usernames: Iterable[str], kind: str = "") -> None:
        for username in usernames:
            self.approver(username).sign_all(kind)


def _passphrase() -> str:
    """Four groups that can be read aloud and typed."""
    return "-".join(secrets.token_hex(2) for _ in range(4))
