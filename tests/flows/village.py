"""The stage of the flow tests: a province peopled with what the stories need, five loudspeakers on virtual sound cards.

`dac` knows absolute time, `room` gives sample-exact recordings on one clock; which loudspeaker hangs on which is in
`CHANNELS`. The province is made once; each story runs on the broker that it asks for.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from edge.play.signals import make_attention
from scripts.province import cast, observer, peopling, settings, staff
from scripts.province.battery_clock import BatteryClock
from scripts.province.browser import Browser
from scripts.province.processes import program, run, wait_for
from scripts.province.solo import free_ports
from scripts.province.stage import Stage
from tests.flows.disk import Disk
from tests.flows.hearing import Ears, played
from tests.rig.capture import RATE_HZ, Samples, make_noise
from tests.rig.cards import Cards
from wire.alert import MAX_TEMPLATE_BYTES, Template, clips_of
from wire.codec import decode
from wire.units import LOCAL

ONE, TWO, THREE, FAR, CARRIED = (
    "loa-tantrao-01", "loa-tantrao-02", "loa-tantrao-03", "loa-dongvan-01", "loa-dongvan-03",
)  # fmt: skip
CHANNELS = {ONE: "dac0", TWO: "spk0", FAR: "spk1", CARRIED: "spk2", THREE: "spk3"}
"""`dac1` and `spk3` are free for further devices where THREE is off."""
LOUDSPEAKERS = {one.device: one for one in cast.LOUDSPEAKERS if one.device in CHANNELS}
DEPUTY = "phochutich-tantrao"
"""The deputy chair writes too, so that there is somebody who holds the key and is the author."""
CAST = {cast.VALLEY: "vanhoa-tantrao", cast.MOUNTAIN: "vanhoa-dongvan"}
WARNING = cast.EmergencyWords(
    ident="xa-lu-ngan", title="Xả lũ", hazard="lũ", severity=4, vi="{ho} xả lũ.", hmn="{ho} tso dej.",
    choices={"tuyen-quang": "Hồ Tuyên Quang", "nho-que": "Hồ Nho Quế"},
)  # fmt: skip
THIEF = "station-thief"
"""A stolen broker account of an officer's station: it may write emergencies and nothing else."""
LATENCY_S = 0.2
READY_S = 60
DAY_END_HOUR = 3
VOLUME_PERCENT = 90
"""The most that the province's policy allows its programmes."""
FULL_PERCENT = 100
AHEAD_S = 8.0
RELEASE_SHARE = 2.0
"""A release with the bulletin, page and bundle around it takes so many times the release alone."""
SOUND_LEVEL = 4


