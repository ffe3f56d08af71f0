"""A device refreshes: what it takes over, what it refuses, and that a refusal costs nothing that it held."""

from __future__ import annotations

import json

import pytest
from tuf.api.metadata import Metadata, MetaFile, Root

from tests.builders import COMMUNES, NOW, make_programme, make_province, new_signer
from wire.errors import WireError
from wire.release import build_timestamp, sign_role
from wire.trust.authority import find_target
from wire.trust.expiry import BUNDLE, NETWORK
from wire.trust.floor import expired_files
from wire.trust.held import load_held, pin_root
from wire.trust.refresh import refresh, run
from wire.trust.scope import DeviceScope
from wire.units import DAY

HOME, NEIGHBOUR = (f"08/{code}" for code in COMMUNES)
PROGRAMME = f"areas/{HOME}/programme.json"
DEVICE = f"{HOME}/02"


@pytest.fixture
def province():
    built = make_province()
    built.publish_programme(HOME, make_programme(HOME))
    return built


def codes(outcome):
    return [(refusal.role, refusal.code) for refusal in outcome.refusals]


def dropped(outcome):
    return [(refusal.role, refusal.code) for refusal in outcome.dropped]


def programme_version(held):
    target = find_target(held, PROGRAMME)
    return target.version if target else None


def watched(province, held):
    """What a refresh asked for, and what came of it."""
    asked = []

    def fetch(wanted):
        asked.append(wanted)
        return province.fetch(wanted)

    outcome = run(refresh(held, scope=DeviceScope(DEVICE), floor=NOW), fetch)
    return asked, outcome


def serve_unread(province, role, version, raw):
    """A hostile hub names and serves bytes as a role's next version, whatever they are."""
    snapshot = Metadata.from_bytes(province.roles["snapshot"])
    snapshot.signed.meta[f"{role}.json"] = MetaFile(version, len(raw))
    snapshot.signed.version += 1
    province.roles["snapshot"] = sign_role(snapshot.to_bytes(), province.signers["snapshot"])
    stamp = build_timestamp(province.roles["timestamp"], province.roles["snapshot"], province.now)
    province.files["timestamp.json"] = sign_role(stamp, province.signers["timestamp"])
    province.files[f"{snapshot.signed.version}.snapshot.json"] = province.roles["snapshot"]
    province.files[f"{version}.{role}.json"] = raw


# -- what a good refresh does --


def test_a_new_device_holds_its_own_path_and_no_other(province):
    province.publish_programme(NEIGHBOUR, make_programme(NEIGHBOUR))
    held = province.held(DEVICE)
    assert list(held.roles) == ["targets", "p08", "g08-01", "c00694", "h00694"]


def test_a_device_without_a_place_holds_what_the_province_shares(province):
    province.publish_placements(HOME, [])
    assert list(province.refresh(pin_root(province.root)).held.roles) == ["targets", "d08", "p08"]


def test_only_what_changed_is_fetched(province):
    held = province.held(DEVICE)
    province.publish_programme(HOME, make_programme(HOME, issued=NOW + 1))
    asked, _ = watched(province, held)
    assert [wanted.name for wanted in asked] == ["2.root.json", "timestamp.json", "3.snapshot.json", "2.c00694.json"]


def test_with_nothing_new_two_files_are_asked_for(province):
    held = province.held(DEVICE)
    asked = []
    outcome = run(
        refresh(held, scope=DeviceScope(DEVICE), floor=NOW), lambda w: asked.append(w.name) or province.fetch(w)
    )
    assert asked == ["2.root.json", "timestamp.json"]
    assert (outcome.installed, outcome.held) == ((), held)


def test_every_wanted_file_has_a_limit_and_its_signed_length_where_there_is_one(province):
    asked, _ = watched(province, pin_root(province.root))
    limits = {wanted.name: wanted.max_bytes for wanted in asked}
    assert limits["2.snapshot.json"] == len(province.files["2.snapshot.json"])
    assert limits["1.c00694.json"] == limits["2.root.json"] == 512 * 1024
    assert limits["timestamp.json"] == 16 * 1024


