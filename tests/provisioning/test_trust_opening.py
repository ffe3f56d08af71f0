"""Roles that nobody held before, passkeys that a request brings, and a lost key that was the only one."""

from __future__ import annotations

import pytest

from provisioning.approval.words import Words
from provisioning.keys import KeyFileError
from provisioning.trust.change_file import ChangeFile
from provisioning.trust.changes import Change
from provisioning.trust.handover import Sources, hand_over
from provisioning.trust.holders import HolderError, read_holder
from provisioning.trust.opening import ChangeError, Making
from provisioning.trust.present import from_hub
from provisioning.trust.review import review
from provisioning.trust.role_table import read_units, table_to_json, write_table
from provisioning.trust.roster import RosterError, read_roster
from tests.builders import make_programme, make_province, new_signer
from tests.fakes.passkey import SoftPasskey
from tests.provisioning.test_trust_changes import Source
from wire.areas import programme_target
from wire.codec import encode
from wire.key_request import fingerprint, key_request
from wire.trust.authority import authority, emergency_authority, find_target
from wire.trust.layout import group_communes
from wire.trust.scope import WholeProvince
from wire.units import UtcTime

VI = Words.load("vi")
PHONE = SoftPasskey("duyet.loa.test", ("https://duyet.loa.test",))
QUIET = "08/00701"
"""In a group from the beginning, with nobody in it."""
NEW = "08/00999"


@pytest.fixture
def province():
    return make_province()


def release(province, change: Change) -> None:
    province.now = UtcTime(province.now + 1_000)
    made = ChangeFile(change.files(province.now))
    made.check(change.held, UtcTime(province.now + 1))
    for name in ("binh", "chi"):
        made.sign(change.held, province.signers[name])
    assert made.lacking(change.held) == []
    province.publish(made.files)


def speaks(province, commune: str, signer) -> bool:
    role = f"c{commune.rpartition('/')[2]}"
    path = programme_target(commune)
    province.release(role, {path: encode(make_programme(commune, issued=province.now))}, [signer])
    return find_target(province.held(f"{commune}/01"), path) is not None


def test_a_commune_that_had_nobody_gets_all_its_roles_in_one_step(province):
    commune, code = QUIET, QUIET[-5:]
    one, two = new_signer(), new_signer()
    change = Change(province.held())
    for role in (f"c{code}", f"ea{code}", f"ef{code}", f"ed{code}"):
        change.add(role, one.public_key, two.public_key)
    assert len(change.edits) == 1, "the group alone"
    release(province, change)
    assert authority(province.held(), f"ef{code}").threshold == 2
    assert emergency_authority(province.held(), f"ea{code}", f"{commune}/01", floor=province.now).threshold == 1
    assert speaks(province, commune, one)


def test_a_new_commune_joins_a_group_that_has_room_or_makes_one(province):
    for n in range(20):
        change = Change(province.held(), making=Making(may_add_areas=True))
        signer = new_signer()
        change.add(f"c009{n:02d}", signer.public_key)
        change.add(f"ea009{n:02d}", signer.public_key)
        release(province, change)
        assert speaks(province, f"08/009{n:02d}", signer)
    groups = province.held().roles["p08"].signed.delegations.roles
    sizes = [len(group_communes(group, "08")) for group in groups.values()]
    assert max(sizes) == 8
    assert sorted(sizes)[:-1].count(8) >= len(sizes) - 2, "full ones first"


def test_a_slip_of_the_finger_makes_no_commune(province):
    with pytest.raises(ChangeError, match="--new-area"):
        Change(province.held()).add("c00999", new_signer().public_key)


def test_a_hamlet_of_a_commune_without_a_list_gets_its_head(province):
    head = new_signer()
    change = Change(province.held())
    change.add("v00700-09", head.public_key)
    release(province, change)
    assert authority(province.held(), "v00700-09").key_ids == {head.public_key.keyid}
    assert province.refresh(province.held(), WholeProvince()).refusals == ()


def test_free_text_needs_two_from_the_first_day(province):
    change = Change(province.held(), making=Making(may_add_areas=True))
    with pytest.raises(ChangeError, match="--key 2 times"):
        change.add("ef00999", new_signer().public_key)


def test_the_only_key_of_a_commune_is_frozen_and_the_commune_is_silent_until_another_comes(province):
    lone, other = new_signer(), new_signer()
    change = Change(province.held(), making=Making(may_add_areas=True))
    change.add("c00999", lone.public_key)
    release(province, change)
    assert speaks(province, NEW, lone)
    device = province.held(f"{NEW}/01")

    frozen = Change(province.held())
    assert frozen.freeze(lone.public_key.keyid) == ["c00999"]
    lines = review(frozen.held, frozen.files(UtcTime(province.now + 1)), VI)
    assert any("KHÔNG CÒN AI" in line and "c00999" in line for line in lines)
    assert any("NGỪNG" in line and "c00999" in line for line in lines)
    release(province, frozen)
    outcome = province.refresh(device, f"{NEW}/01")
    assert [one.role for one in outcome.dropped] == ["c00999"]
    assert find_target(outcome.held, programme_target(NEW)) is None

    again = Change(from_hub(province.root, Source(province)))
    again.add("c00999", other.public_key)
    release(province, again)
    assert speaks(province, NEW, other)


