"""The third story: a device becomes one of the province's, is replaced, stood in for, revoked, and lives ten years.

mosquitto asks for certificates, the hub stands behind https, keys are made on the devices, and the registrar signs in
the approval app. Nobody but the people of the story does anything.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import soundfile
from cryptography import x509

from edge.certificate import request_pem
from edge.identity import load_identity
from hub.clock import system_clock
from scripts.province import cast, staff
from scripts.province.processes import DemoError, wait_for
from scripts.province.solo import free_ports
from tests.flows.conftest import STORY_S
from tests.flows.hub_side import HubSide
from tests.flows.yard import CHAIR, EDITOR, REGISTRAR, Yard, page_text
from tests.rig.capture import RATE_HZ, make_noise
from wire.joining import spoken_digits
from wire.trust.held import pin_root
from wire.units import DAY, LOCAL

TAN_LAP, BONG = cast.LOUDSPEAKERS[0], cast.LOUDSPEAKERS[1]
SILENCE_S = 5
YEARS = 365 * DAY


@pytest.fixture(scope="module")
def yard(tmp_path_factory):
    made = Yard(tmp_path_factory.mktemp("yard"), free_ports(), broker="mutual")
    try:
        made.open()
        yield made
    finally:
        made.close()


@pytest.mark.timeout(STORY_S)
def test_a_device_from_its_first_minute_to_its_last_certificate(yard):
    enrolled_and_signed_while_the_technician_goes_home(yard)
    plays_and_answers(yard)
    another_by_stick_alone(yard)
    restored_card_is_silent_until_it_replaces(yard)
    spare_stands_in_by_the_communes_own_key(yard)
    revoked_and_never_back_without_a_signature(yard)
    expired_certificate_renews(yard)


# -- enrolled ---------------------------------------------------------------------------------------------------------


def enrolled_and_signed_while_the_technician_goes_home(yard: Yard) -> None:
    ticket = yard.ticket()
    yard.hardware("a")
    where = ("--hub", yard.front.url, "--root", yard.trust_dir / "root.json")
    wrong = yard.enrol("a", *where, typed=["0000-0000-0000"])
    assert (wrong.code, "Không có giấy phép này" in wrong.text) == (1, True), wrong.text
    first = yard.enrol("a", typed=[ticket, "tân lập", "1"])
    assert first.code == 0, first.text
    assert "[4/5] Chờ người đăng ký thiết bị ký duyệt: Cụm loa Tân Lập" in first.text
    assert "     Waiting for the registrar's signature: Cụm loa Tân Lập" in first.text
    again = yard.enrol("a")
    assert (again.code, "[4/5]" in again.text) == (0, True), "running it twice asks nothing and changes nothing"
    yard.start("a")
    pending = page_text(yard.staff(REGISTRAR), "/devices/enrolment")
    assert yard.id_of("a") in pending
    assert "đúng của tỉnh" in pending
    assert yard.said("a")["connected"] is False
    shown = yard.registrar_signs()
    told = str(shown["changes"])
    assert "sn-a" in told
    assert _root_digits(yard) in told
    yard.wait_connected("a")
    done = yard.enrol("a")
    assert (done.code, "[5/5]" in done.text) == (0, True)


def plays_and_answers(yard: Yard) -> None:
    """Its birth reaches the page, the commune's programme reaches it, what it played comes back."""
    device = yard.id_of("a")
    wait_for(lambda: HubSide(yard).is_online(device), "the hub to hear it")
    page = page_text(yard.staff(REGISTRAR), f"/devices/{TAN_LAP.cluster}")
    assert "Chứng thư có giá trị đến" in page
    assert _root_digits(yard) in page
    _publish(yard, ahead_s=12)
    wait_for(lambda: _plays(yard, device) > 0, "a row of its log", limit_s=60)


