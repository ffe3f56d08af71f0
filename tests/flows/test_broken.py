"""What goes wrong on the way to a loudspeaker, seen at the whole process: nothing is played in part, nothing is lost.

The first two tests play on the village of the stories; the others on a small signed province whose hub may be hostile.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from scripts.province import cast, settings, staff
from scripts.province.processes import program, run
from tests.edge.device_process import DeviceProcess, live_world, wall_clock
from tests.edge.world import daily, wait_for
from tests.flows.conftest import STORY_S
from tests.flows.cutting_proxy import CuttingProxy
from tests.flows.disk import Disk
from tests.flows.village import CARRIED, CHANNELS, THREE, Village, slot, wait_until
from tests.rig.capture import RATE_HZ
from wire.programme import PlayItem
from wire.units import UtcTime

CUT_AT = 24 * 1024
RECORDED_S = 40.0
SAME_PLACE_S = 0.15
COMMUNE, HAMLET, DEVICE, NEIGHBOURS = "08/00694", "08/00694/02", "loa-1", "08/00700"
PLAYING_S = 120
KILLS = 10
"""Of each of two devices."""
KILLED_WITHIN_S = (0.4, 2.4)
MOST_PLAYS = 100
DISK_BYTES = 6 * 1024 * 1024
LOUD = 0.05


# -- on the way from the hub ---------------------------------------------------------------------------------------


@pytest.mark.timeout(STORY_S)
def test_sound_cut_in_transit_is_resumed_at_the_byte_and_never_played_in_part(village: Village) -> None:
    with CuttingProxy(village.stage.ports.hub, cut_at=CUT_AT) as line:
        village.stage.configure(THREE, settings.write_settings(village.settings(THREE, hub_url=line.url)))
        with village.on_air(THREE) as ears:
            second, sound = on_the_programme(village)
            disk = village.disk(THREE)
            wait_until(second)
            assert not disk.has(sound)
            wait_for(lambda: disk.has(sound), 60)
            arrived_s = time.time()
            wait_for(lambda: disk.status()["sounding"], 20)
            wait_until(time.time() + 3)
    village.stage.configure(THREE, settings.write_settings(village.settings(THREE)))
    taken = line.of(sound)
    assert len(taken) > 2
    assert [one.start for one in taken] == [n * CUT_AT for n in range(len(taken))]
    recording, expected = ears.of(CHANNELS[THREE]), village.played(THREE, sound)
    recording.assert_silent(second.timestamp() - 1, arrived_s - 0.5)
    joined = recording.index(arrived_s + 2.5)
    due = round((arrived_s + 2.5 - second.timestamp()) * RATE_HZ)
    at = recording.find(expected[due : due + RATE_HZ], after_s=arrived_s, before_s=arrived_s + 6)
    assert abs(at - joined) <= SAME_PLACE_S * RATE_HZ
    rungs = [row.detail for row in disk.rows("event") if row.detail.startswith("rung")]
    assert rungs[-2:] == ["rung last_complete", "rung programme"]


def on_the_programme(village: Village) -> tuple[datetime, str]:
    """A long recording for the valley, in a slot that begins while its sound is still under way."""
    person = village.stage.staff("vanhoa-tantrao")
    staff.clear_slots(person, cast.VALLEY)
    item = village.record(person, cast.VALLEY, "Ghi âm dài", RECORDED_S)
    second = village.second_in(1)
    staff.add_slot(person, cast.VALLEY, slot("Tin của xã", second, [f"item:{cast.VALLEY}:{item}"]))
    staff.submit(person, cast.VALLEY)
    wait_until(second.timestamp() - 3)
    village.stage.sign_all(["chutich-tantrao"], "programme")
    return second, village.sound_of(person, item)


def test_a_bundle_for_somebody_else_is_refused_in_words_and_changes_nothing(village: Village) -> None:
    stick = village.stage.stick_dir
    stick.mkdir(exist_ok=True)
    for old in stick.iterdir():
        old.unlink()
    run(program("loa-provision"), "bundle", "--hub", village.stage.hub_url, "--root",
        village.stage.trust_dir / "root.json", "--device", THREE, "--area", cast.VALLEY,
        "--out", stick / "nham.loab", "--cache", village.stage.folder / "courier")  # fmt: skip
    disk = village.disk(CARRIED)
    village.start(CARRIED)
    try:
        before = held(disk)
        told = stick / f"{CARRIED}-trang-thai.txt"
        wait_for(told.exists, 20)
        text = told.read_text("utf-8-sig")
        assert "KHÔNG NHẬN gói này" in text
        assert f"nham.loab is for {THREE}, not for {CARRIED}" in text
        wait_for(lambda: any(f"is for {THREE}" in row.detail for row in disk.rows("event")), 10)
        assert held(disk) == before
    finally:
        village.stage.processes.stop(CARRIED)


def held(disk: Disk) -> tuple[object, object, list[str]]:
    status = disk.status()
    blobs = sorted(path.name for path in (disk.folder / "blobs").glob("*/*"))
    return status["versions"], status["programmes"], blobs


# -- a hub that is hostile -----------------------------------------------------------------------------------------


class OnAir:
    """A small province whose commune has a programme under way, and a loudspeaker that plays it as a process."""

    def __init__(self, folder: Path, *, wav: Path) -> None:
        self.world = live_world(folder)
        self.world.place(DEVICE, HAMLET)
        self._playing = self.world.item("dai", self.world.sound(PLAYING_S * 1_000))
        self._began = UtcTime((wall_clock() // 1_000 - 5) * 1_000)
        self.say("tin-1")
        self.device = DeviceProcess(self.world, DEVICE, pace_refresh_s=1, output_wav=wav)
        self.disk = Disk(self.device.folder)
        self.device.start()
        wait_for(lambda: self.status.get("sounding"))
        self.sounding = self.status["sounding"]

    def say(self, ident: str, *, hz: float = 500) -> str:
        """Release a programme with the item that is under way and another one; the other one's sound."""
        sound = self.world.sound(20_000, hz=hz)
        slots = [daily(self._began, "dai", PlayItem(COMMUNE, "dai")),
                 daily(UtcTime(self._began - 3_600_000), "sau", PlayItem(COMMUNE, ident))]  # fmt: skip
        self.world.say(COMMUNE, items=[self._playing, self.world.item(ident, sound)], slots=slots)
        return sound.sha256

    @property
    def status(self) -> dict[str, object]:
        return self.device.status

    def holds(self, sha256: str) -> bool:
        return self.disk.has(sha256) and not self.status["waiting"]

    def is_undisturbed(self) -> bool:
        """It plays what it played when it began, and nothing has cut it since."""
        return self.status["sounding"] == self.sounding and self.disk.rows("play") == []

    def refused(self, where: str, code: str) -> bool:
        rows = self.disk.rows("refused")
        return any(row.slot == where and row.detail.startswith(f"{code}:") for row in rows)

    def close(self) -> None:
        self.device.stop()
        self.world.close()


