"""Logging in with a passkey, in a real Chromium with its virtual authenticator; and what it is never good for."""

from __future__ import annotations

import hashlib
import json
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from securesystemslib.exceptions import UnverifiedSignatureError
from werkzeug.serving import make_server

from hub.app import create_app
from hub.auth import actions as auth
from hub.auth import passkey_store, passkeys, people
from hub.config import load_config
from hub.context import open_hub
from hub.errors import ConfigError, NotFoundError
from hub.security import store as security
from tests.fakes.passkey import SoftPasskey
from tests.hub.conftest import PASSWORD
from tests.hub.mqtt import free_port
from tests.provisioning.browsing import Authenticator
from wire.errors import MalformedError
from wire.trust.passkey import challenge_of, passkey_from, signature_of, to_base64url
from wire.units import UtcTime

RELEASE = b'{"_type":"targets","expires":"2027-01-01T00:00:00Z","version":2}'
ASK = """async (challenge) => {
    const publicKey = {challenge: Uint8Array.from(challenge), userVerification: "required"};
    const given = await navigator.credentials.get({publicKey});
    const list = (buffer) => [...new Uint8Array(buffer)];
    const said = given.response;
    return [list(given.rawId), list(said.authenticatorData), list(said.clientDataJSON), list(said.signature)];
}"""


@pytest.fixture
def address() -> str:
    return f"http://localhost:{free_port()}"


@pytest.fixture
def hub(box, address):
    """The same hub, which knows by which name people reach it."""
    config = load_config(box.config.root, environ={"LOA_HUB_PUBLIC_ADDRESS": address})
    opened = open_hub(config, box.clock)
    yield opened
    opened.close()


@pytest.fixture
def site(hub, address):
    server = make_server("127.0.0.1", int(address.rsplit(":", 1)[1]), create_app(hub.config, hub), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield address
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def page(chromium, site):
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, base_url=site)
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()


@pytest.fixture
def authenticator(page) -> Authenticator:
    return Authenticator(page)


def log_in(page, username: str = "mai", password: str = PASSWORD) -> None:
    page.goto("/login")
    page.fill("#username", username)
    page.fill("#password", password)
    page.get_by_role("button", name="Đăng nhập", exact=True).click()


def make_passkey(page, label: str = "Máy ở văn phòng") -> None:
    page.goto("/account")
    page.fill("#label", label)
    page.fill("[data-passkey-add] #password", PASSWORD)
    page.get_by_role("button", name="Thêm khóa đăng nhập").click()
    page.wait_for_selector("text=Đã thêm khóa đăng nhập.")


def log_out(page) -> None:
    page.locator(".side-foot >> text=Đăng xuất").click()
    page.wait_for_selector("#username")


def held(hub, username: str = "mai") -> list[dict]:
    with hub.reading() as conn:
        return passkey_store.of(conn, username)


def problem(page) -> str:
    page.wait_for_selector("[data-passkey-problem]:not(:empty)")
    return page.inner_text("[data-passkey-problem]")


def test_a_person_makes_a_passkey_logs_in_with_it_and_removes_it(page, hub, authenticator):
    log_in(page)
    make_passkey(page)
    log_out(page)
    page.get_by_role("button", name="Đăng nhập bằng khóa đăng nhập").click()
    page.wait_for_selector("h1 >> text=Hôm nay")
    assert page.inner_text(".side-foot .strong") == "mai"
    assert [row["label"] for row in held(hub)] == ["Máy ở văn phòng"]

    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/account")
    page.get_by_role("button", name="Xóa", exact=True).click()
    page.wait_for_selector("text=Đã xóa khóa đăng nhập.")
    log_out(page)
    page.get_by_role("button", name="Đăng nhập bằng khóa đăng nhập").click()
    assert problem(page) == "Khóa đăng nhập này không được chấp nhận. Đăng nhập bằng mật khẩu."
    log_in(page)
    page.wait_for_selector("h1 >> text=Hôm nay")


def test_a_person_who_is_not_verified_does_not_get_in(page, authenticator):
    log_in(page)
    make_passkey(page)
    log_out(page)
    authenticator.verify(succeeds=False)
    page.get_by_role("button", name="Đăng nhập bằng khóa đăng nhập").click()
    assert problem(page) == "Không nhận được khóa đăng nhập. Đăng nhập bằng mật khẩu."


def test_an_open_session_alone_leaves_no_passkey_behind(page, hub, authenticator):
    log_in(page)
    page.goto("/account")
    page.fill("[data-passkey-add] #password", "falsch")
    page.get_by_role("button", name="Thêm khóa đăng nhập").click()
    assert problem(page) == "Sai mật khẩu."
    assert held(hub) == []


