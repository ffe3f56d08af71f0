"""A hub that lies: whatever it slips in is refused before anybody could sign it, and nothing it gave is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from provisioning.approval.context import StationConfig, open_station
from provisioning.approval.station import create_station
from provisioning.trusted import Truststore
from tests.builders import make_placement, make_province, new_signer
from tests.fakes.hub import PASSWORD, FakeHub, real_now, serving
from tests.provisioning.conftest import CHAIR, COMMUNE, PEOPLE, PORT, Browser, a_programme, put_sound
from wire.areas import placements_target, policy_target, programme_target
from wire.codec import encode
from wire.content import Item
from wire.enrolment import Placements
from wire.policy import Policy
from wire.proposal import proposal_digest
from wire.release import build_role, sign_role
from wire.units import DAY, MINUTE, UtcTime

PATH = programme_target(COMMUNE)
NO_FILE = {"length": 1, "hashes": {"sha256": "0" * 64}}


def submit(hub: FakeHub, *items: Item, **fields: Any) -> int:
    return hub.submit(COMMUNE, "programme", {PATH: encode(a_programme(COMMUNE, *items, **fields))})


def add_target(told: dict[str, Any], path: str, text: str) -> dict[str, Any]:
    told["targets"][path] = text
    told["digest"] = proposal_digest({path: text.encode() for path, text in told["targets"].items()})
    return told


def test_an_extra_target_is_not_even_shown(hub, browser):
    ident = submit(hub)
    policy = encode(Policy(COMMUNE, real_now())).decode()
    hub.lie_about_proposal = lambda told: add_target(told, policy_target(COMMUNE), policy)
    browser.sign_in(CHAIR)

    answer = browser.get(f"/api/pending/{ident}")

    assert (answer.status_code, answer.json["code"]) == (409, "foreign_target")
    assert policy_target(COMMUNE) in answer.json["detail"]


def test_a_proposal_for_the_neighbour_is_refused(hub, browser):
    ident = submit(hub)
    neighbour = encode(a_programme("08/00700")).decode()
    hub.lie_about_proposal = lambda told: add_target(told | {"targets": {}}, programme_target("08/00700"), neighbour)
    browser.sign_in(CHAIR)

    assert browser.get(f"/api/pending/{ident}").json["code"] == "foreign_target"


def test_another_role_than_the_kinds_is_refused(hub, browser):
    ident = submit(hub)
    hub.lie_about_proposal = lambda told: told | {"role": "p08"}
    browser.sign_in("binh")

    assert browser.get(f"/api/pending/{ident}").json["code"] == "foreign_target"


def test_a_digest_of_something_else_is_refused(hub, browser):
    ident = submit(hub)
    hub.lie_about_proposal = lambda told: told | {"digest": "0" * 64}
    browser.sign_in(CHAIR)

    assert browser.get(f"/api/pending/{ident}").json["code"] == "changed"


def test_a_programme_that_names_another_area_is_refused(hub, browser):
    ident = hub.submit(COMMUNE, "programme", {PATH: encode(a_programme("08/00700"))})
    browser.sign_in(CHAIR)

    shown = browser.look(ident)
    answer = browser.sign(ident, shown, CHAIR)

    assert shown["refusals"] == ["Nội dung này là của 08/00700, không phải của 08/00694."]
    assert (answer.status_code, answer.json["code"]) == (409, "refused")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda plain: plain.update(echo=True), "echo"),
        (lambda plain: plain["slots"][0].update(loudness=11), "slots[0].loudness"),
        (
            lambda plain: plain["slots"][0]["plays"].append({"kind": "hologram"}),
            "slot content: unknown kind 'hologram'",
        ),
    ],
)
def test_what_this_program_cannot_show_is_refused(hub, browser, change: Callable[[dict], None], where):
    plain = json.loads(encode(a_programme(COMMUNE)))
    change(plain)
    ident = hub.submit(COMMUNE, "programme", {PATH: json.dumps(plain).encode()})
    browser.sign_in(CHAIR)

    shown = browser.look(ident)

    assert shown["refusals"] == [f"Có phần mà phần mềm này không hiển thị được: {where}"]


def test_a_field_that_stands_twice_is_refused(hub, browser):
    raw = encode(a_programme(COMMUNE)).replace(b'"title":"', b'"title":"M\xe1\xbb\x99t","title":"', 1)
    ident = hub.submit(COMMUNE, "programme", {PATH: raw})
    browser.sign_in(CHAIR)

    assert browser.look(ident)["refusals"] == ["Có phần mà phần mềm này không hiển thị được: title"]


def test_a_programme_from_the_future_is_refused(hub, browser):
    ident = submit(hub, issued=UtcTime(real_now() + DAY))
    browser.sign_in(CHAIR)

    assert [line[:24] for line in browser.look(ident)["refusals"]] == ["Thời điểm lập ở tương la"]


def test_a_sound_of_another_content_is_refused(hub, browser):
    sound = put_sound(hub)
    other = bytearray(hub.blobs[sound.sha256])
    other[-1] ^= 1
    hub.blobs[sound.sha256] = bytes(other)
    ident = submit(hub, Item("tin-1", "Tiêm phòng", renditions=[sound]))
    browser.sign_in(CHAIR)

    shown = browser.look(ident)

    assert len(shown["refusals"]) == 1
    assert shown["refusals"][0].startswith("Bản âm thanh “Tiêm phòng” không đúng")
    assert browser.sign(ident, shown, CHAIR).json["code"] == "refused"
    assert browser.get(f"/api/sounds/{sound.sha256}").status_code == 409


def test_a_sound_that_is_missing_or_longer_is_refused(hub, browser):
    sound, long = put_sound(hub), put_sound(hub, tone_hz=700)
    del hub.blobs[sound.sha256]
    hub.blobs[long.sha256] += b"x"
    ident = submit(hub, Item("a", "Thiếu", renditions=[sound]), Item("b", "Dài", renditions=[long]))
    browser.sign_in(CHAIR)

    assert len(browser.look(ident)["refusals"]) == 2


# --- what a colleague is said to have signed ---


def colleague(hub: FakeHub, change: Callable[[Any], None] = lambda signed: None, issued: int | None = None):
    """A partly signed p08 file of binh for the policy that waits, changed before it was signed."""
    targets = hub.waiting[1].targets
    raw = build_role(hub.province.roles["p08"], "p08", targets, UtcTime(issued or real_now()))
    plain = json.loads(raw)
    change(plain["signed"])
    return sign_role(json.dumps(plain).encode(), hub.province.signers["binh"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda signed: signed.update(version=9), "version"),
        (lambda signed: signed.update(expires="2036-11-22T00:00:00Z"), "expires"),
        (lambda signed: signed["delegations"]["roles"].pop(), "delegations"),
        (lambda signed: signed["targets"].update({programme_target("08"): NO_FILE}), programme_target("08")),
        (lambda signed: signed.update(note="hello"), "note"),
    ],
)  # fmt: skip
def test_a_colleagues_file_that_says_more_is_refused(hub, browser, change, named):
    ident = hub.submit("08", "policy", {policy_target("08"): encode(Policy("08", real_now()))})
    hub.waiting[ident].metadata = colleague(hub, change)
    browser.sign_in("chi")

    shown = browser.look(ident)

    assert len(shown["refusals"]) == 1
    assert named in shown["refusals"][0]
    assert browser.sign(ident, shown, "chi").json["code"] == "refused"


def test_a_colleagues_file_from_the_future_is_refused(hub, browser):
    ident = hub.submit("08", "policy", {policy_target("08"): encode(Policy("08", real_now()))})
    hub.waiting[ident].metadata = colleague(hub, issued=real_now() + DAY)
    browser.sign_in("chi")

    assert len(browser.look(ident)["refusals"]) == 1


def test_a_commune_role_is_built_without_the_delegations_that_a_hub_adds(hub, browser):
    """The hub cannot add a delegation to a c-role: not by a colleague's file, and not by what it says is released."""
    ident = submit(hub)
    raw = json.loads(build_role(None, "c00694", hub.waiting[ident].targets, real_now()))
    raw["signed"]["delegations"] = {"keys": {}, "roles": []}
    evil = sign_role(json.dumps(raw).encode(), hub.province.signers["deputy-00694"])
    hub.waiting[ident].metadata = evil
    browser.sign_in(CHAIR)

    shown = browser.look(ident)
    hub.waiting[ident].metadata = None
    browser.sign(ident, browser.look(ident), CHAIR)

    assert "delegations" in shown["refusals"][0]
    released = hub.province.held(COMMUNE).roles["c00694"].signed
    assert released.delegations is None
    assert list(released.targets) == [PATH]


