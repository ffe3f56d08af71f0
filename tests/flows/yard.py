"""The stage of the enrolment story: a province whose broker admits by certificate alone, and a technician's bench.

Everything runs as in earnest: mosquitto with mutual TLS, web and worker, the approval app, a front that ends TLS, and
devices that `loa-provision enrol` makes. What a board is (battery clock, serial number) are files.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.certificates.authority import Authority
from hub.clock import system_clock
from hub.config import load_config
from hub.secrets.keyring import Keyring
from scripts.province import cast, observer, peopling, staff
from scripts.province.browser import Browser
from scripts.province.processes import program, run, wait_for
from scripts.province.stage import Stage
from tests.flows.tls_front import TlsFront

CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}")
REGISTRAR = "dangky-thietbi"
CHAIR, EDITOR = "chutich-tantrao", "vanhoa-tantrao"
PACE = ("BIRTH_JITTER_S", "REFRESH_JITTER_S", "FETCH_JITTER_S", "ACK_JITTER_S")


@dataclass(frozen=True)
class Told:
    """What a command said, and how it ended."""

    code: int
    text: str


@dataclass
class Yard(Stage):
    """`front` is the hub's https; `certificates` the file that a machine of the province trusts."""

    front: TlsFront = field(init=False)

    @property
    def certificates(self) -> Path:
        return self.hub_dir / "ca" / "ca.crt"

    @property
    def broker_dir(self) -> Path:
        return self.folder / "broker"

    def open(self) -> None:
        """A province with two clusters, rules and people; nobody is enrolled yet."""
        self.make()
        self.battery_clock.start()
        self._secure()
        self.start_hub()
        self.start_station()
        valley = [one for one in cast.LOUDSPEAKERS if one.area.startswith(cast.VALLEY)]
        self.enter(clusters=[
            {"id": one.cluster, "area": one.area, "name": one.name, "languages": one.languages} for one in valley[:2]
        ])  # fmt: skip
        peopling.propose_policy(self)
        self.sign_all(peopling.PROVINCE_APPROVERS, "policy")

    def close(self) -> None:
        self.processes.stop_all()
        self.battery_clock.stop()
        self.front.stop()

    def start_hub(self) -> None:
        self.processes.start("broker", ["mosquitto", "-c", self.broker_dir / "mosquitto.conf"])
        self.processes.start("web", [program("loa-hub"), "web", "--dir", self.hub_dir])
        wait_for(lambda: self._answers("broker", self.ports.broker), "the broker")
        self.start_worker()
        wait_for(lambda: self._answers("web", self.ports.hub), "the hub")

    def _secure(self) -> None:
        """`loa-hub broker-config`, its settings as it prints them, and a certificate for the front."""
        said = self._hub("broker-config", "--out", self.broker_dir, "--name", "localhost", "--listen", "127.0.0.1",
                         "--port", self.ports.broker)  # fmt: skip
        kept = [line for line in (self.hub_dir / "hub.toml").read_text().splitlines() if "broker_port" not in line]
        told = [line.strip() for line in said.splitlines() if line.strip().startswith("broker_")]
        (self.hub_dir / "hub.toml").write_text("\n".join([*kept, *told]) + "\n")
        key, made = self.authority().issue_server(["localhost"], now=system_clock())
        (self.folder / "front.key").write_bytes(key)
        (self.folder / "front.crt").write_bytes(made)
        self.front = TlsFront(self.folder / "front.crt", self.folder / "front.key", self.ports.hub)
        self.front.start()

    def authority(self) -> Authority:
        """The province's CA, as the hub opens it."""
        return Authority.load(self.hub_dir / "ca", Keyring(load_config(self.hub_dir, environ={}).master_key))

    # -- people --

    def ticket(self, area: str = cast.VALLEY, *, most: int = 9) -> str:
        """The registrar makes a permission on the page, and reads it to the technician."""
        fields = {"area": area, "name": "Lý Văn Tuấn", "most": str(most), "lasts": "24"}
        form = f"/devices/enrolment?area={area}"
        page = staff.expect(self.staff(REGISTRAR).post("/devices/enrolment/tickets", fields, form=form), "permit")
        return str(CODE.search(page.text)[0])  # type: ignore[index]

    def registrar_signs(self) -> dict[str, Any]:
        """What was shown to the registrar, who signs it."""
        approver = self.approver(REGISTRAR)
        (waiting,) = [one for one in approver.pending() if one["kind"] == "placements"]
        shown = approver.look(str(waiting["id"]))
        assert shown["refusals"] == []
        assert approver.sign(str(waiting["id"]), shown["digest"]).status == 200
        return shown

    # -- a technician --

    def hardware(self, name: str, *, serial: str = "", has_rtc: bool = True) -> Path:
        """A board file; made again it is another board under the same name."""
        here = self.folder / "hardware"
        here.mkdir(exist_ok=True)
        (here / f"{name}.serial").write_text(serial or f"sn-{name}")
        board = here / f"{name}.toml"
        rtc = self.rtc_path if has_rtc else here / "no-rtc"
        board.write_text(f'name = "{name}"\ntitle = "T"\nrtc = "{rtc}"\nserial = "{here}/{name}.serial"\n')
        return board

    def provision(self, verb: str, *words: object, typed: Sequence[str] = ()) -> Told:
        line = [program("loa-provision"), verb, *words, "--state", self.folder / "technician"]
        done = subprocess.run(
            [str(word) for word in line], input="".join(f"{one}\n" for one in typed), capture_output=True, text=True,
            check=False, env=self.environment, timeout=120,
        )  # fmt: skip
        return Told(done.returncode, done.stdout + done.stderr)

    def enrol(self, name: str, *words: object, verb: str = "enrol", typed: Sequence[str] = ()) -> Told:
        """Beside the device, without waiting for the registrar."""
        where = ("--dir", self.device_dir(name), "--board", self.folder / "hardware" / f"{name}.toml", "--wait", 0)
        return self.provision(verb, *where, *words, typed=typed)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "SSL_CERT_FILE": str(self.certificates)}

    # -- devices --

    def id_of(self, name: str) -> str:
        return str(re.search(r'^device = "(.+)"', (self.device_dir(name) / "config.toml").read_text(), re.MULTILINE)[1])  # type: ignore[index]

    def start(self, name: str) -> None:
        env = {f"LOA_EDGE_PACE_{key}": "0" for key in PACE} | {
            "LOA_EDGE_PACE_HEALTH_S": "1", "LOA_EDGE_PACE_REFRESH_S": "20", "LOA_EDGE_PACE_RETRY_S": "1",
            "LOA_EDGE_PACE_CERTIFICATE_S": "1", "LOA_EDGE_BROKER_LONGEST_PAUSE_S": "1", "LOA_EDGE_OUTPUT_KIND": "wav",
            "LOA_EDGE_OUTPUT_WAV": str(self.device_dir(name) / "sound.wav"), "SSL_CERT_FILE": str(self.certificates),
        }  # fmt: skip
        self.start_device(name, env=env)
        self.wait_said(name, lambda said: said.get("pid") == self.processes.pid(name), "running")

    def said(self, name: str) -> dict[str, Any]:
        return observer.said(self, name)

    def wait_said(self, name: str, holds: Any, what: str, *, limit_s: float = 60) -> None:
        wait_for(lambda: bool(holds(self.said(name))), f"{name}: {what}", limit_s=limit_s)

    def wait_connected(self, name: str) -> None:
        self.wait_said(name, lambda said: said.get("connected"), "connected")


def page_text(browser: Browser, path: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", staff.expect(browser.get(path), path).text).split())


__all__ = ["CHAIR", "EDITOR", "REGISTRAR", "Yard", "page_text", "run"]
