"""What has been done to receivers, boards and sirens elsewhere, tried on ours. Each test is named after the incident.

Tried elsewhere: the hub's own in tests/hub/pages/test_incidents.py; SirenJack (flipped bits) in
tests/edge/test_alerts.py; Hawaii's two people in tests/provisioning/test_station_officers.py; Dallas' power cut between
verifying and playing in tests/scripts/test_powercut.py; what an approver of one's own does in
test_malicious_approver.py; Barix (a stream or setting replaced from afar) and all that a stolen hub invents in
test_crimes.py; stored scripts in tests/hub/pages/test_hostile_devices.py; foreign objects and forgotten doors in
tests/hub/test_rights.py; the broker's own in test_broker.py.
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
from pathlib import Path

import msgspec
import numpy as np
import psutil
import pytest

from edge.agent import Agent
from edge.link import Arrived
from edge.play.signals import make_attention, make_drill
from edge.store import Store
from edge.sync.alerts import Alerts
from tests.builders import NOW, make_province, make_template, new_signer
from tests.edge.device_process import DeviceProcess
from tests.edge.test_alerts import Device, said
from tests.edge.world import World, wait_for
from wire.alert import ALERT_TYPE, MAX_REPEAT_MS, Repeat, is_drill
from wire.envelope import seal
from wire.telemetry import Command, encode_message
from wire.topics import CMD
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


def test_sirenjack_2018_a_cut_foreign_or_old_order_is_none(province, siren):
    """Their protocol was an unencrypted, predictable packet. Flipped bits: tests/edge/test_alerts.py."""
    whole = province.start_alert(COMMUNE, TEMPLATE, nonce="ba")
    for length in range(0, len(whole), 11):
        assert said(siren.take(whole[:length])) == "malformed", length
    approvers = [province.signers[name] for name in province.roster.holders("c00694")]
    wrong = {
        "role": province.start_alert(COMMUNE, TEMPLATE, role="c00694", signers=approvers, nonce="bb"),
        "area": province.start_alert("08/00700", TEMPLATE, nonce="bc"),
        "scope": province.start_alert("08", TEMPLATE, role="ea00694", nonce="bd"),
    }
    assert {name: said(siren.take(raw)) for name, raw in wrong.items()} == dict.fromkeys(wrong, "not_allowed")


def test_sirenjack_2018_a_key_that_was_taken_away_starts_nothing(tmp_path):
    province = make_province()
    province.publish_template(TEMPLATE)
    thief = province.holders("ea00694")[0]
    device = Device(province, tmp_path)
    captured = province.start_alert(COMMUNE, TEMPLATE, signers=[thief], nonce="be")
    role = province.revise("g08-01", lambda signed: signed.revoke_key(thief.public_key.keyid, "ea00694"))
    province.publish({"g08-01": role})
    device.held = province.held("08/00694/02")
    assert said(device.take(captured, after_refresh=True)) == "unknown_key"


def test_hawaii_2018_a_drill_is_another_role_another_signal_and_ends_no_emergency(province, siren):
    """Drill and warning were one menu and one person, and nothing took it back for 38 minutes."""
    drill = province.start_alert(COMMUNE, TEMPLATE, act="ed", nonce="ca")
    real = province.start_alert(COMMUNE, TEMPLATE, nonce="cb")
    by_drill_key = province.start_alert(COMMUNE, TEMPLATE, nonce="cc", role="ea00694",
                                        signers=[new_signer()])  # fmt: skip
    accepted = [siren.take(raw) for raw in (drill, real)]
    assert [is_drill(one.seen.order) for one in accepted] == [True, False]
    assert said(siren.take(by_drill_key, after_refresh=True)) == "unknown_key"
    assert not np.array_equal(make_drill(), make_attention())
    ends_all = siren.take(province.cancel_alert(COMMUNE, [one.seen.id for one in accepted], act="ed", nonce="cd"))
    assert ends_all.cancels == (accepted[0].seen.id,)


def test_hawaii_2018_one_signature_takes_back_what_two_or_one_have_started(province, siren):
    starts = [siren.take(raw) for raw in (
        province.start_alert(COMMUNE, TEMPLATE, nonce="da"), province.say_own(COMMUNE, "Cầu đã sập.", nonce="db"),
        province.start_alert("08", TEMPLATE, nonce="dc"),
    )]  # fmt: skip
    officer = province.holders("ea00694")[2]
    cancel = province.cancel_alert(COMMUNE, [one.seen.id for one in starts], signers=[officer], nonce="dd")
    assert set(siren.take(cancel).cancels) == {one.seen.id for one in starts}


def test_nothing_sounds_by_a_cap_messages_own_signature(tmp_path):
    """CAP is input for an officer. Signed by whomever, even an officer's own key, on any carrier: no sound."""
    world = World(tmp_path)
    world.province.publish_template(TEMPLATE)
    world.place("loa-1", f"{COMMUNE}/02")
    province, officer = world.province, world.province.holders("ea00694")[0]
    cap = cap_message(officer)
    wrapped = [seal(cap, kind, [officer]) for kind in ("application/cap+xml", ALERT_TYPE, "text/xml")]
    agent = Agent(world.device("loa-1", broker={"host": ""}))
    try:
        agent._line.refresh()
        while not agent._supply.holdings.area:
            agent._step()
        for raw in (cap, *wrapped):
            agent._handle(Arrived("loa/1/em/08.00694", raw, 0))
            body = base64.b64encode(raw).decode()
            agent._handle(Arrived(CMD.of("loa-1"), encode_message(Command(kind="envelope", body=body)), 0))
            agent._listening.take_envelope(raw)     # as from a stick
        assert agent._alarm._running == {}
        assert agent._receiver.refused["malformed"] == 12
        agent._handle(Arrived("loa/1/em/08.00694", province.start_alert(COMMUNE, TEMPLATE, nonce="ee"), 0))
        assert len(agent._alarm._running) == 1
    finally:
        agent._stop()
        world.close()


def cap_message(officer) -> bytes:
    """A CAP 1.2 alert as weather services send them, its enveloped signature made by an officer's key."""
    info = (
        "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'><identifier>lu-1</identifier><sender>kttv@gov.vn</sender>"
        "<sent>2026-11-23T08:00:00+07:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>"
        "<info><language>vi-VN</language><category>Met</category><event>Lũ</event><urgency>Immediate</urgency>"
        "<severity>Extreme</severity><certainty>Observed</certainty><headline>Lũ khẩn cấp</headline></info>{}</alert>"
    )
    digest = base64.b64encode(hashlib.sha256(info.format("").encode()).digest()).decode()
    signature = base64.b64encode(bytes.fromhex(officer.sign(digest.encode()).signature)).decode()
    return info.format(
        "<Signature xmlns='http://www.w3.org/2000/09/xmldsig#'><SignedInfo><Reference URI=''><DigestValue>"
        f"{digest}</DigestValue></Reference></SignedInfo><SignatureValue>{signature}</SignatureValue></Signature>"
    ).encode()


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
