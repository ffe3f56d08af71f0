"""Refresh, fetch and switch against a hub on loopback: own path only, verified, complete before it counts."""

from __future__ import annotations

import queue
import threading

import msgspec
import pytest

from edge.errors import DiskFullError, FetchError, WrongContentError
from edge.plan.inputs import situation_of
from edge.supply_line import Hauled, StickOutcome, Supply, SupplyLine, Tell
from edge.sync.fetch import HttpFetcher, HubSource
from tests.edge.test_fetch import DrippingHub
from tests.edge.world import NOW, World, daily, wait_for
from wire.codec import encode
from wire.policy import Policy
from wire.programme import Offers, PlayItem, PlaySeries, Series
from wire.trust.expiry import NETWORK
from wire.units import HOUR, UtcTime

COMMUNE = "08/00694"
HAMLET = "08/00694/02"
PROGRAMME = "areas/08/00694/programme.json"


class Device:
    """One device's parts and its supply line, stepped by the test."""

    def __init__(self, world: World, name: str = "loa-1", **config) -> None:
        self.parts = world.device(name, **config)
        self.parts.clock.limit(floor=world.province.now, ceiling=UtcTime(2**53), floor_ceiling=UtcTime(2**53))
        self.told: queue.Queue[object] = queue.Queue()
        self.supply: Supply | None = None
        tell = Tell(self.told.put, self.told.put, self.told.put, self.told.put, self.told.put)
        parts = self.parts
        self.line = SupplyLine(
            me=parts.me, trust=parts.trust, library=parts.library, cache=parts.cache, syncer=parts.syncer,
            clock=parts.clock, fetcher=HttpFetcher(world.hub.url), tell=tell, failed=lambda *e: self.told.put(e),
        )  # fmt: skip
        self.source = HubSource(HttpFetcher(world.hub.url))

    def refresh(self, hint: str = ""):
        report = self.parts.syncer.refresh(self.source, NETWORK, hint=hint)
        self.supply = self.line.load()
        return report

    def haul(self):
        error = self.line._take_blobs(self.source, self.supply.missing)
        settled = threading.Event()
        self.line._sync.submit(settled.set)     # the library has one owner at a time
        assert settled.wait(10)
        self.supply = self.line.load()
        return error

    @property
    def programme(self):
        return self.supply.holdings.programmes.get(COMMUNE)

    @property
    def items(self):
        return [item.id for item in self.programme.items] if self.programme else None

    def close(self):
        self.line.stop()


@pytest.fixture
def device(world):
    world.place("loa-1", HAMLET)
    device = Device(world)
    yield device
    device.close()


def say(world: World, *idents: str, **fields):
    items = [world.item(ident, world.sound(1_000, hz=300 + 40 * n)) for n, ident in enumerate(idents)]
    plays = [PlayItem(COMMUNE, ident) for ident in idents]
    return world.say(COMMUNE, items=items, slots=[daily(UtcTime(NOW + HOUR), "sang", *plays)], **fields)


def say_long(world: World):
    item = world.item("lon", world.sound(120_000, hz=777))
    return world.say(COMMUNE, items=[item], slots=[daily(UtcTime(NOW + HOUR), "sang", PlayItem(COMMUNE, "lon"))])


def test_a_device_finds_its_place_and_fetches_its_own_path_only(world, device):
    world.say("08/00700")
    say(world, "tin-1")
    device.refresh()
    assert device.parts.syncer.placement.cluster == "cl-loa-1"
    assert sorted(device.parts.library.accepted) == ["areas/08/00694/placements.json", PROGRAMME]
    assert [path for path in world.hub.requests if "00700" in path] == []


def test_a_programme_comes_into_force_when_its_content_is_here(world, device):
    say(world, "tin-1")
    device.refresh()
    assert (device.programme, len(device.supply.missing)) == (None, 1)
    assert device.haul() is None
    assert (device.items, device.supply.missing) == (["tin-1"], ())


def test_the_old_programme_goes_on_until_the_new_one_is_complete(world, device):
    say(world, "tin-1")
    device.refresh()
    device.haul()
    say(world, "tin-1", "tin-2")
    device.refresh()
    assert (device.items, list(device.supply.holdings.waiting)) == (["tin-1"], [COMMUNE])
    device.haul()
    assert (device.items, list(device.supply.holdings.waiting)) == (["tin-1", "tin-2"], [])


def test_a_withdrawal_does_not_wait_for_content(world, device):
    say(world, "tin-1")
    device.refresh()
    device.haul()
    say(world, "tin-2", withdrawn=["tin-1"])
    device.refresh()
    assert (device.items, device.programme.withdrawn) == (["tin-1"], ["tin-1"])


