"""`loa-provision enrol` against the real hub over HTTP and real devices in folders: questions, reasons, sticks, ssh."""

from __future__ import annotations

import io
import os
import stat
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from edge.config import load_config
from hub.certificates import actions as certificates
from hub.enrolment import tickets
from provisioning.cli import run
from provisioning.device_side import DeviceError, DeviceSide
from tests.builders import make_province
from tests.enrolling import Bench
from tests.hub.conftest import COMMUNE, app, box, first_province, prepared  # noqa: F401 - fixtures
from tests.provisioning.browsing import free_port
from wire.units import DAY

FAKE_SSH = """#!/bin/sh
# As sshd does: the words are joined and given to the far user's shell.
test "$1" = -- && shift
echo "$1" >> "{seen}"
shift
PATH="{beside}:$PATH" exec /bin/sh -c "$*"
"""


@dataclass
class Shop:
    """A technician's machine, a served hub, and boards."""

    box: object
    bench: Bench
    url: str
    folder: Path
    capsys: object
    monkeypatch: object

    def ticket(self, most=5) -> str:
        person = self.box.person("dang")
        return tickets.make_ticket(self.box.hub, person, area=COMMUNE, name="Tuấn", most=most, lasts_ms=DAY)

    def board(self, name: str, **more) -> Path:
        path = self.folder / f"{name}.toml"
        path.write_text(self.bench.board(name, **more).board_file)
        return path

    def run(self, *words, typed: str = "") -> tuple[int, str]:
        self.monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        line = [*map(str, words), "--state", str(self.folder / "state")]
        code = run(line)
        said = self.capsys.readouterr()
        return code, said.out + said.err

    def enrol(self, name: str, *words, verb="enrol", typed="", wait=0) -> tuple[int, str]:
        where = ("--dir", self.bench.device_dir(name), "--board", self.folder / f"{name}.toml", "--wait", wait)
        return self.run(verb, *where, *words, typed=typed)

    def first(self, name: str, *words, **more) -> tuple[int, str]:
        return self.enrol(name, "--hub", self.url, "--root", self.folder / "root.json", *words, **more)


@pytest.fixture
def shop(box, app, tmp_path, capsys, monkeypatch):  # noqa: F811
    box.add_cluster()
    box.add_cluster("cl-2", COMMUNE + "/03", name="Cụm loa Chợ")
    certificates.make_authority(box.hub)
    bench = tmp_path / "bench"
    bench.mkdir()
    (tmp_path / "root.json").write_bytes(box.province.files["1.root.json"])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.port}"
    yield Shop(box, Bench(bench, box.province.files["1.root.json"], url), url, tmp_path, capsys, monkeypatch)
    server.shutdown()
    thread.join()
    server.server_close()


# --- few keystrokes ---


def test_the_first_device_takes_a_ticket_and_a_number_and_the_next_only_a_number(shop):
    shop.board("a")
    shop.board("b")
    code, said = shop.first("a", typed=f"{shop.ticket()}\nchợ\n1\n")
    assert (code, "[4/5] Chờ người đăng ký thiết bị ký duyệt: Cụm loa Chợ" in said) == (0, True), said
    code, said = shop.enrol("b", typed="1\n")
    assert (code, "ký duyệt: Cụm loa 1" in said) == (0, True), said
    assert "Giấy phép (12" not in said
    shop.box.place()
    code, said = shop.enrol("a")
    assert (code, "[5/5]" in said) == (0, True), said
    assert (shop.bench.device_dir("a") / "device.crt").exists()


def test_every_line_is_vietnamese_first_and_english_below(shop):
    shop.board("a")
    said = shop.first("a", "--ticket", shop.ticket(), "--cluster", "cl-1")[1].splitlines()
    assert said[2:4] == ["[2/5] Thiết bị tạo khóa …", "     The device makes its key …"]


def test_it_waits_for_the_registrar_and_goes_on(shop):
    shop.board("a")
    done = threading.Event()

    def registrar() -> None:
        while not done.wait(0.3):
            shop.box.place()

    signs = threading.Thread(target=registrar)
    signs.start()
    code, said = shop.first("a", "--ticket", shop.ticket(), "--cluster", "cl-1", wait=20)
    done.set()
    signs.join()
    assert (code, "[5/5] Xong. Thiết bị đặt tại cl-1" in said) == (0, True), said


# --- plain reasons, nothing lost ---


def test_without_hub_or_root_it_says_what_to_bring(shop):
    shop.board("a")
    for words, wanted in (((), "--hub https://"), (("--hub", shop.url), "--root TỆP")):
        code, said = shop.enrol("a", *words)
        assert (code, wanted in said, "Chạy lại đúng lệnh này." in said) == (1, True, True), said