@pytest.fixture
def on_air(tmp_path: Path) -> Iterator[OnAir]:
    with contextlib.closing(OnAir(tmp_path, wav=tmp_path / "sound.wav")) as made:
        yield made


def test_what_a_hostile_hub_serves_is_refused_and_told_while_the_programme_goes_on(on_air: OnAir) -> None:
    world = on_air.world
    forged = world.province.revise("c00694", lambda _: None, world.province.enough("c00700"))
    world.province.publish({"c00694": forged})
    wait_for(lambda: on_air.refused("c00694", "bad_signature"))

    before = dict(world.province.files)
    newer = on_air.say("tin-2", hz=620)
    wait_for(lambda: on_air.holds(newer))
    after, world.province.files = world.province.files, before
    wait_for(lambda: on_air.refused("timestamp", "out_of_date"))
    assert on_air.holds(newer)

    world.province.files = after
    lie = on_air.say("tin-3", hz=740)
    world.hub.faults.wrong.add(lie)
    wait_for(lambda: on_air.refused("content", "malformed"))
    wait_for(lambda: on_air.status["waiting"] == [COMMUNE])
    assert not on_air.disk.has(lie)
    assert not (on_air.disk.folder / "partial" / lie).exists()
    assert on_air.is_undisturbed()

    world.hub.faults.wrong.clear()
    wait_for(lambda: on_air.holds(lie))
    assert on_air.is_undisturbed()


