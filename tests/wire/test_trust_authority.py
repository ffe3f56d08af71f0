"""Who speaks for which area: targets found by path, alerts judged by the role that they name."""

from __future__ import annotations

import pytest

from tests.builders import NOW, make_programme, make_province, make_template, new_signer
from wire.alert import ALERT_TYPE, MAX_ALERT_BYTES
from wire.codec import encode
from wire.envelope import seal
from wire.errors import (
    BadSignatureError,
    MalformedError,
    NotAllowedError,
    UnknownKeyError,
    UnknownKindError,
)
from wire.trust.authority import (
    authority,
    count_signatures,
    emergency_authority,
    find_target,
    roles_of_key,
    targets_of,
)
from wire.trust.held import pin_root
from wire.trust.orders import verify_order
from wire.units import DAY

HOME, NEIGHBOUR = "08/00694", "08/00700"
DEVICE = f"{HOME}/02"
TEMPLATE = make_template()


@pytest.fixture(scope="module")
def province():
    built = make_province()
    built.publish_programme("08", make_programme("08"))
    built.publish_programme(HOME, make_programme(HOME))
    built.publish_placements(HOME, [])
    built.publish_template(TEMPLATE)
    return built


@pytest.fixture(scope="module")
def held(province):
    return province.held(DEVICE)


def signers(province, *names):
    return [province.signers[name] for name in names]


# -- targets by path --


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("areas/08/programme.json", "p08"),
        ("areas/08/00694/programme.json", "c00694"),
        ("areas/08/00694/placements.json", "d08"),
        ("templates/08/xa-lu.json", "tpl"),
        ("areas/08/policy.json", None),
        ("areas/08/00700/programme.json", None),
        ("areas/08/006/programme.json", None),
        ("areas/09/programme.json", None),
        ("", None),
    ],
)
def test_a_target_is_found_in_the_role_that_may_list_it(held, path, role):
    target = find_target(held, path)
    assert (target.role if target else None) == role


def test_a_target_knows_its_file_and_its_bytes(province, held):
    target = find_target(held, "areas/08/00694/placements.json")
    raw = province.target_files[target.file_name]
    target.check(raw)
    for other in (raw + b" ", raw[:-1], b"x" * len(raw), b""):
        with pytest.raises(MalformedError):
            target.check(other)


def test_all_targets_of_a_role_are_listed(held):
    assert list(targets_of(held, "tpl")) == ["templates/08/xa-lu.json"]
    assert targets_of(held, "sw") == {}


# -- roles by name --


@pytest.mark.parametrize(
    ("role", "area", "threshold", "holders"),
    [
        ("root", "08", 2, ("binh", "chi", "lan")),
        ("timestamp", "08", 1, ("timestamp",)),
        ("p08", "08", 2, ("binh", "chi", "lan")),
        ("g08-01", "08", 2, ("binh", "chi", "lan")),
        ("d08", "08", 1, ("dang",)),
        ("c00694", "08/00694", 1, ("chair-00694", "deputy-00694")),
        ("v00694-02", "08/00694/02", 1, ("head-00694",)),
        ("ef00694", "08/00694", 2, ("chair-00694", "deputy-00694", "head-00694")),
    ],
)
def test_a_role_has_the_keys_that_the_roster_gave_it(province, held, role, area, threshold, holders):
    found = authority(held, role)
    assert (found.area, found.threshold) == (area, threshold)
    assert found.key_ids == {signer.public_key.keyid for signer in signers(province, *holders)}


@pytest.mark.parametrize("role", ["c00999", "ea00701", "v00694-03", "g08-09", "h00999"])
def test_a_role_to_which_nobody_delegates_is_unknown_here(held, role):
    with pytest.raises(UnknownKeyError):
        authority(held, role)


@pytest.mark.parametrize("role", ["", "zz", "p09", "ea"])
def test_a_role_that_cannot_be_has_no_keys(held, role):
    with pytest.raises((NotAllowedError, UnknownKeyError)):
        authority(held, role)


def test_a_key_lists_the_roles_that_it_signs(province):
    everything = province.held()
    assert roles_of_key(everything, province.signers["dang"].public_key.keyid) == ["d08"]
    chair = roles_of_key(everything, province.signers["chair-00694"].public_key.keyid)
    assert chair == ["c00694", "ea00694", "ef00694", "ed00694"]


def test_signatures_on_a_half_signed_role_are_counted(province, held):
    raw = province.revise("p08", lambda signed: None, signers(province, "binh", "chair-00694"))
    progress = count_signatures(held, "p08", raw)
    assert progress.good == {province.signers["binh"].public_key.keyid}
    assert (progress.threshold, progress.is_complete) == (2, False)


# -- alerts --


def judged(province, held, envelope, *, floor=NOW):
    return verify_order(envelope, held, floor=floor)


def test_an_alert_by_the_communes_officer_is_accepted(province, held):
    officers = signers(province, "chair-00694", "head-00694")
    result = judged(province, held, province.start_alert(HOME, TEMPLATE, signers=officers))
    assert (result.order.area, result.order.template) == (HOME, "xa-lu")
    assert result.key_ids == {signer.public_key.keyid for signer in officers}


@pytest.mark.parametrize("area", ["08", HOME, DEVICE])
def test_the_provinces_officer_speaks_for_every_area_below(province, held, area):
    envelope = province.start_alert(area, TEMPLATE, role="ea08")
    assert judged(province, held, envelope).order.area == area


