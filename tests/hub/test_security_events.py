"""What somebody who guards the system should know: found where it happens, counted, and shown to who looks after it."""

from __future__ import annotations

import dataclasses
import os

import msgspec
import pytest
import sqlalchemy as sa

from hub import audit, inbound
from hub.auth import actions as auth
from hub.auth.roles import Grant, Role
from hub.broker_tls import broker_log
from hub.certificates import actions as certificates
from hub.certificates.authority import Authority
from hub.clock import system_clock
from hub.flood import end_flooding
from hub.playlog.inbound import take_log
from hub.security import broker_log as logs
from hub.security import store as security
from hub.security.survey import endings, gaps, within_days
from hub.security.watch import watch_audit
from hub.security.words import KINDS
from tests.builders import make_province, make_template
from tests.hub.conftest import COMMUNE, OTHER, PASSWORD
from tests.hub.mqtt import wait_until
from tests.hub.pages.conftest import Desk, plain
from tests.hub.test_alerts import birth
from tests.hub.tls import TlsClient, make_request, make_secure
from wire.playlog import FIRST_PREVIOUS, row_hash
from wire.units import DAY, HOUR, UtcTime

EVER = UtcTime(0)


@pytest.fixture
def device(box):
    box.add_cluster()
    return box.add_device("loa-1")


def noted(box) -> dict[str, tuple[str, str, int]]:
    with box.hub.reading() as conn:
        return {row["kind"]: (row["subject"], row["area"], row["count"]) for row in security.since(conn, EVER)}


def page(app, username: str, path: str = "/security") -> str:
    desk = Desk(app.test_client())
    desk.post("/login", {"username": username, "password": PASSWORD}, form="/login")
    return plain(desk.get(path))


def test_every_kind_has_words_and_a_remedy():
    assert set(KINDS) == set(security.Kind)


# --- found where it happens ---


def test_a_locked_account(box):
    for _ in range(auth.MAX_FAILURES):
        with pytest.raises(auth.WrongPasswordError):
            auth.log_in(box.hub, "mai", "x", origin="10.0.0.9")
    assert noted(box) == {"lockout": ("mai", "", 1)}


def test_an_order_straight_to_the_broker_that_nobody_entitled_signed(box, device):
    stranger = make_province(c00694=2)
    stranger.now = box.clock()
    inbound.take(box.hub, "loa/1/em/08.00694", stranger.start_alert(COMMUNE, make_template()))
    inbound.take(box.hub, "loa/1/em/08.00694", b"rubbish")
    assert noted(box) == {"refused_signature": ("loa/1/em/08.00694", COMMUNE, 1)}


def test_a_log_that_the_device_did_not_sign(box, device):
    box.add_cluster("cl-2", COMMUNE)
    thief = box.add_device("loa-2", "cl-2")
    inbound.take(box.hub, "loa/1/up/loa-1/log", thief.log(thief.rows(2)))
    assert noted(box) == {"refused_signature": ("loa-1", f"{COMMUNE}/02", 1)}


def test_what_a_device_refused_and_what_it_forgot(box, device):
    said = ["bad_signature: nobody entitled", "out_of_date: seen before", "unknown_key: x", "malformed: x", "1-1"]
    rows = []
    for seq, detail in enumerate(said, start=1):
        [row] = device.rows(1, first=seq, previous=row_hash(rows[-1]) if rows else FIRST_PREVIOUS)
        kind = "gap" if detail == "1-1" else "refused"
        rows.append(msgspec.structs.replace(row, kind=kind, detail=detail))
    take_log(box.hub, device.log(rows), carrier="loa-1")
    take_log(box.hub, device.log(rows), carrier="loa-1")
    place = f"{COMMUNE}/02"
    assert noted(box) == {
        "refused_signature": ("loa-1", place, 2), "replay": ("loa-1", place, 1), "log_lost": ("loa-1", place, 1),
    }  # fmt: skip


def test_forks_clones_floods_and_strangers(box, device):
    rows = device.rows(3)
    take_log(box.hub, device.log(rows), carrier="loa-1")
    take_log(box.hub, device.log(device.rows(1, title="another past")), carrier="loa-1")
    device.chain = "cd" * 16
    take_log(box.hub, device.log(device.rows(1)), carrier="loa-1")
    inbound.take(box.hub, "loa/1/up/loa-1/birth", birth("loa-1", session="aa" * 8))
    inbound.take(box.hub, "loa/1/up/loa-1/birth", birth("loa-1", session="bb" * 8, serial="another"))
    end_flooding(box.hub, "loa-1")
    inbound.take(box.hub, "loa/1/up/loa-1/birth", birth("loa-1", session="cc" * 8))
    assert {kind: count for kind, (_s, _a, count) in noted(box).items()} == {
        "log_fork": 1, "new_chain": 1, "duplicate_device": 1, "other_hardware": 1, "other_root": 1, "flood": 1,
        "revoked_call": 1,
    }  # fmt: skip


