"""Approving on a phone against the real hub: an https origin of its own, a real browser, a virtual authenticator."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page
from werkzeug.serving import make_server

from hub.app import create_app
from hub.areas import actions as areas
from hub.auth import actions as auth
from hub.auth import store as persons
from hub.auth.roles import Grant, Role
from hub.config import load_config
from hub.content.blobs import blob_path
from hub.context import open_hub
from hub.publishing import actions as publishing
from hub.publishing.intake import take_trust
from hub.setup import prepare
from provisioning.hub_api import HubApi
from tests.builders import Province
from tests.fakes.hub import PASSWORD, real_now
from tests.hub.conftest import write_trust
from tests.provisioning.browsing import (
    ON_THE_WAY,
    PHONE_HOST,
    Authenticator,
    free_port,
    is_too_wide,
    open_page,
    serving_phone_bundle,
    sign_in,
)  # fmt: skip
from tests.provisioning.conftest import CHAIR, COMMUNE, DEPUTY, a_programme
from tests.provisioning.test_station_with_hub import RealHub
from wire.areas import policy_target, programme_target
from wire.codec import encode
from wire.content import Item
from wire.envelope import public_hex
from wire.key_request import fingerprint, read_request
from wire.policy import Policy
from wire.release import build_role, sign_role
from wire.trust.expiry import NETWORK
from wire.trust.held import Held, pin_root
from wire.trust.passkey import Passkey
from wire.trust.refresh import refresh, run
from wire.trust.scope import DeviceScope
from wire.units import UtcTime

PATH, DEVICE = programme_target(COMMUNE), f"{COMMUNE}/02"
PLAYED = """async (audio) => {
  audio.muted = true;
  await audio.play();
  return [Math.round(audio.duration), audio.error];
}"""


@dataclass
class Village:
    """The real hub, the province behind it, and a phone on its own origin."""

    real: RealHub
    province: Province
    page: Page
    origin: str

    def take(self) -> None:
        """What the province has published since, given to the hub as the ceremony gives it."""
        take_trust(self.real.hub, write_trust(self.province, self.real.hub.config.root / f"trust-{real_now()}"))

    def submit(self, *items: Item, **fields) -> int:
        return self.real.submit(COMMUNE, "programme", {PATH: encode(a_programme(COMMUNE, *items, **fields))})

    def released(self) -> Held:
        """What a device there installs from this hub, by its own rules."""
        hub = HubApi(self.real.url)
        outcome = run(
            refresh(pin_root(self.province.root), scope=DeviceScope(DEVICE), floor=real_now(), rules=NETWORK),
            lambda wanted: hub.metadata(wanted.name),
        )
        assert outcome.refusals == ()
        return outcome.held


@pytest.fixture
def village(tmp_path, province: Province) -> Iterator[Village]:
    port = free_port()
    config = load_config(tmp_path / "hub", environ={"LOA_HUB_APPROVAL_ORIGINS": f"https://{PHONE_HOST}:{port}"})
    prepare(config)
    hub = open_hub(config)
    areas.import_areas(hub, province="08", name="Tỉnh Tuyên Quang")
    take_trust(hub, write_trust(province, tmp_path / "hub" / "trust"))
    auth.add_person(hub, username="mai", name="mai", password=PASSWORD, held=[Grant(Role.EDITOR, "08")])
    for username in (CHAIR, DEPUTY):
        key = province.signers[username].public_key
        held = [Grant(Role.APPROVER, COMMUNE)]
        auth.add_person(
            hub, username=username, name=f"Bà {username}", password=PASSWORD, held=held,
            keys=[(key.keyid, public_hex(key))],
        )  # fmt: skip
    server = make_server("127.0.0.1", 0, create_app(config, hub), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    real = RealHub(hub, f"http://127.0.0.1:{server.server_port}")
    with serving_phone_bundle(tmp_path, real.url, port) as origin, open_page(*ON_THE_WAY) as page:
        page.goto(f"{origin}/")
        yield Village(real, province, page, origin)
    server.shutdown()
    thread.join()
    server.server_close()
    hub.close()


def pin(village: Village) -> None:
    """The first use: from the paper."""
    digits = village.province.held().root_fingerprint
    village.page.fill("#root-fingerprint", " ".join(digits[n : n + 4] for n in range(0, 24, 4)).upper())
    village.page.click("#pin button")
    village.page.wait_for_selector("#login")


def make_passkey(village: Village, **thresholds: int) -> Passkey:
    """Through the page: a passkey, its request; the ceremony gives it the role, the hub learns whose it is."""
    page = village.page
    page.click("nav a[href='#/passkey']")
    page.click("#make-passkey button")
    page.fill("#role", "ef00694")
    page.click("#request-role button")
    page.wait_for_selector("#request-role .fault:not(:empty)")
    page.fill("#role", "c00694")
    page.click("#request-role button")
    request, key = read_request(page.input_value("#request").encode())
    assert (request.name, request.role) == (CHAIR, "c00694")
    assert page.inner_text("#fingerprint") == fingerprint(key.keyid)

    def edit(signed) -> None:
        signed.add_key(key, "c00694")
        signed.delegations.roles["c00694"].threshold = thresholds.get("c00694", 1)

    province = village.province
    province.now = UtcTime(real_now() - 1)
    province.publish({"g08-01": province.revise("g08-01", edit)})
    village.take()
    signer = province.signers[CHAIR].public_key
    auth.add_person(
        village.real.hub, username=CHAIR, name="Bà Chủ tịch", password=PASSWORD, held=[Grant(Role.APPROVER, COMMUNE)],
        keys=[(signer.keyid, public_hex(signer)), (key.keyid, key.keyval["public"])],
    )  # fmt: skip
    page.reload()
    sign_in(page, CHAIR)
    return key


def open_proposal(page: Page) -> None:
    page.click("nav a[href='#/pending']")
    page.click("#pending a")
    page.wait_for_selector("#passkey-button")


def test_a_chair_hears_and_approves_on_a_phone_and_a_device_installs_it(village: Village):
    page = village.page
    Authenticator(page)
    wide = [is_too_wide(page)]
    pin(village)
    sign_in(page, CHAIR)
    key = make_passkey(village)
    wide.append(is_too_wide(page))
    village.submit(Item("tin-1", "Tiêm phòng", renditions=[village.real.put_sound()]))
    open_proposal(page)
    wide.append(is_too_wide(page))
    changes, played = page.inner_text("#changes"), page.eval_on_selector("#sounds audio", PLAYED)
    page.click("#passkey-button")
    page.wait_for_selector("#nothing-pending")

    assert "Tiêm phòng" in changes
    assert played == [1, None]
    assert page.inner_text("#notice") == "Đã ký duyệt. Nội dung được đưa ra phát."
    assert village.released().roles["c00694"].signatures.keys() == {key.keyid}
    assert wide == [False, False, False]


def test_a_second_person_signs_on_a_phone_what_the_first_signed(village: Village):
    page = village.page
    Authenticator(page)
    pin(village)
    sign_in(page, CHAIR)
    key = make_passkey(village, c00694=2)
    ident = village.submit()
    deputy = village.province.signers[DEPUTY]
    sign_at_station(village, ident, deputy)
    open_proposal(page)
    page.click("#passkey-button")
    page.wait_for_selector("#nothing-pending")

    assert village.released().roles["c00694"].signatures.keys() == {key.keyid, deputy.public_key.keyid}


def test_after_the_last_signer_was_taken_out_the_phone_begins_anew_and_says_so(village: Village):
    """The chair's key file is lost, her phone goes on. What the file signed counts no more; its number is spent."""
    page, province = village.page, village.province
    Authenticator(page)
    pin(village)
    sign_in(page, CHAIR)
    key, lost = make_passkey(village), province.signers[CHAIR]
    sign_at_station(village, village.submit(), lost, CHAIR)
    province.now = real_now()
    revoked = province.revise("g08-01", lambda signed: signed.revoke_key(lost.public_key.keyid, "c00694"))
    province.publish({"g08-01": revoked})
    village.take()
    village.submit()
    open_proposal(page)
    said = page.inner_text("main > .note")
    page.click("#passkey-button")
    page.wait_for_selector("#nothing-pending")

    assert said.startswith("Bản trước do người không còn quyền ký đã ký")
    released = village.released().roles["c00694"]
    assert (released.version, released.signatures.keys()) == (2, {key.keyid})