def test_a_policy_is_in_force_at_once(world, device):
    say(world, "tin-1")
    world.province.publish_policy(COMMUNE, Policy(COMMUNE, world.province.now, max_volume=30))
    device.refresh()
    situation = situation_of(device.supply.holdings, serial="serial-loa-1")
    assert [policy.max_volume for policy in situation.policies] == [30]


def test_the_next_provincial_bulletin_plays_in_the_slot_signed_before_it(world, device):
    def offer(*idents):
        items = [world.item(i, world.sound(1_000, hz=500 + n), valid_from=UtcTime(n)) for n, i in enumerate(idents)]
        world.say("08", items=items, offers=Offers(series=[Series("ban-tin", "Bản tin tỉnh", list(idents))]))

    world.say(COMMUNE, slots=[daily(UtcTime(NOW + HOUR), "sang", PlaySeries("08", "ban-tin"))])
    offer("ngay-1")
    device.refresh()
    device.haul()
    first = device.supply.holdings.programmes["08"]
    offer("ngay-1", "ngay-2")
    device.refresh()
    assert device.supply.holdings.programmes["08"] == first
    device.haul()
    assert [item.id for item in device.supply.holdings.programmes["08"].items] == ["ngay-1", "ngay-2"]


# -- content that breaks off, lies, or does not fit --


@pytest.mark.parametrize("cut_at", [1, 977, 2_500])
def test_content_cut_at_any_byte_is_resumed_and_never_played_in_part(world, device, cut_at):
    say(world, "tin-1")
    device.refresh()
    need = device.supply.missing[0]
    world.hub.faults.cut_at = cut_at
    for _ in range(3):
        with pytest.raises(FetchError):
            device.parts.cache.take(device.source, need.sha256, need.size)
        assert not device.parts.cache.path(need.sha256).exists()
    assert (world.folder / "loa-1" / "partial" / need.sha256).stat().st_size == min(3 * cut_at, need.size)
    world.hub.faults.cut_at = None
    assert device.parts.cache.take(device.source, need.sha256, need.size)
    assert device.parts.cache.path(need.sha256).read_bytes() == world.hub.blobs[need.sha256]


def test_a_server_without_ranges_starts_again(world, device):
    say(world, "tin-1")
    device.refresh()
    need = device.supply.missing[0]
    world.hub.faults.cut_at, world.hub.faults.no_ranges = 500, True
    with pytest.raises(FetchError):
        device.parts.cache.take(device.source, need.sha256, need.size)
    world.hub.faults.cut_at = None
    assert device.parts.cache.take(device.source, need.sha256, need.size)
    assert device.parts.cache.path(need.sha256).read_bytes() == world.hub.blobs[need.sha256]


def test_the_right_size_with_the_wrong_hash_is_thrown_away_and_fetched_later(world, device):
    say(world, "tin-1")
    device.refresh()
    need = device.supply.missing[0]
    world.hub.faults.wrong = {need.sha256}
    assert isinstance(device.haul(), WrongContentError)
    assert (device.programme, list((world.folder / "loa-1" / "partial").iterdir())) == (None, [])
    world.hub.faults.wrong = set()
    assert device.haul() is None
    assert device.items == ["tin-1"]


def test_one_wrong_blob_does_not_keep_the_others_away(world, device):
    say(world, "tin-1", "tin-2")
    device.refresh()
    world.hub.faults.wrong = {device.supply.missing[0].sha256}
    device.haul()
    assert len(device.supply.missing) == 1


def test_a_damaged_blob_is_noticed_before_it_is_played(world, device):
    say(world, "tin-1")
    device.refresh()
    need = device.supply.missing[0]
    device.haul()
    path = device.parts.cache.path(need.sha256)
    path.write_bytes(bytes(need.size))
    assert device.parts.cache.check(need.sha256) is False
    assert not path.exists()


def test_a_disk_that_runs_full_while_fetching_keeps_the_old_programme_and_says_so(small_disk):
    world = World(small_disk.folder)
    world.place("loa-1", HAMLET)
    device = Device(world)
    say(world, "tin-1")
    device.refresh()
    device.haul()
    say_long(world)
    device.refresh()
    partial = world.folder / "loa-1" / "partial"

    def fill_up() -> None:
        wait_for(lambda: any(path.stat().st_size for path in partial.iterdir()))
        small_disk.fill()

    world.hub.faults.half_way = fill_up
    assert isinstance(device.haul(), DiskFullError)
    assert (device.items, list(device.supply.holdings.waiting)) == (["tin-1"], [COMMUNE])
    world.hub.faults.half_way = None
    small_disk.empty()
    assert device.haul() is None
    assert device.items == ["lon"]
    device.close()
    world.close()