@pytest.mark.parametrize(
    ("role", "area"),
    [
        ("ea00694", "08"),
        ("ea00694", NEIGHBOUR),
        ("ea00694", "08/006"),
        ("ea00694", "08/006940"),
        ("ea00694", "08/00694x/02"),
        ("ea08", "080"),
        ("ea08", "09/00694"),
        ("ea00700", HOME),
    ],
)
def test_a_role_is_refused_outside_its_own_area_by_whole_segments(province, held, role, area):
    envelope = province.start_alert(
        area, TEMPLATE, role=role, signers=province.holders("ea00694") + province.holders("ea08")
    )
    with pytest.raises(NotAllowedError):
        judged(province, held, envelope)


def test_a_commune_key_cannot_sign_as_the_province(province, held):
    envelope = province.start_alert("08", TEMPLATE, role="ea08", signers=signers(province, "chair-00694"))
    with pytest.raises(UnknownKeyError):
        judged(province, held, envelope)


def test_the_neighbours_key_cannot_alarm_this_commune(province, held):
    envelope = province.start_alert(HOME, TEMPLATE, signers=signers(province, "chair-00700"))
    with pytest.raises(BadSignatureError):
        judged(province, held, envelope)


@pytest.mark.parametrize("role", ["p08", "c00694", "v00694-02", "d08", "timestamp", "targets", "eaXX"])
def test_only_emergency_roles_give_alarm(province, held, role):
    envelope = province.start_alert(HOME, TEMPLATE, role=role, signers=signers(province, "binh", "chair-00694"))
    with pytest.raises((NotAllowedError, MalformedError)):
        judged(province, held, envelope)


def test_the_hubs_keys_give_no_alarm(province, held):
    hub = signers(province, "timestamp", "snapshot")
    with pytest.raises(BadSignatureError):
        judged(province, held, province.start_alert(HOME, TEMPLATE, signers=hub))


def test_free_text_needs_two_officers(province, held):
    one = province.start_alert(HOME, TEMPLATE, act="ef", signers=signers(province, "chair-00694"))
    with pytest.raises(BadSignatureError, match="1 of 2"):
        judged(province, held, one)
    two = province.start_alert(HOME, TEMPLATE, act="ef", signers=signers(province, "chair-00694", "deputy-00694"))
    assert judged(province, held, two).order.role == "ef00694"


def test_while_targets_is_expired_by_the_floor_two_keys_are_needed(province, held):
    late = NOW + 366 * DAY
    one = province.start_alert(HOME, TEMPLATE, signers=signers(province, "chair-00694"))
    two = province.start_alert(HOME, TEMPLATE, signers=signers(province, "chair-00694", "deputy-00694"))
    assert judged(province, held, one).order.role == "ea00694"
    with pytest.raises(BadSignatureError, match="1 of 2"):
        judged(province, held, one, floor=late)
    assert judged(province, held, two, floor=late).order.role == "ea00694"
    assert emergency_authority(held, "ef00694", HOME, floor=late).threshold == 2


def test_a_key_rotated_in_since_is_unknown_and_accepted_after_a_refresh():
    province = make_province()
    held = province.held(DEVICE)
    newcomer = new_signer()
    group = province.revise("g08-01", lambda signed: signed.add_key(newcomer.public_key, "ea00694"))
    province.publish({"g08-01": group})
    envelope = province.start_alert(HOME, TEMPLATE, signers=[newcomer])
    with pytest.raises(UnknownKeyError):
        verify_order(envelope, held, floor=NOW)
    assert verify_order(envelope, province.refresh(held, DEVICE).held, floor=NOW).order.area == HOME


def test_a_device_that_holds_only_its_root_keeps_the_alert_for_later(province):
    with pytest.raises(UnknownKeyError):
        judged(province, pin_root(province.root), province.start_alert(HOME, TEMPLATE))


def test_an_envelope_over_16_kib_is_refused(province, held):
    envelope = seal(b"x" * MAX_ALERT_BYTES, ALERT_TYPE, signers(province, "chair-00694"))
    with pytest.raises(MalformedError, match="more than"):
        judged(province, held, envelope)


def test_an_order_of_a_later_kind_is_told_apart(province, held):
    payload = encode({"kind": "sing", "role": "ea00694", "area": HOME})
    with pytest.raises(UnknownKindError):
        judged(province, held, seal(payload, ALERT_TYPE, signers(province, "chair-00694")))


def test_another_payload_type_signed_by_an_officer_is_no_alert(province, held):
    payload = encode({"kind": "start", "role": "ea00694", "area": HOME})
    envelope = seal(payload, "application/vnd.loa.log+json", signers(province, "chair-00694"))
    with pytest.raises(MalformedError, match="no alert"):
        judged(province, held, envelope)


def test_no_changed_byte_of_an_alert_is_accepted(province, held):
    envelope = province.start_alert(HOME, TEMPLATE)
    good = judged(province, held, envelope).id
    for place in range(0, len(envelope), 3):
        mutant = envelope[:place] + bytes([envelope[place] ^ 2]) + envelope[place + 1 :]
        try:
            assert judged(province, held, mutant).id == good
        except (MalformedError, BadSignatureError, NotAllowedError, UnknownKindError):
            continue