@pytest.mark.parametrize("act", ["reset", "close"])
def test_a_passkey_does_not_outlive_a_new_password_or_a_closed_account(page, hub, box, authenticator, act):
    log_in(page)
    make_passkey(page)
    log_out(page)
    if act == "reset":
        people.reset_password(hub, box.person("admin"), "mai", "mat-khau-moi-dai")
    else:
        people.set_active(hub, box.person("admin"), "mai", active=False)
    page.get_by_role("button", name="Đăng nhập bằng khóa đăng nhập").click()
    assert problem(page) == "Khóa đăng nhập này không được chấp nhận. Đăng nhập bằng mật khẩu."


def test_no_login_in_the_browser_is_ever_a_signature_for_loudspeakers(page, hub, address, authenticator):
    """At worst a stolen hub asks for exactly the release's challenge, and the login's key is in the signed tree."""
    log_in(page)
    make_passkey(page)
    point = point_of(held(hub)[0])
    challenges = [challenge_of(RELEASE), hashlib.sha256(RELEASE).digest(), RELEASE[:64], b"\0" * 32]
    keys = [passkey_from(point, "duyet.localhost", [origin]) for origin in
            ("http://duyet.localhost:8090", "http://duyet.localhost")]  # fmt: skip
    for challenge in challenges:
        _ident, *said = [bytes(part) for part in page.evaluate(ASK, list(challenge))]
        assert json.loads(said[1])["challenge"] == to_base64url(challenge)
        for key in keys:
            with pytest.raises(UnverifiedSignatureError):
                key.verify_signature(signature_of(key.keyid, *said), RELEASE)


def test_the_names_of_the_hub_are_no_names_of_a_signing_key(address):
    key = SoftPasskey().public_key
    for rpid, origins in (
        ("localhost", [address]),
        ("duyet.localhost", [address]),
        ("localhost", ["http://duyet.localhost"]),
    ):
        with pytest.raises(MalformedError):
            passkey_from(key.keyval["public"], rpid, origins)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    challenge=st.one_of(st.just(challenge_of(RELEASE)), st.binary(min_size=0, max_size=64)),
    rpid=st.sampled_from(["localhost", "loa.tuyenquang.gov.vn", "tuyenquang.gov.vn", "x.duyet.localhost"]),
    flags=st.integers(0, 255),
    more=st.binary(max_size=60),
    origin=st.sampled_from(["http://localhost:8080", "https://loa.tuyenquang.gov.vn", "http://duyet.localhost:8090"]),
)
def test_no_assertion_of_another_rpid_verifies_whatever_its_challenge(challenge, rpid, flags, more, origin):
    """Signed by the very key that may sign releases, as if one authenticator held one key for both names."""
    signer = SoftPasskey()
    lie = {"challenge": challenge, "rpid": rpid, "flags": flags, "more": more, "client": {"origin": origin}}
    with pytest.raises(UnverifiedSignatureError):
        signer.public_key.verify_signature(signer.sign_with(RELEASE, **lie), RELEASE)
    signer.public_key.verify_signature(signer.sign(RELEASE), RELEASE)


# --- without the page: what a script could try ---


class Soft:
    """An authenticator in software for the hub's own name."""

    def __init__(self, hub, address: str, username: str = "mai") -> None:
        self.signer = SoftPasskey()
        self.address = address
        point = self.signer.public_key.keyval["public"]
        raw = bytes.fromhex(point)
        cose = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + raw[1:33] + b"\x22\x58\x20" + raw[33:]
        self.credential = hashlib.sha256(raw).digest()
        self.data = b"\0" * 16 + len(self.credential).to_bytes(2, "big") + self.credential + cose
        with hub.writing() as conn:
            passkey_store.add(
                conn, username=username, credential=self.credential.hex(), data=self.data, label="", counter=0,
                now=hub.now(),
            )  # fmt: skip

    def answer(self, challenge: str, *, counter: int = 1, **lie) -> bytes:
        client = {"type": "webauthn.get", "challenge": challenge, "origin": self.address, "crossOrigin": False}
        raw = json.dumps({**client, **lie.get("client", {})}).encode()
        place = hashlib.sha256(lie.get("rpid", "localhost").encode()).digest()
        authenticator = place + bytes([lie.get("flags", 0x05)]) + counter.to_bytes(4, "big")
        signed = self.signer._private.sign(authenticator + hashlib.sha256(raw).digest(), ECDSA(SHA256()))
        parts = {"clientDataJSON": raw, "authenticatorData": authenticator, "signature": lie.get("signature", signed)}
        response = {name: to_base64url(part) for name, part in parts.items()}
        return json.dumps(
            {"rawId": to_base64url(lie.get("credential", self.credential)), "response": response}
        ).encode()


