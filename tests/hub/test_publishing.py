"""A change is submitted, signed by others than its author, released, and is then what devices fetch."""

from __future__ import annotations

import pytest

from hub import audit, outbox
from hub.devices import actions as devices
from hub.errors import BadInputError, ChangedError, ConfigError, NotAllowedError, NotFoundError
from hub.publishing import actions, repository, store
from hub.publishing.intake import take_trust
from hub.publishing.model import State
from hub.publishing.release import prolong_online
from provisioning.trust.change_file import ChangeFile
from provisioning.trust.changes import ONLINE, Change
from tests.builders import make_programme, make_province, make_sound, new_signer
from tests.hub.conftest import COMMUNE, OTHER, SYSTEM, version_of, write_trust
from wire.codec import encode
from wire.content import Item
from wire.enrolment import read_placements
from wire.errors import BadSignatureError, MalformedError
from wire.errors import NotAllowedError as WireNotAllowedError
from wire.programme import PlayItem, Recurrence, Slot
from wire.release import build_role, sign_role
from wire.telemetry import read_versions
from wire.trust.authority import find_target
from wire.trust.expiry import NETWORK
from wire.trust.held import pin_root
from wire.trust.refresh import refresh, run
from wire.trust.scope import DeviceScope
from wire.units import DAY, HOUR, UtcTime

PATH = f"areas/{COMMUNE}/programme.json"


def programme(area: str = COMMUNE, **fields) -> dict[str, bytes]:
    return {f"areas/{area}/programme.json": encode(make_programme(area, **fields))}


def slot(**fields) -> Slot:
    return Slot(**{"id": "s1", "title": "Sáng", "start_ms": 6 * HOUR, "length_ms": HOUR, "plays": [],
                   "when": Recurrence(first="2026-11-23"), **fields})  # fmt: skip


def released(box, path: str = PATH) -> bytes | None:
    with box.hub.reading() as conn:
        return repository.current_target(conn, path)


def device_held(box, area: str, *, before=None):
    """What a device at an area accepts from this hub, by the rules of `wire.trust`."""

    def fetch(wanted):
        number, _, role = wanted.name.removesuffix(".json").partition(".")
        with box.hub.reading() as conn:
            if role:
                return repository.role_file(conn, role, int(number))
            return repository.current_role(conn, number)[1]

    held = before or pin_root(box.province.root)
    steps = refresh(held, scope=DeviceScope(area), floor=box.clock(), rules=NETWORK)
    outcome = run(steps, fetch)
    assert not outcome.refusals, outcome.refusals
    return outcome.held


def test_two_of_two_release_what_a_device_then_accepts(box):
    ident = box.submit(COMMUNE, "programme", programme())
    assert box.sign(ident, "chair-00694") is State.WAITING
    assert released(box) is None
    assert box.sign(ident, "deputy-00694") is State.RELEASED
    held = device_held(box, COMMUNE + "/02")
    target = find_target(held, PATH)
    target.check(released(box))
    assert (target.role, target.version) == ("c00694", 1)


def test_a_release_nudges_the_area_alone_with_the_versions_that_are_served(box):
    ident = box.submit(COMMUNE, "programme", programme())
    box.sign(ident, "chair-00694")
    box.sign(ident, "deputy-00694")
    [(topic, body)] = box.waiting_messages()
    with box.hub.reading() as conn:
        timestamp = repository.current_role(conn, "timestamp")[0]
        assert [m.topic for m in outbox.retained(conn)] == ["loa/1/ar/08.00694/ver"]
    assert (topic, read_versions(body).timestamp) == ("loa/1/ar/08.00694/ver", timestamp)


def test_nobody_signs_their_own_work(box):
    box_person = box.person("chair-00694")
    targets = programme()
    ident = actions.submit(
        box.hub, box.person("mai"), area=COMMUNE, kind="programme", targets=targets, title="x",
        authors=["chair-00694"],
    )  # fmt: skip
    with pytest.raises(actions.OwnWorkError):
        box.sign(ident, box_person.username)
    with box.hub.reading() as conn:
        (row, *_) = audit.latest(conn, [COMMUNE])
    assert (row["verb"], row["person"], row["subject"]) == ("sign-refused", "chair-00694", f"proposal {ident}")
    assert row["detail"].startswith("own_work")


def test_a_changed_proposal_is_not_released_by_a_signature_on_the_old_one(box):
    ident = box.submit(COMMUNE, "programme", programme())
    old = box.signed_role(ident, "chair-00694")
    newer = box.submit(COMMUNE, "programme", programme(withdrawn=["tin"]))
    with pytest.raises(ChangedError):
        box.sign(ident, "chair-00694", role_file=old)
    with pytest.raises(ChangedError):
        box.sign(newer, "chair-00694", digest="0" * 64)
    with box.hub.reading() as conn:
        assert store.get(conn, ident).state is State.SUPERSEDED


