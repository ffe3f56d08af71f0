"""The approval app and bundles against the real hub: what the stand-in of the other tests promises is what it does."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from hub.app import create_app
from hub.areas import actions as areas
from hub.auth import actions as auth
from hub.auth import store as persons
from hub.auth.roles import Grant, Role
from hub.config import load_config
from hub.content.blobs import blob_path
from hub.context import Hub, open_hub
from hub.publishing import actions as publishing
from hub.publishing.intake import take_trust
from hub.setup import prepare
from provisioning import cli
from provisioning.approval.context import StationConfig, open_station
from provisioning.approval.station import create_station
from provisioning.blobs import BlobStore
from provisioning.bundle import Order, Packer
from provisioning.bundle_check import check_bundle
from provisioning.hub_api import HubApi
from provisioning.trust.change_file import ChangeFile
from provisioning.trust.changes import Change
from provisioning.trust.present import from_hub
from provisioning.trusted import Truststore
from tests.builders import Province, make_placement, make_template, new_signer
from tests.fakes.hub import PASSWORD, real_now
from tests.hub.conftest import write_trust
from tests.provisioning.conftest import CHAIR, COMMUNE, DEPUTY, PORT, Browser, a_programme, opus, passphrase_of
from wire.areas import placements_target, programme_target, template_target
from wire.codec import encode
from wire.content import Item, Sound
from wire.enrolment import Placements
from wire.envelope import public_hex
from wire.trust.expiry import NETWORK
from wire.trust.held import pin_root
from wire.trust.refresh import Outcome, refresh, run
from wire.trust.scope import DeviceScope
from wire.units import HOUR, MINUTE, UtcTime

PATH = programme_target(COMMUNE)
GRANTS = {
    "mai": [Grant(Role.EDITOR, "08")],
    CHAIR: [Grant(Role.APPROVER, COMMUNE), Grant(Role.OFFICER, COMMUNE)],
    "binh": [Grant(Role.APPROVER, "08"), Grant(Role.OFFICER, "08")],
    "chi": [Grant(Role.APPROVER, "08"), Grant(Role.OFFICER, "08")],
    "tuan": [Grant(Role.TECHNICIAN, COMMUNE)],
    "dang": [Grant(Role.REGISTRAR, "08")],
}


@dataclass
class RealHub:
    """A real hub over HTTP; `submit` is what an editor's action does."""

    hub: Hub
    url: str

    def submit(self, area: str, kind: str, targets: dict[str, bytes], by: str = "mai") -> int:
        with self.hub.reading() as conn:
            person = persons.load(conn, by)
        assert person
        return publishing.submit(self.hub, person, area=area, kind=kind, targets=targets, title="Chương trình")

    def put_sound(self, tone_hz: float = 440.0) -> Sound:
        raw = opus(1.0, tone_hz)
        sha256 = hashlib.sha256(raw).hexdigest()
        path = blob_path(sha256, self.hub.config.blob_dir)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        return Sound("vi", sha256, len(raw), 1_000)