@pytest.fixture
def soft(hub, address) -> Soft:
    return Soft(hub, address)


def challenge(hub) -> str:
    return passkeys.begin_login(hub)[1]


def test_a_good_answer_opens_a_session_once(hub, soft):
    asked = challenge(hub)
    answer = soft.answer(asked)
    assert auth.person_of(hub, passkeys.log_in(hub, answer, asked)).username == "mai"
    with pytest.raises(passkeys.PasskeyRefusedError):
        passkeys.log_in(hub, answer, asked)


@pytest.mark.parametrize(
    "lie",
    [
        {"client": {"origin": "https://evil.example"}},
        {"client": {"origin": "http://duyet.localhost:8090"}},
        {"client": {"type": "webauthn.create"}},
        {"client": {"challenge": "AAAA"}},
        {"rpid": "evil.example"},
        {"flags": 0x01},
        {"flags": 0x04},
        {"signature": b"x"},
        {"credential": b"unknown"},
    ],
)
def test_an_answer_with_one_thing_wrong_is_refused(hub, soft, lie):
    asked = challenge(hub)
    with pytest.raises(passkeys.PasskeyRefusedError):
        passkeys.log_in(hub, soft.answer(asked, **lie), asked)


def test_an_answer_to_a_challenge_that_was_not_given_or_is_too_old_is_refused(hub, soft, box):
    invented = to_base64url(b"x" * 32)
    with pytest.raises(passkeys.PasskeyRefusedError):
        passkeys.log_in(hub, soft.answer(invented), invented)
    asked = challenge(hub)
    box.clock.at += passkeys.LASTS_MS
    with pytest.raises(passkeys.PasskeyRefusedError):
        passkeys.log_in(hub, soft.answer(asked), asked)
    challenge(hub)
    with hub.reading() as conn:
        assert passkey_store.waiting(conn) == 1


def test_a_counter_that_falls_is_a_copied_passkey_and_noted(hub, soft):
    for counter in (7, 8):
        asked = challenge(hub)
        passkeys.log_in(hub, soft.answer(asked, counter=counter), asked)
    asked = challenge(hub)
    with pytest.raises(passkeys.PasskeyRefusedError):
        passkeys.log_in(hub, soft.answer(asked, counter=8), asked)
    with hub.reading() as conn:
        assert [(row["kind"], row["subject"]) for row in security.since(conn, UtcTime(0))] == [("passkey_clone", "mai")]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=80))
def test_whatever_is_answered_is_refused_and_nothing_stumbles(hub, soft, authenticator_data, client, signature):
    asked = challenge(hub)
    parts = {"clientDataJSON": client, "authenticatorData": authenticator_data, "signature": signature}
    response = {name: to_base64url(part) for name, part in parts.items()}
    body = {"rawId": to_base64url(soft.credential), "response": response}
    with pytest.raises(passkeys.PasskeyRefusedError):
        passkeys.log_in(hub, json.dumps(body).encode(), asked)
    asked = passkeys.begin_adding(hub, person(hub), PASSWORD)[1]
    made = {"clientDataJSON": response["clientDataJSON"], "attestationObject": response["authenticatorData"]}
    with pytest.raises(passkeys.PasskeyRefusedError):
        passkeys.add(hub, person(hub), json.dumps({"rawId": "AAAA", "response": made}).encode(), asked)


def test_without_a_name_of_its_own_a_hub_offers_none(box, app):
    with pytest.raises(NotFoundError):
        passkeys.begin_login(box.hub)
    assert "data-passkey-login" not in app.test_client().get("/login").text


@pytest.mark.parametrize(
    ("ours", "approval"),
    [
        ("https://duyet.loa.vn", "https://duyet.loa.vn/"),
        ("https://a.duyet.loa.vn:8", "https://duyet.loa.vn:9/"),
        ("https://10.0.0.1", "https://duyet.loa.vn/"),
    ],
)
def test_a_hub_under_the_approval_apps_name_does_not_start(tmp_path, ours, approval):
    with pytest.raises(ConfigError):
        load_config(tmp_path, environ={"LOA_HUB_PUBLIC_ADDRESS": ours, "LOA_HUB_APPROVAL_URL": approval})
    origins = {"LOA_HUB_PUBLIC_ADDRESS": ours, "LOA_HUB_APPROVAL_ORIGINS": approval.rstrip("/")}
    with pytest.raises(ConfigError):
        load_config(tmp_path, environ=origins)


def person(hub):
    with hub.reading() as conn:
        return auth.store.load(conn, "mai")


def point_of(row: dict) -> str:
    """The public key of a stored passkey as the signed tree writes one."""
    key = passkeys.AttestedCredentialData(row["data"]).public_key
    return (b"\x04" + key[-2] + key[-3]).hex()
