"""Changes of who may sign what, judged by the rules of a device: add, rotate, revoke, freeze, evict a hub."""

from __future__ import annotations

import pytest
from tuf.api.metadata import Metadata

from provisioning.approval.words import Words
from provisioning.trust.change_file import ChangeFile, ChangeFileError
from provisioning.trust.changes import ONLINE, Change, ChangeError
from provisioning.trust.present import PresentError, from_hostile_hub, from_hub
from provisioning.trust.review import review
from tests.builders import make_programme, make_province, new_signer, version_of
from wire.areas import programme_target
from wire.codec import encode
from wire.errors import OutOfDateError
from wire.release import build_snapshot, build_timestamp, metadata_file_name, sign_role
from wire.trust.authority import authority, find_target, roles_of_key
from wire.trust.calendar import calendar
from wire.trust.held import pin_root
from wire.trust.scope import WholeProvince
from wire.units import DAY, UtcTime

COMMUNE = "08/00694"
AREA = f"{COMMUNE}/02"
PROGRAMME = programme_target(COMMUNE)
VI, EN = Words.load("vi"), Words.load("en")


@pytest.fixture
def province():
    made = make_province()
    made.publish_programme(COMMUNE, make_programme(COMMUNE))
    return made


def key_id(province, name: str) -> str:
    return province.signers[name].public_key.keyid


def make(province, *names: str, **_: object):
    """A change of what the province holds, to be edited by the test."""
    return Change(province.held())


def release(province, change: Change, *signers: str) -> ChangeFile:
    """Sign by these people and publish, as hub and devices would take it."""
    province.now = UtcTime(province.now + 1_000)
    held = change.held
    made = ChangeFile(change.files(province.now))
    for name in signers:
        made.sign(held, province.signers[name])
    assert made.lacking(held) == []
    province.publish(made.files)
    return made


def says(province, signer, area: str = COMMUNE) -> str:
    """The commune's next programme, signed by this key alone; what a device at AREA makes of it."""
    before = province.device
    raw = make_programme(area, issued=province.now)
    province.release("c00694", {programme_target(area): encode(raw)}, [signer])
    outcome = province.refresh(before, AREA)
    province.device = outcome.held
    return "taken" if "c00694" in outcome.installed else "refused"


@pytest.fixture
def device(province):
    province.device = province.held(AREA)
    return province


def test_a_new_holder_signs_and_the_others_go_on(device):
    new = new_signer()
    change = make(device)
    change.add("c00694", new.public_key)
    assert list(change.edits) == ["g08-01"], "the group delegates to the commune"
    release(device, change, "binh", "chi")
    assert says(device, new) == "taken"
    assert says(device, device.signers["deputy-00694"]) == "taken"


def test_whoever_is_taken_out_signs_no_more_and_what_he_signed_stops(device):
    chair = device.signers["chair-00694"]
    assert says(device, chair) == "taken"
    change = make(device)
    change.remove("c00694", chair.public_key.keyid)
    lines = review(change.held, change.files(device.now + 1), VI)
    assert any("NGỪNG" in line and "c00694" in line for line in lines)
    release(device, change, "binh", "chi")
    outcome = device.refresh(device.device, AREA)
    assert [dropped.role for dropped in outcome.dropped] == ["c00694"]
    device.device = outcome.held
    assert find_target(outcome.held, PROGRAMME) is None
    assert says(device, device.signers["deputy-00694"]) == "taken"


def test_with_another_holders_signature_first_nothing_stops(device):
    assert says(device, device.signers["deputy-00694"]) == "taken"
    new = new_signer()
    change = make(device)
    change.rotate("c00694", key_id(device, "chair-00694"), new.public_key)
    lines = review(change.held, change.files(device.now + 1), EN)
    assert "Nothing that is on air stops." in lines
    release(device, change, "binh", "lan")
    outcome = device.refresh(device.device, AREA)
    device.device = outcome.held
    assert (outcome.dropped, find_target(outcome.held, PROGRAMME) is not None) == ((), True)
    assert says(device, new) == "taken"


def test_a_lost_key_leaves_every_role_in_one_step_while_the_others_go_on(device):
    lost = key_id(device, "lan")
    change = make(device)
    roles = change.freeze(lost)
    assert set(roles) == {"root", "targets", "p08", "tpl", "sw", "ea08", "ef08", "ed08"}
    release(device, change, "binh", "chi")
    held = device.refresh(device.device, WholeProvince()).held
    assert roles_of_key(held, lost) == []
    assert says(device, device.signers["chair-00694"]) == "taken"
    later = Change(held)
    later.prolong("p08")
    device.now = UtcTime(device.now + DAY)
    release(device, later, "binh", "chi")
    assert device.refresh(held, WholeProvince()).refusals == ()