def test_a_refresh_that_breaks_off_changes_nothing(province):
    held = province.held(DEVICE)
    province.publish_programme(HOME, make_programme(HOME, issued=NOW + 1))

    def cut(wanted):
        if "c00694" in wanted.name:
            raise ConnectionError
        return province.fetch(wanted)

    with pytest.raises(ConnectionError):
        run(refresh(held, scope=DeviceScope(DEVICE), floor=NOW), cut)
    assert programme_version(held) == 1


def test_a_device_that_moves_drops_its_old_commune(province):
    province.publish_programme(NEIGHBOUR, make_programme(NEIGHBOUR))
    outcome = province.refresh(province.held(DEVICE), NEIGHBOUR)
    assert dropped(outcome) == [("c00694", "moved"), ("h00694", "moved")]
    assert "c00700" in outcome.held.roles


# -- rollback, mix and match, mutation --


def test_an_older_timestamp_is_refused_and_nothing_is_lost(province):
    old = dict(province.files)
    province.publish_programme(HOME, make_programme(HOME, issued=NOW + 1))
    held = province.held(DEVICE)
    province.files.update({"timestamp.json": old["timestamp.json"]})
    outcome = province.refresh(held, DEVICE)
    assert codes(outcome) == [("timestamp", "out_of_date")]
    assert outcome.held == held


def test_an_older_role_under_a_newer_snapshot_is_refused(province):
    first = province.roles["c00694"]
    province.publish_programme(HOME, make_programme(HOME, issued=NOW + 1))
    held = province.held(DEVICE)
    province.publish({"c00694": first})
    outcome = province.refresh(held, DEVICE)
    assert codes(outcome) == [("snapshot", "out_of_date")]
    assert programme_version(outcome.held) == 2


def test_a_rollback_is_refused_even_when_every_file_on_the_card_was_lost(province):
    first = province.roles["c00694"]
    province.publish_programme(HOME, make_programme(HOME, issued=NOW + 1))
    remembered = province.held(DEVICE).versions
    province.publish({"c00694": first})
    bare = pin_root(province.root)
    emptied = type(bare)(bare.root, versions=remembered)
    assert ("c00694", "out_of_date") in codes(province.refresh(emptied, DEVICE))


def test_the_same_version_with_another_content_is_refused(province):
    held = province.held(DEVICE)
    other = province.revise("c00694", lambda signed: signed.targets.clear(), version=0)
    serve_unread(province, "c00694", 1, other)
    outcome = province.refresh(held, DEVICE)
    assert codes(outcome) == [("c00694", "out_of_date")]
    assert programme_version(outcome.held) == 1


def test_a_file_of_another_moment_does_not_match_the_snapshot(province):
    held = province.held(DEVICE)
    province.publish_programme(HOME, make_programme(HOME, issued=NOW + 1))
    province.files["2.c00694.json"] = province.files["1.c00694.json"]
    outcome = province.refresh(held, DEVICE)
    assert codes(outcome) == [("c00694", "out_of_date")]
    assert programme_version(outcome.held) == 1


def test_a_snapshot_that_the_timestamp_does_not_name_is_refused(province):
    held = province.held(DEVICE)
    province.publish_programme(HOME, make_programme(HOME, issued=NOW + 1))
    province.files["3.snapshot.json"] = province.files["2.snapshot.json"]
    assert codes(province.refresh(held, DEVICE)) == [("snapshot", "malformed")]


def test_a_snapshot_may_not_forget_a_role(province):
    held = province.held(DEVICE)
    del province.roles["c00694"]
    province.publish({})
    outcome = province.refresh(held, DEVICE)
    assert codes(outcome) == [("snapshot", "out_of_date")]
    assert programme_version(outcome.held) == 1


def test_no_mutated_byte_of_a_role_is_taken(province):
    held = province.held(DEVICE)
    province.publish_programme(HOME, make_programme(HOME, issued=NOW + 1))
    good = province.files["2.c00694.json"]
    for place in range(0, len(good), 7):
        province.files["2.c00694.json"] = good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
        assert programme_version(province.refresh(held, DEVICE).held) == 1


def test_a_file_that_is_not_there_keeps_the_old_one(province):
    held = province.held(DEVICE)
    province.publish_programme(HOME, make_programme(HOME, issued=NOW + 1))
    del province.files["2.c00694.json"]
    outcome = province.refresh(held, DEVICE)
    assert codes(outcome) == [("c00694", "missing")]
    assert programme_version(outcome.held) == 1


# -- who signed --