def another_by_stick_alone(yard: Yard) -> None:
    """At this pole there is no network: the request goes on a stick, the answer comes on it."""
    stick = yard.folder / "usb"
    stick.mkdir()
    yard.hardware("b", has_rtc=False)
    refused = yard.enrol("b", "--stick", stick)
    assert refused.code == 1
    assert "Bo mạch không có đồng hồ pin" in refused.text
    assert yard.enrol("b", "--stick", stick, "--no-rtc", "--cluster", BONG.cluster).code == 0
    assert [path.suffix for path in stick.iterdir()] == [".loa-enrol"]
    assert "ticket" not in next(stick.iterdir()).read_text().replace('"ticket":""', "")
    sent = _submit(yard, stick)
    assert sent.code == 0, sent.text
    yard.registrar_signs()
    assert "Đã ký duyệt" in _submit(yard, stick).text
    taken = yard.enrol("b", "--stick", stick, "--no-rtc")
    assert (taken.code, "[5/5]" in taken.text) == (0, True), taken.text
    yard.start("b")
    yard.wait_connected("b")
    listed = page_text(yard.staff(REGISTRAR), f"/devices?area={cast.VALLEY}")
    assert listed.count("Bo mạch không có đồng hồ pin (RTC)") == 1, "a board without a battery clock is a defect"


# -- replaced, stood in for -------------------------------------------------------------------------------------------


def restored_card_is_silent_until_it_replaces(yard: Yard) -> None:
    """Lightning took the board; its card goes into another one."""
    device, plays = yard.id_of("a"), _plays(yard, yard.id_of("a"))
    yard.processes.stop("a")
    yard.hardware("a", serial="sn-a-new")
    yard.start("a")
    yard.wait_said("a", lambda said: "duplicate_identity" in said["faults"], "to notice other hardware")
    assert yard.said("a")["rung"] == "silence"
    refused = yard.enrol("a", "--ticket", yard.ticket())
    assert (refused.code, "loa-provision replace" in refused.text) == (1, True), refused.text
    asked = yard.enrol("a", verb="replace")
    assert (asked.code, "[4/5]" in asked.text) == (0, True), asked.text
    yard.registrar_signs()
    yard.wait_said("a", lambda said: "duplicate_identity" not in said["faults"], "its new place")
    assert (yard.id_of("a"), yard.said("a")["cluster"]) == (device, TAN_LAP.cluster)
    assert _plays(yard, device) >= plays > 0, "its history is there"


def spare_stands_in_by_the_communes_own_key(yard: Yard) -> None:
    """Sunday: the cluster of Bòng is dead. The registrar is away; the commune's chair signs."""
    yard.hardware("s")
    assert yard.enrol("s", "--spare", cast.VALLEY, "--ticket", yard.ticket()).code == 0
    yard.registrar_signs()
    yard.start("s")
    yard.wait_connected("s")
    yard.wait_said("s", lambda said: said["cluster"] == f"spare-{yard.id_of('s')}", "a spare's place")
    assert yard.said("s")["rung"] == "silence", "on the shelf it plays nothing"
    yard.processes.stop("b")
    editor = yard.staff(EDITOR)
    wish = {"area": cast.VALLEY, "device": yard.id_of("s"), "cluster": BONG.cluster}
    staff.expect(editor.post("/schedules/spares", wish, form=f"/schedules/spares?area={cast.VALLEY}"), "use the spare")
    _publish(yard, ahead_s=14)
    place = (BONG.cluster, BONG.area)
    yard.wait_said("s", lambda said: (said["cluster"], said["area"]) == place, "the dead one's place")
    wait_for(lambda: _plays(yard, yard.id_of("s")) > 0, "the spare's log", limit_s=60)
    assert "đang thay tại Cụm loa thôn Bòng" in page_text(editor, f"/schedules/spares?area={cast.VALLEY}")


# -- revoked, renewed -------------------------------------------------------------------------------------------------