def test_what_the_lost_key_had_signed_with_one_other_is_signed_anew_in_the_same_step(device):
    """Otherwise whole branches would stop with it: targets, the province, groups, hamlets."""
    pair = [device.signers["binh"], device.signers["lan"]]
    names = ("targets", "p08", "g08-01", "g08-02", "h00694")
    device.publish({name: device.revise(name, lambda _: None, pair) for name in names})
    before = device.refresh(device.device, WholeProvince()).held
    change = Change(before)
    change.freeze(key_id(device, "lan"))
    assert set(change.edits) >= {"root", *names}
    assert "Nothing that is on air stops." in review(before, change.files(UtcTime(device.now + 1)), EN)
    release(device, change, "binh", "chi")
    outcome = device.refresh(before, WholeProvince())
    assert (outcome.refusals, outcome.dropped) == ((), ())
    assert outcome.held.roles.keys() == before.roles.keys()


def test_a_change_of_the_provinces_approvers_reaches_groups_and_hamlets(device):
    new = new_signer()
    change = make(device)
    change.add("p08", new.public_key)
    files = change.files(UtcTime(device.now + 1))
    assert set(files) == {"targets", "p08", "g08-01", "g08-02"}
    release(device, change, "binh", "chi")
    held = device.refresh(device.device, WholeProvince()).held
    for role in ("p08", "g08-01", "g08-02", "h00694"):
        assert new.public_key.keyid in authority(held, role).key_ids


def test_a_role_keeps_as_many_holders_as_must_sign(device):
    change = make(device)
    with pytest.raises(ChangeError, match="rotate"):
        change.remove("v00694-02", key_id(device, "head-00694"))
    two = make(device)
    two.remove("p08", key_id(device, "lan"))
    again = Change(device.held())
    release(device, two, "binh", "chi")
    third = Change(device.refresh(again.held, WholeProvince()).held)
    with pytest.raises(ChangeError, match="2 signatures"):
        third.remove("p08", key_id(device, "chi"))


@pytest.mark.parametrize(
    ("role", "who"), [("g08-01", "binh"), ("h00694", "binh"), ("snapshot", "snapshot"), ("c00694", "binh")]
)
def test_what_has_no_such_holder_is_not_changed(device, role, who):
    with pytest.raises(ChangeError):
        make(device).remove(role, key_id(device, who))


def test_a_holder_is_not_added_twice(device):
    with pytest.raises(ChangeError):
        make(device).add("c00694", device.signers["chair-00694"].public_key)


def test_everything_else_in_a_file_stays_as_it_was(device):
    before = Metadata.from_bytes(device.roles["g08-01"]).signed.to_dict()
    change = make(device)
    change.add("c00694", new_signer().public_key)
    after = Metadata.from_bytes(change.files(UtcTime(device.now + 1))["g08-01"]).signed.to_dict()
    delegations = after.pop("delegations")["roles"], before.pop("delegations")["roles"]
    changed = [new["name"] for new, old in zip(*delegations, strict=True) if new != old]
    assert changed == ["c00694"]
    assert {name for name in after if after[name] != before[name]} == {"version", "issued", "expires"} - (
        {"expires"} if after["expires"] == before["expires"] else set()
    )


# --- the file that goes round ---


def test_copies_that_were_signed_apart_are_put_together(device, tmp_path):
    change = make(device)
    change.prolong("p08")
    made = ChangeFile(change.files(UtcTime(device.now + 1)))
    made.write(tmp_path / "a.json")
    made.write(tmp_path / "b.json")
    for name, who in (("a", "binh"), ("b", "chi")):
        copy = ChangeFile.read(tmp_path / f"{name}.json")
        assert copy.sign(change.held, device.signers[who]) == ["p08"]
        copy.write(tmp_path / f"{name}.json")
    whole = ChangeFile.read(tmp_path / "a.json")
    assert [(lack.good, lack.needed) for lack in whole.lacking(change.held)] == [(1, 2)]
    with pytest.raises(ChangeFileError, match="1 of 2"):
        whole.finish(change.held, tmp_path / "out")
    whole.merge(ChangeFile.read(tmp_path / "b.json"))
    assert whole.finish(change.held, tmp_path / "out") == ["2.p08.json"]


def test_whoever_is_no_holder_signs_nothing(device):
    change = make(device)
    change.prolong("p08")
    made = ChangeFile(change.files(UtcTime(device.now + 1)))
    with pytest.raises(ChangeFileError):
        made.sign(change.held, device.signers["chair-00694"])


def test_a_change_made_before_another_release_is_not_signed(device):
    change = make(device)
    change.prolong("p08")
    made = ChangeFile(change.files(UtcTime(device.now + 1)))
    device.release("p08")
    with pytest.raises(ChangeFileError, match="meanwhile"):
        made.check(device.held(), UtcTime(device.now + 1))