def test_the_province_itself_is_never_frozen_below_its_threshold(province):
    first = Change(province.held())
    first.freeze(province.signers["lan"].public_key.keyid)
    release(province, first)
    with pytest.raises(ChangeError, match="rotate"):
        Change(province.held()).freeze(province.signers["chi"].public_key.keyid)


# --- what a holder hands in ---


@pytest.fixture
def request_file(tmp_path):
    path = tmp_path / "c00694.key-request.json"
    path.write_bytes(key_request("chair-00694", "c00694", PHONE.public_key))
    return path


def test_a_phones_request_brings_a_key_that_signs(province, request_file):
    holder = read_holder(request_file)
    holder.check_role(("c00694",))
    holder.check_fingerprint(fingerprint(PHONE.public_key.keyid).upper())
    change = Change(province.held())
    change.add("c00694", holder.key)
    release(province, change)
    assert speaks(province, "08/00694", PHONE)


@pytest.mark.parametrize("heard", ["", "0000 0000 0000 0000 0000 0000", "xyz", "…" * 24])
def test_another_fingerprint_than_was_read_out_changes_nothing(request_file, heard):
    with pytest.raises(HolderError):
        read_holder(request_file).check_fingerprint(heard)


def test_the_head_of_a_fingerprint_is_not_enough(request_file):
    with pytest.raises(HolderError, match="24"):
        read_holder(request_file).check_fingerprint(PHONE.public_key.keyid[:20])


def test_a_request_is_for_the_role_that_it_names(request_file):
    with pytest.raises(HolderError, match="asked for c00694"):
        read_holder(request_file).check_role(("c00694", "ea00694"))


@pytest.mark.parametrize("role", ["ea00694", "ef08", "p08", "root", "d08", "v00694-02"])
def test_a_phone_holds_nothing_but_a_communes_programme(province, role):
    with pytest.raises(ChangeError, match="phone"):
        Change(province.held()).add(role, PHONE.public_key)


@pytest.mark.parametrize("raw", [b"{", b"{}", b'{"kind":"key_request"}', b"{" * 9_000, b"ssh-rsa AAAA", b""])
def test_rubbish_is_no_request(tmp_path, raw):
    (tmp_path / "x.pub").write_bytes(raw)
    with pytest.raises((HolderError, KeyFileError)):
        read_holder(tmp_path / "x.pub")


# --- what a new hub is given ---


def test_what_is_found_nowhere_is_named(province, tmp_path):
    path = programme_target("08/00694")
    province.publish_programme("08/00694", make_programme("08/00694"))
    assert hand_over(province.held(), tmp_path, Sources()) == [path]
    content = encode(make_programme("08/00694"))
    found = Sources(targets=[lambda _path, _digest: b"rubbish", lambda _path, _digest: content])
    assert hand_over(province.held(), tmp_path, found) == []
    assert (tmp_path / "targets" / path).read_bytes() == content


# --- the table of roles ---

AREAS = b"code,name\n00691,Ph\xc6\xb0\xe1\xbb\x9dng A\n00694,X\xc3\xa3 B\n"
HAMLETS = b"commune,code,name\n00694,01,T\xe1\xbb\x95 1\n"


def filled(path, holders: dict[str, str], delimiter: str = ",") -> bytes:
    lines = path.read_text("utf-8-sig").splitlines()
    rows = [line.replace(",", delimiter) + holders.get(line.split(",")[0], "") for line in lines]
    return "\r\n".join(rows).encode("utf-8-sig")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_table_of_all_roles_becomes_the_roster(tmp_path, delimiter):
    path = tmp_path / "vai-tro.csv"
    count = write_table(path, "08", read_units(AREAS, None), VI)
    assert count == 9 + 2 * 4
    core = dict.fromkeys(("root", "targets", "p08"), "lan binh  chi")
    roster = read_roster(table_to_json(filled(path, {**core, "c00694": "dung"}, delimiter)))
    assert (roster.province, roster.communes) == ("08", ["00691", "00694"])
    assert {person.name: person.roles for person in roster.people} == {
        "lan": list(core), "binh": list(core), "chi": list(core), "dung": ["c00694"],
    }  # fmt: skip


def test_hamlets_stand_in_the_table_and_strangers_do_not(tmp_path):
    write_table(tmp_path / "a.csv", "08", read_units(AREAS, HAMLETS), VI)
    assert 'v00694-01,"Tổ 1, Xã B",trưởng thôn,1,' in (tmp_path / "a.csv").read_text("utf-8-sig")
    with pytest.raises(RosterError, match="no commune"):
        write_table(tmp_path / "b.csv", "08", read_units(AREAS, HAMLETS.replace(b"00694", b"00699")), VI)


@pytest.mark.parametrize("raw", [
    b"", b"\xff\xfe", b"a,b\n1,2\n", b"vai_tro,dia_ban,viec,so_chu_ky,nguoi_giu\nroot,08,x,2,lan\n",
    b"vai_tro,dia_ban,viec,so_chu_ky,nguoi_giu\np08,08,x,hai,lan\n",
    b"vai_tro,dia_ban,viec,so_chu_ky,nguoi_giu\np08,08,x,2,lan\nzz9,08,x,1,lan\n",
    b"vai_tro,dia_ban,viec,so_chu_ky,nguoi_giu\np08,08,x,2," + b"x" * 140_000,
])  # fmt: skip
def test_a_table_that_is_none_is_one_line(raw):
    with pytest.raises(RosterError):
        read_roster(table_to_json(raw))
