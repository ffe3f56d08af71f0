"""A real agent, killed and cut off as devices are: on time, nothing twice, emergencies at once, replays silent."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from edge.cli import run_command
from edge.config import load_config
from edge.inspection import read_status
from tests.builders import make_template, new_signer
from tests.edge.device_process import BatteryClock, Broker, DeviceProcess, live_world, wall_clock
from tests.edge.test_bundle import make_bundle
from tests.edge.world import World, daily, wait_for
from wire.alert import Repeat
from wire.envelope import key_from_hex, open_envelope
from wire.playlog import (
    ACK_TYPE,
    LOG_TYPE,
    Batch,
    Logged,
    Receipt,
    check_chain,
    encode_logged,
    read_batch,
    read_receipt,
)
from wire.programme import PlayItem
from wire.telemetry import Command, Versions, encode_message, read_birth, read_health
from wire.topics import CMD, LOGGED
from wire.units import UtcTime

COMMUNE = "08/00694"
HAMLET = "08/00694/02"
DEVICE = "loa-1"
LENGTH = 4_000


@pytest.fixture
def live(tmp_path):
    world = live_world(tmp_path)
    world.place(DEVICE, HAMLET)
    yield world
    world.close()


@pytest.fixture
def broker(tmp_path):
    broker = Broker(tmp_path)
    yield broker
    broker.stop()


@pytest.fixture
def start(live):
    """Makes agents; ends them after the test."""
    running: list[DeviceProcess] = []

    def make(broker=None, **config) -> DeviceProcess:
        device = DeviceProcess(live, DEVICE, broker, **config)
        device.start()
        running.append(device)
        return device

    yield make
    for device in running:
        if device.process is not None and device.process.poll() is None:
            device.stop()


def speak(world: World, *starts_in_s: float, length_ms: int = LENGTH) -> list[UtcTime]:
    """A slot so many seconds from now each, with two items."""
    items = [world.item(f"tin-{n}", world.sound(length_ms, hz=400 + 200 * n)) for n in (1, 2)]
    starts = [UtcTime((wall_clock() // 1_000 + round(s)) * 1_000) for s in starts_in_s]
    plays = [PlayItem(COMMUNE, "tin-1"), PlayItem(COMMUNE, "tin-2")]
    slots = [daily(start, f"khung-{n}", *plays, length_ms=30_000) for n, start in enumerate(starts)]
    world.say(COMMUNE, items=items, slots=slots)
    return starts


def alarm_template(world: World):
    template = make_template(sound=world.sound(1_500, hz=1_200))
    world.province.publish_template(template)
    world.province.now = wall_clock()
    return template


def receipts(broker: Broker, world: World) -> list[tuple[str, list[str]]]:
    return [(receipt.alert, receipt.states) for receipt in read_receipts(broker, world)]


def read_receipts(broker: Broker, world: World) -> list[Receipt]:
    keys = [key_from_hex(world.key_of(DEVICE))]
    rules = {"payload_type": ACK_TYPE, "keys": keys, "threshold": 1, "limit": 20_000}
    opened = (open_envelope(raw, **rules) for raw in broker.on("/ack"))
    return [read_receipt(payload) for payload in opened]


def open_batch(raw: bytes, keys) -> bytes:
    return open_envelope(raw, payload_type=LOG_TYPE, keys=keys, threshold=1, limit=99_999)


def order_id(raw: bytes) -> str:
    return hashlib.sha256(base64.b64decode(json.loads(raw)["payload"])).hexdigest()


def is_play(part: str) -> bool:
    """A play's key has no dash, a round's has."""
    return bool(part) and "-" not in part


def started_within(row: dict, instant: int, ms: int = 30) -> bool:
    return abs(row["started"] - instant) <= ms


# -- the programme --


def test_it_plays_on_the_second_without_hub_and_after_kill_9_repeats_nothing(live, start):
    (slot,) = speak(live, 16, length_ms=15_000)
    device = start()
    device.wait_until_ready()
    live.hub.faults.is_down = True
    wait_for(lambda: device.status["sounding"])
    wait_for(lambda: wall_clock() > slot + 1_500)
    device.kill()
    device.start()
    first, rest, second = device.wait_for_rows("play", 3)
    assert [(row["item"], row["complete"], row["detail"]) for row in (first, rest, second)] == [
        ("tin-1", False, "broken_off"), ("tin-1", False, "item"), ("tin-2", True, "item"),
    ]  # fmt: skip
    assert started_within(first, slot)
    assert rest["offset_ms"] >= 1_500
    assert abs(rest["started"] - rest["offset_ms"] - slot) <= 30
    assert started_within(second, slot + 15_000)
    assert second["time_quality"] == 1


def test_after_a_power_cut_a_battery_clock_lets_it_play_on_time(live, start, tmp_path):
    (slot,) = speak(live, 24)
    device = start()
    device.wait_until_ready()
    live.hub.faults.is_down = True
    device.kill()
    clock = BatteryClock(tmp_path / "since_epoch")
    device.start(rtc=clock.path, rig_boot_id="another", rig_clock_offset_s=-wall_clock() // 1_000)
    (row,) = device.wait_for_rows("play", 1, 40)
    clock.stop()
    assert started_within(row, slot, 60)
    assert row["time_quality"] == 2


def test_after_a_power_cut_without_the_time_it_is_silent_and_says_why(live, start):
    by_its_floor = (live.province.now - wall_clock()) / 1_000 + 20  # its clock begins anew at what was signed last
    slot, _ = speak(live, 20, by_its_floor)
    device = start()
    device.wait_until_ready()
    live.hub.faults.is_down = True
    device.kill()
    device.start(rig_boot_id="another", rig_clock_offset_s=-wall_clock() // 1_000)
    wait_for(lambda: device.status.get("faults") == ["no_time"])
    omitted = device.wait_for_rows("omitted", 1, 60)
    assert [json.loads(row["detail"])["why"] for row in omitted[:1]] == ["time_unknown"]
    assert (device.rows("play"), device.status["time_quality"]) == ([], "floor_only")
    assert wall_clock() > slot


def test_the_plan_on_the_disk_is_what_the_device_played(live, start, capsys):
    speak(live, 12)
    device = start()
    device.wait_until_ready()
    played = device.wait_for_rows("play", 2)
    device.stop()
    assert run_command(["plan", "--dir", str(device.folder), "--days", "2", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    today = [play for play in plan["plays"] if play["start"] < wall_clock()]
    assert [(play["item"], play["start"]) for play in today] == [(row["item"], row["started"]) for row in played]
    assert len(plan["plays"]) == 4


# -- emergencies --


def test_an_order_sounds_at_once_and_comes_back_as_receipts(live, broker, start):
    template = alarm_template(live)
    device = start(broker)
    device.wait_until_placed()
    raw = live.province.start_alert(COMMUNE, template)
    sent = broker.publish("loa/1/em/08.00694", raw)
    first = device.wait_for_rows("alert", 2, 40)
    wait_for(lambda: len(broker.on("/ack")) == 2)
    ident = order_id(raw)
    assert receipts(broker, live) == [(ident, ["received", "verified", "started"]), (ident, ["finished"])]
    assert [(row["item"], row["slot"], row["complete"]) for row in first] == [
        (ident, "alert 1", True), (ident, "alert 2", True),
    ]  # fmt: skip
    answered = next(at for topic, _, at in broker.heard if topic.endswith("/ack"))
    assert answered - sent < 5


def test_without_a_sound_card_what_was_due_is_logged_and_receipted_as_unheard(live, broker, start):
    (slot,) = speak(live, 12)
    template = alarm_template(live)
    device = start(broker, output_kind="sounddevice", output_device="no such card", output_wav="")
    device.wait_until_placed()
    played = device.wait_for_rows("omitted", 1, 40)
    assert [(row["item"], row["started"], json.loads(row["detail"])) for row in played] == [
        ("tin-1", slot, {"why": "no_sound_device"})
    ]
    raw = live.province.start_alert(COMMUNE, template)
    broker.publish("loa/1/em/08.00694", raw)
    wait_for(lambda: broker.on("/ack"))
    receipt = read_receipts(broker, live)[0]
    assert (receipt.alert, receipt.states) == (order_id(raw), ["received", "verified"])
    assert receipt.detail.startswith("no_sound_device")
    rows = device.wait_for_rows("omitted", 3, 40)
    assert (order_id(raw), "alert 1") in [(row["item"], row["slot"]) for row in rows]
    assert device.rows("play") == device.rows("alert") == []


@pytest.mark.parametrize("restarts", [False, True])
def test_captured_bytes_replayed_make_no_sound_and_are_reported(live, broker, start, restarts):
    template = alarm_template(live)
    device = start(broker)
    device.wait_until_placed()
    raw = live.province.start_alert(COMMUNE, template, repeat=Repeat(times=1))
    broker.publish("loa/1/em/08.00694", raw)
    device.wait_for_rows("alert", 1)
    if restarts:
        device.kill()
        broker.heard.clear()
        device.start()
        wait_for(lambda: broker.on("/birth"))
    broker.publish("loa/1/em/08.00694", raw)
    refused = device.wait_for_rows("refused", 1)
    assert [(row["item"], row["detail"]) for row in refused] == [(order_id(raw), "out_of_date: seen before")]
    assert len(device.rows("alert")) == 1
    wait_for(lambda: (order_id(raw), ["received", "refused"]) in receipts(broker, live))
    assert (order_id(raw), ["refused"]) not in receipts(broker, live)  # it had sounded, before the restart


def test_two_orders_at_once_both_sound_whole(live, broker, start):
    template = alarm_template(live)
    device = start(broker)
    device.wait_until_placed()
    for nonce in ("01", "02"):
        raw = live.province.start_alert(COMMUNE, template, repeat=Repeat(times=1), nonce=nonce)
        broker.publish("loa/1/em/08.00694", raw)
    first, second = device.wait_for_rows("alert", 2)
    assert (first["complete"], second["complete"]) == (True, True)
    assert abs(second["started"] - first["ended"]) <= 200


def test_it_stops_what_plays_and_returns_to_the_right_place(live, broker, start):
    template = alarm_template(live)
    live.province.now = UtcTime(wall_clock() - 3_600_000)
    (slot,) = speak(live, 16, length_ms=20_000)
    device = start(broker)
    device.wait_until_ready()
    wait_for(lambda: device.status["sounding"])
    live.province.now = wall_clock()
    broker.publish("loa/1/em/08.00694", live.province.start_alert(COMMUNE, template, repeat=Repeat(times=1)))
    device.wait_for_rows("alert", 1)
    wait_for(lambda: device.rows("play") and is_play(device.status["sounding"]))
    device.stop()
    cut, resumed = device.rows("play")
    assert (cut["item"], cut["complete"]) == ("tin-1", False)
    assert resumed["item"] == "tin-1"
    assert abs(resumed["started"] - resumed["offset_ms"] - slot) <= 60


def test_a_cancel_silences_at_once(live, broker, start):
    template = alarm_template(live)
    device = start(broker)
    device.wait_until_placed()
    raw = live.province.start_alert(COMMUNE, template, repeat=Repeat(times=20))
    broker.publish("loa/1/em/08.00694", raw)
    wait_for(lambda: device.status["sounding"])
    sent = wall_clock()
    broker.publish("loa/1/em/08.00694", live.province.cancel_alert(COMMUNE, [order_id(raw)]))
    (row,) = device.wait_for_rows("alert", 1)
    assert (row["complete"], row["detail"]) == (False, "cancelled")
    assert row["ended"] - sent < 300
    wait_for(lambda: (order_id(raw), ["cancelled"]) in receipts(broker, live))


def test_on_a_low_battery_only_emergencies_sound(live, broker, start, tmp_path):
    (tmp_path / "online").write_text("0\n")
    (tmp_path / "capacity").write_text("20\n")
    template = alarm_template(live)
    live.province.now = UtcTime(wall_clock() - 3_600_000)
    speak(live, 14)
    device = start(broker, power_mains_online=tmp_path / "online", power_battery_capacity=tmp_path / "capacity")
    device.wait_until_ready()
    (row,) = device.wait_for_rows("omitted", 1)
    assert json.loads(row["detail"]) == {"why": "battery_low", "percent": 20, "low": 30}
    live.province.now = wall_clock()
    broker.publish("loa/1/em/08.00694", live.province.start_alert(COMMUNE, template, repeat=Repeat(times=1)))
    device.wait_for_rows("alert", 1)
    assert device.rows("play") == []


def test_a_device_that_was_off_hears_it_on_its_return(live, broker, start):
    template = alarm_template(live)
    device = start(broker)
    device.wait_until_placed()
    raw = live.province.start_alert(COMMUNE, template, repeat=Repeat(times=1))
    command = Command(kind="envelope", body=base64.b64encode(raw).decode())
    broker.publish(CMD.of(DEVICE), encode_message(command))
    (row,) = device.wait_for_rows("alert", 1)
    assert row["complete"]


# -- what it reports --


def test_rows_are_sent_again_until_the_hub_has_them(live, broker, start):
    speak(live, 12)
    device = start(broker)
    device.wait_for_rows("play", 2)
    keys = [key_from_hex(live.key_of(DEVICE))]

    def batches() -> list[Batch]:
        return [read_batch(open_batch(raw, keys)) for raw in broker.on("/log")]

    def seqs() -> set[int]:
        return {row.seq for batch in batches() for row in batch.rows}

    wait_for(lambda: max(seqs(), default=0) == device.rows()[-1]["seq"])
    broker.stop()
    device.kill()
    broker.heard.clear()
    broker.start()
    device.start()
    wait_for(lambda: {1, device.rows()[-1]["seq"]} <= seqs())
    rows = {row.seq: row for batch in batches() for row in batch.rows}
    check_chain([rows[seq] for seq in sorted(rows)])
    last = max(rows)
    broker.publish(LOGGED.of(DEVICE), encode_logged(Logged(batches()[0].chain, last)))
    wait_for(lambda: _status(device)["logged_seq"] == last)


def test_birth_and_health_say_how_it_stands_and_the_will_is_its_death(live, broker, start):
    speak(live, 3_600)
    device = start(broker)
    device.wait_until_ready()
    broker.publish(CMD.of(DEVICE), encode_message(Command(kind="health")))
    wait_for(lambda: broker.on("/birth") and broker.on("/health"))
    wait_for(lambda: read_birth(broker.on("/birth")[-1]).cluster)
    birth = read_birth(broker.on("/birth")[-1])
    assert (birth.device, birth.area, birth.cluster, birth.placement_n) == (DEVICE, HAMLET, "cl-loa-1", 1)
    assert read_health(broker.on("/health")[-1])["time_quality"] == 3
    device.kill()
    wait_for(lambda: broker.on("/death"))
    assert json.loads(broker.on("/death")[0])["session"] == birth.session


def test_a_hub_that_was_away_hears_the_birth_again_and_what_is_held_by_now(live, broker, start):
    speak(live, 3_600)
    device = start(broker)
    device.wait_until_ready()
    wait_for(lambda: broker.on("/birth") and read_birth(broker.on("/birth")[-1]).versions.get("c00694") == 1)
    births = len(broker.on("/birth"))
    broker.publish("loa/1/ar/08.00694/ver", encode_message(Versions(1, 1)))
    wait_for(lambda: len(broker.on("/birth")) == births + 1)
    speak(live, 7_200)
    broker.publish("loa/1/ar/08.00694/ver", encode_message(Versions(10**6, 10**6)))
    wait_for(lambda: read_birth(broker.on("/birth")[-1]).versions["c00694"] == 2)
    assert {read_birth(raw).session for raw in broker.on("/birth")} == {read_birth(broker.on("/birth")[0]).session}


def test_a_nudge_brings_the_new_programme_and_noise_changes_nothing(live, broker, start):
    speak(live, 3_600)
    device = start(broker)
    device.wait_until_ready()
    requests = len(live.hub.requests)
    held = device.status["versions"]["c00694"]
    broker.publish("loa/1/ar/08.00694/ver", encode_message(Versions(1, 1)))
    broker.publish("loa/1/ar/08.00694/ver", b"\xff" * 50)
    speak(live, 7_200)
    broker.publish("loa/1/ar/08.00694/ver", encode_message(Versions(10**6, 10**6)))
    wait_for(lambda: device.status["versions"]["c00694"] == held + 1)
    (row,) = device.wait_for_rows("refused", 1)
    assert row["detail"].startswith("malformed")
    assert len([path for path in live.hub.requests[requests:] if path.endswith("timestamp.json")]) == 1


# -- sticks and neighbours --


def test_a_stick_in_a_running_device_is_taken_and_written_back(live, start, tmp_path):
    stick = tmp_path / "usb"
    stick.mkdir()
    live.hub.faults.is_down = True
    device = start(stick_dir=stick, hub_url="")
    speak(live, 3_600)
    make_bundle(live, tmp_path / "goi.loab").rename(stick / "goi.loab")
    device.wait_until_ready()
    wait_for((stick / "loa-1-trang-thai.txt").exists)
    assert (stick / "loa-1.log").stat().st_size > 0


def test_an_order_on_a_stick_sounds_by_the_same_rules(live, start, tmp_path):
    stick = tmp_path / "usb"
    stick.mkdir()
    template = alarm_template(live)
    device = start(stick_dir=stick)
    wait_for(lambda: device.status.get("area") and not device.status["missing"], 30)
    foreign = live.province.start_alert("08/00700", template)
    (stick / "khac.dsse").write_bytes(foreign)
    raw = live.province.start_alert(COMMUNE, template, repeat=Repeat(times=1))
    (stick / "bao-dong.dsse").write_bytes(raw)
    (row,) = device.wait_for_rows("alert", 1)
    assert (row["item"], row["complete"]) == (order_id(raw), True)
    (refused,) = device.wait_for_rows("refused", 1)
    assert (refused["item"], refused["detail"].split(":")[0]) == (order_id(foreign), "not_allowed")
    (stick / "lan-nua.dsse").write_bytes(raw)
    assert device.wait_for_rows("refused", 2)[1]["detail"] == "out_of_date: seen before"


def test_a_new_officers_order_sounds_when_the_stick_brings_the_key_too(live, start, tmp_path):
    stick = tmp_path / "usb"
    stick.mkdir()
    template = alarm_template(live)
    device = start(stick_dir=stick, hub_url="")
    make_bundle(live, tmp_path / "goi.loab").rename(stick / "goi.loab")
    wait_for(lambda: device.status.get("area") and not device.status["missing"], 30)
    new = new_signer()
    live.province.publish({"g08-01": live.province.revise("g08-01", lambda signed: add_holder(signed, "ea00694", new))})
    raw = live.province.start_alert(COMMUNE, template, signers=[new], repeat=Repeat(times=1))
    (stick / "bao-dong.dsse").write_bytes(raw)
    make_bundle(live, tmp_path / "moi.loab").rename(stick / "moi.loab")
    (row,) = device.wait_for_rows("alert", 1)
    assert row["item"] == order_id(raw)


def add_holder(signed, role: str, signer) -> None:
    delegations = signed.delegations
    delegations.keys[signer.public_key.keyid] = signer.public_key
    delegations.roles[role].keyids.append(signer.public_key.keyid)


def test_the_bundle_command_hands_the_file_to_the_running_agent(live, start, tmp_path, capsys):
    device = start(hub_url="")
    speak(live, 3_600)
    wait_for(lambda: device.status)
    file = make_bundle(live, tmp_path / "goi.loab")
    assert run_command(["bundle", "--dir", str(device.folder), str(file)]) == 0
    assert "ĐỦ NỘI DUNG ĐẾN" in capsys.readouterr().out
    device.wait_until_ready()


def test_a_second_agent_in_the_same_folder_is_refused(live, start):
    device = start()
    wait_for(lambda: device.status)
    other = DeviceProcess(live, DEVICE)
    other.start()
    assert other.process.wait(20) == 1


def _status(device: DeviceProcess) -> dict:
    return read_status(device.folder, load_config(device.folder, {}), runs=True)
