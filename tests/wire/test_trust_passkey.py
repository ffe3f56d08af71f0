"""Passkeys as keys of the trust tree: what they sign, and each lie that is not taken for a signature."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Key, Signature

from tests.builders import make_programme, make_province, make_template
from tests.fakes.passkey import STATION_ORIGIN, SoftPasskey
from wire.areas import programme_target
from wire.codec import encode
from wire.envelope import open_envelope, seal
from wire.errors import BadSignatureError, MalformedError
from wire.release import build_role, sign_role
from wire.trust.authority import count_signatures
from wire.trust.orders import verify_order
from wire.trust.passkey import challenge_of, passkey_from, to_base64url

HOME, DEVICE = "08/00694", "08/00694/02"
DATA = b'{"_type":"targets","version":2}'
PHONE = SoftPasskey("duyet.tinh.example.vn", ("https://duyet.tinh.example.vn",))
TYPE = "application/vnd.loa.test+json"


@pytest.fixture(scope="module")
def passkey():
    return SoftPasskey()


def province_with(phone, **thresholds):
    """A province in which a phone may sign the programmes of HOME, beside those who do already."""
    province = make_province(**thresholds)
    province.publish({"g08-01": province.revise("g08-01", lambda signed: signed.add_key(phone.public_key, "c00694"))})
    return province


def answer(passkey, signature, data=DATA):
    """Why a signature is refused; nothing where it is good."""
    try:
        passkey.public_key.verify_signature(signature, data)
    except UnverifiedSignatureError as error:
        return str(error).removeprefix("passkey: ")
    return None


# --- good ones ---


def test_a_device_installs_a_programme_signed_by_passkey():
    province = province_with(PHONE)
    province.release("c00694", {programme_target(HOME): encode(make_programme(HOME))}, [PHONE])

    assert province.held(DEVICE).roles["c00694"].signatures.keys() == {PHONE.public_key.keyid}


def test_a_passkey_and_a_key_file_meet_a_threshold_of_two():
    province = province_with(PHONE, c00694=2)
    held, deputy = province.held(), province.signers["deputy-00694"]
    raw = build_role(None, "c00694", {programme_target(HOME): b"{}"}, province.now)
    both = sign_role(sign_role(raw, PHONE), deputy)

    assert [count_signatures(held, "c00694", one).is_complete for one in (sign_role(raw, PHONE), both)] == [False, True]


def test_an_emergency_is_signed_by_a_passkey_at_the_station(passkey):
    province, template = make_province(known={"chair-00694": passkey}), make_template()
    province.publish_template(template)
    started = province.start_alert(HOME, template, signers=[passkey])
    order = verify_order(started, province.held(DEVICE), floor=province.now)

    assert order.key_ids == {passkey.public_key.keyid}


def test_an_envelope_opens_with_a_passkey_and_not_under_another_type(passkey):
    raw = seal(b"{}", TYPE, [passkey])
    keys = [passkey.public_key]
    changed = raw.replace(base64.b64encode(b"{}"), base64.b64encode(b"{1"))
    relabelled, other = raw.replace(b"loa.test", b"loa.best"), TYPE.replace("test", "best")

    assert open_envelope(raw, payload_type=TYPE, keys=keys, threshold=1, limit=16_384) == b"{}"
    with pytest.raises(BadSignatureError):
        open_envelope(changed, payload_type=TYPE, keys=keys, threshold=1, limit=16_384)
    with pytest.raises(BadSignatureError):
        open_envelope(relabelled, payload_type=other, keys=keys, threshold=1, limit=16_384)


def test_the_challenge_is_the_one_of_the_design():
    framed = b"DSSEv1 24 application/vnd.tuf+json 2 {}"
    assert challenge_of(b"{}") == hashlib.sha256(b"loa/1/sign" + framed).digest()
    assert challenge_of(framed) == challenge_of(b"{}")


def test_extensions_that_a_phone_adds_are_covered_by_its_signature(passkey):
    assert answer(passkey, passkey.sign_with(DATA, flags=0x85, more=b"\xa0")) is None


# --- lies ---


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        ({"challenge": hashlib.sha256(DATA).digest()}, "a challenge for other bytes"),
        ({"challenge": b""}, "a challenge for other bytes"),
        ({"rpid": "loa.tinh.example.vn"}, "another rpId"),
        ({"rpid": "localhost"}, "another rpId"),
        ({"flags": 0x01}, "the person was not verified"),
        ({"flags": 0x04}, "the person was not verified"),
        ({"flags": 0x00}, "the person was not verified"),
        ({"flags": 0x45}, "a registration"),
        ({"flags": 0x85}, "authenticator data of another length"),
        ({"more": b"\xa0"}, "authenticator data of another length"),
        ({"flags": 0x85, "more": b"x" * 500}, "authenticator data of another length"),
        ({"client": {"type": "webauthn.create"}}, "not an assertion"),
        ({"client": {"origin": "https://loa.tinh.example.vn"}}, "another origin"),
        ({"client": {"origin": STATION_ORIGIN + "/"}}, "another origin"),
        ({"client": {"origin": [STATION_ORIGIN]}}, "another origin"),
        ({"client": {"crossOrigin": True}}, "from inside another page"),
        ({"client": {"crossOrigin": 0}}, "from inside another page"),
        ({"client": {"topOrigin": STATION_ORIGIN}}, "from inside another page"),
        ({"client": {"x": "x" * 1_024}}, "too long"),
        ({"client_raw": b"[]"}, "not an assertion"),
        ({"client_raw": b'"x"'}, "client data is no object"),
        ({"client_raw": b"{"}, "client data that is not JSON"),
        ({"client_raw": b"\xff{}"}, "client data that is not JSON"),
        ({"client_raw": b"[" * 900}, "client data that is not JSON"),
    ],
)
def test_a_lie_is_named(passkey, lie, why):
    assert answer(passkey, passkey.sign_with(DATA, **lie)) == why


def test_a_name_that_stands_twice_is_refused(passkey):
    good = f'"type":"webauthn.get","challenge":"{to_base64url(challenge_of(DATA))}","origin":"{STATION_ORIGIN}"'
    once, twice = (f"{{{more}{good}}}".encode() for more in ("", '"origin":"https://evil.example",'))

    assert answer(passkey, passkey.sign_with(DATA, client_raw=once)) is None
    assert answer(passkey, passkey.sign_with(DATA, client_raw=twice)) == "a name stands twice in the client data"


def test_a_signature_is_good_for_its_own_bytes_and_its_own_key(passkey):
    signature = passkey.sign(DATA)

    assert answer(passkey, signature) is None
    assert answer(passkey, signature, DATA + b" ") == "a challenge for other bytes"
    assert answer(SoftPasskey(), signature) == "not signed by this key"


def test_a_login_assertion_never_signs_whatever_its_challenge():
    """The hub asks for a login with the challenge of a release: the login passkey stands on the hub's own rpId."""
    login = SoftPasskey("loa.tinh.example.vn", ("https://loa.tinh.example.vn",))
    lying_browser = login.sign_with(DATA, client={"origin": "https://duyet.tinh.example.vn"})
    stolen = passkey_from(login.public_key.keyval["public"], "duyet.tinh.example.vn", ["https://duyet.tinh.example.vn"])

    with pytest.raises(UnverifiedSignatureError, match="another origin"):
        stolen.verify_signature(login.sign(DATA), DATA)
    with pytest.raises(UnverifiedSignatureError, match="another rpId"):
        stolen.verify_signature(lying_browser, DATA)


