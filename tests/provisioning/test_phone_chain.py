"""The phone's walk down the chain of trust against wire/trust: what is taken, and why the rest is refused.

Cases are made by `wire` and python-tuf as the test runs, and judged by both, the JavaScript in a real browser.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page
from securesystemslib.signer import Key
from tuf.api.metadata import DelegatedRole, Delegations, TargetFile

from tests.builders import make_programme, make_province, new_signer
from tests.fakes.hub import real_now
from tests.provisioning.phone_cases import COMMUNE, OTHER, PATH, PHONE, ROLE, b64
from wire.areas import programme_target
from wire.trust.expiry import OfflineRules
from wire.trust.floor import raised_floor
from wire.trust.held import pin_root
from wire.trust.layout import parse_role_name
from wire.trust.passkey import passkey_from
from wire.trust.refresh import refresh, run
from wire.units import DAY, HOUR, UtcTime


class PhoneScope:
    """What a phone keeps: the province, its groups, one commune."""

    def wants(self, delegation: DelegatedRole, province: str) -> bool:
        role = parse_role_name(delegation.name, province)
        return role is not None and (role.kind in ("p", "g") or (role.kind == "c" and role.area == COMMUNE))


def lists(path: str) -> Callable[[Any], object]:
    return lambda signed: signed.targets.update({path: TargetFile(2, {"sha256": "a" * 64}, path)})


def delegates(name: str, paths: list[str]) -> Callable[[Any], object]:
    def edit(signed: Any) -> None:
        signed.delegations = signed.delegations or Delegations({}, {})
        signed.delegations.roles[name] = DelegatedRole(name, [], 1, terminating=True, paths=paths)
        signed.add_key(new_signer().public_key, name)

    return edit


def twin(signed: Any) -> None:
    key = next(iter(signed.delegations.keys.values()))
    signed.delegations.keys["f" * 64] = Key.from_dict("f" * 64, key.to_dict())
    signed.delegations.roles[ROLE].keyids.append("f" * 64)


def passkey_twin(signed: Any) -> None:
    again = passkey_from(PHONE.public_key.keyval["public"], PHONE.public_key.rpid, ["https://duyet.loa.test:9"])
    signed.add_key(again, ROLE)


REVISIONS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "nothing": (ROLE, lambda _: None),
    "c lists a neighbour's": (ROLE, lists(f"areas/{OTHER}/programme.json")),
    "c lists placements": (ROLE, lists(f"areas/{COMMUNE}/placements.json")),
    "c lists something more": (ROLE, lists(f"areas/{COMMUNE}/programme.json.x")),
    "c delegates": (ROLE, delegates("c00700", [programme_target(OTHER)])),
    "g lists a target": ("g08-01", lists(PATH)),
    "g delegates a stranger": ("g08-01", delegates("c99999", ["areas/08/99999/programme.json"])),
    "g gives c another's path": ("g08-01", lambda s: s.delegations.roles[ROLE].paths.append(programme_target(OTHER))),
    "g has a kind of later": ("g08-01", delegates("z1", ["z/*"])),
    "g with one key under two ids": ("g08-01", twin),
    "g with one passkey under two ids": ("g08-01", passkey_twin),
    "g gives a phone an emergency role": ("g08-01", lambda s: s.add_key(PHONE.public_key, "ef00694")),
    "g revokes all who signed c": ("g08-01", lambda s: s.delegations.roles[ROLE].keyids.clear()),
    "g raises the threshold": ("g08-01", lambda s: setattr(s.delegations.roles[ROLE], "threshold", 3)),
    "p with a commune in two groups": (
        "p08",
        lambda s: s.delegations.roles["g08-02"].paths.extend(s.delegations.roles["g08-01"].paths),
    ),
    "p with a group of another province": (
        "p08",
        lambda s: s.delegations.roles["g08-01"].paths.append("areas/09/00001/*"),
    ),
    "targets with two provinces": ("targets", delegates("p09", ["areas/09/*"])),
    "targets gives a phone the province": ("targets", lambda s: s.add_key(PHONE.public_key, "p08")),
    "g has expired": ("g08-01", lambda s: setattr(s, "expires", s.expires.replace(year=2001))),
    "c leaps in its version": (ROLE, lambda s: setattr(s, "version", s.version + 2_000_000)),
}

REFRESH = """async ([root, first, second, communes, clock]) => {
  const { pinRoot, refresh, loadHeld, filesOf } = await import("./js/chain.js");
  const { fromBase64 } = await import("./js/bytes.js");
  const from = (files) => async (name) => (files[name] ? fromBase64(files[name]) : null);
  const wanted = { communes: new Set(communes), clock };
  const before = await refresh(await pinRoot(fromBase64(root)), { ...wanted, fetchFile: from(first) });
  const reloaded = await loadHeld(filesOf(before.held), before.held.versions, before.held.floor);
  const after = await refresh(reloaded, { ...wanted, fetchFile: from(second) });
  const told = ({ held, refusals }) => ({
    refusals: refusals.map(({ role, code }) => [role, code]),
    roles: Object.fromEntries(Object.values(held.roles).map((file) => [file.name, file.version])),
    versions: held.versions, root: held.root.version, floor: held.floor,
  });
  return [told(before), told(after)];
}"""


def by_wire(root: bytes, first: dict[str, bytes], second: dict[str, bytes], clock: int) -> list[dict[str, Any]]:
    held, floor, told = pin_root(root), UtcTime(0), []
    for files in (first, second):
        outcome = run(
            refresh(held, scope=PhoneScope(), floor=floor, rules=OfflineRules(grace_ms=3_650 * DAY)),
            lambda wanted, files=files: files.get(wanted.name),
        )
        held, floor = outcome.held, raised_floor(outcome.held, floor, UtcTime(clock))
        told.append(
            {
                "refusals": [[one.role, one.code] for one in outcome.refusals],
                "roles": {name: file.version for name, file in held.roles.items()},
                "versions": dict(held.versions),
                "root": held.root.version,
                "floor": floor,
            }
        )
    return told


def compared(phone_page: Page, root: bytes, first: dict[str, bytes], second: dict[str, bytes]) -> list[dict[str, Any]]:
    """What both say to a first refresh from nothing and a second over `second`, once they say the same."""
    clock = real_now()
    told = [{name: b64(raw) for name, raw in files.items()} for files in (first, second)]
    made = phone_page.evaluate(REFRESH, [b64(root), *told, [COMMUNE], clock])
    assert made == by_wire(root, first, second, clock)
    return made


@pytest.fixture
def fresh():
    built = make_province(now=UtcTime(real_now() - HOUR), c00694=2)
    built.publish({"g08-01": built.revise("g08-01", lambda signed: signed.add_key(PHONE.public_key, ROLE))})
    built.publish_programme(COMMUNE, make_programme(COMMUNE))
    return built


@pytest.mark.parametrize("name", REVISIONS)
def test_a_new_file_is_taken_or_refused_alike(phone_page, fresh, name):
    first = dict(fresh.files)
    role, edit = REVISIONS[name]
    fresh.publish({role: fresh.revise(role, edit)})
    _before, after = compared(phone_page, fresh.root, first, fresh.files)

    assert (after["refusals"] == []) is (name in ("nothing", "g has a kind of later")), after["refusals"]


@pytest.mark.parametrize("names", [["chair-00694"], ["chair-00694", "chair-00700"], ["chair-00700", "binh"], []])
def test_too_few_signatures_are_refused_alike(phone_page, fresh, names):
    first = dict(fresh.files)
    fresh.publish({ROLE: fresh.revise(ROLE, lambda _: None, [fresh.signers[name] for name in names])})
    assert compared(phone_page, fresh.root, first, fresh.files)[1]["refusals"] == [[ROLE, "bad_signature"]]


def test_a_phones_signature_counts_towards_the_threshold_alike(phone_page, fresh):
    first = dict(fresh.files)
    fresh.publish({ROLE: fresh.revise(ROLE, lambda _: None, [PHONE, fresh.signers["chair-00694"]])})
    after = compared(phone_page, fresh.root, first, fresh.files)[1]
    assert (after["refusals"], after["roles"][ROLE]) == ([], 2)


def test_a_hub_that_rolls_back_is_refused_alike(phone_page, fresh):
    old = dict(fresh.files)
    fresh.publish_programme(COMMUNE, make_programme(COMMUNE))
    after = compared(phone_page, fresh.root, fresh.files, old)[1]
    assert after["refusals"] == [["timestamp", "out_of_date"]]
    assert after["roles"][ROLE] == 2


def test_a_missing_and_a_damaged_file_are_refused_alike(phone_page, fresh):
    fresh.publish_programme(COMMUNE, make_programme(COMMUNE))
    name = f"2.{ROLE}.json"
    without = {one: raw for one, raw in fresh.files.items() if one != name}
    damaged = {**fresh.files, name: fresh.files[name].replace(b'"length":', b'"length" :')}
    broken = {**fresh.files, "timestamp.json": fresh.files["timestamp.json"][:-1]}

    assert compared(phone_page, fresh.root, without, fresh.files)[0]["refusals"] == [[ROLE, "missing"]]
    compared(phone_page, fresh.root, damaged, fresh.files)
    assert compared(phone_page, fresh.root, fresh.files, broken)[1]["refusals"] == [["timestamp", "malformed"]]


@pytest.mark.parametrize("signers", [["binh", "chi"], ["binh"], ["dang", "chair-00694"]])
def test_a_new_root_with_new_online_keys_is_judged_alike(phone_page, fresh, signers):
    first, online = dict(fresh.files), new_signer()
    fresh.signers |= {"snapshot": online, "timestamp": online}

    def edit(signed: Any) -> None:
        for name in ("snapshot", "timestamp"):
            signed.revoke_key(signed.roles[name].keyids[0], name)
            signed.add_key(online.public_key, name)

    for one in ("snapshot", "timestamp"):
        fresh.roles.pop(one)
    fresh.publish({"root": fresh.revise("root", edit, [fresh.signers[name] for name in signers])})
    after = compared(phone_page, fresh.root, first, fresh.files)[1]
    assert after["root"] == (2 if signers == ["binh", "chi"] else 1)