def test_content_that_cannot_fit_is_not_even_begun(world):
    world.place("loa-1", HAMLET)
    device = Device(world, store={"free_floor_mb": 10**9})
    say(world, "tin-1")
    device.refresh()
    assert isinstance(device.haul(), DiskFullError)
    assert [path for path in world.hub.requests if "/blobs/" in path] == []
    device.close()


def test_content_that_nothing_names_makes_room_first(world, device):
    say(world, "tin-1")
    device.refresh()
    device.haul()
    old = device.supply.holdings.programmes[COMMUNE].items[0].sounds()[0]
    world.say(COMMUNE, items=[world.item("tin-2", world.sound(1_000, hz=900))],
              slots=[daily(UtcTime(NOW + HOUR), "sang", PlayItem(COMMUNE, "tin-2"))])  # fmt: skip
    device.refresh()
    assert device.parts.cache.tidy() == 0
    device.haul()
    assert device.parts.cache.tidy() == 1
    assert not device.parts.cache.has(old.sha256, old.size)


# -- what others sign, and what is old --


def test_a_role_signed_by_the_neighbours_key_is_refused_and_the_old_one_goes_on(world, device):
    say(world, "tin-1")
    device.refresh()
    device.haul()
    neighbours = world.province.enough("c00700")
    world.province.publish({"c00694": world.province.revise("c00694", lambda _: None, neighbours)})
    report = device.refresh()
    assert [(refusal.role, refusal.code) for refusal in report.refusals] == [("c00694", "bad_signature")]
    assert device.items == ["tin-1"]


def test_an_older_programme_is_refused(world, device):
    say(world, "tin-1")
    before = dict(world.province.files)
    say(world, "tin-2")
    device.refresh()
    device.haul()
    world.province.files = before
    report = device.refresh()
    assert [(refusal.role, refusal.code) for refusal in report.refusals] == [("timestamp", "out_of_date")]
    assert device.items == ["tin-2"]


def test_an_older_programme_is_refused_after_a_restart_too(world, device):
    before = dict(world.province.files)
    say(world, "tin-2")
    device.refresh()
    device.haul()
    world.province.files = before
    again = Device(world)
    report = again.refresh()
    assert [refusal.code for refusal in report.refusals] == ["out_of_date"]
    assert again.items == ["tin-2"]
    again.close()


def test_damaged_metadata_on_the_disk_is_noticed_and_fetched_anew(world, device):
    say(world, "tin-1")
    device.refresh()
    path = next((world.folder / "loa-1" / "metadata").glob("c00694.*"))
    path.write_bytes(path.read_bytes()[:-1])
    again = Device(world)
    assert "c00694" not in again.parts.trust.held.roles
    again.refresh()
    assert "c00694" in again.parts.trust.held.roles
    again.close()


def test_a_policy_damaged_on_the_disk_silences_the_programme_until_it_is_fetched_anew(world, device):
    say(world, "tin-1")
    world.province.publish_policy(COMMUNE, encode(Policy(COMMUNE, issued=world.province.now, max_volume=30)))
    device.refresh()
    device.haul()
    sha256 = device.parts.library.in_force["areas/08/00694/policy.json"]
    path = world.folder / "loa-1" / "targets" / sha256
    path.write_bytes(path.read_bytes()[:-1])
    again = Device(world)
    again.supply = again.line.load()
    assert (again.items, again.supply.holdings.policies) == (None, ())
    again.refresh()
    assert again.items == ["tin-1"]
    assert [policy.max_volume for policy in again.supply.holdings.policies] == [30]
    again.close()


def test_unknown_kinds_in_a_programme_are_left_out_and_told(world, device):
    programme = say(world, "tin-1")
    plain = msgspec.to_builtins(programme)
    plain["items"][0]["renditions"].append({"kind": "smell", "of": "rose"})
    plain["slots"][0]["plays"].append({"kind": "dance"})
    world.province.publish_programme(COMMUNE, encode(plain))
    report = device.refresh()
    device.haul()
    assert report.ignored == ["rendition: unknown kind 'smell'", "slot content: unknown kind 'dance'"]
    assert device.items == ["tin-1"]


