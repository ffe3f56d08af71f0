"""Enrolment on the wire: a request counts only under its own key, tickets are read as typed; where a spare stands."""

from __future__ import annotations

import msgspec
import pytest

from tests.builders import make_placement, make_programme, new_signer
from wire.codec import encode
from wire.envelope import public_hex, seal
from wire.errors import BadSignatureError, MalformedError, UnknownKeyError
from wire.joining import (
    JOIN_TYPE,
    MAX_JOIN_BYTES,
    JoinRequest,
    read_answer,
    read_join,
    read_kit,
    read_ticket,
    read_wish,
    spoken_digits,
    ticket_text,
)
from wire.programme import Swap
from wire.stand_in import standing_at

COMMUNE = "08/00694"


def request(key, **fields) -> JoinRequest:
    said = {"device": "loa-1", "key": public_hex(key.public_key), "serial": "s", "board": "pc", "root": "0" * 64,
            "csr": "-"}  # fmt: skip
    return JoinRequest(**(said | fields))


def test_a_request_is_what_its_own_key_signed():
    key = new_signer()
    assert read_join(seal(encode(request(key)), JOIN_TYPE, [key])) == request(key)


@pytest.mark.parametrize("kind", ["other key", "other type", "no key", "spoilt", "large"])
def test_a_request_that_its_key_did_not_sign_is_refused(kind):
    key, other = new_signer(), new_signer()
    good = seal(encode(request(key)), JOIN_TYPE, [key])
    bad = {
        "other key": seal(encode(request(key)), JOIN_TYPE, [other]),
        "other type": seal(encode(request(key)), "application/x", [key]),
        "no key": seal(encode(request(key)).replace(public_hex(key.public_key).encode(), b"00" * 32), JOIN_TYPE, [key]),
        "spoilt": good.replace(b'"sig":"', b'"sig":"00'),
        "large": seal(encode(request(key, csr="x" * 8_000)), JOIN_TYPE, [key]) + b" " * MAX_JOIN_BYTES,
    }[kind]
    with pytest.raises((MalformedError, UnknownKeyError, BadSignatureError)):
        read_join(bad)


@pytest.mark.parametrize(
    "fields", [{"device": "A"}, {"device": ""}, {"serial": ""}, {"root": "x"}, {"csr": "x" * 9_000}]
)
def test_a_request_has_limits(fields):
    key = new_signer()
    with pytest.raises(MalformedError):
        read_join(seal(encode(request(key, **fields)), JOIN_TYPE, [key]))


def test_a_spare_is_of_a_commune():
    assert read_wish(encode({"request": "x", "spare_of": COMMUNE})).spare_of == COMMUNE
    for bad in ("08", COMMUNE + "/02", "../x"):
        with pytest.raises(MalformedError):
            read_wish(encode({"request": "x", "spare_of": bad}))


def test_what_could_break_a_settings_file_is_no_answer():
    good = {"device": "loa-1", "state": "placed", "broker_host": "mqtt.tuyenquang.gov.vn", "broker_port": 8883}
    assert read_answer(encode(good)).broker_port == 8883
    for bad in ({"broker_host": 'x"\n'}, {"state": "free"}, {"device": "../x"}, {"broker_port": 70_000}):
        with pytest.raises(MalformedError):
            read_answer(encode(good | bad))
    with pytest.raises(MalformedError):
        read_kit(encode({"root": "{}", "hub": "http://x", "board": "../x"}))


def test_a_ticket_is_read_as_it_was_meant():
    assert read_ticket(" k7qf-29mx oil1 ") == "K7QF29MX0111"
    assert ticket_text("K7QF29MX0111") == "K7QF-29MX-0111"
    assert spoken_digits("ab" * 29 + "123456") == "123456"


# --- spares ---


def placed(device, cluster, *, area=COMMUNE + "/02", **fields):
    return make_placement(device, area, new_signer(), cluster=cluster, **fields)


SPARE = placed("loa-s", "spare-loa-s", area=COMMUNE, spare=True)
DEAD = placed("loa-1", "cl-1", languages=["hmn", "vi"], tags=["cho"])


def test_a_spare_becomes_the_cluster_that_it_stands_in_for():
    programme = make_programme(COMMUNE, swaps=[Swap("loa-s", "cl-1")])
    stands = standing_at(SPARE, programme, [DEAD, SPARE])
    assert stands == msgspec.structs.replace(
        DEAD, device="loa-s", keys=SPARE.keys, serial=SPARE.serial, n=SPARE.n, issued=SPARE.issued
    )
    assert standing_at(stands, programme, []) == stands


@pytest.mark.parametrize(
    ("mine", "programme", "neighbours"),
    [
        (DEAD, make_programme(COMMUNE, swaps=[Swap("loa-1", "cl-2")]), [placed("loa-2", "cl-2")]),
        (SPARE, make_programme("08/00700", swaps=[Swap("loa-s", "cl-1")]), [DEAD]),
        (SPARE, make_programme("08", swaps=[Swap("loa-s", "cl-1")]), [DEAD]),
        (SPARE, make_programme(COMMUNE, swaps=[Swap("loa-t", "cl-1")]), [DEAD]),
        (SPARE, make_programme(COMMUNE, swaps=[Swap("loa-s", "cl-9")]), [DEAD]),
        (SPARE, make_programme(COMMUNE, swaps=[Swap("loa-s", "cl-1")]), [placed("loa-9", "cl-1", area="08/00700")]),
        (SPARE, make_programme(COMMUNE, swaps=[Swap("loa-s", "spare-loa-t")]),
         [placed("loa-t", "spare-loa-t", area=COMMUNE, spare=True)]),
        (SPARE, None, [DEAD]),
    ],
    ids=["no spare", "another commune's word", "the province's word", "another spare", "no such cluster",
         "another commune's cluster", "another spare's shelf", "no programme"],
)  # fmt: skip
def test_no_other_word_moves_a_device(mine, programme, neighbours):
    assert standing_at(mine, programme, [*neighbours, mine]) == mine