# -- a disk that runs full -----------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB. Mounting it needs root, as `scripts/test` does."""
    folder = tmp_path / "disk"
    folder.mkdir()
    right = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run([*right, "mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=777", "tmpfs", folder], check=True)
    yield folder
    subprocess.run([*right, "umount", "-l", folder], check=True)


def test_a_disk_that_runs_full_while_fetching_neither_stops_the_sound_nor_breaks_the_log(
    small_disk: Path, tmp_path: Path
) -> None:
    wav = tmp_path / "sound.wav"
    with contextlib.closing(OnAir(small_disk, wav=wav)) as on_air:
        ballast = small_disk / "ballast"
        on_air.world.hub.faults.half_way = lambda: fill(ballast)
        newer = on_air.say("tin-2", hz=620)
        wait_for(lambda: any(row.detail.startswith("fault disk_full begins") for row in on_air.disk.rows("event")))
        heard = len(said(wav))
        wait_for(lambda: len(said(wav)) > heard + 2 * RATE_HZ)
        assert np.abs(said(wav)[heard:]).max() > LOUD
        assert not on_air.disk.has(newer)
        rows = on_air.disk.hashes()

        on_air.world.hub.faults.half_way = None
        ballast.unlink()
        wait_for(lambda: on_air.holds(newer))
        wait_for(lambda: "disk_full" not in on_air.status["faults"])
        assert on_air.is_undisturbed()
        assert rows.items() <= on_air.disk.hashes().items()


def fill(ballast: Path) -> None:
    """Until the kernel refuses a further byte."""
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(1_024))


def said(wav: Path) -> np.ndarray:
    return soundfile.read(wav, dtype="float32")[0]


# -- kill -9 -------------------------------------------------------------------------------------------------------


def test_kill_9_at_random_moments_never_loses_a_logged_row_nor_breaks_the_chain(tmp_path: Path) -> None:
    """While short items follow one another, on two devices at once."""
    places = {"loa-1": COMMUNE, "loa-2": NEIGHBOURS}
    with contextlib.closing(live_world(tmp_path)) as world:
        began = UtcTime((wall_clock() // 1_000 - 2) * 1_000)
        item = world.item("ngan", world.sound(1_000))
        for device, commune in places.items():
            world.place(device, f"{commune}/02")
            world.say(commune, items=[item], slots=[daily(began, "ngan", *[PlayItem(commune, "ngan")] * MOST_PLAYS)])
        with ThreadPoolExecutor(len(places)) as pool:
            ends = [pool.submit(kill_again_and_again, DeviceProcess(world, device)) for device in places]
        for end in ends:
            end.result()


def kill_again_and_again(device: DeviceProcess) -> None:
    moments, disk = random.Random(device.folder.name), Disk(device.folder)  # noqa: S311 - a test's moments
    device.start()
    wait_for(lambda: device.rows("play"), 40)
    for _ in range(KILLS):
        wait_until(time.time() + moments.uniform(*KILLED_WITHIN_S))
        logged = disk.hashes()
        device.kill()
        assert logged.items() <= disk.hashes().items()
        device.start()
    born = len(disk.log())
    wait_for(lambda: [row for row in disk.log()[born:] if row.kind == "play"], 40)
    device.stop()
    assert any(row.detail == "broken_off" for row in disk.rows("play"))