def test_the_neighbour_communes_key_signs_nothing_here(province):
    held = province.held(DEVICE)
    raw = province.revise("c00694", lambda signed: None, [province.signers["chair-00700"]])
    province.publish({"c00694": raw})
    outcome = province.refresh(held, DEVICE)
    assert codes(outcome) == [("c00694", "bad_signature")]
    assert programme_version(outcome.held) == 1


def test_one_of_two_signatures_is_not_enough_for_the_province(province):
    held = province.held(DEVICE)
    raw = province.revise("p08", lambda signed: None, [province.signers["binh"]])
    province.publish({"p08": raw})
    assert codes(province.refresh(held, DEVICE)) == [("p08", "bad_signature")]


def test_the_same_signature_twice_is_no_file(province):
    held = province.held(DEVICE)
    whole = json.loads(province.revise("p08", lambda signed: None, [province.signers["binh"]]))
    whole["signatures"] *= 2
    serve_unread(province, "p08", 2, json.dumps(whole).encode())
    assert codes(province.refresh(held, DEVICE)) == [("p08", "malformed")]


def test_a_stolen_hub_cannot_sign_a_programme(province):
    held = province.held(DEVICE)
    hub = [province.signers["snapshot"], province.signers["timestamp"]]
    province.publish({"c00694": province.revise("c00694", lambda signed: signed.targets.clear(), hub)})
    assert codes(province.refresh(held, DEVICE)) == [("c00694", "bad_signature")]


def test_a_refused_group_takes_nothing_new_below_it_and_loses_nothing(province):
    held = province.held(DEVICE)
    province.publish({"g08-01": province.revise("g08-01", lambda signed: None, [])})
    province.publish_programme(HOME, make_programme(HOME, issued=NOW + 1))
    province.release("tpl", {"templates/08/x.json": b"{}"})
    outcome = province.refresh(held, DEVICE)
    assert codes(outcome) == [("g08-01", "bad_signature")]
    assert programme_version(outcome.held) == 1
    assert "tpl" in outcome.held.roles


# -- keys change --


def replace_keys(role, signers):
    def edit(signed):
        delegation = signed.delegations.roles[role]
        delegation.keyids.clear()
        for signer in signers:
            signed.add_key(signer.public_key, role)

    return edit


def test_a_revoked_keys_programme_stops_when_the_revocation_is_installed(province):
    held = province.held(DEVICE)
    edit = replace_keys("c00694", [province.signers["deputy-00694"]])
    province.publish({"g08-01": province.revise("g08-01", edit)})
    outcome = province.refresh(held, DEVICE)
    assert dropped(outcome) == [("c00694", "revoked")]
    assert find_target(outcome.held, PROGRAMME) is None


def test_a_rotation_after_a_remaining_key_has_signed_stops_nothing(province):
    held = province.held(DEVICE)
    deputy = province.signers["deputy-00694"]
    province.publish({"c00694": sign_role(province.roles["c00694"], deputy)})
    province.publish({"g08-01": province.revise("g08-01", replace_keys("c00694", [deputy]))})
    outcome = province.refresh(held, DEVICE)
    assert (dropped(outcome), programme_version(outcome.held)) == ([], 1)


def next_root(province, edit, signers):
    raw = province.revise("root", edit, signers)
    version = Metadata.from_bytes(raw).signed.version
    province.roles["root"] = province.files[f"{version}.root.json"] = raw
    return raw


def people(province, *names):
    return [province.signers[name] for name in names]


def test_the_root_chain_is_walked_one_by_one(province):
    held = province.held(DEVICE)
    next_root(province, lambda signed: None, people(province, "binh", "chi"))
    next_root(province, lambda signed: None, people(province, "chi", "lan"))
    outcome = province.refresh(held, DEVICE)
    assert outcome.installed == ("root", "root")
    assert outcome.held.root.version == 3


@pytest.mark.parametrize("names", [["binh"], ["snapshot", "timestamp"], ["chair-00694", "deputy-00694"]])
def test_a_root_without_its_holders_signatures_is_refused(province, names):
    held = province.held(DEVICE)
    next_root(province, lambda signed: None, people(province, *names))
    outcome = province.refresh(held, DEVICE)
    assert codes(outcome) == [("root", "bad_signature")]
    assert outcome.held == held