def test_the_same_person_twice_is_no_second_signature(box):
    ident = box.submit(COMMUNE, "programme", programme())
    box.sign(ident, "chair-00694")
    with pytest.raises(BadSignatureError):
        box.sign(ident, "chair-00694")
    assert released(box) is None


def test_a_key_of_somebody_else_is_not_taken_from_me(box):
    ident = box.submit(COMMUNE, "programme", programme())
    deputys = box.signed_role(ident, "deputy-00694")
    with pytest.raises(NotAllowedError):
        box.sign(ident, "chair-00694", role_file=deputys)


def test_a_neighbours_key_does_not_count(box):
    ident = box.submit(COMMUNE, "programme", programme())
    with pytest.raises(BadSignatureError):
        box.sign(ident, "chair-00694", role_file=box.signed_role(ident, "chair-00700"))
    with pytest.raises(NotFoundError):
        box.sign(ident, "chair-00700")


def test_a_role_file_with_anything_else_in_it_is_refused(box):
    ident = box.submit(COMMUNE, "programme", programme())
    more = {PATH: programme()[PATH], f"areas/{COMMUNE}/policy.json": b"{}"}
    smuggled = sign_role(build_role(None, "c00694", more, box.clock()), box.province.signers["chair-00694"])
    with pytest.raises(WireNotAllowedError, match=r"policy\.json"):
        box.sign(ident, "chair-00694", role_file=smuggled)


def test_a_second_release_goes_on_from_the_first(box):
    for number in (1, 2):
        ident = box.submit(COMMUNE, "programme", programme(issued=UtcTime(box.clock() + number)))
        box.clock.at += DAY
        box.sign(ident, "chair-00694")
        box.sign(ident, "deputy-00694")
    with box.hub.reading() as conn:
        assert repository.current_role(conn, "c00694")[0] == 2
        assert repository.role_file(conn, "c00694", 1) is not None
    assert find_target(device_held(box, COMMUNE), PATH).version == 2


def test_signatures_made_on_top_of_an_older_release_are_void(box):
    policy = {f"areas/{COMMUNE}/policy.json": encode({"area": COMMUNE, "issued": box.clock()})}
    first, second = box.submit(COMMUNE, "programme", programme()), box.submit(COMMUNE, "policy", policy)
    box.sign(second, "chair-00694")
    box.sign(first, "chair-00694")
    box.sign(first, "deputy-00694")
    with box.hub.reading() as conn:
        assert store.get(conn, second).signers == ()
    box.clock.at += 1_000
    box.sign(second, "chair-00694")
    assert box.sign(second, "deputy-00694") is State.RELEASED


def test_returning_says_why_and_ends_it(box):
    ident = box.submit(COMMUNE, "programme", programme())
    with pytest.raises(BadInputError):
        actions.return_proposal(box.hub, box.person("chair-00694"), ident, "  ")
    actions.return_proposal(box.hub, box.person("chair-00694"), ident, "Sai giờ")
    with box.hub.reading() as conn:
        proposal = store.get(conn, ident)
    assert (proposal.state, proposal.reason, proposal.closed_by) == (State.RETURNED, "Sai giờ", "chair-00694")
    with pytest.raises(ChangedError):
        box.sign(ident, "chair-00694")


@pytest.mark.parametrize(
    ("targets", "error", "words"),
    [
        ({PATH: b"no json"}, MalformedError, "not JSON"),
        ({f"areas/{OTHER}/programme.json": b"{}"}, BadInputError, "does not belong"),
        ({f"areas/{COMMUNE}/../x/programme.json": b"{}"}, BadInputError, "does not belong"),
        ({PATH: encode(make_programme(OTHER))}, BadInputError, "written for 08/00700"),
        (programme(issued=UtcTime(1_770_000_000_000), play_until=UtcTime(1_780_000_000_000)), BadInputError, "past"),
        (programme(slots=[slot(targets=["area:08/00700"])]), BadInputError, "08/00700 is not below"),
        (programme(slots=[slot(plays=[PlayItem(OTHER, "tin")])]), BadInputError, "no area above"),
        (programme(slots=[slot(plays=[PlayItem(COMMUNE, "tin")])]), BadInputError, "missing"),
        (programme(slots=[slot(id=f"s{n}") for n in range(201)]), MalformedError, "200"),
        (programme(items=[Item("tin", "Tin", renditions=[make_sound("nowhere")])]), BadInputError, "recording"),
        ({}, BadInputError, "not known"),
    ],
)  # fmt: skip
def test_what_devices_would_refuse_is_never_put_up(box, targets, error, words):
    with pytest.raises(error, match=words):
        box.submit(COMMUNE, "programme", targets)
    with box.hub.reading() as conn:
        assert store.find(conn) == []