def test_a_broken_log_of_what_people_did(box):
    watch_audit(box.hub)
    assert noted(box) == {}
    with box.hub.db.engine.begin() as conn:
        conn.execute(sa.delete(audit.audit_rows).where(audit.audit_rows.c.id == 2))
    watch_audit(box.hub)
    assert noted(box) == {"audit_broken": ("3", "", 1)}


# --- found by looking ---


def test_a_gap_is_shown_once_it_lasted_an_hour_and_goes_when_the_rows_come(box, app, device):
    rows = device.rows(6)
    take_log(box.hub, device.log(rows[:1]), carrier="loa-1")
    take_log(box.hub, device.log(rows[3:]), carrier="loa-1")
    admin = box.person("admin")
    with box.hub.reading() as conn:
        assert gaps(box.hub, conn, admin) == []
    box.clock.at += HOUR
    with box.hub.reading() as conn:
        [gap] = gaps(box.hub, conn, admin)
    assert (gap.device, gap.area, gap.first, gap.last, gap.since) == (
        "loa-1",
        f"{COMMUNE}/02",
        2,
        3,
        box.clock() - HOUR,
    )
    assert "thiếu từ dòng 2 đến dòng 3" in page(app, "admin")
    take_log(box.hub, device.log(rows[1:3]), carrier="loa-1")
    with box.hub.reading() as conn:
        assert gaps(box.hub, conn, admin) == []


def test_keys_that_end_are_shown_60_30_and_7_days_before(box, app):
    admin = box.person("admin")

    def found() -> dict[str, int]:
        with box.hub.reading() as conn:
            return {ending.name: ending.within for ending in endings(box.hub, conn, admin)}

    with box.hub.reading() as conn:
        held = box.hub.trusted.held(conn)
    name, ends = min(((n, f.expires) for n, f in held.roles.items()), key=lambda pair: pair[1])
    for days, within in ((61, None), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (1, 7), (0, 0)):
        box.clock.at = ends - days * DAY
        assert found().get(name) == within, days
    assert "Khóa và chứng thư sắp hết hạn" in page(app, "admin")
    assert within_days(UtcTime(10), UtcTime(10)) == 0


def test_certificates_that_end_are_shown_with_their_cluster(box, device):
    certificates.make_authority(box.hub)
    certificates.issue_device(box.hub, make_request()[1], "loa-1")
    admin = box.person("admin")
    with box.hub.reading() as conn:
        ends = dict(certificates.store.ending(conn, UtcTime(2**60)))["loa-1"]
        assert "loa-1" not in [ending.name for ending in endings(box.hub, conn, admin)]
    box.clock.at = ends - 20 * DAY
    with box.hub.reading() as conn:
        [mine] = [ending for ending in endings(box.hub, conn, admin) if ending.name == "loa-1"]
    assert (mine.area, mine.within) == (f"{COMMUNE}/02", 30)


# --- shown ---


@pytest.fixture
def events(box):
    with box.hub.writing() as conn:
        for area, subject in ((f"{COMMUNE}/02", "loa-hier"), (OTHER, "loa-dort"), ("", "10.0.0.7")):
            security.note(conn, security.Kind.REPLAY, subject, now=box.clock(), area=area, count=3)
    held = [Grant(Role.ADMIN, COMMUNE)]
    auth.add_person(box.hub, username="lan", name="Lan", password=PASSWORD, held=held)


def test_the_page_shows_counts_since_when_and_what_to_do(app, events):
    text = page(app, "admin")
    assert "Lệnh cũ bị gửi lại, đã bị chặn 9 lần" in text
    assert "từ 08:01 23/11/2026" in text
    assert "Việc cần làm: Loa không phát." in text
    assert all(subject in text for subject in ("loa-hier", "loa-dort", "10.0.0.7"))


def test_a_commune_sees_its_own_events_alone(app, events):
    text = page(app, "lan")
    assert "Lệnh cũ bị gửi lại, đã bị chặn 3 lần" in text
    assert "loa-hier" in text
    assert not [subject for subject in ("loa-dort", "10.0.0.7") if subject in text]