@pytest.mark.parametrize(
    ("why", "told"),
    [("unknown", "Không có giấy phép này"), ("used", "đã dùng hết"), ("network", "Không có mạng đến hệ thống"),
     ("rtc", "không có đồng hồ pin"), ("root", "không phải gốc tin cậy")],
)  # fmt: skip
def test_what_goes_wrong_is_told_plainly_and_can_be_repeated(shop, why, told):
    shop.board("a", has_rtc=why != "rtc")
    code = "0000-0000-0000" if why == "unknown" else shop.ticket(1)
    if why == "used":
        shop.board("b")
        shop.first("b", "--ticket", code, "--cluster", "cl-2")
    if why == "root":
        (shop.folder / "root.json").write_text("{}")
    more = ("--hub", f"http://127.0.0.1:{free_port()}") if why == "network" else ()
    ended, said = shop.first("a", "--ticket", code, "--cluster", "cl-1", *more)
    assert (ended, told in said, "Nothing is lost. Run the same command again." in said) == (1, True, True), said


def test_a_ticket_that_does_not_count_is_forgotten(shop):
    shop.board("a")
    shop.first("a", typed="0000-0000-0000\n")
    code, said = shop.enrol("a", typed=f"{shop.ticket()}\n1\n")
    assert (code, "[4/5]" in said) == (0, True), said
    assert stat.S_IMODE((shop.folder / "state" / "enrol.json").stat().st_mode) == 0o600


def test_a_card_of_another_province_is_refused_before_anything_is_asked(shop):
    shop.board("a")
    other = make_province().files["1.root.json"]
    shop.bench.root = other
    shop.bench.board("a")
    shop.bench.request("a")
    code, said = shop.first("a", "--ticket", shop.ticket(), "--cluster", "cl-1")
    assert (code, "keeps its first root" in said) == (1, True), said


# --- replace, stick, ssh ---


def test_an_empty_card_takes_over_the_device_of_a_place(shop):
    shop.board("a")
    shop.first("a", "--ticket", shop.ticket(), "--cluster", "cl-1")
    shop.box.place()
    shop.enrol("a")
    shop.board("new")
    code, said = shop.enrol("new", verb="replace", typed="1\n")
    assert (code, "[4/5]" in said) == (0, True), said
    shop.box.place()
    assert "[5/5]" in shop.enrol("new", verb="replace")[1]
    assert load_config(shop.bench.device_dir("new"), {}).device == load_config(shop.bench.device_dir("a"), {}).device


def test_a_stick_carries_request_and_answer_and_no_ticket(shop):
    stick = shop.folder / "usb"
    stick.mkdir()
    (stick / "broken.loa-enrol").write_text("{")
    shop.board("a")
    code = shop.ticket()
    assert shop.first("a", "--stick", stick, "--ticket", code)[0] == 0
    assert code not in "".join(path.read_text() for path in stick.iterdir())
    sent, said = shop.run("enrol", "submit", "--stick", stick, typed=f"{code}\n1\n")
    assert (sent, "broken.loa-enrol bị hỏng" in said, "Chờ người đăng ký" in said) == (0, True, True), said
    shop.box.place()
    assert "Đã ký duyệt" in shop.run("enrol", "submit", "--stick", stick)[1]
    assert "[5/5]" in shop.enrol("a", "--stick", stick)[1]
    empty = shop.folder / "empty"
    empty.mkdir()
    assert shop.run("enrol", "submit", "--stick", empty)[0] == 1


def test_over_ssh_the_same_words_reach_the_far_shell_and_no_others(shop):
    folder, seen = shop.folder / "bin", shop.folder / "seen"
    folder.mkdir()
    (folder / "ssh").write_text(FAKE_SSH.format(seen=seen, beside=Path(sys.executable).parent))
    (folder / "ssh").chmod(0o755)
    shop.monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    board, odd = shop.board("a"), shop.folder / "a; touch spoilt"
    code, said = shop.run(
        "enrol", "--hub", shop.url, "--root", shop.folder / "root.json", "--dir", odd, "--board", board, "--wait", 0,
        "--ssh", "loa@pole-1", "--ticket", shop.ticket(), "--cluster", "cl-1",
    )  # fmt: skip
    assert (code, "[4/5]" in said) == (0, True), said
    assert set(seen.read_text().split()) == {"loa@pole-1"}
    assert not Path("spoilt").exists()


@pytest.mark.parametrize("far", ["-oProxyCommand=x", "a b", "x@", "@y", "x;y", "x@y z"])
def test_what_is_no_host_is_never_given_to_ssh(tmp_path, far):
    with pytest.raises(DeviceError):
        DeviceSide(tmp_path, far)