# --- what it says is released ---


def test_the_base_cannot_be_rolled_back(hub, station, browser):
    now = real_now()
    hub.province.publish_programme(COMMUNE, a_programme(COMMUNE, issued=UtcTime(now - 2 * MINUTE)))
    old = {"timestamp.json": hub.province.roles["timestamp"]}
    hub.province.publish_programme(COMMUNE, a_programme(COMMUNE, issued=UtcTime(now - MINUTE)))
    ident = submit(hub)
    browser.sign_in(CHAIR)
    assert browser.look(ident)["base_version"] == 2

    hub.lie_about_metadata = old
    restarted = open_station(station.config)
    again = Browser(create_station(restarted).test_client())
    again.sign_in(CHAIR)
    shown = again.look(ident)

    assert shown["base_version"] == 2
    assert len(shown["refusals"]) == 1
    assert "timestamp" in shown["refusals"][0]
    assert again.sign(ident, shown, CHAIR).json["code"] == "refused"


def test_releases_of_another_province_are_not_believed(hub, key_files, tmp_path):
    stranger = make_province(now=UtcTime(real_now() - MINUTE), known=key_files[1])
    config = StationConfig(hub.url, key_files[0], stranger.root, tmp_path / "state", PORT)
    browser = Browser(create_station(open_station(config)).test_client())
    answer = browser.post("/api/login", {"username": CHAIR, "password": PASSWORD})
    ident = submit(hub)
    browser.csrf = answer.json["csrf"]

    looked = browser.get(f"/api/pending/{ident}")

    assert answer.json["province"] is None
    assert looked.status_code == 409


