"""What has been done to receivers, boards and sirens elsewhere, tried on ours. Each test is named after the incident.

Tried elsewhere: the hub's own in tests/hub/pages/test_incidents.py; SirenJack (flipped bits) in
tests/edge/test_alerts.py; Barix (a stream or setting replaced from afar) and all that a stolen hub invents in
test_crimes.py; stored scripts in tests/hub/pages/test_hostile_devices.py; foreign objects and forgotten doors in
tests/hub/test_rights.py; the broker's own in test_broker.py.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import msgspec
import psutil
import pytest

from edge.store import Store
from edge.sync.alerts import Alerts
from tests.builders import NOW, make_province, make_template
from tests.edge.device_process import DeviceProcess
from tests.edge.test_alerts import Device, said
from tests.edge.world import World, wait_for
from wire.alert import MAX_REPEAT_MS, Repeat
from wire.units import DAY, HOUR, UtcTime

TOP = Path(__file__).resolve().parents[2]
COMMUNE = "08/00694"
TEMPLATE = make_template()
SECRETS = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s[A-Za-z0-9+/=\s]{60,}|AKIA[0-9A-Z]{16}|ghp_[0-9A-Za-z]{36}"
)


@pytest.fixture(scope="module")
def province():
    made = make_province()
    made.publish_template(TEMPLATE)
    return made


@pytest.fixture
def siren(province, tmp_path):
    return Device(province, tmp_path)


def test_hoi_an_2016_and_led_boards_2023_no_port_is_open_on_a_device(tmp_path):
    """Any carrier on the frequency, any phone on the board's Wi-Fi: ours waits for nobody to connect."""
    world = World(tmp_path)
    world.place("loa-1", f"{COMMUNE}/02")
    device = DeviceProcess(world, "loa-1")
    try:
        device.start()
        agent = psutil.Process(device.process.pid)
        wait_for(lambda: (device.folder / "status.json").exists() and agent.children())
        open_ports = [
            (connection.laddr, connection.status)
            for process in [agent, *agent.children(recursive=True)]
            for connection in process.net_connections(kind="inet")
            if connection.status in (psutil.CONN_LISTEN, psutil.CONN_NONE)
        ]
    finally:
        device.stop()
        world.close()
    assert open_ports == []


def test_dallas_2017_an_order_sounds_no_longer_than_its_budget(province, siren):
    """156 sirens for an hour and a half. A round's end needs no network, and no order asks for more than an hour."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"times": 2, "within_ms": MAX_REPEAT_MS + 1}, Repeat)
    endless = msgspec.structs.replace(Repeat(), within_ms=MAX_REPEAT_MS * 24)
    assert said(siren.take(province.start_alert(COMMUNE, TEMPLATE, repeat=endless))) == "malformed"
    assert MAX_REPEAT_MS <= HOUR


def test_dallas_2017_a_lost_store_lets_an_order_sound_once_more_within_its_day_and_never_later(province, siren):
    """As the design has it: emergencies fail towards sound. It is reported, and SECURITY.md says so."""
    order = province.start_alert(COMMUNE, TEMPLATE)
    assert said(siren.take(order)) == "accepted"
    assert said(siren.take(order)) != "accepted"
    for path in siren.folder.glob("state.db*"):
        path.unlink()
    siren.alerts = Alerts(Store(siren.folder / "state.db"))
    assert said(siren.take(order)) == "accepted"
    assert said(siren.take(order)) != "accepted"
    siren.now = UtcTime(NOW + DAY + HOUR)
    siren.alerts = Alerts(Store(siren.folder / "other.db"))
    assert said(siren.take(order)) == "expired"


def test_dasdec_2013_no_secret_lies_in_the_tree():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True).stdout.split(b"\0")
    files = [TOP / name.decode() for name in names if name]
    assert len(files) > 300
    assert [path for path in files if path.is_file() and SECRETS.search(path.read_bytes())] == []


def test_dasdec_2013_two_devices_share_no_secret(tmp_path):
    world = World(tmp_path)
    folders = [world.make_folder(name) for name in ("loa-1", "loa-2")]
    world.close()
    private = [
        {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*")
         if path.is_file() and path.stat().st_mode & 0o077 == 0}
        for folder in folders
    ]  # fmt: skip
    assert all(private)
    assert private[0] & private[1] == set()


def test_eas_2018_the_same_order_three_times_is_one_alert(province, siren):
    order = province.start_alert(COMMUNE, TEMPLATE, nonce="ab")
    again = province.start_alert(COMMUNE, TEMPLATE, nonce="ab", issued=province.now)
    assert [said(siren.take(raw)) for raw in (order, again, order)].count("accepted") == 1