class Village:
    """`release_s` is how long this machine takes from a proposal to its release."""

    def __init__(self, folder: Path, cards: Cards) -> None:
        self.stage = Stage(folder, free_ports())
        self.cards = cards
        self.series = ""
        self.release_s = 0.0
        self._numbers = itertools.count(1)
        self._clocks: list[BatteryClock] = []

    # -- making it --

    def make(self) -> None:
        stage = self.stage
        stage.make()
        self._employ()
        stage.make_devices(LOUDSPEAKERS.values(), lambda one: settings.write_settings(self.settings(one.device)))
        stage.start_hub()
        stage.start_station()
        self._people()

    def _employ(self) -> None:
        """What this stage has beside the demo's: a deputy who may write, and an account on the broker to be stolen."""
        deputy = self.stage.people[DEPUTY]
        secret = self.stage.secrets[DEPUTY]["password"]
        roles = [f"{role}:{area}" for role, area in (*deputy.roles, ("editor", cast.VALLEY))]
        keys = [str(self.stage.trust_dir / "keys" / f"{DEPUTY}.pub")]
        self.stage.enter(people=[
            {"username": DEPUTY, "name": deputy.name, "password": secret, "roles": roles, "keys": keys}
        ])  # fmt: skip
        with (self.stage.hub_dir / "hub.toml").open("a") as file:
            file.write(f'stations = ["{THIEF}"]\n')
        run(program("loa-hub"), "init", "--dir", self.stage.hub_dir)  # makes the account's password

    def _people(self) -> None:
        """Placements, the province's policy, a series with a bulletin, an alert template: signed as in earnest."""
        stage = self.stage
        stage.sign_all(["dangky-thietbi"], "placements")
        province = stage.staff(peopling.PROVINCE_EDITOR)
        peopling.propose_policy(stage)
        self.series = staff.add_series(province, cast.PROVINCE, cast.SERIES_TITLE)
        self._write_bulletin(province, datetime.now(LOCAL) - timedelta(days=30))
        peopling.propose_template(stage, province, WARNING)
        began = time.monotonic()
        for kind in ("policy", "programme", "template"):
            stage.sign_all(peopling.PROVINCE_APPROVERS, kind)
        self.release_s = (time.monotonic() - began) / 3

    def use_broker(self, broker: str) -> None:
        """Run on this broker from now on."""
        if broker == self.stage.broker and self.stage.processes.is_running("worker"):
            return
        for name in ("worker", "web", "broker"):
            self.stage.processes.stop(name)
        self.stage.broker = broker
        self.stage.start_hub()

    # -- what people do --

    def publish_bulletin(self) -> str:
        """The province's next bulletin of the series, newer than all before, signed by two; its item."""
        province = self.stage.staff(peopling.PROVINCE_EDITOR)
        item = self._write_bulletin(province, datetime.now(LOCAL) - timedelta(days=30 - next(self._numbers)))
        self.stage.sign_all(peopling.PROVINCE_APPROVERS, "programme")
        return item

    def _write_bulletin(self, province: Browser, valid_from: datetime) -> str:
        written: dict[str, str] = {}
        day = valid_from.strftime("%d/%m/%Y")
        item = peopling.add_daily_bulletin(self.stage, province, self.series, day, written)
        staff.submit(province, cast.PROVINCE)
        return item

    def record(self, person: Browser, area: str, title: str, seconds: float) -> str:
        """Upload a recording that is like no other; the bulletin's id. A third of the rate keeps the file small."""
        number = next(self._numbers)
        path = self.stage.folder / f"recording-{number}.flac"
        soundfile.write(path, make_noise(number, seconds / 3) // SOUND_LEVEL, RATE_HZ // 3)
        item = staff.write_item(person, area, title=title, text="")
        staff.expect(staff.upload_sound(person, item, path), f"upload {title}")
        staff.sounds_of(person, item)
        return item

    def sound_of(self, person: Browser, item: str) -> str:
        """SHA-256 of a bulletin's sound."""
        return str(staff.sounds_of(person, item)[0]["sha256"])

    def second_in(self, releases: int, *, lasts_s: float = 90.0) -> datetime:
        """A second far enough ahead for so many releases and what belongs to them; not just before 03:00, where the
        broadcast day ends."""
        ahead = timedelta(seconds=AHEAD_S + RELEASE_SHARE * releases * self.release_s)
        second = (datetime.now(LOCAL) + ahead).replace(microsecond=0)
        end = second.replace(hour=DAY_END_HOUR, minute=0, second=0)
        return end + timedelta(seconds=5) if 0 < (end - second).total_seconds() < lasts_s else second

    def played(self, device: str, sha256: str) -> Samples:
        """A sound on a device's disk, as the programme says it."""
        return played(self.disk(device).blob(sha256), VOLUME_PERCENT)

    def warning(self, device: str, choice: str) -> Samples:
        """Attention signal and message, as one round of the alert says them: at the emergency's own volume."""
        file = self.stage.folder / f"{WARNING.ident}.json"
        proposed = decode(file.read_bytes(), Template, limit=MAX_TEMPLATE_BYTES)
        clips = clips_of(proposed, {"ho": choice}, "vi") or []
        parts = [played(self.disk(device).blob(clip.sha256), FULL_PERCENT) for clip in clips]
        return np.concatenate([make_attention(), *parts])

    # -- devices --

    def settings(self, device: str, **changes: Any) -> settings.Settings:
        """config.toml of a loudspeaker: its channel of the sound cards, and power that `set_power` changes."""
        one, folder = LOUDSPEAKERS[device], self.stage.device_dir(device)
        powered = settings.on_battery(settings.device_settings(self.stage, one), folder, 100)
        self.set_power(device, mains=True)
        powered["power"]["interval_s"] = 0.5
        return powered | {"output": self.output(CHANNELS[device])} | changes

    @staticmethod
    def output(channel: str) -> dict[str, Any]:
        return {"kind": "sounddevice", "device": channel, "latency_s": LATENCY_S}

    def set_power(self, device: str, *, mains: bool, percent: int = 100) -> None:
        for name, value in (("mains", int(mains)), ("battery", percent)):
            part = self.stage.device_dir(device) / f"{name}.part"
            part.write_text(f"{value}\n")
            part.replace(part.with_suffix(""))

    def start(self, *devices: str) -> None:
        """Start agents; returns when each has its sound card, and the hub if it is to have one."""
        for device in devices:
            self.stage.start_device(device, env=self.sound_environment)
        for device in devices:
            wait_for(lambda d=device: self._is_up(d), f"{device} to be up", limit_s=READY_S)

    @property
    def sound_environment(self) -> dict[str, str]:
        return {name: value for name, value in self.cards.environment.items() if os.environ.get(name) != value}

    def _is_up(self, device: str) -> bool:
        said = observer.said(self.stage, device)
        is_new = said.get("pid") == self.stage.processes.pid(device)
        return is_new and bool(said["output"]) and (said["connected"] or device == CARRIED)

    def disk(self, device: str) -> Disk:
        return Disk(self.stage.device_dir(device))

    def battery_clock(self, name: str, *, ahead_s: int) -> Path:
        """A battery clock that runs ahead, until the story ends."""
        path = self.stage.folder / f"{name}.rtc"
        clock = BatteryClock(path, ahead_s=ahead_s)
        clock.start()
        self._clocks.append(clock)
        return path

    @contextlib.contextmanager
    def on_air(self, *devices: str) -> Iterator[Ears]:
        """Record both cards while these loudspeakers, and others that the story starts, are on."""
        with Ears.open(self.cards) as ears:
            try:
                self.start(*devices)
                yield ears
            finally:
                self._go_off_air()

    def _go_off_air(self) -> None:
        for name in self.stage.processes.names():
            if name not in HUB_SIDE:
                self.stage.processes.stop(name)
        while self._clocks:
            self._clocks.pop().stop()

    def close(self) -> None:
        self.stage.processes.stop_all()
        self.stage.battery_clock.stop()


HUB_SIDE = ("broker", "web", "worker", "station")


def wait_until(moment: datetime | float) -> None:
    """Wait for a second of the wall clock."""
    instant = moment if isinstance(moment, float) else moment.timestamp()
    time.sleep(max(0.0, instant - time.time()))


def in_time(second: datetime) -> None:
    """Everything that the slot needs is where it should be, a moment before its second."""
    assert time.time() < second.timestamp() - 1, "this machine was too slow for the slot that was planned"


def slot(title: str, start: datetime, plays: Sequence[str], *, minutes: str = "2") -> staff.SlotForm:
    """A daily slot from this second on."""
    return staff.SlotForm(title, start.strftime("%H:%M:%S"), minutes, start.strftime("%d/%m/%Y"), tuple(plays))
