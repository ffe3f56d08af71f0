"""Configuration, identity and the commands, as a technician meets them."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import subprocess
import sys

import pytest

from edge.cli import run_command
from edge.config import check_config, load_config
from edge.errors import ConfigError, IdentityError
from edge.identity import load_identity, mosquitto_hash
from edge.parts import serial_of
from tests.edge.device_process import TOP


def init(world, *more: str, device="loa-1") -> int:
    folder = world.folder / device
    root = str(world.folder / "root.json")
    return run_command(["init", "--dir", str(folder), "--device", device, "--root", root, *more])


def test_init_makes_a_key_that_only_the_owner_reads_and_a_request_without_secrets(world, capsys):
    assert init(world, "--hub", "http://localhost:8000", "--broker", "localhost:1884", "--serial", "abc") == 0
    folder = world.folder / "loa-1"
    assert stat.S_IMODE((folder / "device.key").stat().st_mode) == 0o600
    request = json.loads((folder / "request.json").read_text())
    assert (request["device"], request["key"], request["serial"]) == ("loa-1", load_identity(folder).public_hex, "abc")
    password = (folder / "broker.password").read_text()
    assert password not in (folder / "request.json").read_text()
    config = load_config(folder, {})
    assert (config.hub_url, config.broker.host, config.broker.port) == ("http://localhost:8000", "localhost", 1884)
    assert request["key"] in capsys.readouterr().out


def test_the_broker_hash_is_mosquittos():
    salt = b"123456789012"
    _, kind, rounds, encoded, digest = mosquitto_hash("geheim", salt).split("$")
    expected = hashlib.pbkdf2_hmac("sha512", b"geheim", salt, 101)
    assert (kind, rounds, encoded, digest) == (
        "7", "101", base64.b64encode(salt).decode(), base64.b64encode(expected).decode(),
    )  # fmt: skip


def test_init_twice_keeps_the_key_and_the_settings(world):
    init(world)
    key = load_identity(world.folder / "loa-1").public_hex
    assert init(world, "--serial", "other") == 0
    assert load_identity(world.folder / "loa-1").public_hex == key
    assert load_config(world.folder / "loa-1", {}).serial != "other"


def test_where_the_hardware_has_a_serial_a_copied_card_shows_another_one(world, tmp_path):
    hardware = tmp_path / "serial-number"
    hardware.write_bytes(b"10000000abcd\0")
    folder = world.folder / "loa-1"
    folder.mkdir()
    (folder / "board.toml").write_text(f'name = "test"\ntitle = "Test"\nserial = "{hardware}"\n')
    assert init(world, "--board", "pc") == 0
    request = json.loads((folder / "request.json").read_text())
    assert request["serial"] == serial_of(load_config(folder, {})) == "10000000abcd"
    hardware.write_bytes(b"another box\0")
    assert serial_of(load_config(folder, {})) == "another box"
    hardware.unlink()
    assert serial_of(load_config(folder, {})) == ""


def test_a_device_keeps_its_first_root(world, capsys):
    init(world)
    (world.folder / "loa-1" / "root.json").write_bytes(b"{}")
    assert init(world) == 1
    assert "a device keeps its first root" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--device", "Máy 1"], "device 'Máy 1'"),
        (["--device", "x", "--broker", "localhost:port"], "HOST:PORT"),
        (["--device", "x", "--board", "toaster"], "no board 'toaster'"),
        (["--device", "x", "--serial", 'a"b'], "without quotes"),
    ],
)
def test_wrong_wishes_are_one_line_and_exit_2(world, capsys, arguments, says):
    root = str(world.folder / "root.json")
    assert run_command(["init", "--dir", str(world.folder / "new"), "--root", root, *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_root_that_is_none_is_refused(world, capsys):
    (world.folder / "root.json").write_text("hello")
    assert init(world) == 2
    assert "is no root of a province" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "device"),
        ({"device": "loa-1", "hub": "x"}, "hub"),
        ({"device": "loa-1", "hub_url": "ftp://x"}, "hub_url"),
        ({"device": "loa-1", "volume_percent": 300}, "volume_percent"),
        ({"device": "loa-1", "broker": {"port": 0}}, "broker.port"),
        ({"device": "loa-1", "output": {"kind": "wav"}}, "output.wav"),
        ({"device": "loa-1", "pace": {"health_s": -1}}, "pace.health_s"),
    ],
)
def test_a_wrong_setting_is_named(values, says):
    with pytest.raises(ConfigError, match=says):
        check_config(values, where="config.toml")


def test_the_environment_overrides_the_file(world):
    init(world)
    environment = {"LOA_EDGE_VOLUME_PERCENT": "40", "LOA_EDGE_BROKER_PORT": "1999", "LOA_EDGE_STORE_FREE_FLOOR_MB": "7"}
    config = load_config(world.folder / "loa-1", environment)
    assert (config.volume_percent, config.broker.port, config.store.free_floor_mb) == (40, 1999, 7)


def test_a_misspelt_variable_is_an_error(world):
    init(world)
    with pytest.raises(ConfigError, match="volume"):
        load_config(world.folder / "loa-1", {"LOA_EDGE_VOLUME": "40"})


def test_a_key_that_others_may_read_is_refused(world):
    init(world)
    (world.folder / "loa-1" / "device.key").chmod(0o644)
    with pytest.raises(IdentityError, match="chmod 600"):
        load_identity(world.folder / "loa-1")


@pytest.mark.parametrize("command", ["run", "plan", "status", "bundle"])
def test_a_folder_that_is_no_device_is_one_line(tmp_path, capsys, command):
    more = ["x.loab"] if command == "bundle" else []
    assert run_command([command, "--dir", str(tmp_path / "none"), *more]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_without_the_extra_the_command_says_what_is_missing():
    code = "import sys; sys.modules['paho'] = None; from edge.__main__ import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=TOP, check=False)
    assert (done.returncode, done.stderr) == (
        1, "loa-edge: paho is not installed; `pip install 'loa[edge]'` brings it\n",
    )  # fmt: skip
