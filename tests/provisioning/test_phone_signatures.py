"""The phone's JSON, signatures and builder against wire/: the same bytes and answers, to hostile cases too.

Cases are made by `wire` and python-tuf as the test runs, and judged by both, the JavaScript in a real browser.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import Key, Signature
from tuf.api.metadata import Metadata

from tests.builders import make_province, new_signer
from tests.fakes.hub import real_now
from tests.fakes.passkey import SoftPasskey
from tests.provisioning.phone_cases import COMMUNE, PATH, PHONE, ROLE, b64
from wire.areas import policy_target
from wire.codec import encode
from wire.errors import WireError
from wire.proposal import proposal_digest
from wire.release import build_role, check_rebuilt, sign_role
from wire.trust.passkey import challenge_of, to_base64url
from wire.units import DAY, MINUTE, UtcTime

# --- canonical JSON ---


def some_value(dice: random.Random, depth: int = 0) -> Any:
    texts = [
        "",
        "a",
        'q"uote',
        "back\\slash",
        "Tuyên Quang",
        "\n\t\x00\x7f",
        "😀",
        "\ufffd",
        "\ue000",
        "__proto__",
        "10",
        "9",
    ]
    kind = dice.randrange(7 if depth < 4 else 5)
    if kind == 5:
        return [some_value(dice, depth + 1) for _ in range(dice.randrange(4))]
    if kind == 6:
        return {
            dice.choice(texts) + str(dice.randrange(3)): some_value(dice, depth + 1) for _ in range(dice.randrange(5))
        }
    return [dice.choice(texts), dice.randrange(-(2**53) + 1, 2**53), True, False, None][kind]


def test_canonical_json_is_byte_for_byte_the_same(phone_page):
    dice = random.Random(7)  # noqa: S311 - the same cases each time
    values = [some_value(dice) for _ in range(300)] + [{"😀": 1, "\ufffd": 2, "z": 3, "__proto__": 4}]
    made = phone_page.evaluate(
        """async (texts) => {
          const { canonical, fileOf, encode, parse, toBytes, toBase64 } = await import("./js/bytes.js");
          const writings = (value) => [canonical, fileOf, encode].map((how) => toBase64(how(value)));
          return texts.map((text) => writings(parse(toBytes(text), "x")));
        }""",
        [json.dumps(value) for value in values],
    )
    expected = [
        [
            b64(str(encode_canonical(value)).encode()),
            b64(json.dumps(value, separators=(",", ":"), sort_keys=True).encode()),
            b64(encode(value)),
        ]
        for value in values
    ]
    assert made == expected


@pytest.mark.parametrize(
    "text", ["1.0", "1e3", "[-0]", "9007199254740993", '"\\ud800"', "{", "\ufeff1", '{"a":' * 60 + "1" + "}" * 60]
)
def test_what_readers_would_read_differently_is_no_json_here(phone_page, text):
    code = phone_page.evaluate(
        """async (text) => {
          const { parse, toBytes } = await import("./js/bytes.js");
          try { return [JSON.stringify(parse(toBytes(text), "x"))]; } catch (error) { return error.code; }
        }""",
        text,
    )
    assert code == "malformed"


# --- signatures ---

DATA = b'{"_type":"targets","version":2}'
CLIENT = f'"type":"webauthn.get","challenge":"CHALLENGE","origin":"{PHONE.public_key.keyval["origins"][0]}"'
LIES: list[dict[str, Any]] = [
    {},
    {"challenge": b"x" * 32},
    {"challenge": b""},
    {"rpid": "loa.test"},
    {"flags": 0x01},
    {"flags": 0x04},
    {"flags": 0x45},
    {"flags": 0x85},
    {"flags": 0x85, "more": b"\xa0"},
    {"more": b"\xa0"},
    {"client": {"type": "webauthn.create"}},
    {"client": {"origin": "https://duyet.loa.test"}},
    {"client": {"crossOrigin": True}},
    {"client": {"crossOrigin": 0}},
    {"client": {"topOrigin": "https://x.vn"}},
    {"client": {"x": "x" * 1_024}},
    {"client": {"x": {"type": ["a:", '":']}}},
    {"client_raw": b"[]"},
    {"client_raw": b"{"},
    {"client_raw": b"\xff{}"},
]


def signatures() -> list[tuple[Key, str]]:
    ed25519, stranger = new_signer(), new_signer()
    said = CLIENT.replace("CHALLENGE", to_base64url(challenge_of(DATA)))
    raws = [f"{{{more}{said}}}".encode() for more in ("", '"origin":"https://x.vn",', '"ori\\u0067in":"https://x.vn",')]
    good, whole = PHONE.sign(DATA).signature, ed25519.sign(DATA).signature
    found = [(PHONE.public_key, PHONE.sign_with(DATA, **lie).signature) for lie in LIES]
    found += [(PHONE.public_key, PHONE.sign_with(DATA, client_raw=raw).signature) for raw in raws]
    found += [(PHONE.public_key, value) for value in (good[:-2], good + "00", "", "zz", good.replace("22", "2222", 1))]
    found += [(PHONE.public_key, SoftPasskey("duyet.loa.test", PHONE.public_key.origins).sign(DATA).signature)]
    found += [(ed25519.public_key, value) for value in (whole, whole[:-2], whole[:-2] + "00", "", good)]
    return [
        *found,
        (ed25519.public_key, stranger.sign(DATA).signature),
        (ed25519.public_key, ed25519.sign(b"x").signature),
    ]


def is_good(key: Key, signature: str) -> bool:
    try:
        key.verify_signature(Signature(key.keyid, signature), DATA)
    except Exception:  # noqa: BLE001 - python-tuf asks no more than whether it verifies
        return False
    return True


def test_the_same_signatures_are_good(phone_page):
    cases = signatures()
    told = [{"key": key.to_dict(), "signature": value} for key, value in cases]
    made = phone_page.evaluate(
        """async ([cases, data]) => {
          const { isSignedBy } = await import("./js/keys.js");
          const { fromBase64 } = await import("./js/bytes.js");
          const found = [];
          for (const { key, signature } of cases) found.push(await isSignedBy(key, signature, fromBase64(data)));
          return found;
        }""",
        [told, b64(DATA)],
    )
    expected = [is_good(key, value) for key, value in cases]
    assert made == expected
    assert (
        sum(expected) == 5
    )  # three of the passkey's (plain, with extensions, odd but honest), one plain once, one Ed25519


# --- building ---


@pytest.fixture(scope="module")
def province():
    built = make_province(now=UtcTime(real_now() - MINUTE), c00694=2)
    built.publish({"g08-01": built.revise("g08-01", lambda signed: signed.add_key(PHONE.public_key, ROLE))})
    built.release(ROLE, {PATH: b"{}", policy_target(COMMUNE): b'{"x":1}'})
    return built


BUILD = """async ([current, targets, issued, signature]) => {
  const { buildSigned, payloadOf, withSignature, proposalDigest } = await import("./js/builder.js");
  const { parseRole } = await import("./js/rolefile.js");
  const { fromBase64, toBase64 } = await import("./js/bytes.js");
  const raw = Object.fromEntries(Object.entries(targets).map(([path, one]) => [path, fromBase64(one)]));
  const signed = await buildSigned(current && await parseRole("c00694", fromBase64(current), "targets"), raw, issued);
  const file = signature && withSignature(signed, new Map(), signature.keyid, signature.sig);
  return [toBase64(payloadOf(signed)), file && toBase64(file), await proposalDigest(raw)];
}"""


@pytest.mark.parametrize("is_first", [True, False])
def test_the_next_release_is_byte_for_byte_the_same(phone_page, province, is_first):
    current = None if is_first else province.roles[ROLE]
    targets, issued = {PATH: '{"tiêu đề":1}'.encode()}, UtcTime(province.now + 12_345)
    raw = build_role(current, ROLE, targets, issued)
    signed = sign_role(raw, PHONE)
    signature = json.loads(signed)["signatures"][0]
    told = {path: b64(content) for path, content in targets.items()}
    payload, file, digest = phone_page.evaluate(BUILD, [b64(current), told, issued, signature])

    assert base64.b64decode(payload) == Metadata.from_bytes(raw).signed_bytes
    assert base64.b64decode(file) == signed
    assert digest == proposal_digest(targets)


def edited(raw: bytes, edit: Callable[[Any], object]) -> bytes:
    plain = json.loads(raw)
    edit(plain["signed"])
    return json.dumps(plain, separators=(",", ":"), sort_keys=True).encode()


EDITS: dict[str, Callable[[Any], object]] = {
    "nothing": lambda _: None,
    "an extra target": lambda s: s["targets"].update(
        {"areas/08/00694/x.json": {"length": 1, "hashes": {"sha256": "a" * 64}}}
    ),
    "another path": lambda s: s["targets"].update({"areas/08/00700/programme.json": s["targets"].pop(PATH)}),
    "another hash": lambda s: s["targets"][PATH]["hashes"].update(sha256="b" * 64),
    "another length": lambda s: s["targets"][PATH].update(length=7),
    "a policy taken out": lambda s: s["targets"].pop(policy_target(COMMUNE)),
    "a later expiry": lambda s: s.update(expires="2099-01-01T00:00:00Z"),
    "a date that is none": lambda s: s.update(expires="2027-02-30T00:00:00Z"),
    "a leap in the version": lambda s: s.update(version=99),
    "the same version": lambda s: s.update(version=1),
    "a version that is text": lambda s: s.update(version="2"),
    "a new field": lambda s: s.update(more=1),
    "a delegation": lambda s: s.update(delegations={"keys": {}, "roles": []}),
    "no issued": lambda s: s.pop("issued"),
    "issued in the future": lambda s: s.update(issued=real_now() + DAY),
    "issued long ago": lambda s: s.update(issued=1),
    "of another type": lambda s: s.update(_type="snapshot"),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_colleagues_file_is_taken_or_refused_alike(phone_page, province, name):
    now, targets = real_now(), {PATH: b"{1}"}
    current = province.roles[ROLE]
    proposed = edited(build_role(current, ROLE, targets, UtcTime(province.now + 5)), EDITS[name])
    try:
        expected = b64(check_rebuilt(proposed, current, ROLE, targets, now=now)) and "taken"
    except WireError as error:
        expected = error.code
    made = phone_page.evaluate(
        """async ([proposed, current, path, content, now]) => {
          const { checkRebuilt } = await import("./js/builder.js");
          const { parseRole } = await import("./js/rolefile.js");
          const { fromBase64 } = await import("./js/bytes.js");
          const held = await parseRole("c00694", fromBase64(current), "targets");
          const shown = { [path]: fromBase64(content) };
          try {
            await checkRebuilt("c00694", fromBase64(proposed), held, shown, now);
          } catch (error) {
            return error.code;
          }
          return "taken";
        }""",
        [b64(proposed), b64(current), PATH, b64(targets[PATH]), now],
    )
    assert made == expected
    assert (expected == "taken") is (name == "nothing")
