"""`loa-provision trust init` as a person runs it, and the key files that it leaves."""

from __future__ import annotations

import json
import stat
import subprocess
import sys

import pytest
from click.testing import CliRunner

from provisioning import cli
from provisioning.keys import KeyFileError, create_key, open_key, read_public_key
from provisioning.trust.roster import RosterError, read_roster
from tests.builders import make_roster
from wire.areas import policy_target
from wire.policy import policy_in_force, read_policy
from wire.trust.authority import authority, find_target
from wire.trust.held import pin_root
from wire.trust.refresh import refresh, run
from wire.trust.scope import WholeProvince
from wire.units import HOUR, UtcTime

PEOPLE = make_roster().people


def roster_json(**changes):
    roster = make_roster()
    plain = {
        "province": roster.province,
        "communes": roster.communes,
        "people": [{"name": person.name, "roles": person.roles} for person in roster.people],
    }
    return plain | changes


@pytest.fixture
def desk(tmp_path):
    (tmp_path / "roster.json").write_text(json.dumps(roster_json()))
    passphrases = {person.name: f"mat-khau-{person.name}" for person in PEOPLE}
    (tmp_path / "passphrases.json").write_text(json.dumps(passphrases))
    return tmp_path


def init(desk, *extra):
    return cli.run(
        ["trust", "init", "--roster", str(desk / "roster.json"), "--out", str(desk / "trust"),
         "--passphrases", str(desk / "passphrases.json"), *extra]
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One finished ceremony, read by several tests."""
    desk = tmp_path_factory.mktemp("desk")
    (desk / "roster.json").write_text(json.dumps(roster_json()))
    (desk / "passphrases.json").write_text(json.dumps({person.name: f"mat-khau-{person.name}" for person in PEOPLE}))
    assert init(desk) == 0
    return desk / "trust"


def test_the_folder_holds_what_each_receiver_needs_and_no_more(made):
    assert sorted(path.name for path in made.iterdir()) == ["keys", "metadata", "online", "root.json", "targets"]
    assert sorted(path.name for path in (made / "online").iterdir()) == ["snapshot.pem", "timestamp.pem"]
    keys = sorted(path.name for path in (made / "keys").iterdir())
    assert keys == sorted(f"{person.name}.{kind}" for person in PEOPLE for kind in ("key", "pub"))
    assert (made / "root.json").read_bytes() == (made / "metadata" / "1.root.json").read_bytes()


def test_the_province_starts_with_its_safety_envelope(made):
    files = {path.name: path.read_bytes() for path in (made / "metadata").iterdir()}
    pinned = pin_root((made / "root.json").read_bytes())
    held = run(refresh(pinned, scope=WholeProvince(), floor=UtcTime(0)), lambda wanted: files.get(wanted.name)).held
    raw = (made / "targets" / policy_target("08")).read_bytes()
    find_target(held, policy_target("08")).check(raw)
    assert policy_in_force([read_policy(raw)], "08/00694").hours == ((11 * HOUR // 2, 21 * HOUR),)


def test_private_keys_are_for_their_owner_alone(made):
    private = [*(made / "keys").glob("*.key"), *(made / "online").iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert {path.read_text().splitlines()[0] for path in (made / "keys").glob("*.key")} == {
        "-----BEGIN OPENSSH PRIVATE KEY-----"
    }


def test_a_device_accepts_the_province_that_was_made(made):
    files = {path.name: path.read_bytes() for path in (made / "metadata").iterdir()}
    pinned = pin_root((made / "root.json").read_bytes())
    outcome = run(refresh(pinned, scope=WholeProvince(), floor=UtcTime(0)), lambda wanted: files.get(wanted.name))
    assert outcome.refusals == ()
    assert list(outcome.held.roles) == ["targets", "p08", "g08-01", "h00694", "h00700", "g08-02"]


def test_a_persons_key_file_is_the_key_that_the_metadata_names(made):
    files = {path.name: path.read_bytes() for path in (made / "metadata").iterdir()}
    pinned = pin_root((made / "root.json").read_bytes())
    held = run(refresh(pinned, scope=WholeProvince(), floor=UtcTime(0)), lambda wanted: files.get(wanted.name)).held
    chair = open_key(made / "keys" / "chair-00694.key", "mat-khau-chair-00694")
    assert chair.public_key.keyid in authority(held, "c00694").key_ids
    assert read_public_key(made / "keys" / "chair-00694.key") == chair.public_key


def test_a_second_run_changes_nothing_and_says_so(made, capsys):
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    desk = made.parent
    assert init(desk) == 1
    assert capsys.readouterr().err == f"loa-provision: {made} đã có sẵn; chưa thay đổi gì\n"
    assert {path: path.read_bytes() for path in made.rglob("*") if path.is_file()} == before


def test_a_ceremony_that_fails_leaves_nothing_behind(desk, capsys):
    passphrases = {person.name: "kurz" if person.name == "lan" else "lang genug" for person in PEOPLE}
    (desk / "passphrases.json").write_text(json.dumps(passphrases))
    assert init(desk) == 1
    assert "lan.key: a passphrase needs at least 8 characters" in capsys.readouterr().err
    assert sorted(path.name for path in desk.iterdir()) == ["passphrases.json", "roster.json"]


def test_a_person_without_a_passphrase_stops_it_before_any_key_is_made(desk, capsys):
    (desk / "passphrases.json").write_text("{}")
    assert init(desk) == 1
    assert capsys.readouterr().err == "loa-provision: no passphrase for binh\n"


def test_thin_emergency_crews_are_named(desk, capsys):
    people = [person for person in roster_json()["people"] if person["name"] != "head-00700"]
    (desk / "roster.json").write_text(json.dumps(roster_json(people=people)))
    assert init(desk) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Lưu ý:")]
    assert [note.rpartition("(")[2] for note in notes] == [
        "ea00700, ef00700, ed00700)",
        "c00701, c00702, c00703, c00704, c00705, c00706, …)",
    ]


def test_fewer_bcrypt_rounds_are_wrong_usage(desk):
    assert init(desk, "--rounds", "4") == 2


def test_each_person_is_asked_twice_when_no_file_is_given(desk):
    arguments = ["trust", "init", "--roster", str(desk / "roster.json"), "--out", str(desk / "trust")]
    typed = "".join("kurz\nkurz\nlang genug\nlang genug\n" for _ in PEOPLE)
    result = CliRunner().invoke(cli.cli, arguments, input=typed)
    assert (result.exit_code, result.output.count("Cần ít nhất 8 ký tự.")) == (0, len(PEOPLE))
    assert "lang genug" not in result.output


# -- rosters that make no province --


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda r: r["people"].append({"name": "binh", "roles": ["tpl"]}), "binh"),
        (lambda r: r["communes"].append("00694"), "00694"),
        (lambda r: r["communes"].append("08"), "both province and commune"),
        (lambda r: r["people"][0]["roles"].append("chief"), "chief"),
        (lambda r: r["people"][0]["roles"].append("g08-01"), "g08-01"),
        (lambda r: r["people"][0]["roles"].append("snapshot"), "snapshot"),
        (lambda r: r["people"][0]["roles"].append("c99999"), "c99999"),
        (lambda r: r["people"][0]["roles"].append("p09"), "p09"),
        (lambda r: r.update(people=r["people"][2:]), "root needs 2 holders, the roster has 1"),
        (lambda r: r.update(people=r["people"][3:]), "root needs 2 holders, the roster has 0"),
        (lambda r: r.update(thresholds={"p08": 1}), "p08"),
        (lambda r: r.update(thresholds={"c00694": 3}), "c00694 needs 3 holders"),
        (lambda r: r["people"].append({"name": "../evil", "roles": ["tpl"]}), "not as expected"),
        (lambda r: r["people"].append({"name": "Nguyễn", "roles": ["tpl"]}), "not as expected"),
        (lambda r: r.update(comunes=[]), "comunes"),
        (lambda r: r.update(people=[]), "not as expected"),
    ],
)
def test_a_roster_that_makes_no_province_is_refused_by_name(edit, named):
    plain = roster_json()
    edit(plain)
    with pytest.raises(RosterError) as refused:
        read_roster(json.dumps(plain).encode())
    assert named in refused.value.detail


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"province":"\xff"}', b" " * 2_000_000])
def test_what_is_no_roster_is_refused(raw):
    with pytest.raises(RosterError):
        read_roster(raw)


def test_a_commune_may_ask_for_two_signatures():
    roster = read_roster(json.dumps(roster_json(thresholds={"c00694": 2})).encode())
    assert (roster.threshold("c00694"), roster.threshold("c00700")) == (2, 1)


# -- key files --


def test_a_key_file_opens_with_its_passphrase_only(tmp_path):
    made_now = create_key(tmp_path / "an.key", "đúng mật khẩu")
    assert open_key(tmp_path / "an.key", "đúng mật khẩu").public_key == made_now.public_key
    with pytest.raises(KeyFileError, match="wrong passphrase"):
        open_key(tmp_path / "an.key", "sai mật khẩu")


def test_a_key_file_is_never_overwritten(tmp_path):
    create_key(tmp_path / "an.key", "đúng mật khẩu")
    before = (tmp_path / "an.key").read_bytes()
    with pytest.raises(KeyFileError, match="exists"):
        create_key(tmp_path / "an.key", "đúng mật khẩu")
    assert (tmp_path / "an.key").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"rubbish", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END"])
def test_what_is_no_key_file_is_refused(tmp_path, content):
    (tmp_path / "an.key").write_bytes(content)
    with pytest.raises(KeyFileError):
        open_key(tmp_path / "an.key", "đúng mật khẩu")


def test_a_missing_key_file_is_one_line(tmp_path):
    with pytest.raises(KeyFileError, match="No such file"):
        open_key(tmp_path / "none.key", "đúng mật khẩu")


# -- the command itself --


def test_usage_errors_end_with_2_and_reasons_with_1(tmp_path, capsys):
    assert cli.run(["trust", "init"]) == 2
    assert cli.run(["no-such-verb"]) == 2
    assert cli.run(["trust", "init", "--roster", str(tmp_path / "none"), "--out", str(tmp_path / "x")]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"loa-provision: {tmp_path / 'none'}: No such file or directory"


def test_a_missing_extra_is_said_in_one_line(tmp_path):
    (tmp_path / "bcrypt.py").write_text("raise ModuleNotFoundError(\"No module named 'bcrypt'\", name='bcrypt')")
    result = subprocess.run(
        [sys.executable, "-m", "provisioning", "--help"],
        env={"PYTHONPATH": f"{tmp_path}:."}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (
        1, "loa-provision needs bcrypt: install it with  pip install 'loa[provisioning]'\n",
    )  # fmt: skip
