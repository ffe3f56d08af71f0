"""The ceremony as people run it: a commune's request to its first signed programme, a lost key, a stolen hub."""

from __future__ import annotations

import json
import re

import pytest

from provisioning import cli
from provisioning.keys import create_key, open_key
from provisioning.trust.changes import ONLINE
from provisioning.trust.eviction_page import write_page
from tests.browser import chromium
from tests.builders import make_programme, make_province
from tests.fakes.hub import FakeHub, serving
from tests.provisioning.test_trust_changes import fast_forward
from wire.areas import programme_target
from wire.codec import encode
from wire.trust.authority import authority

PASSPHRASE = "mat-khau-rat-dai"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    (folder / "pass").write_text(PASSPHRASE + "\n")
    return folder, {name: create_key(folder / f"{name}.key", PASSPHRASE) for name in ("binh", "chi", "lan")}


@pytest.fixture
def desk(tmp_path, keys):
    """The ceremony's folder, and a province that publishes what the ceremony finishes."""
    province = make_province(known=keys[1])
    folder = tmp_path / "trust"
    (folder / "metadata").mkdir(parents=True)
    (folder / "root.json").write_bytes(province.root)
    for name, raw in province.files.items():
        (folder / "metadata" / name).write_bytes(raw)
    return folder, province, keys[0]


def run(desk, *words: object) -> int:
    folder = desk[0]
    verb, *rest = map(str, words)
    more = [] if verb in ("merge", "new-key") else ["--root", str(folder / "root.json"), "--trust", str(folder)]
    return cli.run(["trust", verb, *rest, *more])


def sign(desk, change, *names: str) -> None:
    for name in names:
        keys = desk[2]
        options = ["--key", keys / f"{name}.key", "--passphrase-file", keys / "pass", "--yes"]
        assert run(desk, "sign", change, *options) == 0


def take_over(desk) -> None:
    """As the hub does with `init --trust`."""
    folder, province, _ = desk
    for path in sorted((folder / "metadata").iterdir()):
        role = path.name.removesuffix(".json").partition(".")[2]
        if role and role != "snapshot" and path.name not in province.files:
            province.publish({role: path.read_bytes()})


def test_from_a_communes_request_to_its_first_signed_programme(desk, tmp_path, capsys):
    folder, province, keys = desk
    # 1. the commune's new deputy makes a key and reads its number out
    assert run(desk, "new-key", tmp_path / "pho.key", "--passphrase-file", keys / "pass") == 0
    number = capsys.readouterr().out.split("Khóa ")[1].split(":")[0]
    short = number[:19]
    # 2. the province proposes the change, and compares the number
    change = tmp_path / "them-pho.json"
    new = ("--role", "c00700", "--key", tmp_path / "pho.pub", "--fingerprint", number)
    assert run(desk, "add", *new, "--out", change) == 0
    assert f"+ {short} được ký: c00700 (người duyệt của xã)" in capsys.readouterr().out
    # 3. two of the province's approvers look and sign, each on a machine of their own
    sign(desk, change, "binh", "chi")
    assert "Không có gì đang phát phải ngừng." in capsys.readouterr().out
    # 4. finished, taken over by the hub, and the deputy signs the first programme
    assert run(desk, "finish", change, "--out", folder) == 0
    take_over(desk)
    signer = open_key(tmp_path / "pho.key", PASSPHRASE)
    programme = encode(make_programme("08/00700", issued=province.now))
    province.release("c00700", {programme_target("08/00700"): programme}, [signer])
    assert "c00700" in province.held("08/00700").roles


def test_a_lost_key_is_frozen_by_its_first_characters(desk, tmp_path, keys, capsys):
    lost = keys[1]["lan"].public_key.keyid
    change = tmp_path / "khoa-mat.json"
    assert run(desk, "freeze", "--key-id", lost[:4] + " " + lost[4:12], "--out", change) == 0
    said = capsys.readouterr().out
    assert "root, targets, p08" in said
    assert "không được ký nữa: ea08 (phát khẩn cấp)" in said
    sign(desk, change, "binh", "chi")
    assert run(desk, "finish", change, "--out", desk[0]) == 0
    take_over(desk)
    assert lost not in authority(desk[1].held(), "p08").key_ids


@pytest.mark.parametrize("start", ["", "abc", "zzzzzzzz", "00000000"])
def test_a_key_that_is_not_named_clearly_is_not_guessed(desk, tmp_path, start, capsys):
    assert run(desk, "freeze", "--key-id", start, "--out", tmp_path / "x.json") == 1
    assert "khóa bắt đầu bằng" in capsys.readouterr().err
    assert not (tmp_path / "x.json").exists()


def test_a_change_is_never_overwritten(desk, tmp_path, capsys):
    (tmp_path / "x.json").write_text("kept")
    assert run(desk, "prolong", "p08", "--out", tmp_path / "x.json") == 1
    assert (tmp_path / "x.json").read_text() == "kept"
    assert "đã có sẵn" in capsys.readouterr().err