def test_every_truncation_and_every_flipped_bit_is_refused(passkey):
    whole = passkey.sign(DATA).signature
    raw = bytes.fromhex(whole)
    cut = [raw[:n].hex() for n in range(len(raw))] + [whole[:-1], whole + "0", whole + "00", whole.upper() + "zz", ""]
    flipped = [(raw[:n] + bytes([raw[n] ^ 1]) + raw[n + 1 :]).hex() for n in range(len(raw))]

    good = [value for value in cut + flipped if answer(passkey, Signature("k", value)) is None]
    assert good == []
    assert answer(passkey, Signature("k", whole)) is None


def test_an_assertion_has_one_writing(passkey):
    value = json.loads(bytes.fromhex(passkey.sign(DATA).signature))
    others = [{**value, "userHandle": "eA"}, {**value, "signature": value["signature"] + "="}]
    reversed_names = json.dumps(dict(reversed(value.items())), separators=(",", ":")).encode()

    for raw in [json.dumps(value).encode(), reversed_names, *(encode(one) for one in others)]:
        assert answer(passkey, Signature("k", raw.hex())) in ("not an assertion", "an assertion in another writing")


# --- keys ---


PUBLIC = (  # the base point of P-256: the same in every run
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)


@pytest.mark.parametrize(
    ("public", "rpid", "origins"),
    [
        (PUBLIC.upper(), "a.vn", ["https://a.vn"]),
        (PUBLIC[:-2], "a.vn", ["https://a.vn"]),
        ("04" + "00" * 64, "a.vn", ["https://a.vn"]),
        ("02" + PUBLIC[2:66], "a.vn", ["https://a.vn"]),
        (PUBLIC, "a.vn", []),
        (PUBLIC, "a.vn", ["https://a.vn", "https://a.vn"]),
        (PUBLIC, "a.vn", [f"https://a.vn:{n}" for n in range(1, 6)]),
        (PUBLIC, "a.vn", ["http://a.vn"]),
        (PUBLIC, "a.vn", ["https://a.vn/"]),
        (PUBLIC, "a.vn", ["https://a.vn:0"]),
        (PUBLIC, "a.vn", ["https://a.vn:99999"]),
        (PUBLIC, "a.vn", ["https://b.a.vn"]),
        (PUBLIC, "vn", ["https://vn"]),
        (PUBLIC, "A.vn", ["https://A.vn"]),
        (PUBLIC, "duyet.localhost", ["https://duyet.localhost"]),
        (PUBLIC, "a.vn", "https://a.vn"),
        (PUBLIC, "a.vn", [1]),
        (PUBLIC, None, ["https://a.vn"]),
    ],
)
def test_a_key_of_another_writing_or_place_is_refused(public, rpid, origins):
    with pytest.raises(MalformedError):
        passkey_from(public, rpid, origins)


