"""A commune's request to its first signed programme, by the very commands of provisioning/buoc-xa-moi.md.

Real programs, a real hub, real key files. The only steps that are not typed are the telephone call (the test reads the
fingerprint from the commune's screen) and the pages of the hub and the station, which are asked as their scripts ask.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from werkzeug.serving import make_server

import provisioning
from hub.app import create_app
from hub.auth import store as persons
from hub.config import load_config
from hub.context import open_hub
from hub.publishing import actions as publishing
from provisioning.approval.context import StationConfig, open_station
from provisioning.approval.station import create_station
from provisioning.hub_api import HubApi
from tests.fakes.hub import PASSWORD, real_now
from tests.fakes.passkey import SoftPasskey
from tests.provisioning.conftest import PORT, Browser, a_programme
from wire.areas import programme_target
from wire.codec import encode
from wire.key_request import fingerprint, key_request
from wire.release import build_role, sign_role
from wire.trust.authority import authority, find_target
from wire.trust.expiry import NETWORK
from wire.trust.held import Held, pin_root
from wire.trust.refresh import refresh, run
from wire.trust.scope import DeviceScope

STEPS = Path(provisioning.__file__).with_name("buoc-xa-moi.md").read_text("utf-8")
COMMUNE, DEVICE = "08/00700", "08/00700/01"
PATH = programme_target(COMMUNE)
PASSPHRASE = "mat-khau-rat-dai"
PROVINCE = ("lan", "binh", "chi")


def commands(step: int) -> list[list[str]]:
    """What a step tells people to type."""
    text = re.split(r"^## ", STEPS, flags=re.MULTILINE)[step]
    assert text.startswith(f"{step}. ")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


class Office:
    """A folder in which everybody's commands run; what a person would be asked for is given beside the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "pass").write_text(PASSPHRASE + "\n")
        (folder / "password").write_text(PASSWORD + "\n")

    def type(self, words: list[str], *more: str) -> str:
        program = str(Path(sys.executable).with_name(words[0]))
        done = subprocess.run(
            [program, *words[1:], *more], cwd=self.folder, env={**os.environ, "LOA_HUB_BROKER": "off"},
            capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def office(tmp_path) -> Office:
    """A province that knows the commune and has nobody in it yet, and its hub."""
    made = Office(tmp_path)
    areas = Path(provisioning.__file__).parents[1] / "hub" / "areas" / "data" / "tuyen_quang_2025.csv"
    made.type(["loa-provision", "trust", "draft", "--province", "08", "--areas", str(areas), "--out", "vai-tro.csv"])
    lines = (tmp_path / "vai-tro.csv").read_text("utf-8-sig").splitlines()
    filled = [line + " ".join(PROVINCE) if line.split(",")[1] == "08" else line for line in lines]
    (tmp_path / "vai-tro.csv").write_text("\n".join(filled))
    (tmp_path / "pp.json").write_text(json.dumps(dict.fromkeys(PROVINCE, PASSPHRASE)))
    made.type(shlex.split("loa-provision trust init --roster vai-tro.csv --out tinh --passphrases pp.json"))
    made.type(["loa-hub", "init", "--dir", "may-chu", "--trust", "tinh"])
    shutil.copy(tmp_path / "tinh" / "root.json", tmp_path / "root.json")
    for name in PROVINCE:
        for kind in ("key", "pub"):
            shutil.copy(tmp_path / "tinh" / "keys" / f"{name}.{kind}", tmp_path)
    return made


@contextmanager
def serving(folder: Path):
    """The hub that the commands have filled."""
    config = load_config(folder, environ={})
    hub = open_hub(config)
    server = make_server("127.0.0.1", 0, create_app(config, hub), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield hub, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    hub.close()


def submit(hub) -> int:
    with hub.reading() as conn:
        editor = persons.load(conn, "vanhoa-00700")
    targets = {PATH: encode(a_programme(COMMUNE))}
    return publishing.submit(hub, editor, area=COMMUNE, kind="programme", targets=targets, title="Bản tin đầu")


def installed(root: bytes, url: str) -> Held:
    """What a device of the commune installs from this hub."""
    source = HubApi(url)
    outcome = run(
        refresh(pin_root(root), scope=DeviceScope(DEVICE), floor=real_now(), rules=NETWORK),
        lambda wanted: source.metadata(wanted.name),
    )
    assert outcome.refusals == ()
    return outcome.held


def test_the_written_steps_lead_from_a_request_to_the_first_signed_programme(office):
    heard = {}
    for words in commands(1):
        said = office.type(words, "--passphrase-file", "pass")
        heard[words[-1]] = re.search(r"Khóa ([0-9a-f ]{29}):", said)[1]
    ((*add,),) = commands(2)
    shown = office.type(add, *(word for digits in heard.values() for word in ("--fingerprint", digits)))
    assert "Không có gì đang phát phải ngừng." in shown
    assert set(re.findall(r"được ký: (\w+)", shown)) == {"c00700", "ea00700", "ef00700", "ed00700"}
    for words in commands(3):
        office.type(words, "--passphrase-file", "pass", "--yes")
    for words in commands(4):
        office.type(words)
    for words in commands(5):
        office.type(words, "--password-file", "password")
    assert [words[:2] for words in commands(6)] == [["loa-provision", "station"]]

    folder = office.folder
    with serving(folder / "may-chu") as (hub, url):
        ident = submit(hub)
        root = (folder / "root.json").read_bytes()
        station = open_station(StationConfig(url, folder, root, folder / "may-ky", PORT))
        chair = Browser(create_station(station).test_client())
        chair.sign_in("chutich-00700")
        answer = chair.sign(ident, chair.look(ident), "chutich", PASSPHRASE)
        assert answer.json["state"] == "released", answer.text
        held = installed(root, url)
    assert find_target(held, PATH) is not None
    assert len(authority(held, "ef00700").keys) == 2


def test_a_phones_request_goes_the_same_way(office):
    """The request file of a passkey, through the ceremony and into the hub's list of people; then it signs."""
    phone = SoftPasskey("duyet.loa.test", ("https://duyet.loa.test",))
    request = office.folder / "chutich.key-request.json"
    request.write_bytes(key_request("chutich-00700", "c00700", phone.public_key))
    here = "--out xa.json --root root.json --trust tinh"
    add = shlex.split(f"loa-provision trust add --role c00700 --key {request.name} {here}")
    office.type(add, "--fingerprint", fingerprint(phone.public_key.keyid))
    for name in ("binh", "chi"):
        sign = shlex.split(f"loa-provision trust sign xa.json --key {name}.key --root root.json --trust tinh")
        office.type(sign, "--passphrase-file", "pass", "--yes")
    office.type(shlex.split("loa-provision trust finish xa.json --out tinh --root root.json --trust tinh"))
    office.type(shlex.split("loa-hub init --dir may-chu --trust tinh"))
    for who, role, more in (("vanhoa", "editor", ()), ("chutich", "approver", ("--key", request.name))):
        person = f"loa-hub person add {who}-00700 --dir may-chu --name {who} --role {role}:08/00700"
        office.type(shlex.split(person), "--password-file", "password", *more)

    with serving(office.folder / "may-chu") as (hub, url):
        ident = submit(hub)
        with hub.reading() as conn:
            chair = persons.load(conn, "chutich-00700")
        proposal = publishing.look_at(hub, chair, ident).proposal
        raw = sign_role(build_role(None, "c00700", proposal.targets, real_now()), phone)
        publishing.add_signature(hub, chair, ident, digest=proposal.digest, metadata=raw)
        held = installed((office.folder / "root.json").read_bytes(), url)
    assert held.roles["c00700"].signatures.keys() == {phone.public_key.keyid}
