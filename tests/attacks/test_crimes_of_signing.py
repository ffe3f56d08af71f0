"""The list of crimes, second part: through the people who may sign. The thief has the hub with root, as in test_crimes.

He needs a signature of the commune's chair on a programme that says Y. He lies on the page, in the app, on the phone,
in a login challenge, to the ceremony; then he serves whatever he has got. In no line does X say Y.

More of what he tries on the phone stands in tests/provisioning/test_phone_hostile.py and test_phone_oddities.py, in
the app in test_station_hostile.py, at the ceremony in test_trust_untold.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import Signature
from tuf.api.metadata import Metadata

from provisioning.approval.context import StationConfig, open_station
from provisioning.approval.station import create_station
from provisioning.trust.change_file import ChangeFile
from provisioning.trust.changes import Change
from provisioning.trust.holders import HolderError, read_holder
from provisioning.trust.opening import ChangeError
from tests.builders import Province, make_province, new_signer
from tests.fakes.hub import FakeHub, real_now, serving
from tests.fakes.passkey import STATION_ORIGIN, SoftPasskey
from tests.provisioning.browsing import PHONE_HOST, Authenticator
from tests.provisioning.conftest import (
    CHAIR,
    COMMUNE,
    PATH,
    PEOPLE,
    PORT,
    Browser,
    Phone,
    a_programme,
    passphrase_of,
    put_sound,
)
from wire.alert import ALERT_TYPE
from wire.areas import policy_target, programme_target
from wire.codec import encode
from wire.content import Item
from wire.key_request import fingerprint, key_request
from wire.proposal import proposal_digest
from wire.release import build_role, sign_role, signed_bytes, target_file_name
from wire.trust.authority import find_target
from wire.trust.passkey import challenge_of, to_base64url
from wire.trust.rolefile import sha256_hex
from wire.units import HOUR, MINUTE, UtcTime

X, ROLE = f"{COMMUNE}/02", "c00694"
HUB_HOST, HUB_ORIGIN = "loa.example.vn", "https://loa.example.vn"


class Thief:
    """What he has: the hub. Whom he works on: the chair, whose passkey and key file hold the commune's role."""

    def __init__(self, hub: FakeHub, chair: Browser, passkey: SoftPasskey, honest: bytes) -> None:
        self.hub, self.province, self.chair, self.passkey = hub, hub.province, chair, passkey
        self.own, self.folder = new_signer(), Path()
        self.y = encode(a_programme(COMMUNE, Item("y", "Y")))
        self.titles = {sha256_hex(self.y): "Y", sha256_hex(honest): "Thật"}
        self.x = self.province.held(X)

    def release_of_y(self) -> bytes:
        """The file that he wants to have signed."""
        return build_role(self.province.roles[ROLE], ROLE, {PATH: self.y}, real_now())

    def serve(self, raw: bytes) -> None:
        self.province.target_files[target_file_name(PATH, sha256_hex(self.y))] = self.y
        self.province.publish({ROLE: raw})

    def serve_with(self, signature: Signature) -> None:
        """His release, with what he has got for a signature in the chair's place."""
        metadata: Metadata[Any] = Metadata.from_bytes(self.release_of_y())
        metadata.signatures[self.passkey.public_key.keyid] = signature
        self.serve(metadata.to_bytes())

    def asks_the_passkey(self, **said: Any) -> None:
        """An assertion over his release, as some page of his would get it; and he serves it."""
        self.serve_with(self.passkey.sign_with(signed_bytes(self.release_of_y()), **said))

    def submit(self, raw: bytes) -> int:
        return self.hub.submit(COMMUNE, "programme", {PATH: raw})

    def chair_signs(self, ident: int, shown: dict[str, Any]) -> int:
        """The app's answer when the chair signs what it showed."""
        return self.chair.sign(ident, shown, CHAIR).status_code

    def x_says(self) -> str | None:
        """What the programme is called that X installs from what is served, by a device's rules."""
        self.x = self.province.refresh(self.x, X).held
        target = find_target(self.x, PATH)
        return self.titles[target.sha256] if target else None


@pytest.fixture
def thief(province: Province, key_files, tmp_path):
    """X plays what the chair signed; the chair may sign with a key file and with a passkey of the station."""
    passkey = SoftPasskey()
    province.publish({"g08-01": province.revise("g08-01", lambda s: s.add_key(passkey.public_key, ROLE))})
    honest = encode(a_programme(COMMUNE, Item("that", "Thật"), issued=UtcTime(real_now() - HOUR)))
    province.release(ROLE, {PATH: honest}, [passkey])
    with serving(FakeHub(province, PEOPLE)) as hub:
        station = open_station(StationConfig(hub.url, key_files[0], province.root, tmp_path / "state", PORT))
        chair = Browser(create_station(station).test_client())
        chair.sign_in(CHAIR)
        made = Thief(hub, chair, passkey, honest)
        made.folder = tmp_path
        yield made