def test_a_commune_reads_its_own_part_of_the_log_and_no_head(box, app, events):
    with box.hub.writing() as conn:
        audit.note(conn, at=box.clock(), person="mai", verb="item-new", area=COMMUNE, subject="tin-hier")
        audit.note(conn, at=box.clock(), person="outsider", verb="item-new", area=OTHER, subject="tin-dort")
    own, whole = page(app, "lan", "/security/log"), page(app, "admin", "/security/log")
    assert "Soạn tin bài · tin-hier" in own
    assert not [text for text in ("tin-dort", "Đăng nhập ·", "ghi lại dòng cuối") if text in own]
    assert all(text in whole for text in ("tin-hier", "tin-dort", "ghi lại dòng cuối"))
    assert "tin-dort" not in page(app, "admin", "/security/log?q=tin-hier")
    assert page(app, "admin", "/security/log?before=99999999999999999999&q=%25") != ""


# --- mosquitto's log ---


@pytest.fixture
def secure(box):
    made = make_secure(dataclasses.replace(box.hub, now=system_clock))
    with made.running():
        yield made


def test_whom_a_real_mosquitto_refuses_is_counted_once(box, secure, tmp_path, app):
    hub = dataclasses.replace(secure.hub, config=secure.config, now=box.clock)
    reader = broker_log(hub)
    good = secure.admit("loa-1")
    foreign = secure.admit_by(Authority.create(tmp_path / "other", secure.hub.keys, "08", now=system_clock()), "loa-9")
    client = TlsClient(secure, good)
    assert client.is_in()
    client.close()
    reader.take()
    before = count(hub)
    for certificate in (foreign, None):
        refused = TlsClient(secure, certificate)
        assert not refused.is_in(2)
        refused.close()
    with hub.writing() as conn:
        certificates.revoke(hub, conn, "loa-1", why="stolen", person="x")
    secure.renew()
    gone = TlsClient(secure, good)
    assert not gone.is_in(2)
    gone.close()
    reader.take()
    found = count(hub)
    assert found >= before + 3
    assert reader.take() == 0
    assert broker_log(hub).take() == 0  # a worker that starts again goes on where it was
    text = page(app, "admin")
    assert f"Kết nối bị chặn vì không có chứng thư hợp lệ {found} lần" in text
    assert "127.0.0.1" in text or "không rõ địa chỉ" in text  # mosquitto does not always say from where


def count(hub) -> int:
    with hub.reading() as conn:
        return sum(row["count"] for row in security.since(conn, EVER) if row["kind"] == "refused_certificate")


def test_a_large_log_is_put_aside_without_counting_twice_or_losing_a_line(box, secure, monkeypatch):
    monkeypatch.setattr(logs, "ROTATE_BYTES", 100)
    hub = dataclasses.replace(secure.hub, config=secure.config, now=box.clock)
    reader = broker_log(hub)
    path = secure.folder / logs.LOG
    while reader.take() or not (secure.folder / f"{logs.LOG}.1").exists():
        pass
    old = secure.folder / f"{logs.LOG}.1"
    line = (
        "1: Client connection from 10.0.0.7 failed: error:0A0000C7:SSL routines::peer did not return a certificate.\n"
    )
    with old.open("a") as file:  # what mosquitto still wrote before it heard of the new file
        file.write(line)
    wait_until(path.exists, "mosquitto to begin a new log")
    assert reader.take() == 1
    with path.open("a") as file:
        file.write(line * 2)
    taken = sum(reader.take() for _ in range(6))
    assert (taken, count(hub)) == (2, 3)


def test_lines_of_mosquitto_are_read_as_they_are_and_half_a_line_waits(box, tmp_path):
    hub = box.hub
    reader = logs.BrokerLog(hub, tmp_path, lambda: None)
    assert reader.take() == 0
    path = tmp_path / logs.LOG
    path.write_bytes(
        b"1: Client connection from 10.0.0.7 failed: error:0A0000C7:SSL routines::peer did not return a certificate.\n"
        b"1: Client connection from 10.0.0.7 failed: error:0A000126:SSL routines::unexpected eof while reading.\n"
        b"1: New connection from 10.0.0.8:5 on port 8883.\n"
        b"1: OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed\n"
        b"1: Client <unknown> disconnected: Protocol error.\n\xff\xfe\n"
        b"1: Client connection from 10.0.0.9 failed: error:0A000086:SSL routines::certificate ver"
    )
    assert reader.take() == 2
    with path.open("ab") as file:
        file.write(b"ify failed.\n")
    assert reader.take() == 1
    with hub.reading() as conn:
        rows = {row["subject"]: row["count"] for row in security.since(conn, EVER)}
    assert rows == {"10.0.0.7": 1, logs.UNKNOWN: 1, "10.0.0.9": 1}
    os.truncate(path, 0)
    path.write_bytes(b"1: OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed\n")
    assert reader.take() == 1