def test_a_new_root_needs_the_old_holders_as_well_as_the_new(province):
    strangers = [new_signer(), new_signer()]

    def take_over(signed):
        signed.roles[Root.type].keyids.clear()
        for signer in strangers:
            signed.add_key(signer.public_key, Root.type)

    held = province.held(DEVICE)
    next_root(province, take_over, strangers)
    assert codes(province.refresh(held, DEVICE)) == [("root", "bad_signature")]
    next_root_again = province.roles["root"]
    for signer in people(province, "binh", "chi"):
        next_root_again = sign_role(next_root_again, signer)
    province.files["2.root.json"] = next_root_again
    assert province.refresh(held, DEVICE).held.root.version == 2


def test_a_root_that_skips_a_version_is_refused(province):
    held = province.held(DEVICE)
    raw = province.revise("root", lambda signed: None, people(province, "binh", "chi"), version=2)
    province.files["2.root.json"] = raw
    assert codes(province.refresh(held, DEVICE)) == [("root", "out_of_date")]


def test_a_hub_that_leaps_ahead_is_refused(province):
    held = province.held(DEVICE)
    province.now += 1
    leap = Metadata.from_bytes(build_timestamp(province.roles["timestamp"], province.roles["snapshot"], province.now))
    leap.signed.version = 2**31
    province.files["timestamp.json"] = sign_role(leap.to_bytes(), province.signers["timestamp"])
    assert codes(province.refresh(held, DEVICE)) == [("timestamp", "not_allowed")]


def fast_forward(province, version):
    """What a thief with the online keys leaves behind: versions that an honest hub never reaches."""
    stamp = Metadata.from_bytes(build_timestamp(province.roles["timestamp"], province.roles["snapshot"], province.now))
    stamp.signed.version = version
    province.files["timestamp.json"] = sign_role(stamp.to_bytes(), province.signers["timestamp"])


def new_online_keys(province):
    def edit(signed):
        for name in ("snapshot", "timestamp"):
            signed.roles[name].keyids.clear()
            province.signers[name] = new_signer()
            signed.add_key(province.signers[name].public_key, name)

    next_root(province, edit, people(province, "binh", "chi"))


def test_a_fast_forwarded_device_follows_again_after_a_root_with_new_online_keys(province):
    fast_forward(province, 999_999)
    held = province.held(DEVICE)
    province.publish_programme(HOME, make_programme(HOME, issued=NOW + 1))
    assert codes(province.refresh(held, DEVICE)) == [("timestamp", "out_of_date")]
    new_online_keys(province)
    province.publish({})
    outcome = province.refresh(held, DEVICE)
    assert (codes(outcome), programme_version(outcome.held)) == ([], 2)


def test_an_evicted_hub_is_not_followed_any_more(province):
    held = province.held(DEVICE)
    stolen = province.files["timestamp.json"]
    new_online_keys(province)
    province.files["timestamp.json"] = stolen
    outcome = province.refresh(held, DEVICE)
    assert codes(outcome) == [("timestamp", "bad_signature")]
    assert (outcome.held.root.version, programme_version(outcome.held)) == (2, 1)


def test_what_a_new_root_does_not_vouch_for_is_fetched_again_but_its_version_stays_known(province):
    held = province.held(DEVICE)

    def more(signed):
        signed.roles["snapshot"].threshold = 2

    next_root(province, more, people(province, "binh", "chi"))
    outcome = province.refresh(held, DEVICE)
    assert codes(outcome) == [("snapshot", "bad_signature")]
    assert (outcome.held.snapshot, outcome.held.versions["snapshot"]) == (None, 2)
    assert load_held(outcome.held.files, outcome.held.versions) == (outcome.held, [])


def test_a_root_that_changes_the_office_is_not_taken_before_the_office_has_signed(province):
    held = province.held(DEVICE)
    office = [new_signer(), new_signer()]

    def edit(signed):
        signed.roles["targets"].keyids.clear()
        for signer in office:
            signed.add_key(signer.public_key, "targets")

    next_root(province, edit, people(province, "binh", "chi"))
    genuine = province.files["timestamp.json"]
    province.files["timestamp.json"] = b"{}"
    assert province.refresh(held, DEVICE).held == held
    province.files["timestamp.json"] = genuine
    province.publish({"targets": province.revise("targets", lambda signed: None, office)})
    signed = province.files.pop("2.targets.json")
    outcome = province.refresh(held, DEVICE)
    assert (codes(outcome), dropped(outcome), outcome.held) == ([("targets", "missing")], [], held)
    province.files["2.targets.json"] = signed
    outcome = province.refresh(held, DEVICE)
    assert (outcome.held.root.version, programme_version(outcome.held)) == (2, 1)


