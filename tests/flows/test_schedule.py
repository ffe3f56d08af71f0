"""The schedule story, told in order: a bulletin reaches loudspeakers that lose their network, and the days after.

Staff, approvers and couriers act on pages, in the approval app and by command; hub, broker, station and loudspeakers
are processes; what the loudspeakers say is recorded from their sound cards. Hub and broker run on amqtt and on
mosquitto.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from scripts.province import cast, observer, peopling, settings, staff
from scripts.province.processes import program, run, wait_for
from tests.flows.conftest import STORY_S
from tests.flows.disk import Disk
from tests.flows.hearing import Ears, Recording
from tests.flows.hub_side import HubSide
from tests.flows.village import CARRIED, DEPUTY, FAR, ONE, TWO, Village, in_time, slot, wait_until
from tests.rig.capture import RATE_HZ, Samples
from wire.envelope import key_from_hex, open_envelope
from wire.playlog import LOG_TYPE, MAX_BATCH_BYTES, read_batch
from wire.timeline import Why
from wire.units import DAY, LOCAL

LONG_S = 20.0
CARRIED_AFTER_S = 9
"""The cluster without coverage plays a little later than the valley."""
BOOT_S = 14
"""What a device is given to boot before the slot of another day."""
KILLED_AFTER_S = 4.0
ON_TIME_S = 0.15
"""How far a start may lie off: the rig's error, a busy machine's, and a fresh stream's. The bench tells the figure."""
BY_RTC_S = 0.3
TAIL_S = 3.0
SUPPLIED_DAYS = 40
RELEASES = 5


@dataclass
class Plan:
    """What the people of the story agreed on, and what of it should be heard."""

    second: datetime
    spoken: str
    recorded: str
    programme: Samples = None  # type: ignore[assignment]
    first_s: float = 0.0
    """Length of the first item."""
    old_bulletin: str = ""
    bulletin: str = ""
    bulletin_sound: str = ""

    @property
    def carried_s(self) -> float:
        return self.second.timestamp() + CARRIED_AFTER_S

    def items(self, second_s: float) -> list[tuple[Samples, float]]:
        """Both items, each with its instant, where the slot begins at `second_s`."""
        length = round(self.first_s * RATE_HZ)
        return [(self.programme[:length], second_s), (self.programme[length:], second_s + self.first_s)]


@pytest.mark.timeout(STORY_S)
def test_a_bulletin_reaches_loudspeakers_that_lose_their_network(province: Village) -> None:
    with province.on_air(ONE, TWO, FAR, CARRIED) as ears:
        second = province.second_in(RELEASES)
        frame_of_the_absent_chair(province, second)
        plan = bulletin_written_and_approved(province, second)
        fetched_by_its_commune_alone(province, plan)
        fed_by_stick_until_a_stated_day(province)
        bundle = next_bulletin_packed(province, plan)
        hub_and_broker_die(province)
        carry(province, bundle, "lan-2")
        in_time(second)
        tomorrow = Tomorrow.begin(province, plan, days=1, channel="dac1")
        day_after = Tomorrow.begin(province, plan, days=2, channel="spk3")
        resumes_after_kill_9(province, plan)
        without_time = device_without_time(province)
        wait_until(max(plan.second.timestamp() + plan.first_s + LONG_S, tomorrow.wall_s + plan.first_s + 3) + 1.5)
        says_why_it_is_silent(without_time, plan)
        log = log_on_stick(province, plan)
        province.stage.start_hub()
        log_taken_exactly_once(province, log)
        every_row_arrives_once(province)
        page_tells(province, plan)
    heard_on_time(ears, plan)
    heard_without_a_gap_and_resumed(ears, plan, province)
    heard_the_new_bulletin(ears, plan, province)
    tomorrow.heard(ears, plan)
    day_after.heard(ears, plan)
    nothing_heard_elsewhere(ears, plan)


# -- written, approved, fetched ------------------------------------------------------------------------------------


