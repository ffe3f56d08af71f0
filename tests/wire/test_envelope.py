"""Envelopes: what opens, what does not, and with which word it is refused."""

from __future__ import annotations

import base64
import json

import pytest

from tests.builders import new_signer
from wire.envelope import add_signature, key_from_hex, key_id, open_envelope, peek, public_hex, seal, verify
from wire.errors import BadSignatureError, MalformedError, UnknownKeyError

TYPE = "application/vnd.loa.test+json"
LIMIT = 16 * 1024
PAYLOAD = '{"chữ":"có dấu"}'.encode()


@pytest.fixture(scope="module")
def officers():
    return [new_signer() for _ in range(3)]


def opened(raw, signers, *, threshold=1, payload_type=TYPE, limit=LIMIT):
    keys = [signer.public_key for signer in signers]
    return open_envelope(raw, payload_type=payload_type, keys=keys, threshold=threshold, limit=limit)


def test_a_sealed_payload_opens_with_enough_of_the_right_keys(officers):
    raw = seal(PAYLOAD, TYPE, officers[:2])
    assert opened(raw, officers, threshold=2) == PAYLOAD


def test_every_good_signature_is_named_beyond_the_threshold(officers):
    raw = seal(PAYLOAD, TYPE, officers)
    keys = [signer.public_key for signer in officers]
    result = verify(raw, payload_type=TYPE, keys=keys, threshold=1, limit=LIMIT)
    assert result.key_ids == {key.keyid for key in keys}


def test_a_second_officer_adds_a_signature(officers):
    raw = add_signature(seal(PAYLOAD, TYPE, officers[:1]), officers[1], limit=LIMIT)
    assert opened(raw, officers, threshold=2) == PAYLOAD


def test_signing_twice_with_one_key_counts_once(officers):
    raw = add_signature(seal(PAYLOAD, TYPE, officers[:1]), officers[0], limit=LIMIT)
    with pytest.raises(BadSignatureError, match="1 of 2"):
        opened(raw, officers, threshold=2)


def test_the_same_signature_written_twice_is_no_envelope(officers):
    envelope = json.loads(seal(PAYLOAD, TYPE, officers[:1]))
    envelope["signatures"] *= 2
    with pytest.raises(MalformedError):
        opened(json.dumps(envelope).encode(), officers, threshold=2)


def test_one_of_two_signatures_is_refused(officers):
    with pytest.raises(BadSignatureError) as refused:
        opened(seal(PAYLOAD, TYPE, officers[:1]), officers, threshold=2)
    assert refused.value.code == "bad_signature"


def test_a_key_that_nobody_knows_yet_is_told_apart(officers):
    with pytest.raises(UnknownKeyError):
        opened(seal(PAYLOAD, TYPE, officers[:1]), officers[1:])


def test_one_known_and_one_unknown_key_of_two_may_still_be_enough_later(officers):
    with pytest.raises(UnknownKeyError):
        opened(seal(PAYLOAD, TYPE, officers[:2]), officers[1:], threshold=2)


def test_the_signature_covers_the_payload_type(officers):
    envelope = json.loads(seal(PAYLOAD, TYPE, officers[:1]))
    envelope["payloadType"] = "application/vnd.loa.other+json"
    with pytest.raises(BadSignatureError):
        opened(json.dumps(envelope).encode(), officers, payload_type="application/vnd.loa.other+json")


def test_another_payload_type_than_expected_is_refused_whoever_signed(officers):
    with pytest.raises(MalformedError, match="payload type"):
        opened(seal(PAYLOAD, TYPE, officers[:1]), officers, payload_type="application/vnd.loa.alert+json")


def test_a_changed_payload_is_refused(officers):
    envelope = json.loads(seal(PAYLOAD, TYPE, officers[:1]))
    envelope["payload"] = base64.b64encode(PAYLOAD + b" ").decode()
    with pytest.raises(BadSignatureError):
        opened(json.dumps(envelope).encode(), officers)


def test_no_change_of_a_single_byte_changes_what_is_read(officers):
    raw = seal(PAYLOAD, TYPE, officers[:1])
    for place in range(len(raw)):
        mutant = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        try:
            assert opened(mutant, officers) == PAYLOAD
        except (MalformedError, BadSignatureError):
            continue


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"payload":1,"payloadType":"x","signatures":[]}', b"[" * 100_000],
)
def test_what_is_no_envelope_is_malformed(raw, officers):
    with pytest.raises(MalformedError):
        opened(raw, officers, limit=200_000)


def test_an_envelope_over_the_limit_is_not_even_parsed(officers):
    raw = seal(b"x" * LIMIT, TYPE, officers[:1])
    with pytest.raises(MalformedError, match="more than"):
        opened(raw, officers)


def test_peek_shows_what_nobody_has_verified(officers):
    assert peek(seal(PAYLOAD, TYPE, officers[:1]), LIMIT) == (TYPE, PAYLOAD)


def test_a_device_key_in_hex_has_the_id_that_its_envelopes_carry(officers):
    hexadecimal = public_hex(officers[0].public_key)
    assert key_id(hexadecimal) == officers[0].public_key.keyid
    raw = seal(PAYLOAD, TYPE, officers[:1])
    assert open_envelope(raw, payload_type=TYPE, keys=[key_from_hex(hexadecimal)], threshold=1, limit=LIMIT) == PAYLOAD


@pytest.mark.parametrize("text", ["", "zz" * 32, "00" * 31])
def test_what_is_no_key_is_malformed(text):
    with pytest.raises(MalformedError):
        key_from_hex(text)