# -- expiry --


def test_an_expired_timestamp_and_snapshot_are_stale_and_still_followed(province):
    later = NOW + 40 * DAY
    outcome = province.refresh(pin_root(province.root), DEVICE, floor=later)
    assert (codes(outcome), programme_version(outcome.held)) == ([], 1)
    assert expired_files(outcome.held, later) == ["timestamp", "snapshot"]


def refreshed_at(province, days, rules):
    """A device that holds version 1 meets version 2 of its commune, `days` days after it was issued."""
    held = province.held(DEVICE)
    province.publish_programme(HOME, make_programme(HOME, issued=NOW + 1))
    return province.refresh(held, DEVICE, floor=NOW + days * DAY, rules=rules)


@pytest.mark.parametrize(
    ("days", "rules", "expected"),
    [
        (179, NETWORK, 2),
        (181, NETWORK, 1),
        (181, BUNDLE, 2),
        (239, BUNDLE, 2),
        (241, BUNDLE, 1),
    ],
)
def test_something_new_is_installed_until_it_expires_by_bundle_60_days_longer(province, days, rules, expected):
    outcome = refreshed_at(province, days, rules)
    assert programme_version(outcome.held) == expected
    assert codes(outcome) == ([] if expected == 2 else [("c00694", "expired")])


@pytest.mark.parametrize(("days", "expected"), [(181, 1), (239, 1), (241, None)])
def test_a_device_that_holds_none_has_the_grace_through_every_door(province, days, expected):
    outcome = province.refresh(pin_root(province.root), DEVICE, floor=NOW + days * DAY)
    assert programme_version(outcome.held) == expected


def test_nothing_new_comes_in_under_an_expired_province(province):
    held = province.held(DEVICE)
    province.now += 200 * DAY
    province.publish_programme(HOME, make_programme(HOME, issued=province.now))
    outcome = province.refresh(held, DEVICE, floor=NOW + 366 * DAY)
    assert codes(outcome) == [("c00694", "expired")]
    assert "targets" in outcome.refusals[0].detail


def test_what_is_held_stays_held_however_old_it_is(province):
    held = province.held(DEVICE)
    assert programme_version(province.refresh(held, DEVICE, floor=NOW + 3_000 * DAY).held) == 1


def test_a_prolongation_makes_an_expired_role_new_again(province):
    held = province.held(DEVICE)
    province.now += 300 * DAY
    province.release("c00694")
    outcome = province.refresh(held, DEVICE, floor=province.now)
    assert (codes(outcome), programme_version(outcome.held)) == ([], 2)


@pytest.mark.parametrize("raw", [b"", b"{}", b"null", b'{"signed":{"_type":"root"}}', b"[" * 50_000, b"\xff" * 100])
def test_rubbish_for_any_file_is_refused_and_never_raises(province, raw):
    good = dict(province.files)
    for name in ("2.root.json", "timestamp.json", "2.snapshot.json", "1.targets.json", "1.p08.json", "1.c00694.json"):
        province.files = {**good, name: raw}
        assert province.refresh(pin_root(province.root), DEVICE).refusals != ()


@pytest.mark.parametrize("version", [0, -1, 1.5, "2", True, None, 2**60])
def test_a_version_that_is_no_whole_number_is_refused(province, version):
    held = province.held(DEVICE)
    whole = json.loads(province.roles["c00694"])
    whole["signed"]["version"] = version
    serve_unread(province, "c00694", 2, json.dumps(whole).encode())
    outcome = province.refresh(held, DEVICE)
    assert codes(outcome)[0][0] == "c00694"
    assert programme_version(outcome.held) == 1


def test_a_root_file_that_its_own_holders_did_not_sign_cannot_be_pinned(province):
    whole = json.loads(province.root)
    whole["signatures"] = whole["signatures"][:1]
    with pytest.raises(WireError):
        pin_root(json.dumps(whole).encode())
