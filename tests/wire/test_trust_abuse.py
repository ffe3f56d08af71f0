"""Metadata that is well signed and badly written, by holders of keys gone wrong: never a crash, never a mute device.

Each mutant changes some values of the signed part and is signed anew with the role's own keys.
"""

from __future__ import annotations

import copy
import json
import random

import pytest
from securesystemslib.exceptions import FormatError
from securesystemslib.formats import encode_canonical

from tests.builders import NOW, make_programme, make_province, make_template
from wire.errors import WireError
from wire.trust.authority import find_target, roles_of_key
from wire.trust.floor import expired_files, raised_floor
from wire.trust.held import load_held
from wire.trust.orders import verify_order

HOME = "08/00694"
DEVICE = f"{HOME}/02"
MUTANTS_PER_ROLE = 25
JUNK = [
    None, 0, -1, 1.5, 2**70, True, "", "x", "a" * 70, [], {}, [1], {"a": 1}, "../..", "00" * 32, [[]],
    "2026-01-01T00:00:00Z", "2026-13-01T00:00:00Z",
]  # fmt: skip


@pytest.fixture(scope="module")
def scene():
    """A province with a device that holds its first version, and a second version of each role to be mutated."""
    province = make_province()
    province.publish_programme(HOME, make_programme(HOME))
    template = make_template()
    province.publish_template(template)
    held = province.held(DEVICE)
    province.publish_programme(HOME, make_programme(HOME, issued=NOW + 1))
    for role in ("targets", "tpl", "p08", "g08-01", "h00694"):
        province.release(role)
    province.files["2.root.json"] = province.revise("root", lambda signed: None)
    return province, held, province.start_alert(HOME, template), dict(province.files)


def spots(value):
    """Every place in nested dicts and lists, as (holder, key)."""
    inner = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [(value, key) for key, _ in inner] + [spot for _, child in inner for spot in spots(child)]


def mutate(value, chance):
    holder, key = chance.choice(spots(value))
    if chance.random() < 0.8:
        holder[key] = copy.deepcopy(chance.choice(JUNK))
    else:
        del holder[key]


def sign(province, role, signed):
    payload = encode_canonical(signed).encode()
    online = [province.signers[role]] if role in ("snapshot", "timestamp") else province.holders(role)
    return [{"keyid": s.public_key.keyid, "sig": s.sign(payload).signature} for s in online]


def mutants(province, role, raw, seed):
    """Files of a role with one or two values changed, signed by everybody who may."""
    chance = random.Random(f"{role} {seed}")  # noqa: S311 - reproducible, not secret
    while True:
        whole = json.loads(raw)
        for _ in range(chance.choice([1, 1, 2])):
            mutate(whole["signed"], chance)
        try:
            whole["signatures"] = sign(province, role, whole["signed"])
        except FormatError:
            continue  # a float: nobody can sign it
        yield json.dumps(whole).encode()


NAMES = {
    "root": "2.root.json", "timestamp": "timestamp.json", "snapshot": "8.snapshot.json", "targets": "2.targets.json",
    "p08": "2.p08.json", "g08-01": "2.g08-01.json", "c00694": "2.c00694.json", "h00694": "2.h00694.json",
    "tpl": "2.tpl.json",
}  # fmt: skip


@pytest.mark.parametrize("role", sorted(NAMES))
def test_no_well_signed_nonsense_crashes_a_device_or_survives_only_until_its_next_boot(scene, role):
    province, held, alert, good = scene
    making = mutants(province, role, good[NAMES[role]], seed=1)
    for _ in range(MUTANTS_PER_ROLE):
        province.files = {**good, NAMES[role]: next(making)}
        after = province.refresh(held, DEVICE).held
        assert load_held(after.files, after.versions)[0].files == after.files
        assert raised_floor(after, NOW) >= NOW
        expired_files(after, NOW)
        find_target(after, f"areas/{HOME}/programme.json")
        roles_of_key(after, "x")
        try:
            verify_order(alert, after, floor=NOW)
        except WireError:
            continue


def test_the_second_versions_are_what_a_device_would_take(scene):
    """Else the mutants above would never be read."""
    province, held, _, good = scene
    province.files = dict(good)
    outcome = province.refresh(held, DEVICE)
    assert set(NAMES) - set(outcome.installed) == set()