def test_a_wrong_fingerprint_trusts_nobody(village: Village):
    page = village.page
    page.fill("#root-fingerprint", "0123 4567 89ab cdef 0123 4567")
    page.click("#pin button")
    page.wait_for_selector("#pin .fault:not(:empty)")

    assert page.inner_text("#pin .fault").startswith("Hệ thống không có tỉnh nào")
    assert page.evaluate("Object.keys(localStorage)") == []


def test_a_policy_is_signed_at_the_station(village: Village):
    page = village.page
    pin(village)
    ident = village.real.submit(COMMUNE, "policy", {policy_target(COMMUNE): encode(Policy(COMMUNE, real_now()))})
    sign_in(page, CHAIR)
    listed = page.inner_text("#pending")
    page.goto(f"{village.origin}/#/pending/{ident}")
    page.wait_for_selector("#page-fault")

    assert "Nội dung này được ký tại máy ký duyệt, không ký trên điện thoại." in listed
    assert page.inner_text("#page-fault") == "Nội dung này được ký tại máy ký duyệt, không ký trên điện thoại."
    assert page.query_selector("#pending a") is None


def test_a_recording_with_another_hash_cannot_be_signed(village: Village):
    page = village.page
    Authenticator(page)
    pin(village)
    sign_in(page, CHAIR)
    make_passkey(village)
    sound = village.real.put_sound()
    village.submit(Item("tin-1", "Tiêm phòng", renditions=[sound]))
    path = blob_path(sound.sha256, village.real.hub.config.blob_dir)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    page.click("nav a[href='#/pending']")
    page.click("#pending a")
    page.wait_for_selector("#may-not-sign")

    assert page.inner_text(".refusal") == (
        "Bản âm thanh “Tiêm phòng” không đúng: Bản âm thanh này không phải bản mà chương trình nêu."
    )
    assert page.query_selector("#passkey-button") is None


def sign_at_station(village: Village, ident: int, signer, name: str = DEPUTY) -> None:
    """The deputy, or whoever is named, signs with a key file, through the hub's own action."""
    hub = village.real.hub
    with hub.reading() as conn:
        person = persons.load(conn, name)
    proposal = publishing.look_at(hub, person, ident).proposal
    raw = sign_role(build_role(None, "c00694", proposal.targets, real_now()), signer)
    publishing.add_signature(hub, person, ident, digest=proposal.digest, metadata=raw)
