"""What survives a reboot, and the floor of time."""

from __future__ import annotations

import pytest

from tests.builders import NOW, make_programme, make_province
from wire.errors import WireError
from wire.trust.authority import find_target
from wire.trust.floor import raised_floor
from wire.trust.held import load_held, pin_root
from wire.units import DAY

HOME = "08/00694"
YEAR_2099 = NOW + 73 * 365 * DAY


@pytest.fixture
def province():
    built = make_province()
    built.publish_programme(HOME, make_programme(HOME))
    return built


@pytest.fixture
def held(province):
    return province.held(HOME)


def test_what_was_stored_is_what_comes_back(held):
    again, refusals = load_held(held.files, held.versions)
    assert refusals == []
    assert (again.files, again.versions) == (held.files, held.versions)
    assert again == held


def test_a_damaged_role_is_left_out_and_what_lies_below_it_too(held):
    files = {**held.files, "g08-01": held.files["g08-01"].replace(b"00700", b"00701", 1)}
    again, refusals = load_held(files, held.versions)
    assert [(refusal.role, refusal.code) for refusal in refusals] == [("g08-01", "bad_signature")]
    assert list(again.roles) == ["targets", "p08"]
    assert find_target(again, "areas/08/00694/programme.json") is None


def test_a_damaged_card_is_healed_by_the_next_refresh_without_rollback(province, held):
    files = {name: b"" if name in ("timestamp", "snapshot", "targets") else raw for name, raw in held.files.items()}
    again, refusals = load_held(files, held.versions)
    assert {refusal.role for refusal in refusals} == {"timestamp", "snapshot", "targets"}
    assert again.versions == held.versions
    healed = province.refresh(again, HOME)
    assert (healed.refusals, healed.held) == ((), held)


def test_a_damaged_root_raises_so_that_the_enrolled_one_is_pinned(held):
    with pytest.raises(WireError):
        load_held({**held.files, "root": b"{}"}, held.versions)


def test_boot_never_refuses_what_is_merely_old(held):
    assert load_held(held.files, held.versions)[1] == []


def test_the_fingerprint_does_not_depend_on_who_signed(province):
    whole = pin_root(province.root)
    again = province.revise("root", lambda signed: None, [province.signers["binh"], province.signers["lan"]], version=0)
    other = province.revise("root", lambda signed: None, [province.signers["chi"], province.signers["lan"]], version=0)
    assert len(whole.root_fingerprint) == 64
    assert pin_root(again).root_fingerprint != pin_root(other).root_fingerprint  # `issued` differs
    assert pin_root(province.root).root_fingerprint == whole.root_fingerprint


# -- the floor --


def test_issued_of_root_targets_and_province_raise_the_floor(province, held):
    assert raised_floor(held, NOW - DAY) == NOW
    province.now = NOW + 5 * DAY
    province.release("p08")
    assert raised_floor(province.refresh(held, HOME).held, NOW) == province.now


@pytest.mark.parametrize("role", ["c00694", "d08", "tpl"])
def test_2099_in_another_role_leaves_the_floor_where_it_is(province, held, role):
    province.now = YEAR_2099
    province.release(role)
    outcome = province.refresh(held, HOME, floor=NOW)
    assert role in outcome.installed
    assert raised_floor(outcome.held, NOW) == NOW


def test_2099_in_the_provinces_role_goes_no_further_than_targets_expiry(province, held):
    province.now = YEAR_2099
    province.release("p08")
    outcome = province.refresh(held, HOME, floor=NOW)
    assert raised_floor(outcome.held, NOW) == held.targets.expires


def test_a_clock_raises_the_floor_no_further_than_targets_expiry(held):
    assert raised_floor(held, NOW, NOW + 3 * DAY) == NOW + 3 * DAY
    assert raised_floor(held, NOW, YEAR_2099) == held.targets.expires


def test_the_floor_never_falls(held):
    assert raised_floor(held, YEAR_2099, NOW) == YEAR_2099


def test_without_targets_a_clock_raises_nothing(province):
    assert raised_floor(pin_root(province.root), NOW - DAY, YEAR_2099) == NOW


def test_after_a_wrong_clock_a_new_targets_lifts_the_lock(province, held):
    stuck = raised_floor(held, NOW, YEAR_2099)
    province.now = NOW + 10 * DAY
    province.release("targets", signers=[province.signers["binh"], province.signers["chi"]])
    outcome = province.refresh(held, HOME, floor=stuck)
    assert (outcome.refusals, outcome.held.roles["targets"].version) == ((), 2)