@contextmanager
def a_hub(folder: Path, trust: Path, province: Province) -> Iterator[RealHub]:
    config = load_config(folder, environ={})
    prepare(config)
    hub = open_hub(config)
    areas.import_areas(hub, province="08", name="Tỉnh Tuyên Quang")
    take_trust(hub, trust)
    for username, held in GRANTS.items():
        signer = province.signers.get(username)
        keys = [(signer.public_key.keyid, public_hex(signer.public_key))] if signer else []
        auth.add_person(hub, username=username, name=username, password=PASSWORD, held=held, keys=keys)
    server = make_server("127.0.0.1", 0, create_app(config, hub), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield RealHub(hub, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()
    hub.close()


@pytest.fixture
def real(tmp_path, province: Province) -> Iterator[RealHub]:
    folder = tmp_path / "hub"
    with a_hub(folder, write_trust(province, folder / "trust"), province) as running:
        yield running


@pytest.fixture
def browser(real, key_files, province, tmp_path) -> Browser:
    config = StationConfig(real.url, key_files[0], province.root, tmp_path / "state", PORT)
    return Browser(create_station(open_station(config)).test_client())


def release(real: RealHub, browser: Browser, ident: int, *names: str) -> list[str]:
    """Everybody looks and signs; the states that came back."""
    states = []
    for name in names:
        browser.sign_in(name)
        shown = browser.look(ident)
        assert shown["refusals"] == []
        states.append(browser.sign(ident, shown, name).json["state"])
    return states


def test_a_chair_hears_a_waiting_recording_and_releases_it(real, browser):
    sound = real.put_sound()
    programme = a_programme(COMMUNE, Item("tin-1", "Tiêm phòng", renditions=[sound]))
    ident = real.submit(COMMUNE, "programme", {PATH: encode(programme)})
    browser.sign_in(CHAIR)
    listed = browser.get("/api/pending").json["pending"]
    shown = browser.look(ident)
    with browser.get(f"/api/sounds/{sound.sha256}") as played:
        heard = played.data

    answer = browser.sign(ident, shown, CHAIR)

    assert [one["id"] for one in listed] == [str(ident)]
    assert hashlib.sha256(heard).hexdigest() == sound.sha256
    assert answer.json == {"state": "released", "message": "Đã ký duyệt. Nội dung được đưa ra phát."}
    assert browser.get("/api/pending").json["pending"] == []


def test_the_province_needs_two_and_the_second_signs_the_same_bytes(real, browser):
    template = make_template(sound=real.put_sound())
    ident = real.submit("08", "template", {template_target("08", "xa-lu"): encode(template)})

    assert release(real, browser, ident, "binh", "chi") == ["signed", "released"]


def test_what_changed_meanwhile_is_refused_by_station_and_hub(real, browser):
    ident = real.submit(COMMUNE, "programme", {PATH: encode(a_programme(COMMUNE))})
    browser.sign_in(CHAIR)
    shown = browser.look(ident)
    newer = real.submit(COMMUNE, "programme", {PATH: encode(a_programme(COMMUNE, start_ms=6 * HOUR))})

    answer = browser.sign(ident, shown, CHAIR)

    assert (answer.status_code, answer.json["code"]) == (409, "changed")
    assert release(real, browser, newer, CHAIR) == ["released"]


def installed(province: Province, real: RealHub) -> Outcome:
    """What a new device of the commune makes of what the hub serves."""
    hub = HubApi(real.url)
    steps = refresh(pin_root(province.root), scope=DeviceScope(f"{COMMUNE}/02"), floor=real_now(), rules=NETWORK)
    return run(steps, lambda wanted: hub.metadata(wanted.name))


@pytest.mark.parametrize("verb", ["remove", "freeze"])
def test_the_chair_is_taken_out_and_the_deputy_goes_on(real, browser, province, tmp_path, verb):
    """What he alone signed stops; the ceremony's change passes the hub, and the next release every device."""
    first = a_programme(COMMUNE, issued=UtcTime(real_now() - HOUR))
    release(real, browser, real.submit(COMMUNE, "programme", {PATH: encode(first)}), CHAIR)
    assert installed(province, real).refusals == ()

    change = Change(from_hub(province.root, HubApi(real.url)))
    chair = province.signers[CHAIR].public_key.keyid
    change.remove("c00694", chair) if verb == "remove" else change.freeze(chair)
    made = ChangeFile(change.files(real_now()))
    for name in ("binh", "chi"):
        made.sign(change.held, province.signers[name])
    made.finish(change.held, tmp_path / "thay-doi")
    assert take_trust(real.hub, tmp_path / "thay-doi") == 1
    assert "c00694" not in installed(province, real).held.roles

    auth.add_person(
        real.hub, username=DEPUTY, name=DEPUTY, password=PASSWORD, held=[Grant(Role.APPROVER, COMMUNE)],
        keys=[(province.signers[DEPUTY].public_key.keyid, public_hex(province.signers[DEPUTY].public_key))],
    )  # fmt: skip
    again = real.submit(COMMUNE, "programme", {PATH: encode(a_programme(COMMUNE))})
    assert release(real, browser, again, DEPUTY) == ["released"]
    outcome = installed(province, real)
    assert outcome.refusals == ()
    assert outcome.held.roles["c00694"].signatures.keys() == {province.signers[DEPUTY].public_key.keyid}


def test_a_stolen_hub_is_replaced_and_communes_and_devices_go_on(real, browser, province, tmp_path, key_files):
    """The old hub is gone with all that it held. Its releases live in the chair's station and on devices."""
    release(real, browser, real.submit(COMMUNE, "programme", {PATH: encode(a_programme(COMMUNE))}), CHAIR)
    browser.look(real.submit(COMMUNE, "programme", {PATH: encode(a_programme(COMMUNE, start_ms=6 * HOUR))}))
    device, folder = installed(province, real).held, tmp_path / "hub" / "trust"
    (folder / "root.json").write_bytes(province.root)
    (tmp_path / "pass").write_text(passphrase_of("binh") + "\n")
    new, change = tmp_path / "moi", tmp_path / "moi" / "change.json"
    here = ["--root", str(folder / "root.json"), "--trust"]
    evict = ["trust", "evict-hub", "--out", str(new), "--station", str(tmp_path / "state"), *here, str(folder)]
    assert cli.run(evict) == 0
    for name in ("binh", "chi"):
        (tmp_path / "pass").write_text(passphrase_of(name) + "\n")
        key = ["--key", str(key_files[0] / f"{name}.key"), "--passphrase-file", str(tmp_path / "pass"), "--yes"]
        assert cli.run(["trust", "sign", str(change), *key, *here, str(new)]) == 0
    assert cli.run(["trust", "finish", str(change), "--out", str(new), *here, str(new)]) == 0

    with a_hub(tmp_path / "hub-2", new, province) as clean:
        fresh = StationConfig(clean.url, key_files[0], province.root, tmp_path / "state-2", PORT)
        chair = Browser(create_station(open_station(fresh)).test_client())
        ident = clean.submit(COMMUNE, "programme", {PATH: encode(a_programme(COMMUNE, start_ms=7 * HOUR))})
        assert release(clean, chair, ident, CHAIR) == ["released"]
        hub = HubApi(clean.url)
        steps = refresh(device, scope=DeviceScope(f"{COMMUNE}/02"), floor=real_now(), rules=NETWORK)
        outcome = run(steps, lambda wanted: hub.metadata(wanted.name))
    assert outcome.refusals == ()
    assert (outcome.held.root.version, outcome.held.roles["c00694"].version) == (2, 2)


def test_it_goes_back_with_a_reason(real, browser):
    ident = real.submit(COMMUNE, "programme", {PATH: encode(a_programme(COMMUNE))})
    browser.sign_in(CHAIR)
    browser.look(ident)

    answer = browser.post(f"/api/pending/{ident}/return", {"reason": "Sai giờ họp"})

    assert answer.status_code == 200
    assert browser.get("/api/pending").json["pending"] == []


def test_a_wrong_password_is_one_sentence(browser):
    answer = browser.post("/api/login", {"username": CHAIR, "password": "sai"})

    assert (answer.status_code, answer.json["detail"]) == (401, "Tên đăng nhập hoặc mật khẩu không đúng.")


def test_an_alert_and_its_end_reach_the_hub(real, browser):
    ident = real.submit(
        "08", "template", {template_target("08", "xa-lu"): encode(make_template(sound=real.put_sound()))}
    )
    release(real, browser, ident, "binh", "chi")
    browser.sign_in(CHAIR)
    desk = browser.get("/api/emergency").json
    wish = {"area": COMMUNE, "template": "xa-lu", "blanks": {"ho": "ho-tuyen-quang"}}
    order = browser.post("/api/emergency/prepare", wish).json["order"]

    sent = browser.post("/api/emergency/start", {"order": order, "passphrase": passphrase_of(CHAIR)}).json["id"]
    running = browser.get("/api/emergency").json["running"]
    browser.post("/api/emergency/cancel", {"id": sent, "passphrase": passphrase_of(CHAIR)})
    after = browser.get(f"/api/alerts/{sent}").json

    assert desk["areas"][0] == {"path": COMMUNE, "name": "Phường Hà Giang 1", "clusters": 0, "households": None}
    assert [one["id"] for one in running] == [sent]
    assert after["cancelled"]
    assert browser.get("/api/emergency").json["running"] == []


def test_a_bundle_of_the_real_hub_verifies(real, browser, province, tmp_path: Path):
    item = Item("tin-1", "Tiêm phòng", renditions=[real.put_sound()])
    begun = UtcTime(real_now() - MINUTE)
    release(
        real,
        browser,
        real.submit(COMMUNE, "programme", {PATH: encode(a_programme(COMMUNE, item, issued=begun))}),
        CHAIR,
    )
    placed = Placements(COMMUNE, begun, [make_placement("loa-1", f"{COMMUNE}/02", new_signer())])
    place = real.submit(COMMUNE, "placements", {placements_target(COMMUNE): encode(placed)}, by="tuan")
    release(real, browser, place, "dang")
    out, cache = tmp_path / "goi.loab", tmp_path / "cache"

    Packer(HubApi(real.url), Truststore(cache, province.root), BlobStore(cache)).pack(Order(COMMUNE), out)
    checked = check_bundle(out, province.root, real_now())

    assert checked.faults == ()
    assert (checked.index.devices, checked.sounds) == (["loa-1"], 1)