def test_whoever_says_no_has_signed_nothing(desk, tmp_path, monkeypatch):
    change = tmp_path / "x.json"
    assert run(desk, "prolong", "p08", "--out", change) == 0
    before = change.read_bytes()
    monkeypatch.setattr("click.confirm", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    options = ["--key", desk[2] / "binh.key", "--passphrase-file", desk[2] / "pass"]
    assert run(desk, "sign", change, *options) == 1
    assert change.read_bytes() == before


def test_the_calendar_marks_what_is_near_and_ends_with_1_when_it_is_urgent(desk, capsys):
    assert run(desk, "calendar") in (0, 1)
    lines = capsys.readouterr().out.splitlines()
    assert any("p08 (người duyệt của tỉnh): cần 2 trong" in line for line in lines)
    assert len(lines) >= 5


def test_a_clock_reset_is_reviewed_in_words(desk, tmp_path, capsys):
    assert run(desk, "reset-time", "--device", "loa-1", "--out", tmp_path / "gio.json") == 0
    assert "đặt lại giờ cho loa-1: không sớm hơn" in capsys.readouterr().out


def test_evicting_a_hub_leaves_keys_a_change_and_one_page(desk, tmp_path, capsys):
    out = tmp_path / "may-chu-moi"
    assert run(desk, "evict-hub", "--out", out) == 0
    said = capsys.readouterr().out
    assert "khóa của máy chủ (thời gian)" in said
    assert "được ký: root" not in said, "nobody else's power changes"
    assert sorted(path.name for path in out.iterdir()) == ["change.json", "metadata", "online", "trang-in.html"]
    assert {path.stat().st_mode & 0o077 for path in (out / "online").iterdir()} == {0}
    page = (out / "trang-in.html").read_text()
    assert page.count("<li>") == 10
    assert "$" not in page
    sign(desk, out / "change.json", "binh", "lan")
    assert run(desk, "finish", out / "change.json", "--out", out) == 0
    assert (out / "metadata" / "2.root.json").exists()
    assert set(json.loads((out / "change.json").read_text())["files"]) == {"root"}


def test_a_hub_that_fast_forwarded_is_evicted_by_the_command_over_http(desk, tmp_path, capsys):
    """As it happens: nobody has the ceremony's folder at hand, only root.json, and the stolen hub still answers."""
    folder, province, keys = desk
    old = [name for name in province.files if name.startswith("1.p08")]
    province.release("p08")
    for name in old:
        del province.files[name]        # it need not keep what is superseded
    fast_forward(province, 999_999)
    fast_forward(province, 999_999)
    with serving(FakeHub(province, ())) as hub:
        at_hub = ["--root", str(folder / "root.json"), "--hub", hub.url]
        assert cli.run(["trust", "calendar", *at_hub]) == 1
        assert "jumps" in capsys.readouterr().err
        assert cli.run(["trust", "evict-hub", "--out", str(tmp_path / "moi"), *at_hub]) == 0
    new = tmp_path / "moi"
    here = ["--root", str(folder / "root.json"), "--trust", str(new)]
    for name in ("binh", "chi"):
        options = ["--key", str(keys / f"{name}.key"), "--passphrase-file", str(keys / "pass"), "--yes"]
        assert cli.run(["trust", "sign", str(new / "change.json"), *options, *here]) == 0
    assert cli.run(["trust", "finish", str(new / "change.json"), "--out", str(new), *here]) == 0
    assert "Dấu vân tay gốc mới:" in capsys.readouterr().out
    assert {path.name for path in (new / "metadata").iterdir()} >= {"1.root.json", "2.root.json", "2.p08.json"}


def test_a_hub_that_shows_an_older_state_is_found_before_anybody_signs(desk, tmp_path, capsys):
    """Built on it, the next honest change would sign a revoked key back in."""
    folder, province, _keys = desk
    fired = province.signers["chair-00694"].public_key.keyid
    old = dict(province.files), dict(province.roles)
    with serving(FakeHub(province, ())) as hub:
        at_hub = ["--root", str(folder / "root.json"), "--hub", hub.url]
        province.publish({"g08-01": province.revise("g08-01", lambda signed: signed.revoke_key(fired, "c00694"))})
        assert cli.run(["trust", "prolong", "p08", "--out", str(tmp_path / "a.json"), *at_hub]) == 0
        province.files, province.roles = old
        assert cli.run(["trust", "prolong", "g08-01", "--out", str(tmp_path / "b.json"), *at_hub]) == 1
    assert "g08-01 được đưa ra ở bản 1, nhưng máy này đã thấy bản 2" in capsys.readouterr().err
    assert not (tmp_path / "b.json").exists()


def test_a_damaged_memory_is_a_persons_decision(desk, tmp_path, capsys):
    (desk[0] / "root.json.seen").write_text("{")
    assert run(desk, "calendar") == 1
    assert "bị hỏng" in capsys.readouterr().err
    (desk[0] / "root.json.seen").unlink()
    assert run(desk, "prolong", "p08", "--out", tmp_path / "x.json") == 0


def test_the_page_is_one_page(tmp_path):
    """Printed as Chromium prints it: nobody should have to look for a second sheet at such a time."""
    province = make_province()
    keys = {name: province.signers[name].public_key for name in ONLINE}
    page = write_page(tmp_path / "trang-in.html", province.held(), keys)
    with chromium() as browser:
        tab = browser.new_page()
        tab.goto(page.as_uri())
        printed = tab.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == 1
