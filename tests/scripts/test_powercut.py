"""Power cuts after every operation of a device's disk: nothing lost, and a fault that is planted is found."""

from __future__ import annotations

import pytest

from scripts.benches.cutting.disk import Disk, Kind, Op, crash_states, numbered
from scripts.benches.cutting.facts import Facts, Truth, judge
from scripts.benches.powercut import run

FIRST = {"a": b"old"}


def facts(**fields) -> Facts:
    empty = {
        "versions": {},
        "files": {},
        "in_force": {},
        "playable": {},
        "seen": {},
        "rows": {},
        "levels": {"em_floor": 0},
    }
    return Facts(chain="c", cancelled=frozenset(), **(empty | fields))


def states(*ops: Op, each: int = 12) -> list[dict[str, bytes]]:
    disk, told = numbered(ops, FIRST)
    return [state.tree for state in crash_states(disk, told, each=each, seed="s")]


def test_a_device_whose_power_fails_after_any_operation_has_lost_nothing():
    tally = run(rounds=1, each=4, seed="test", every=4)
    assert tally.findings == []
    assert (tally.bad, tally.states > 300, tally.distinct > 100) == (0, True, True)


@pytest.mark.parametrize(
    ("plant", "sort"),
    [("no-fsync", "lost"), ("in-place", "lost"), ("normal", "rolled_back"), ("no-journal", "does_not_start")],
)
def test_a_planted_fault_is_found(plant, sort):
    tally = run(rounds=0, each=4, seed="test", plant=plant, every=5)
    assert (tally.bad > 0, getattr(tally, sort) > 0) == (True, True)


def test_what_would_play_and_is_not_what_was_signed_is_found():
    truth = Truth({"a": 1, "b": 2}, frozenset({"s"}))
    found = facts(files={"c00694": "x"}, in_force={"p": "y"}, playable={"s": False, "t": True})
    assert judge(None, found, truth).unverified == ["metadata c00694", "target p", "sound s", "sound t"]


def test_what_was_acknowledged_and_went_back_is_found():
    truth = Truth({"a": 1, "b": 2}, frozenset())
    acked = facts(versions={"p08": 3}, in_force={"p": "b"}, seen={"e": 50}, rows={1: "r"}, levels={"em_floor": 9})
    found = facts(versions={"p08": 2}, in_force={"p": "a"}, levels={"em_floor": 8})
    verdict = judge(acked, found, truth)
    assert verdict.rolled_back == ["p08 v3", "em_floor of 9", "target p"]
    assert verdict.lost == ["row 1", "order e"]
    assert judge(acked, facts(versions={"p08": 3}, in_force={"p": "b"}, rows={1: "r"}, levels={"em_floor": 50}),
                 truth).is_bad is False  # fmt: skip


def test_what_was_synced_is_there_in_every_state():
    found = states(
        Op(Kind.CREATE, "b", node=9), Op(Kind.WRITE, "b", node=9, data=b"x" * 2_000), Op(Kind.SYNC, "b", node=9),
        Op(Kind.WRITE, "a", node=7, data=b"n"),
    )  # fmt: skip
    assert {tree["b"] for tree in found[-5:]} == {b"x" * 2_000}
    assert {tree["a"] for tree in found[-5:]} == {b"old", b"nld"}


def test_a_rename_without_fsync_may_leave_a_file_without_its_bytes():
    found = states(
        Op(Kind.CREATE, "a.tmp", node=9), Op(Kind.WRITE, "a.tmp", node=9, data=b"new"),
        Op(Kind.RENAME, "a.tmp", to="a"),
    )  # fmt: skip
    assert {tree["a"] for tree in found} >= {b"old", b"", b"new"}


def test_a_write_is_torn_where_sectors_end():
    found = states(Op(Kind.WRITE, "a", node=7, offset=500, data=b"y" * 1_000), each=60)
    lengths = {len(tree["a"]) for tree in found}
    assert lengths <= {3, 512, 1_024, 1_500}
    assert len(lengths) > 2


def test_names_come_in_their_order():
    found = states(Op(Kind.CREATE, "b", node=8), Op(Kind.RENAME, "b", to="c"), Op(Kind.UNLINK, "a"), each=40)
    assert {tuple(sorted(tree)) for tree in found} == {("a",), ("a", "b"), ("a", "c"), ("c",)}


def test_a_node_that_is_used_again_is_another_file():
    disk, ops = numbered([Op(Kind.CREATE, "b", node=9), Op(Kind.UNLINK, "b"), Op(Kind.CREATE, "c", node=9)], FIRST)
    assert len({op.node for op in ops if op.kind is Kind.CREATE}) == 2
    assert disk == Disk({"a": 0}, {0: bytearray(b"old")})