# --- the login challenge ---


def he_asks_for_it_as_a_login_challenge(thief):
    thief.asks_the_passkey(rpid=HUB_HOST, client={"origin": HUB_ORIGIN})


def he_asks_at_his_login_page_in_the_name_of_the_station(thief):
    thief.asks_the_passkey(client={"origin": HUB_ORIGIN})


def he_claims_the_stations_origin_under_his_own_rpid(thief):
    thief.asks_the_passkey(rpid=HUB_HOST)


def he_asks_from_a_port_beside_the_stations(thief):
    thief.asks_the_passkey(client={"origin": "http://duyet.localhost:8091"})


def he_asks_from_inside_another_page(thief):
    thief.asks_the_passkey(client={"crossOrigin": True, "topOrigin": HUB_ORIGIN})


def he_makes_the_challenge_that_of_a_new_passkey(thief):
    thief.asks_the_passkey(client={"type": "webauthn.create"}, flags=0x45)


def he_takes_a_touch_by_whoever_holds_the_phone(thief):
    thief.asks_the_passkey(flags=0x01)


def he_names_the_origin_twice(thief):
    challenge = to_base64url(challenge_of(signed_bytes(thief.release_of_y())))
    said = f'{{"type":"webauthn.get","challenge":"{challenge}","origin":"{HUB_ORIGIN}","origin":"{STATION_ORIGIN}"}}'
    thief.asks_the_passkey(client_raw=said.encode())


def he_shows_an_order_to_be_signed_whose_bytes_are_his_release(thief):
    """A drill, a login, anything in an envelope: its type stands in what is signed."""
    raw = signed_bytes(thief.release_of_y())
    framed = b"DSSEv1 %d %b %d %b" % (len(ALERT_TYPE), ALERT_TYPE.encode(), len(raw), raw)
    thief.serve_with(thief.passkey.sign(framed))


def he_puts_yesterdays_signature_under_it(thief):
    old: Metadata[Any] = Metadata.from_bytes(thief.province.roles[ROLE])
    thief.serve_with(old.signatures[thief.passkey.public_key.keyid])


def he_signs_with_a_passkey_of_his_own_under_the_chairs_id(thief):
    thief.serve_with(SoftPasskey().sign(signed_bytes(thief.release_of_y())))


# --- the page ---


def he_calls_y_by_a_harmless_name(thief):
    """He may; but the chair reads what the programme says, not what the hub calls it."""
    shown = thief.chair.look(thief.submit(thief.y))
    assert "Y" in json.dumps(shown["changes"])


def he_says_that_somebody_else_has_made_it(thief):
    """The author's name is the hub's word; the content is not, and the chair sees it."""
    ident = thief.submit(thief.y)
    thief.hub.waiting[ident].authors = ["mai"]
    assert "Y" in json.dumps(thief.chair.look(ident)["changes"])


def he_swaps_the_programme_under_the_finger(thief):
    ident = thief.submit(encode(a_programme(COMMUNE, Item("khac", "Khác"))))
    shown = thief.chair.look(ident)
    thief.hub.waiting[ident].targets = {PATH: thief.y}
    assert thief.chair_signs(ident, shown) == 409


def he_makes_a_script_sign_what_was_never_shown(thief):
    ident = thief.submit(thief.y)
    assert thief.chair_signs(ident, {"digest": proposal_digest({PATH: thief.y})}) in (404, 409)


def he_posts_to_the_app_from_his_own_page(thief):
    ident = thief.submit(thief.y)
    shown = thief.chair.look(ident)
    form = {"digest": shown["digest"], "key": CHAIR, "passphrase": passphrase_of(CHAIR)}
    assert thief.chair.post(f"/api/pending/{ident}/sign", form, Origin=HUB_ORIGIN).status_code == 403


# --- the app ---


def he_hides_y_behind_an_honest_proposal(thief):
    honest = encode(a_programme(COMMUNE, Item("khac", "Khác")))
    ident = thief.submit(honest)
    targets = {PATH: honest, policy_target(COMMUNE): b"{}"}
    thief.hub.lie_about_proposal = lambda told: {
        **told, "targets": {path: raw.decode() for path, raw in targets.items()}, "digest": proposal_digest(targets),
    }  # fmt: skip
    assert thief.chair.get(f"/api/pending/{ident}").status_code == 409


def he_hands_a_colleagues_file_that_says_y(thief):
    ident = thief.submit(encode(a_programme(COMMUNE, Item("khac", "Khác"))))
    thief.hub.waiting[ident].metadata = sign_role(thief.release_of_y(), thief.own)
    shown = thief.chair.look(ident)
    assert shown["refusals"]
    assert thief.chair_signs(ident, shown) == 409