def revoked_and_never_back_without_a_signature(yard: Yard) -> None:
    device, hub = yard.id_of("a"), HubSide(yard)
    registrar = yard.staff(REGISTRAR)
    path = f"/devices/{TAN_LAP.cluster}"
    staff.expect(registrar.post(f"{path}/revoke", {"device": device, "why": "mất trộm"}, form=path), "revoke")
    wait_for(lambda: "topic deny #" in (yard.broker_dir / "acl").read_text(), "the broker's files")
    time.sleep(1)       # mosquitto reads them at SIGHUP
    heard = hub.heard_at(device)
    time.sleep(SILENCE_S)   # it says its health every second
    assert hub.heard_at(device) == heard, "the live session is silent at once"
    yard.processes.stop("a")
    yard.start("a")
    _stays_out(yard, "a")
    (yard.device_dir("a") / "device.crt").unlink()
    _stays_out(yard, "a")
    assert _events(yard, device, "certificate_refused") > 0, "a revoked device that calls is seen"
    asked = yard.enrol("a", "--ticket", yard.ticket(), "--cluster", TAN_LAP.cluster)
    assert (asked.code, "[4/5]" in asked.text) == (0, True), asked.text
    _stays_out(yard, "a")
    yard.registrar_signs()
    yard.wait_connected("a")


def expired_certificate_renews(yard: Yard) -> None:
    """Eleven years in a store room: what the device holds, and what the hub knows of it, has ended."""
    yard.processes.stop("s")
    folder, device = yard.device_dir("s"), yard.id_of("s")
    old = _expired(yard, folder, device)
    (folder / "device.crt").write_bytes(old)
    _ask(yard, "UPDATE certificates SET pem = ?, expires_at = ? WHERE name = ?", old.decode(), _end_of(old), device)
    yard.start("s")
    yard.wait_connected("s")
    assert _end_of((folder / "device.crt").read_bytes()) > system_clock() + 9 * YEARS


# -- what the story needs ---------------------------------------------------------------------------------------------


def _publish(yard: Yard, *, ahead_s: int) -> None:
    """The part-timer puts a recording on today's programme, the chair signs."""
    editor = yard.staff(EDITOR)
    start = datetime.now(LOCAL) + timedelta(seconds=ahead_s)
    recording = yard.folder / f"{start:%H%M%S}.flac"
    soundfile.write(recording, make_noise(start.second, 1.0) // 4, RATE_HZ // 3)
    item = staff.write_item(editor, cast.VALLEY, title=f"Tin {start:%H:%M:%S}", text="")
    staff.expect(staff.upload_sound(editor, item, recording), "upload")
    staff.sounds_of(editor, item)
    plays = (f"item:{cast.VALLEY}:{item}",)
    slot = staff.SlotForm(f"Giờ {start:%H:%M:%S}", f"{start:%H:%M:%S}", "2", f"{start:%d/%m/%Y}", plays)
    staff.add_slot(editor, cast.VALLEY, slot)
    staff.submit(editor, cast.VALLEY)
    yard.sign_all([CHAIR], "programme")


def _submit(yard: Yard, stick: Path):
    return yard.provision("enrol", "submit", "--stick", stick)


def _stays_out(yard: Yard, name: str) -> None:
    with pytest.raises(DemoError, match="in vain"):
        yard.wait_said(name, lambda said: said.get("connected"), "connected", limit_s=SILENCE_S)


def _plays(yard: Yard, device: str) -> int:
    return len(_ask(yard, "SELECT 1 FROM play_rows WHERE device = ? AND kind = 'play'", device))


def _events(yard: Yard, device: str, kind: str) -> int:
    return len(_ask(yard, "SELECT 1 FROM device_events WHERE device = ? AND kind = ?", device, kind))


def _ask(yard: Yard, query: str, *values: object) -> list[tuple]:
    with contextlib.closing(sqlite3.connect(yard.hub_dir / "hub.db", timeout=10)) as connection, connection:
        return connection.execute(query, values).fetchall()


def _root_digits(yard: Yard) -> str:
    return spoken_digits(pin_root((yard.trust_dir / "root.json").read_bytes()).root_fingerprint)


def _expired(yard: Yard, folder: Path, device: str) -> bytes:
    authority = yard.authority()
    request = request_pem(load_identity(folder), device).encode()
    return authority.issue_device(request, device, now=system_clock() - 11 * YEARS)


def _end_of(pem: bytes) -> int:
    return int(x509.load_pem_x509_certificate(pem).not_valid_after_utc.timestamp()) * 1_000


