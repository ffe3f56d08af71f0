"""Who may list and delegate what: well signed is not enough."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuf.api.metadata import DelegatedRole, Delegations, TargetFile

from tests.builders import make_programme, make_province, new_signer
from wire.trust.authority import find_target
from wire.trust.layout import covers, parse_role_name

HOME, NEIGHBOUR = "08/00694", "08/00700"
DEVICE = f"{HOME}/02"


@pytest.fixture
def province():
    built = make_province()
    built.publish_programme(HOME, make_programme(HOME))
    return built


def lists(path, length=2):
    return lambda signed: signed.targets.update({path: TargetFile(length, {"sha256": "a" * 64}, path)})


def delegates(name, paths, *, keys=2):
    def edit(signed):
        signed.delegations = signed.delegations or Delegations({}, {})
        signed.delegations.roles[name] = DelegatedRole(name, [], 1, terminating=True, paths=paths)
        for _ in range(keys):
            signed.add_key(new_signer().public_key, name)

    return edit


def refusal(province, role, edit):
    """What a device of HOME answers when a role, fully signed by its own holders, says this."""
    held = province.held(DEVICE)
    province.publish({role: province.revise(role, edit)})
    outcome = province.refresh(held, DEVICE)
    assert outcome.held.roles.get(role) == held.roles.get(role)
    return [(refused.role, refused.code) for refused in outcome.refusals]


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("p08", "areas/08/00694/programme.json"),
        ("p08", "areas/08/00694/placements.json"),
        ("p08", "areas/08/other.json"),
        ("p08", "templates/08/xa-lu.json"),
        ("g08-01", "areas/08/00694/programme.json"),
        ("g08-01", "areas/08/00694/policy.json"),
        ("targets", "areas/08/programme.json"),
        ("targets", "areas/08/00694/programme.json"),
        ("h00694", "say/08/00694/02/now.json"),
        ("c00694", "areas/08/00700/programme.json"),
        ("c00694", "areas/08/006/programme.json"),
        ("c00694", "areas/08/00694/placements.json"),
        ("c00694", "areas/08/00694/02/programme.json"),
        ("c00694", "areas/08/programme.json"),
        ("c00694", "areas/08/00694/../programme.json"),
        ("c00694", "em/08/00694/now.json"),
    ],
)
def test_a_role_may_not_list_what_is_not_its_own(province, role, path):
    assert refusal(province, role, lists(path)) == [(role, "not_allowed")]


@pytest.mark.parametrize(
    ("role", "name", "paths"),
    [
        ("c00694", "v00694-02", ["say/08/00694/02/*"]),
        ("c00694", "c00694b", ["areas/08/00694/programme.json"]),
        ("c00694", "zz-unknown", ["areas/08/00694/programme.json"]),
        ("g08-01", "c00999", ["areas/08/00999/programme.json"]),
        ("g08-01", "ea08", ["em/08/*"]),
        ("g08-01", "ea00999", ["em/08/00999/*"]),
        ("g08-01", "ea00694", ["em/08/*"]),
        ("g08-01", "c00694", ["areas/08/00694/*"]),
        ("g08-01", "c00694", ["areas/08/*/programme.json"]),
        ("g08-01", "v00694-02", ["say/08/00694/02/*"]),
        ("g08-01", "d08", ["areas/08/*/placements.json"]),
        ("g08-01", "tpl", ["templates/08/*"]),
        ("p08", "ea08", ["em/08/*"]),
        ("p08", "c00694", ["areas/08/00694/programme.json"]),
        ("p08", "g08-09", ["areas/08/*/*"]),
        ("p08", "g08-09", ["areas/08/00694/*"]),
        ("p08", "g09-01", ["areas/09/00001/*"]),
        ("h00694", "v00700-02", ["say/08/00700/02/*"]),
        ("h00694", "v00694-03", ["say/08/00694/*/*"]),
        ("targets", "ea00694", ["em/08/00694/*"]),
        ("targets", "c00694", ["areas/08/00694/programme.json"]),
        ("targets", "p09", ["areas/09/*"]),
        ("targets", "tpl", ["areas/08/*"]),
    ],
)
def test_a_role_may_not_delegate_what_is_not_its_own(province, role, name, paths):
    assert refusal(province, role, delegates(name, paths)) == [(role, "not_allowed")]


def test_a_hamlet_may_have_the_number_of_its_province(province):
    held = province.held(DEVICE)
    province.publish({"h00694": province.revise("h00694", delegates("v00694-08", ["say/08/00694/08/*"]))})
    outcome = province.refresh(held, DEVICE)
    assert (outcome.refusals, outcome.held.roles["h00694"].version) == ((), 2)


def test_one_key_under_two_ids_would_count_twice_and_is_refused(province):
    def edit(signed):
        binh = signed.delegations.keys[signed.delegations.roles["ef08"].keyids[0]]
        twin = type(binh)("f" * 64, binh.keytype, binh.scheme, dict(binh.keyval))
        signed.delegations.keys[twin.keyid] = twin
        signed.delegations.roles["ef08"].keyids = [binh.keyid, twin.keyid]

    assert refusal(province, "targets", edit) == [("targets", "malformed")]


def test_a_target_beyond_the_size_limit_is_refused(province):
    edit = lists("areas/08/00694/policy.json", length=10_000_000)
    assert refusal(province, "c00694", edit) == [("c00694", "malformed")]


def test_a_kind_of_role_of_a_later_version_has_no_power_and_does_no_harm(province):
    held = province.held(DEVICE)

    def edit(signed):
        delegates("cap-src", ["areas/08/*/*"])(signed)
        roles = signed.delegations.roles
        signed.delegations.roles = {"cap-src": roles.pop("cap-src"), **roles}

    province.publish({"targets": province.revise("targets", edit)})
    outcome = province.refresh(held, DEVICE)
    assert (outcome.refusals, "cap-src" in outcome.held.roles) == ((), False)
    assert find_target(outcome.held, "areas/08/00694/programme.json").role == "c00694"


def test_a_root_without_consistent_snapshots_is_refused(province):
    held = province.held(DEVICE)

    def edit(signed):
        signed.consistent_snapshot = False

    raw = province.revise("root", edit, [province.signers["binh"], province.signers["chi"]])
    province.files["2.root.json"] = raw
    assert [r.code for r in province.refresh(held, DEVICE).refusals] == ["not_allowed"]


@pytest.mark.parametrize(
    ("name", "kind", "area"),
    [
        ("p08", "p", "08"),
        ("d08", "d", "08"),
        ("g08-16", "g", "08"),
        ("c00694", "c", "08/00694"),
        ("h00694", "h", "08/00694"),
        ("v00694-07", "v", "08/00694/07"),
        ("ea08", "ea", "08"),
        ("ed00694", "ed", "08/00694"),
        ("tpl", "tpl", "08"),
        ("sw", "sw", "08"),
    ],
)
def test_a_name_says_kind_and_area(name, kind, area):
    parsed = parse_role_name(name, "08")
    assert (parsed.kind, parsed.area) == (kind, area)


@pytest.mark.parametrize("name", ["", "x", "e08", "c", "c00694-07", "v00694", "C00694", "ea", "c../..", "g08", "root "])
def test_other_names_mean_nothing(name):
    assert parse_role_name(name, "08") is None


PLAIN = ["areas", "08", "00694", "00700", "policy.json", "programme.json"]
WILD = [*PLAIN, "*", "0069?", "[0]8"]


def joined(segments):
    return st.lists(st.sampled_from(segments), min_size=1, max_size=4).map("/".join)


@given(patterns=st.lists(joined(WILD), max_size=4), path=joined(PLAIN))
def test_the_quick_look_at_a_path_says_what_tuf_says(patterns, path):
    delegation = DelegatedRole("c00694", [], 1, terminating=True, paths=patterns)
    assert covers(delegation, path) == delegation.is_delegated_path(path)


def test_delegation_by_hash_prefixes_is_left_to_tuf():
    digest = hashlib.sha256(b"areas/08/programme.json").hexdigest()
    delegation = DelegatedRole("bins", [], 1, terminating=True, path_hash_prefixes=[digest[:2]])
    assert covers(delegation, "areas/08/programme.json")