def test_only_editors_of_the_area_submit(box):
    for stranger in ("outsider", "vy", "chair-00694", "dang"):
        with pytest.raises(NotAllowedError):
            box.submit(COMMUNE, "programme", programme(), by=stranger)
    assert box.submit(COMMUNE, "programme", programme(), by="ha") > 0


def test_each_sees_only_what_the_own_key_may_sign(box):
    ident = box.submit(COMMUNE, "programme", programme())

    def seen(name):
        return [s.proposal.id for s in actions.signable(box.hub, box.person(name))]

    assert seen("chair-00694") == seen("deputy-00694") == [ident]
    assert seen("chair-00700") == seen("mai") == seen("binh") == seen("dang") == []


def test_a_placement_is_signed_by_the_registrar_and_calls_the_device(box):
    box.add_cluster()
    box.add_device("loa-1")
    box.place()
    topics = [topic for topic, _ in box.waiting_messages()]
    assert topics == ["loa/1/ar/08.00694/ver", "loa/1/dn/loa-1/cmd"]
    target = find_target(device_held(box, COMMUNE), f"areas/{COMMUNE}/placements.json")
    assert target.role == "d08"


def test_two_devices_waiting_for_places_do_not_lose_one_another(box):
    box.add_cluster()
    box.add_device("loa-1")
    box.add_device("loa-2")
    box.place()
    placed = read_placements(released(box, f"areas/{COMMUNE}/placements.json")).placements
    assert [p.device for p in placed] == ["loa-1", "loa-2"]


def test_a_device_that_moves_leaves_its_old_commune_and_n_rises(box):
    box.add_cluster()
    box.add_cluster("cl-2", OTHER + "/01")
    box.add_device("loa-1")
    box.place()
    devices.propose_placement(box.hub, SYSTEM, "loa-1", cluster="cl-2")
    box.clock.at += 1_000
    box.place()
    box.clock.at += 1_000
    box.place()
    old = read_placements(released(box, f"areas/{COMMUNE}/placements.json"))
    new = read_placements(released(box, f"areas/{OTHER}/placements.json"))
    assert (old.of("loa-1"), new.of("loa-1").n) == (None, 2)


def test_the_timestamp_is_prolonged_in_time_and_not_more_often(box):
    assert prolong_online(box.hub) is False
    box.clock.at += DAY + HOUR
    assert prolong_online(box.hub) is True
    with box.hub.reading() as conn:
        assert repository.current_role(conn, "timestamp")[0] == 2
        assert repository.current_role(conn, "snapshot")[0] == 1
    box.clock.at += 10 * DAY
    assert prolong_online(box.hub) is True
    with box.hub.reading() as conn:
        assert repository.current_role(conn, "snapshot")[0] == 2
    assert device_held(box, COMMUNE).snapshot.version == 2


def test_metadata_with_foreign_online_keys_is_refused_whole(box, tmp_path):
    with pytest.raises(ConfigError):
        take_trust(box.hub, write_trust(make_province(), tmp_path / "other"))
    assert version_of(device_held(box, COMMUNE).root.raw) == 1
    assert prolong_online(box.hub, force=True) is True
    assert device_held(box, COMMUNE).snapshot.version == 2, "with the keys that it had"


def test_a_new_hubs_keys_begin_anew_and_devices_that_were_fast_forwarded_follow(box, tmp_path):
    """`evict-hub` into the same database, cleaned: what the old keys had said is forgotten on both sides."""
    prolong_online(box.hub, force=True)
    before = device_held(box, COMMUNE)
    assert before.snapshot.version == 2
    province = box.province
    held = province.held()
    change = Change(held)
    signers = {name: new_signer() for name in ONLINE}
    change.replace_online({name: signer.public_key for name, signer in signers.items()})
    made = ChangeFile(change.files(UtcTime(province.now + HOUR)))
    for name in ("binh", "chi"):
        made.sign(held, province.signers[name])
    made.finish(held, tmp_path)
    (tmp_path / "online").mkdir()
    for name, signer in signers.items():
        (tmp_path / "online" / f"{name}.pem").write_bytes(signer.private_bytes)
    assert take_trust(box.hub, tmp_path) == 1
    after = device_held(box, COMMUNE, before=before)
    assert (after.root.version, after.snapshot.version, after.timestamp.version) == (2, 1, 1)
    assert prolong_online(box.hub, force=True) is True
    assert device_held(box, COMMUNE, before=after).snapshot.version == 2
