"""The authority table is whole, stands in SECURITY.md, and what makes sound is never the hub's to order."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.sync.receive import COMMANDS
from wire.alert import Cancel, Start
from wire.obeyed import ANYBODY, AUTHORITY
from wire.programme import PlayLive, PlayRelay
from wire.topics import EMERGENCY, LIVE, LOGGED, VERSIONS
from wire.trust.layout import EMERGENCY_KINDS, FILELESS_KINDS

SECURITY = Path(__file__).resolve().parents[2] / "SECURITY.md"
NAMES = [name for row in AUTHORITY for name in row.names]


def test_every_command_topic_role_and_kind_has_one_row():
    roles = {"root", "timestamp", "snapshot", "targets", "p", "g", "h", "c", "d", "tpl", "sw"}
    topics = {topic.name for topic in (LOGGED, VERSIONS, EMERGENCY, LIVE)}
    kinds = {msgspec.json.decode(msgspec.json.encode(kind))["kind"] for kind in (
        Start("ea08", "08", "t", "0" * 64, {}, 0, 1), Cancel("ea08", "08", [], 0, 1),
    )} | {kind.__struct_config__.tag for kind in (PlayRelay, PlayLive)}  # fmt: skip
    assert roles | EMERGENCY_KINDS | FILELESS_KINDS | topics | kinds | set(COMMANDS) <= set(NAMES)
    assert len(NAMES) == len(set(NAMES))


def test_the_hub_orders_no_sound():
    loud = [row for row in AUTHORITY if row.makes_sound]
    assert {name for row in loud for name in row.names} >= {"p", "c", "ea", "ef", "ed"}
    assert [row for row in loud if row.signed_by == ANYBODY or "hub" in row.ordered_by + row.signed_by] == []
    assert [row.stolen_hub for row in loud if "nothing" not in row.stolen_hub] == []


def test_the_table_stands_in_security_md():
    lines = [
        f"| {row.message} | {row.ordered_by} | {row.signed_by} | {row.does} | {row.stolen_hub} |" for row in AUTHORITY
    ]
    text = SECURITY.read_text()
    assert [line for line in lines if line not in text] == []