def frame_of_the_absent_chair(village: Village, second: datetime) -> None:
    """The mountain commune's chair signs a slot for the provincial series, and is not seen again in this story."""
    stage = village.stage
    person = stage.staff("vanhoa-dongvan")
    staff.clear_slots(person, cast.MOUNTAIN)
    begins = datetime.fromtimestamp(second.timestamp() + CARRIED_AFTER_S, second.tzinfo)
    form = slot("Bản tin tỉnh", begins, [f"series:{cast.PROVINCE}:{village.series}"])
    staff.add_slot(person, cast.MOUNTAIN, form)
    staff.submit(person, cast.MOUNTAIN)
    stage.sign_all(["chutich-dongvan"], "programme")


def bulletin_written_and_approved(village: Village, second: datetime) -> Plan:
    """Two items by the part-timer, a slot by the deputy, who may not approve it; the chair may."""
    stage = village.stage
    writer, deputy = stage.staff("vanhoa-tantrao"), stage.staff(DEPUTY)
    staff.clear_slots(writer, cast.VALLEY)
    words = f"{second:%H}h{second:%M} mời bà con họp thôn."
    spoken = peopling.write_spoken(stage, writer, cast.VALLEY, "Họp thôn", words)
    recorded = village.record(writer, cast.VALLEY, "Ghi âm buổi họp", LONG_S)
    plays = [f"item:{cast.VALLEY}:{item}" for item in (spoken, recorded)]
    staff.add_slot(deputy, cast.VALLEY, slot("Tin của xã", second, plays))
    staff.submit(writer, cast.VALLEY)
    author_cannot_approve(village)
    stage.sign_all(["chutich-tantrao"], "programme")
    return Plan(second, village.sound_of(writer, spoken), village.sound_of(writer, recorded))


def author_cannot_approve(village: Village) -> None:
    assert village.stage.approver("vanhoa-tantrao").pending() == []
    deputy = village.stage.approver(DEPUTY)
    (waiting,) = deputy.pending()
    shown = deputy.look(str(waiting["id"]))
    answer = deputy.sign(str(waiting["id"]), shown["digest"])
    assert (answer.status, answer.data()["code"]) == (403, "own_work")


def fetched_by_its_commune_alone(village: Village, plan: Plan) -> None:
    sounds = (plan.spoken, plan.recorded)
    for device in (ONE, TWO):
        disk = village.disk(device)
        what = f"{device} to hold the programme"
        wait_for(lambda d=disk: all(map(d.has, sounds)) and not d.status()["waiting"], what)
    disk = village.disk(FAR)
    assert not any(map(disk.has, sounds))
    assert "c02545" not in disk.status()["versions"]
    parts = [village.played(ONE, sha256) for sha256 in sounds]
    plan.programme, plan.first_s = np.concatenate(parts), len(parts[0]) / RATE_HZ


# -- the cluster without coverage ----------------------------------------------------------------------------------


def pack(village: Village, name: str) -> Path:
    """What the courier takes along: one file, made at the office by command."""
    path = village.stage.folder / f"{name}.loab"
    run(program("loa-provision"), "bundle", "--hub", village.stage.hub_url, "--root",
        village.stage.trust_dir / "root.json", "--device", CARRIED, "--area", cast.MOUNTAIN, "--out", path,
        "--cache", village.stage.folder / "courier")  # fmt: skip
    return path


def carry(village: Village, bundle: Path, name: str) -> str:
    """Put the stick in; what the device then writes to it for people."""
    stick = village.stage.stick_dir
    stick.mkdir(exist_ok=True)
    shown = stick / f"{CARRIED}-trang-thai.txt"
    for old in stick.glob("*"):
        old.unlink()
    part = stick / "part"
    part.write_bytes(bundle.read_bytes())
    part.rename(stick / f"{name}.loab")
    wait_for(shown.exists, f"{CARRIED} to answer on the stick", limit_s=40)
    return shown.read_text("utf-8-sig")


