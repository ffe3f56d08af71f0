"""A list of what somebody may hide in a change of trust that is handed round: it is never signed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tuf.api.metadata import Metadata

from provisioning import cli
from provisioning.approval.words import Words
from provisioning.trust.change_file import ChangeFile
from provisioning.trust.changes import Change
from provisioning.trust.opening import ChangeError
from provisioning.trust.review import review
from tests.builders import make_province, new_signer
from wire.areas import policy_target, programme_target
from wire.trust.time_reset import FIELD
from wire.units import DAY, HOUR, UtcTime

THIEF = new_signer().public_key


def role(signed: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in signed["delegations"]["roles"] if one["name"] == name)


def key_behind_a_known_id(signed: dict[str, Any]) -> None:
    known = role(signed, "c00694")["keyids"][0]
    signed["delegations"]["keys"][known] = THIEF.to_dict()


def key_under_a_foreign_id(signed: dict[str, Any]) -> None:
    signed["delegations"]["keys"]["f" * 64] = THIEF.to_dict()
    role(signed, "c00694")["keyids"].append("f" * 64)


def spare_key(signed: dict[str, Any]) -> None:
    signed["delegations"]["keys"][THIEF.keyid] = THIEF.to_dict()


def programme(signed: dict[str, Any]) -> None:
    signed["targets"]["areas/08/programme.json"] = {"length": 2, "hashes": {"sha256": "a" * 64}}


HIDDEN: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "another key behind a known id": ("g08-01", key_behind_a_known_id),
    "a key under an id that is not its own": ("g08-01", key_under_a_foreign_id),
    "a key that stands in no role": ("g08-01", spare_key),
    "a path more for a commune": ("g08-01", lambda s: role(s, "c00694")["paths"].append(programme_target("08/00700"))),
    "half a commune more in a group": ("p08", lambda s: role(s, "g08-01")["paths"].append("areas/08/00999/*/*")),
    "a delegation that does not end the search": ("g08-01", lambda s: role(s, "c00694").update(terminating=False)),
    "a programme of the province": ("p08", programme),
    "a policy taken out": ("p08", lambda s: s["targets"].popitem()),
    "a later end": ("p08", lambda s: s.update(expires="2099-01-01T00:00:00Z")),
    "a date in the future": ("p08", lambda s: s.update(issued=s["issued"] + 30 * DAY)),
    "a field of a later version": ("targets", lambda s: s.update(more=1)),
    "the province before its registrar": ("targets", lambda s: s["delegations"]["roles"].reverse()),
    "no consistent snapshots": ("root", lambda s: s.update(consistent_snapshot=False)),
    "a key of root behind a known id": ("root", lambda s: s["keys"].update({next(iter(s["keys"])): THIEF.to_dict()})),
}


@pytest.fixture(scope="module")
def province():
    made = make_province()
    made.release("p08", {policy_target("08"): b"{}"})
    return made


def a_change(province, name: str) -> ChangeFile:
    """Somebody joins the commune, and a file is prolonged beside it."""
    change = Change(province.held())
    change.add("c00694", new_signer().public_key)
    change.prolong(name)
    return ChangeFile(change.files(UtcTime(province.now + 1)))


@pytest.mark.parametrize("name", HIDDEN)
def test_what_the_review_does_not_say_is_never_signed(province, name):
    changed, hide = HIDDEN[name]
    made = a_change(province, changed)
    made.check(province.held(), UtcTime(province.now + HOUR))
    plain = json.loads(made.files[changed])
    hide(plain["signed"])
    made.files[changed] = json.dumps(plain).encode()
    with pytest.raises(ChangeError, match="do not sign it"):
        made.check(province.held(), UtcTime(province.now + HOUR))


def test_what_it_says_is_said(province):
    """The other half: each of these passes the check, and stands in the review."""
    change = Change(province.held())
    change.making.may_add_areas = True
    change.add("c00999", THIEF)
    change.reset_time(["loa-1"], province.now)
    change.prolong("g08-01")
    files = change.files(UtcTime(province.now + 1))
    metadata: Metadata[Any] = Metadata.from_bytes(files["g08-01"])
    metadata.signed.delegations.roles["h00694"].keyids.pop()
    metadata.signed.delegations.roles["c00694"].threshold = 2
    files["g08-01"] = metadata.to_bytes()
    made = ChangeFile(files)
    made.check(province.held(), UtcTime(province.now + HOUR))
    told = "\n".join(review(province.held(), made.files, Words.load("en")))
    for line in ("+ 08/00999 joins g08-02", "may sign: c00999", "may not sign any more: h00694",
                 "signatures needed: 1 → 2 (c00694", "clock reset for loa-1"):  # fmt: skip
        assert line in told, told
    assert FIELD in json.loads(made.files["targets"])["signed"]


def test_nothing_in_a_change_moves_the_cursor(province, tmp_path, capsys):
    """A name that wipes the line above it, or turns what follows, is shown as what it is."""
    made = a_change(province, "g08-01")
    plain = json.loads(made.files["g08-01"])
    plain["signed"]["\x1b[2K\x1b[1A\u202e"] = 1
    made.files["g08-01"] = json.dumps(plain).encode()
    made.write(tmp_path / "x.json")
    (tmp_path / "metadata").mkdir()
    for name, raw in province.files.items():
        (tmp_path / "metadata" / name).write_bytes(raw)
    (tmp_path / "root.json").write_bytes(province.root)
    here = ["--root", str(tmp_path / "root.json"), "--trust", str(tmp_path)]
    assert cli.run(["trust", "show", str(tmp_path / "x.json"), *here]) == 1
    said = capsys.readouterr()
    assert "⟨U+001B⟩[2K" in said.err
    assert not {"\x1b", "\u202e"} & set(said.out + said.err)
