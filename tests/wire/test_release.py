"""Building the next release: the same bytes on every machine, and a word for each difference."""

from __future__ import annotations

import hashlib
import json

import pytest
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, TargetFile

from tests.builders import NOW, make_programme, make_province
from wire.codec import encode
from wire.errors import MalformedError, NotAllowedError, OutOfDateError
from wire.release import (
    add_signatures,
    build_role,
    build_snapshot,
    check_rebuilt,
    expires_after,
    sign_role,
    target_file_name,
)
from wire.trust.authority import count_signatures
from wire.units import DAY, HOUR, UtcTime, utc

HOME = "08/00694"
PROGRAMME, POLICY = "areas/08/00694/programme.json", "areas/08/00694/policy.json"
LATER = NOW + DAY
NEW = {PROGRAMME: b'{"new":"programme"}'}


@pytest.fixture
def province():
    built = make_province()
    built.publish_programme(HOME, make_programme(HOME))
    built.publish_policy(HOME, b"{}")
    return built


@pytest.fixture
def current(province):
    return province.roles["c00694"]


def signed(raw):
    return json.loads(raw)["signed"]


def test_the_next_release_differs_in_what_changed_and_nothing_else(current):
    before, after = signed(current), signed(build_role(current, "c00694", NEW, LATER))
    assert after["version"] == before["version"] + 1
    assert after["issued"] == LATER
    assert after["targets"][PROGRAMME]["hashes"]["sha256"] == hashlib.sha256(NEW[PROGRAMME]).hexdigest()
    assert after["targets"][POLICY] == before["targets"][POLICY]
    assert set(after) == set(before)


def test_delegations_stay_as_they_are(province):
    before, after = signed(province.roles["p08"]), signed(build_role(province.roles["p08"], "p08", {}, LATER))
    assert after["delegations"] == before["delegations"]


def test_two_machines_build_the_same_bytes(current):
    assert build_role(current, "c00694", NEW, LATER) == build_role(current, "c00694", dict(NEW), LATER)


def test_a_first_release_has_version_one():
    assert signed(build_role(None, "c00694", NEW, NOW))["version"] == 1


def test_a_target_can_be_taken_out_but_only_if_it_is_there(current):
    assert list(signed(build_role(current, "c00694", {POLICY: None}, LATER))["targets"]) == [PROGRAMME]
    with pytest.raises(NotAllowedError):
        build_role(current, "c00694", {"areas/08/00694/other.json": None}, LATER)


def test_a_clock_behind_the_last_release_is_noticed(current):
    with pytest.raises(OutOfDateError, match="clock"):
        build_role(current, "c00694", NEW, NOW)


def test_a_release_that_a_thief_dated_in_2099_can_be_followed(current):
    far = build_role(current, "c00694", NEW, UtcTime(NOW + 73 * 365 * DAY))
    after = signed(build_role(far, "c00694", NEW, LATER))
    assert (after["version"], after["issued"]) == (signed(far)["version"] + 1, LATER)


@pytest.mark.parametrize(
    ("role", "days"),
    [
        ("root", 730), ("targets", 365), ("p08", 365), ("g08-01", 365), ("h00694", 365), ("d08", 365), ("tpl", 365),
        ("sw", 365), ("c00694", 180), ("snapshot", 30), ("timestamp", 3),
    ],
)  # fmt: skip
def test_each_role_lasts_as_long_as_the_calendar_says(role, days):
    assert utc(expires_after(role, NOW)) == NOW + days * DAY


@pytest.mark.parametrize("role", ["ea08", "v00694-02", "zz"])
def test_a_role_without_a_file_cannot_be_released(role):
    with pytest.raises(NotAllowedError):
        build_role(None, role, {}, NOW)


# -- second signers --


def forged(current, edit):
    metadata = Metadata.from_bytes(build_role(current, "c00694", NEW, LATER))
    edit(metadata.signed)
    return metadata.to_bytes()