def he_builds_on_a_base_of_his_own(thief):
    base = sign_role(thief.release_of_y(), thief.own)
    thief.hub.lie_about_metadata["2.c00694.json"] = base
    ident = thief.submit(encode(a_programme(COMMUNE, Item("khac", "Khác"))))
    assert thief.chair.look(ident)["version"] == 2, "after the one that the chair signed"


def he_gives_y_for_the_recording_that_is_named(thief):
    sound = put_sound(thief.hub)
    thief.hub.blobs[sound.sha256] = thief.hub.blobs[put_sound(thief.hub, tone_hz=666).sha256]
    ident = thief.submit(encode(a_programme(COMMUNE, Item("khac", "Khác", renditions=[sound]))))
    shown = thief.chair.look(ident)
    assert shown["refusals"]
    assert thief.chair_signs(ident, shown) == 409


def he_asks_for_the_same_commune_of_another_province(thief):
    path = programme_target("09/00694")
    raw = encode(a_programme("09/00694", Item("y", "Y")))
    ident = thief.submit(thief.y)
    thief.hub.lie_about_proposal = lambda told: {
        **told, "area": "09/00694", "targets": {path: raw.decode()}, "digest": proposal_digest({path: raw}),
    }  # fmt: skip
    assert thief.chair.get(f"/api/pending/{ident}").status_code == 409


def he_gives_the_app_a_province_of_his_own(thief):
    other = make_province(now=UtcTime(real_now() - MINUTE))
    thief.hub.lie_about_metadata = {name: other.files[name] for name in other.files if "root" not in name}
    ident = thief.submit(thief.y)
    shown = thief.chair.get(f"/api/pending/{ident}")
    assert shown.status_code != 200 or shown.json["refusals"]


# --- the ceremony ---


def he_sends_his_own_key_in_the_chairs_name(thief):
    mine = SoftPasskey()
    request = thief.folder / "don.key-request.json"
    request.write_bytes(key_request(CHAIR, ROLE, mine.public_key))
    with pytest.raises(HolderError):
        read_holder(request).check_fingerprint(fingerprint(thief.passkey.public_key.keyid))


def he_hides_his_key_in_a_change_that_goes_round(thief):
    change = Change(thief.province.held())
    change.prolong("g08-01")
    plain = json.loads(change.files(real_now())["g08-01"])
    known = next(role for role in plain["signed"]["delegations"]["roles"] if role["name"] == ROLE)["keyids"][0]
    plain["signed"]["delegations"]["keys"][known] = thief.own.public_key.to_dict()
    with pytest.raises(ChangeError):
        ChangeFile({"g08-01": json.dumps(plain).encode()}).check(thief.province.held(), real_now())


CRIMES = [value for name, value in list(globals().items()) if name.startswith("he_")]


@pytest.mark.parametrize("crime", CRIMES, ids=lambda crime: crime.__name__)
def test_x_never_says_y(thief, crime):
    assert thief.x_says() == "Thật"
    crime(thief)
    assert thief.x_says() == "Thật"


def test_the_list_would_notice(thief):
    """The same eyes see Y when the chair signs it, with the passkey at the station or with the key file in the app."""
    thief.serve(sign_role(thief.release_of_y(), thief.passkey))
    assert thief.x_says() == "Y"


def test_what_the_chair_signs_in_the_app_is_heard(thief):
    ident = thief.submit(thief.y)
    assert thief.chair_signs(ident, thief.chair.look(ident)) == 200
    assert thief.x_says() == "Y"


# --- the phone, in a real browser ---

FRAME = "(url) => document.body.append(Object.assign(document.createElement('iframe'), { src: url }))"
ASK = """async ([rpId, bytes]) => {
  const challenge = Uint8Array.from(bytes);
  try {
    await navigator.credentials.get({ publicKey: { rpId, challenge, userVerification: "required" } });
  } catch (error) { return error.name; }
  return "signed";
}"""


def test_the_browser_gives_his_page_no_assertion_of_the_phones_passkey(phone: Phone):
    """The hub's own login page, in the very browser that holds the passkey, with the challenge that he likes."""
    his = phone.page.context.new_page()
    Authenticator(his)
    his.goto(phone.hub.url.replace("127.0.0.1", "localhost") + "/api/areas")
    assert his.evaluate(ASK, [PHONE_HOST, list(b"x" * 32)]) == "SecurityError"


def test_his_page_cannot_frame_the_phones(phone: Phone):
    his = phone.page.context.new_page()
    his.goto(phone.hub.url + "/api/areas")
    with his.expect_event("framenavigated"):
        his.evaluate(FRAME, phone.page.url)
    (framed,) = his.main_frame.child_frames
    assert framed.url.startswith("chrome-error:")
    assert framed.query_selector("#main") is None