def fed_by_stick_until_a_stated_day(village: Village) -> None:
    text = carry(village, pack(village, "goi-1"), "goi-1")
    (line,) = re.findall(r"^ĐỦ NỘI DUNG ĐẾN: (.+)$", text, re.MULTILINE)
    until = datetime.strptime(line, "%H:%M ngày %d/%m/%Y").replace(tzinfo=LOCAL)
    assert until.timestamp() > time.time() + SUPPLIED_DAYS * 86_400
    status = village.disk(CARRIED).status
    wait_for(lambda: status()["supplied_until"] // 60_000 == until.timestamp() // 60, "it to say the same everywhere")
    assert (status()["rung"], status()["missing"]) == ("programme", 0)


def next_bulletin_packed(village: Village, plan: Plan) -> Path:
    """The province goes on publishing; the commune's chair has nothing to sign for it."""
    plan.bulletin = village.publish_bulletin()
    plan.bulletin_sound = village.sound_of(village.stage.staff(peopling.PROVINCE_EDITOR), plan.bulletin)
    assert not village.disk(CARRIED).has(plan.bulletin_sound)
    return pack(village, "goi-2")


def log_on_stick(village: Village, plan: Plan) -> Path:
    """The courier comes again, and takes the signed log along."""
    disk = village.disk(CARRIED)
    wait_for(lambda: disk.plays(since_ms=round(plan.carried_s * 1_000) - 1_000), "the bulletin's row", limit_s=30)
    carry(village, village.stage.folder / "goi-2.loab", "lan-3")
    log = village.stage.stick_dir / f"{CARRIED}.log"
    kept = village.stage.folder / log.name
    kept.write_bytes(log.read_bytes())
    return kept


def log_taken_exactly_once(village: Village, log: Path) -> None:
    key = key_from_hex(str(observer.status(village.stage, CARRIED)["key"]))
    signed = [open_envelope(line, payload_type=LOG_TYPE, keys=[key], threshold=1, limit=2 * MAX_BATCH_BYTES)
              for line in log.read_bytes().splitlines()]  # fmt: skip
    rows = sum(len(read_batch(one).rows) for one in signed)
    hub = HubSide(village.stage)
    before = len(hub.rows(CARRIED))
    assert hand_in(village, log) == f"Taken: {rows - before} new, {before} known already, 0 refused"
    assert hand_in(village, log) == f"Taken: 0 new, {rows} known already, 0 refused"
    assert hub.rows(CARRIED) == list(village.disk(CARRIED).hashes().items())[:rows]


def hand_in(village: Village, log: Path) -> str:
    said = run(program("loa-provision"), "bundle", "--language", "en", "submit", log, "--hub", village.stage.hub_url)
    return said.strip()


# -- without hub and broker ----------------------------------------------------------------------------------------


def hub_and_broker_die(village: Village) -> None:
    """One loudspeaker goes first, so that the hub knows it to be gone; then nobody is left to tell."""
    village.stage.processes.kill(FAR)
    wait_for(lambda: not HubSide(village.stage).is_online(FAR), "the hub to miss a loudspeaker")
    village.stage.kill_hub()


def resumes_after_kill_9(village: Village, plan: Plan) -> None:
    """In the middle of the long recording."""
    wait_until(plan.second.timestamp() + plan.first_s + KILLED_AFTER_S)
    village.stage.processes.kill_parent(TWO)
    village.stage.start_device(TWO, env=village.sound_environment)
    disk = village.disk(TWO)
    pid = village.stage.processes.pid(TWO)
    wait_for(lambda: disk.status().get("pid") == pid and disk.status()["sounding"], f"{TWO} to sound again")


@dataclass
class Tomorrow:
    """A copy of a loudspeaker's disk after a power cut on a later day: another boot, its clock at 1970, no network, and
    a battery clock that knows the day. The original must stay today, for the hub to hear from it."""

    disk: Disk
    days: int
    channel: str
    wall_s: float
    """When the slot's second of that day comes, by this machine's clock."""

    @classmethod
    def begin(cls, village: Village, plan: Plan, *, days: int, channel: str) -> Tomorrow:
        stage, name = village.stage, f"ngay-sau-{days}"
        wall_s = float(max(int(time.time()) + BOOT_S, int(plan.second.timestamp())))
        ahead_s = int(plan.second.timestamp()) + days * DAY // 1_000 - int(wall_s)
        rtc = village.battery_clock(name, ahead_s=ahead_s)
        config = settings.after_power_cut(village.settings(ONE), now_s=time.time(), rtc=str(rtc))
        text = settings.write_settings(config | {"output": village.output(channel)})
        disk = village.disk(ONE).copy_to(stage.folder / "later" / name, text)
        stage.processes.start(name, [program("loa-edge"), "run", "--dir", disk.folder], env=village.sound_environment)
        return cls(disk, days, channel, wall_s)

    def heard(self, ears: Ears, plan: Plan) -> None:
        """The same second of that day, from its own disk, by its own clock."""
        second_ms = round(plan.second.timestamp() * 1_000) + self.days * DAY
        first = self.disk.plays(since_ms=second_ms - 1_000)[0]
        assert (first.sha256, first.time_quality) == (plan.spoken, 2)
        assert abs(first.started - second_ms) <= BY_RTC_S * 1_000
        recording = ears.of(self.channel)
        for expected, due_s in plan.items(self.wall_s):
            at = recording.find(expected[: 2 * RATE_HZ], after_s=due_s - 3, before_s=due_s + 5)
            assert abs(recording.instant(at) - due_s) <= BY_RTC_S


def device_without_time(village: Village) -> Disk:
    """The same power cut without a battery clock, on a loudspeaker whose disk last knew a time inside the slot."""
    config = settings.after_power_cut(village.settings(TWO), now_s=time.time(), rtc="")
    text = settings.write_settings(config | {"output": village.output("spk1")})
    disk = village.disk(TWO).copy_to(village.stage.folder / "later" / "khong-gio", text)
    village.stage.processes.start("khong-gio", [program("loa-edge"), "run", "--dir", disk.folder],
                                  env=village.sound_environment)  # fmt: skip
    return disk


def says_why_it_is_silent(disk: Disk, plan: Plan) -> None:
    wait_for(lambda: disk.status().get("output"), "the loudspeaker without time to be up")
    status = disk.status()
    assert (status["time_quality"], status["sounding"]) == ("floor_only", "")
    assert "no_time" in status["faults"]
    why = [row.detail for row in disk.log() if row.kind == "omitted"]
    assert any(Why.TIME_UNKNOWN in detail for detail in why), why
    born = max(row.seq for row in disk.log() if row.detail.startswith("start boot"))
    assert [row for row in disk.log() if row.seq > born and row.kind == "play"] == []


# -- hub and broker are back ---------------------------------------------------------------------------------------


def every_row_arrives_once(village: Village) -> None:
    """In order, each once, chained: what the hub has is what the device wrote."""
    hub = HubSide(village.stage)
    for device in (ONE, TWO):
        disk = village.disk(device)
        what = f"every row of {device}"
        wait_for(lambda d=device, k=disk: hub.whole_to(d, k.chain()) >= len(k.log()), what, limit_s=60)
        written = disk.hashes()
        arrived = hub.rows(device)
        assert arrived == [(seq, written[seq]) for seq in range(1, len(arrived) + 1)]
        assert hub.forks(device) == []


def page_tells(village: Village, plan: Plan) -> None:
    """What each loudspeaker played, when; and since when one is unheard."""
    person = village.stage.staff("vanhoa-tantrao")
    for device, cluster in ((ONE, "cl-02545-01"), (TWO, "cl-02545-02")):
        page = staff.expect(person.get(f"/devices/{cluster}"), "open a cluster's page").text
        for row in village.disk(device).plays(since_ms=round(plan.second.timestamp() * 1_000) - 1_000):
            begun = datetime.fromtimestamp(row.started / 1_000, plan.second.tzinfo)
            assert row.title in page
            assert f"{begun:%H:%M:%S}" in page
    missed = staff.expect(village.stage.staff("vanhoa-dongvan").get("/devices/cl-00721-01"), "open its page").text
    heard = datetime.fromtimestamp(HubSide(village.stage).heard_at(FAR) / 1_000, plan.second.tzinfo)
    assert "Mất mạng" in missed
    assert f"{heard:%H:%M %d/%m/%Y}" in missed


# -- what was heard ------------------------------------------------------------------------------------------------


def heard_on_time(ears: Ears, plan: Plan) -> None:
    """On the card that knows the time: both items at their instant."""
    recording = ears.of("dac0")
    for expected, due_s in plan.items(plan.second.timestamp()):
        at = recording.find(expected, after_s=due_s - 3, before_s=due_s + 40)
        assert abs(recording.instant(at) - due_s) <= ON_TIME_S


def heard_without_a_gap_and_resumed(ears: Ears, plan: Plan, village: Village) -> None:
    """On the card that counts samples: no sample missing or doubled up to the kill; afterwards what was due by then."""
    recording = ears.of("spk0")
    second_s, begin = plan.second.timestamp(), plan.programme[: round((plan.first_s + 2) * RATE_HZ)]
    at = recording.find(begin, after_s=second_s - 3, before_s=second_s + plan.first_s + 5)
    until_kill = round((plan.first_s + KILLED_AFTER_S - 0.5) * RATE_HZ)
    recording.assert_plays(plan.programme[:until_kill], at, but="the programme before the kill")
    tail = round(TAIL_S * RATE_HZ)
    killed_s, end_s = recording.instant(at + until_kill), recording.instant(at + len(plan.programme))
    found = recording.find(plan.programme[-tail:], after_s=killed_s, before_s=end_s + 3)
    resumed_at = found - (len(plan.programme) - tail)
    assert abs(resumed_at - at) <= ON_TIME_S * RATE_HZ
    end_at = resumed_at + len(plan.programme) - tail
    recording.assert_plays(plan.programme[-tail:], end_at, but="the end after the kill")
    nothing_repeated(recording, plan, village, at)


def nothing_repeated(recording: Recording, plan: Plan, village: Village, at: int) -> None:
    begin_s = recording.instant(at) + plan.first_s + 0.2
    end_s = recording.instant(at + len(plan.programme))
    (first, second) = recording.stretches(begin_s, end_s + 5)
    assert first[1] < begin_s + KILLED_AFTER_S + 1.5
    assert second[0] > first[1]
    assert abs(second[1] - end_s) <= ON_TIME_S
    rows = village.disk(TWO).plays(since_ms=round(plan.second.timestamp() * 1_000) - 1_000)
    assert [(row.sha256, row.complete) for row in rows] == [
        (plan.spoken, True), (plan.recorded, False), (plan.recorded, False),
    ]  # fmt: skip
    assert (rows[1].offset_ms, rows[1].detail) == (0, "broken_off")
    due_ms = rows[2].started - (plan.second.timestamp() + plan.first_s) * 1_000
    assert abs(rows[2].offset_ms - due_ms) <= ON_TIME_S * 1_000


def heard_the_new_bulletin(ears: Ears, plan: Plan, village: Village) -> None:
    """In the slot that was signed before the bulletin existed, and nothing else there."""
    expected = village.played(CARRIED, plan.bulletin_sound)
    recording = ears.of("spk2")
    at = recording.find(expected, after_s=plan.carried_s - 3, before_s=plan.carried_s + len(expected) / RATE_HZ + 3)
    recording.assert_plays(expected, at, but="the provincial bulletin")
    assert abs(recording.instant(at) - plan.carried_s) <= BY_RTC_S
    rows = village.disk(CARRIED).plays(since_ms=round(plan.carried_s * 1_000) - 1_000)
    assert [(row.item, row.area, row.complete) for row in rows] == [(plan.bulletin, cast.PROVINCE, True)]


def nothing_heard_elsewhere(ears: Ears, plan: Plan) -> None:
    """Neither the other commune's loudspeaker nor the one that does not know the time said anything."""
    recording = ears.of("spk1")
    # From the slot on: an earlier story may have left the other commune a slot of its own that ends before it.
    recording.assert_silent(plan.second.timestamp() - 2, plan.second.timestamp() + plan.first_s + LONG_S)