def test_what_a_colleague_built_is_accepted_when_it_is_the_same(current):
    proposed = build_role(current, "c00694", NEW, LATER)
    assert check_rebuilt(proposed, current, "c00694", NEW, now=LATER) == proposed


def add_delegation(role):
    role.delegations = Delegations({}, {"v": DelegatedRole("v", [], 1, terminating=True, paths=["areas/08/00694/*"])})


def put(path):
    return lambda role: role.targets.update({path: TargetFile(1, {"sha256": "a" * 64}, path)})


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda role: setattr(role, "version", 2**53 - 1), "version"),
        (lambda role: setattr(role, "expires", expires_after("root", LATER + 3_000 * DAY)), "expires"),
        (lambda role: role.unrecognized_fields.update(note="x"), "note"),
        (add_delegation, "delegations"),
        (put(POLICY), POLICY),
        (put(PROGRAMME), PROGRAMME),
        (put("areas/08/00700/programme.json"), "areas/08/00700/programme.json"),
        (lambda role: role.targets.pop(POLICY), POLICY),
    ],
)
def test_anything_else_in_the_bytes_is_refused_and_named(current, edit, named):
    with pytest.raises(NotAllowedError) as refused:
        check_rebuilt(forged(current, edit), current, "c00694", NEW, now=LATER)
    assert refused.value.detail == f"c00694 differs from what was shown: {named}"


def test_a_release_from_the_future_is_refused(current):
    proposed = build_role(current, "c00694", NEW, LATER)
    with pytest.raises(NotAllowedError, match="future"):
        check_rebuilt(proposed, current, "c00694", NEW, now=LATER - 2 * HOUR)


def test_a_proposal_that_is_not_newer_is_refused(current):
    with pytest.raises(OutOfDateError):
        check_rebuilt(current, current, "c00694", NEW, now=LATER)


def test_rubbish_is_malformed(current):
    with pytest.raises(MalformedError):
        check_rebuilt(b"{}", current, "c00694", NEW, now=LATER)
    with pytest.raises(MalformedError):
        sign_role(b"[]", None)


# -- signatures --


def test_signatures_of_two_people_meet_in_one_file(province):
    held = province.held()
    raw = build_role(province.roles["p08"], "p08", {}, LATER)
    binh, chi = (sign_role(raw, province.signers[name]) for name in ("binh", "chi"))
    assert count_signatures(held, "p08", binh).is_complete is False
    assert count_signatures(held, "p08", add_signatures(binh, chi)).is_complete is True
    assert add_signatures(binh, chi) == add_signatures(chi, binh)


def test_signatures_of_different_words_do_not_meet(province, current):
    one = sign_role(build_role(current, "c00694", NEW, LATER), province.signers["chair-00694"])
    other = sign_role(build_role(current, "c00694", {}, LATER), province.signers["deputy-00694"])
    with pytest.raises(MalformedError):
        add_signatures(one, other)


def test_a_signature_already_there_is_not_replaced_by_a_bad_one(province):
    raw = sign_role(build_role(province.roles["p08"], "p08", {}, LATER), province.signers["binh"])
    whole = json.loads(raw)
    whole["signatures"][0]["sig"] = "00" * 64
    assert add_signatures(raw, encode(whole)) == raw


def test_a_snapshot_names_every_role_by_its_version(province):
    roles = {name: raw for name, raw in province.roles.items() if name not in ("root", "snapshot", "timestamp")}
    meta = signed(build_snapshot(province.roles["snapshot"], roles, LATER))["meta"]
    assert meta == {f"{name}.json": {"version": 2 if name == "c00694" else 1} for name in roles}


def test_a_snapshot_over_rubbish_is_refused():
    with pytest.raises(MalformedError, match="c00694"):
        build_snapshot(None, {"c00694": b"{}"}, NOW)


def test_a_target_file_stands_with_its_hash_before_its_name():
    assert target_file_name(PROGRAMME, "ab" * 32) == f"areas/08/00694/{'ab' * 32}.programme.json"