def test_a_released_target_of_other_bytes_is_not_taken(hub, browser):
    hub.province.publish_programme(COMMUNE, a_programme(COMMUNE, issued=UtcTime(real_now() - MINUTE)))
    hub.lie_about_target = lambda raw: raw.replace(b"chieu", b"sangg")
    ident = submit(hub)
    browser.sign_in(CHAIR)

    answer = browser.get(f"/api/pending/{ident}")

    assert (answer.status_code, answer.json["code"]) == (409, "not_trusted")


def test_a_neighbours_broken_file_stops_nobody_else(key_files, tmp_path):
    province = make_province(now=UtcTime(real_now() - MINUTE), known=key_files[1])
    with serving(FakeHub(province, PEOPLE)) as hub:
        config = StationConfig(hub.url, key_files[0], province.root, tmp_path / "state", PORT)
        browser = Browser(create_station(open_station(config)).test_client())
        hub.lie_about_metadata = {"1.g08-02.json": b"{}"}
        ident = submit(hub)
        browser.sign_in(CHAIR)

        assert browser.look(ident)["refusals"] == []


def test_a_placement_whose_number_does_not_rise_is_refused(hub, browser):
    key = new_signer()
    hub.province.publish_placements(COMMUNE, [make_placement("loa-1", COMMUNE + "/01", key, n=4)])
    moved = Placements(COMMUNE, real_now(), [make_placement("loa-1", COMMUNE + "/02", key, n=4)])
    ident = hub.submit(COMMUNE, "placements", {placements_target(COMMUNE): encode(moved)})
    browser.sign_in("dang")

    assert browser.look(ident)["refusals"] == ["loa-1: số lần đặt 4 không lớn hơn 4"]


def test_a_damaged_state_file_starts_from_the_pinned_root(hub, tmp_path):
    store = Truststore(tmp_path, hub.province.root)
    (tmp_path / "trusted.json").write_bytes(b'{"pinned": ')

    again = Truststore(tmp_path, hub.province.root)

    assert again.held.root_fingerprint == store.held.root_fingerprint
    assert again.held.targets is None


def test_the_hubs_garbage_is_one_sentence(hub, browser):
    ident = submit(hub)
    hub.lie_about_proposal = lambda told: told | {"targets": 7}
    browser.sign_in(CHAIR)

    answer = browser.get(f"/api/pending/{ident}")

    assert answer.status_code == 502
    assert answer.json["detail"].startswith("Không liên lạc được với hệ thống thông tin nguồn.")