def test_the_right_writing_of_a_key_is_taken():
    assert passkey_from(PUBLIC, "a.vn", ["https://a.vn", "https://a.vn:8443"]).rpid == "a.vn"


def test_a_key_reads_back_as_it_was_written(passkey):
    key = passkey.public_key
    assert Key.from_dict(key.keyid, key.to_dict()) == key
    with pytest.raises(ValueError, match="nothing else"):
        Key.from_dict(key.keyid, {**key.to_dict(), "keyval": {**key.keyval, "more": 1}})


def test_one_passkey_at_two_origins_is_one_key():
    province = province_with(PHONE)
    again = passkey_from(PHONE.public_key.keyval["public"], PHONE.public_key.rpid, ["https://duyet.tinh.example.vn:8443"])
    held = province.held(DEVICE)
    province.publish({"g08-01": province.revise("g08-01", lambda signed: signed.add_key(again, "c00694"))})
    outcome = province.refresh(held, DEVICE)

    assert [(one.role, one.code, one.detail) for one in outcome.refusals] == [
        ("g08-01", "malformed", "one key under two ids")
    ]


@pytest.mark.parametrize("role", ["ea00694", "ef00694", "ed00694", "h00694"])
def test_a_phone_holds_nothing_but_ordinary_programmes(role):
    province = make_province()
    held = province.held(DEVICE)
    province.publish({"g08-01": province.revise("g08-01", lambda signed: signed.add_key(PHONE.public_key, role))})

    assert [(one.role, one.code) for one in province.refresh(held, DEVICE).refusals] == [("g08-01", "not_allowed")]


def test_a_phone_holds_no_role_of_the_province():
    province = make_province()
    held = province.held(DEVICE)
    edit = lambda signed: signed.add_key(PHONE.public_key, "p08")  # noqa: E731
    province.publish({"targets": province.revise("targets", edit)})

    assert ("targets", "not_allowed") in [(one.role, one.code) for one in province.refresh(held, DEVICE).refusals]