def test_a_change_from_a_clock_that_is_behind_is_not_made(device):
    change = make(device)
    change.prolong("p08")
    with pytest.raises(OutOfDateError):
        change.files(UtcTime(device.now - 60_000))


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"kind":"loa-trust-change","files":{}}',
                                 b'{"kind":"loa-trust-change","files":{"../x":"{}"}}', b"\xff" * 9])  # fmt: skip
def test_rubbish_is_no_change(tmp_path, raw):
    (tmp_path / "x.json").write_bytes(raw)
    with pytest.raises(ChangeFileError):
        ChangeFile.read(tmp_path / "x.json")


# --- a stolen hub ---


class Source:
    """What the hub serves."""

    def __init__(self, province) -> None:
        self._files = province.files

    def metadata(self, name: str) -> bytes | None:
        return self._files.get(name)


def fast_forward(province, versions: int) -> None:
    """The thief signs a snapshot and timestamp a long way on, again and again."""
    for name in ("snapshot", "timestamp"):
        metadata = Metadata.from_bytes(province.roles[name])
        metadata.signed.version += versions
        if name == "timestamp":
            metadata.signed.snapshot_meta.version += versions
            metadata.signed.snapshot_meta.hashes = None
            metadata.signed.snapshot_meta.length = None
        metadata.signatures.clear()
        metadata.sign(province.signers[name])
        province.roles[name] = metadata.to_bytes()
        province.files[metadata_file_name(name, version_of(province.roles[name]))] = province.roles[name]


def evict(province, held) -> None:
    """`evict-hub`, and a clean hub that publishes from version 1."""
    for name in ONLINE:
        province.signers[name] = new_signer()
    change = Change(held)
    change.replace_online({name: province.signers[name].public_key for name in ONLINE})
    province.now = UtcTime(province.now + 1_000)
    made = ChangeFile(change.files(province.now))
    assert list(made.files) == ["root"]
    for name in ("binh", "chi"):
        made.sign(held, province.signers[name])
    assert made.lacking(held) == []
    province.roles["root"] = made.files["root"]
    province.files[metadata_file_name("root", version_of(made.files["root"]))] = made.files["root"]
    for name in [name for name in province.files if "snapshot" in name]:
        del province.files[name]
    delegated = {n: raw for n, raw in province.roles.items() if n not in ("root", *ONLINE)}
    province.roles["snapshot"] = sign_role(
        build_snapshot(None, delegated, province.now), province.signers["snapshot"]
    )
    province.roles["timestamp"] = sign_role(
        build_timestamp(None, province.roles["snapshot"], province.now), province.signers["timestamp"]
    )
    for name in ONLINE:
        province.files[metadata_file_name(name, 1)] = province.roles[name]


def test_after_a_hub_that_fast_forwarded_was_evicted_every_device_goes_on_untouched(device):
    hit, asleep, new = device.device, device.device, pin_root(device.root)
    for _ in range(3):
        fast_forward(device, 999_999)
        outcome = device.refresh(hit, AREA)
        assert not outcome.refusals, outcome.refusals
        hit = outcome.held
    assert hit.versions["timestamp"] > 2_999_000
    with pytest.raises(PresentError, match="jumps"):
        from_hub(device.root, Source(device))
    evict(device, from_hostile_hub(device.root, Source(device)))
    device.device = device.refresh(hit, AREA).held
    assert device.device.versions["timestamp"] == 1
    assert says(device, device.signers["chair-00694"]) == "taken"
    for late in (asleep, new):      # one that was off all the time, and one that is enrolled only now
        outcome = device.refresh(late, AREA)
        assert (outcome.refusals, "c00694" in outcome.held.roles) == ((), True)


def test_what_the_evicted_hub_signs_afterwards_counts_nowhere(device):
    old = {name: device.signers[name] for name in ONLINE}
    evict(device, device.held())
    device.device = device.refresh(device.device, AREA).held
    device.signers.update(old)
    device.publish({})
    outcome = device.refresh(device.device, AREA)
    assert [refusal.role for refusal in outcome.refusals] == ["timestamp"]
    assert outcome.held.roles.keys() == device.device.roles.keys()


# --- the calendar ---


def test_the_calendar_asks_at_60_30_and_7_days(device):
    held = device.held()
    ends = held.roles["c00694"].expires
    for days, stage in [(61, None), (59, 60), (30, 60), (29, 30), (7, 30), (6, 7), (-3, 7)]:
        found = {due.role: due for due in calendar(held, UtcTime(ends - days * DAY))}
        assert (found["c00694"].stage, found["c00694"].days_left) == (stage, days)
    assert calendar(held, device.now)[0].role == "c00694"
    assert {"root", "targets", "p08", "d08", "tpl", "sw"} - {due.role for due in calendar(held, device.now)} <= {
        "d08", "tpl", "sw",
    }, "what nobody has signed yet has no end"