def test_a_programme_of_a_newer_schema_is_refused_and_the_old_one_goes_on(world, device):
    programme = say(world, "tin-1")
    device.refresh()
    device.haul()
    world.province.publish_programme(COMMUNE, encode({**msgspec.to_builtins(programme), "schema": 2}))
    report = device.refresh()
    assert [(refusal.role, refusal.code) for refusal in report.refusals] == [(PROGRAMME, "unknown_kind")]
    assert device.items == ["tin-1"]


def test_a_programme_that_says_that_it_is_the_neighbours_is_refused(world, device):
    say(world, "tin-1")
    device.refresh()
    device.haul()
    world.province.publish_programme(COMMUNE, encode(world.say("08/00700")))
    report = device.refresh()
    assert [(refusal.role, refusal.code) for refusal in report.refusals] == [(PROGRAMME, "not_allowed")]
    assert device.items == ["tin-1"]


# -- places --


def test_a_device_that_moves_stops_the_old_commune_at_once(world, device):
    say(world, "tin-1")
    device.refresh()
    device.haul()
    world.place("loa-1", "08/00700/02", n=2)
    report = device.refresh(hint="08/00700")
    assert report.moved
    assert (device.supply.holdings.area, device.items) == ("08/00700/02", None)


def test_an_older_placement_is_not_taken_again(world, device):
    device.refresh()
    world.place("loa-1", "08/00700/02", n=2)
    device.refresh(hint="08/00700")
    device.refresh(hint="08/00694")
    assert device.supply.holdings.area == "08/00700/02"


def test_a_placement_for_another_key_is_refused(world, device):
    world.make_folder("loa-2")
    other = msgspec.structs.replace(world.place("loa-2", HAMLET), device="loa-1")
    world.province.publish_placements(COMMUNE, [other])
    report = device.refresh()
    assert [refusal.code for refusal in report.refusals] == ["not_allowed"]
    assert device.parts.syncer.placement is None


def test_a_card_in_other_hardware_has_no_programme(world, device):
    say(world, "tin-1")
    world.place("loa-1", HAMLET, n=2, serial="another-board")
    device.refresh()
    situation = situation_of(device.supply.holdings, serial="serial-loa-1")
    assert situation.programmes == ()


def test_a_revoked_key_stops_what_only_it_signed(world):
    world.place("loa-1", HAMLET)
    device = Device(world)
    say(world, "tin-1")
    device.refresh()
    device.haul()
    assert device.items == ["tin-1"]
    lost = world.province.signers["chair-00694"].public_key.keyid
    group = world.province.revise("g08-01", lambda signed: signed.revoke_key(lost, "c00694"))
    world.province.publish({"g08-01": group})
    report = device.refresh()
    assert next((refusal.role, refusal.code) for refusal in report.dropped) == ("c00694", "revoked")
    assert device.items is None
    device.close()


# -- how long the content lasts --


def test_the_device_knows_until_when_it_is_supplied(world, device):
    programme = say(world, "tin-1")
    device.refresh()
    device.haul()
    assert device.supply.supplied_until == programme.ends


def test_the_first_play_without_content_is_where_supply_ends(world, device):
    say(world, "tin-1")
    device.refresh()
    device.haul()
    sound = device.programme.items[0].sounds()[0]
    device.parts.cache.path(sound.sha256).unlink()
    device.supply = device.line.load()
    assert device.supply.supplied_until == NOW + HOUR
    assert device.supply.content_missing


def test_a_hub_that_is_down_changes_nothing(world, device):
    say(world, "tin-1")
    device.refresh()
    device.haul()
    world.hub.faults.is_down = True
    with pytest.raises(FetchError):
        device.refresh()
    assert device.items == ["tin-1"]


def test_when_fetching_has_ended_what_came_is_known_already(world, device):
    say(world, "tin-1")
    device.refresh()
    while not device.told.empty():
        device.told.get()
    device.line.haul(device.supply.missing)
    told = []
    while not told or not isinstance(told[-1], Hauled):
        told.append(device.told.get(timeout=20))
    assert told[-2].missing == ()
    assert told[-1] == Hauled(None)


def test_a_stick_does_not_wait_for_a_hub_that_drips(world, tmp_path):
    world.place("loa-1", HAMLET)
    hub = DrippingHub(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    device = Device(world)
    device.line._fetcher = HttpFetcher(hub.url)
    device.line.refresh()
    assert hub.was_asked.wait(10)
    device.line.take_bundle(tmp_path / "no-such.loab")
    told = device.told.get(timeout=10)
    while not isinstance(told, StickOutcome):
        told = device.told.get(timeout=10)
    assert told.path.name == "no-such.loab"
    device.close()
    hub.close()
