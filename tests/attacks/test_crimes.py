"""A list of crimes. The thief has the hub with root, its disk, its two online keys, its broker, every byte that ever
went through it, and a network between. He wants one thing: that loudspeaker X says Y. He may silence, delay, freeze or
reveal; in no line of this list does X say Y, and afterwards X still says what its people signed.

What he tries through the people who sign (page, app, phone, login challenge, ceremony) stands in
test_crimes_of_signing.py, with the clock in tests/edge/test_time_table.py.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import zipfile
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tuf.api.metadata import Metadata

from edge.agent import Agent
from edge.errors import EdgeError
from edge.link import Arrived
from edge.plan.inputs import all_accepted
from edge.sync.bundle import BundleSource
from edge.sync.fetch import HttpFetcher, HubSource
from tests.attacks.test_broker import move_clock
from tests.builders import make_placement, make_programme, make_template, new_signer, version_of
from tests.edge.world import World, daily
from wire.alert import ALERT_TYPE, Start
from wire.areas import placements_target, programme_target
from wire.bundle import INDEX_NAME, BundleIndex, encode_index
from wire.codec import encode
from wire.content import Item
from wire.enrolment import Placements
from wire.envelope import add_signature, seal
from wire.programme import PlayItem, PlayLive, PlayRelay
from wire.release import build_role, build_snapshot, build_timestamp, sign_role, target_file_name
from wire.telemetry import Command, Versions, encode_message
from wire.topics import CMD, LIVE, VERSIONS
from wire.trust.expiry import BUNDLE, NETWORK
from wire.trust.layout import delegation_paths, parse_role_name
from wire.trust.rolefile import metadata_file_name
from wire.units import DAY, HOUR, UtcTime

X, AREA, COMMUNE, NEIGHBOUR, PROVINCE = "loa-1", "08/00694/02", "08/00694", "08/00700", "08"
EM = "loa/1/em/08.00694"
PROGRAMME = programme_target(COMMUNE)
TEMPLATE = make_template()
ONLINE = ("timestamp", "snapshot")


class Thief:
    """What he has, and what he can do with it."""

    def __init__(self, world: World, agent: Agent) -> None:
        self.world, self.agent, self.province = world, agent, world.province
        self.online = [world.province.signers[name] for name in ONLINE]
        self.own = new_signer()
        self.y = world.sound(1_000, hz=666)
        self.captured: list[bytes] = []

    # -- his own words --

    def speech(self, area: str = COMMUNE, **fields: Any) -> bytes:
        """A programme that says Y."""
        now = self.province.now
        values = {"items": [Item("y", "Y", renditions=[self.y])],
                  "slots": [daily(UtcTime(now + HOUR), "y", PlayItem(area, "y"))], "issued": now}  # fmt: skip
        return encode(make_programme(area, **{**values, **fields}))

    def order(self, **fields: Any) -> Start:
        raw = encode(TEMPLATE)
        now = self.province.now
        return Start(**{
            "role": "ea00694", "area": COMMUNE, "template": TEMPLATE.id,
            "template_sha256": hashlib.sha256(raw).hexdigest(), "blanks": {"ho": TEMPLATE.blanks[0].choices[0].id},
            "issued": now, "expires": UtcTime(now + HOUR), **fields,
        })  # fmt: skip

    # -- his hub --

    def serve(self, name: str, raw: bytes) -> None:
        """A metadata file as he likes it, named by a snapshot and timestamp of his."""
        self.province.publish({name: raw})

    def serve_target(self, path: str, raw: bytes) -> None:
        self.province.target_files[target_file_name(path, hashlib.sha256(raw).hexdigest())] = raw

    def sign_with(self, role: str, changes: dict[str, bytes], keys: list[Any]) -> None:
        raw = build_role(self.province.roles.get(role), role, changes, UtcTime(self.province.now + 1))
        for key in keys:
            raw = sign_role(raw, key)
        for path, content in changes.items():
            self.serve_target(path, content)
        self.serve(role, raw)

    def rewrite(self, role: str, edit: Callable[[Any], object]) -> None:
        """A signed file, changed, with its old signatures."""
        plain = json.loads(self.province.roles[role])
        edit(plain["signed"])
        self.serve(role, json.dumps(plain).encode())

    # -- his broker --

    def publish(self, topic: str, payload: bytes) -> None:
        self.agent._handle(Arrived(topic, payload, 0))

    def command(self, **fields: Any) -> None:
        self.publish(CMD.of(X), encode_message(Command(**fields)))

    # -- the victim --

    def x_refreshes(self) -> None:
        parts = self.agent._parts
        with contextlib.suppress(EdgeError):    # then nothing of it came
            parts.syncer.refresh(HubSource(HttpFetcher(self.world.hub.url)), NETWORK)

    def x_hears_a_stick(self, entries: dict[str, bytes]) -> None:
        path = self.world.folder / "thief.loab"
        index = BundleIndex(PROVINCE, COMMUNE, [], self.province.now, UtcTime(self.province.now + DAY))
        with zipfile.ZipFile(path, "w") as bundle:
            for name, raw in {INDEX_NAME: encode_index(index), **entries}.items():
                bundle.writestr(name, raw)
        with BundleSource(path) as source:
            self.agent._parts.syncer.refresh(source, BUNDLE)
            for raw in source.alerts():
                self.agent._alarm.take(raw, self.agent._parts.trust.held)

    def x_says(self) -> tuple[set[str], set[str]]:
        """The sounds of every programme that it took, in force or waiting; the alerts that run."""
        holdings = self.agent._parts.library.holdings(self.agent._parts.syncer.placement)
        items = [item for programme in all_accepted(holdings).values() for item in programme.items]
        return {sound.sha256 for item in items for sound in item.renditions}, set(self.agent._alarm._running)


@pytest.fixture
def thief(tmp_path):
    """X holds an honest programme; the neighbour has one, too; one old alert has been captured."""
    world = World(tmp_path)
    world.province.publish_template(TEMPLATE)
    world.place(X, AREA)
    world.honest = world.item("that", world.sound(1_000, hz=300))
    slot = daily(UtcTime(world.province.now + HOUR), "sang", PlayItem(COMMUNE, "that"))
    world.say(COMMUNE, items=[world.honest], slots=[slot])
    agent = Agent(world.device(X, broker={"host": ""}))
    agent._line.refresh()
    while not agent._supply.holdings.area:
        agent._step()
    yield Thief(world, agent)
    agent._stop()
    world.close()


# --- forged metadata ---


def he_signs_the_commune_with_the_hubs_keys(thief):
    thief.sign_with("c00694", {PROGRAMME: thief.speech()}, thief.online)


def he_signs_the_commune_with_a_key_of_his_own(thief):
    thief.sign_with("c00694", {PROGRAMME: thief.speech()}, [thief.own])


def he_signs_the_commune_with_the_neighbours_key(thief):
    thief.sign_with("c00694", {PROGRAMME: thief.speech()}, thief.province.holders("c00700"))


def he_signs_the_province_with_one_of_its_keys(thief):
    thief.sign_with("p08", {programme_target("08"): thief.speech("08")}, thief.province.holders("p08")[:1])


def he_makes_one_signature_of_the_province_count_twice(thief):
    raw = build_role(thief.province.roles["p08"], "p08", {programme_target("08"): thief.speech("08")},
                     UtcTime(thief.province.now + 1))  # fmt: skip
    plain = json.loads(sign_role(raw, thief.province.holders("p08")[0]))
    plain["signatures"] += [{**plain["signatures"][0], "keyid": key.public_key.keyid}
                            for key in thief.province.holders("p08")[1:]]  # fmt: skip
    thief.serve_target(programme_target("08"), thief.speech("08"))
    thief.serve("p08", json.dumps(plain).encode())


def he_writes_his_key_into_the_group(thief):
    group = next(name for name, raw in thief.province.roles.items() if b'"c00694"' in raw and name[0] == "g")
    key = thief.own.public_key

    def add(signed: dict[str, Any]) -> None:
        signed["delegations"]["keys"][key.keyid] = key.to_dict()
        for role in signed["delegations"]["roles"]:
            role["keyids"].append(key.keyid)
        signed["version"] += 1

    thief.rewrite(group, add)
    thief.sign_with("c00694", {PROGRAMME: thief.speech()}, [thief.own])


def he_makes_a_root_of_his_own(thief):
    metadata: Metadata[Any] = Metadata.from_bytes(thief.province.roles["root"])
    metadata.signed.version += 1
    for role in list(metadata.signed.roles):
        metadata.signed.add_key(thief.own.public_key, role)
        metadata.signed.roles[role].threshold = 1
    metadata.signatures.clear()
    metadata.sign(thief.own)
    thief.serve("root", metadata.to_bytes())
    thief.sign_with("c00694", {PROGRAMME: thief.speech()}, [thief.own])


def he_swaps_the_bytes_of_the_signed_programme(thief):
    honest = make_programme(COMMUNE, issued=thief.province.now, items=[thief.world.honest])
    thief.province.publish_programme(COMMUNE, honest)
    for name in [name for name in thief.province.target_files if name.endswith(".programme.json")]:
        thief.province.target_files[name] = thief.speech()


def he_names_his_programme_in_the_signed_file(thief):
    raw = thief.speech()
    thief.serve_target(PROGRAMME, raw)
    entry = {"length": len(raw), "hashes": {"sha256": hashlib.sha256(raw).hexdigest()}}
    thief.rewrite("c00694", lambda signed: signed["targets"].update({PROGRAMME: entry}))


def he_serves_the_neighbours_signed_file_under_our_name(thief):
    thief.province.publish_programme(NEIGHBOUR, thief.speech(NEIGHBOUR))
    thief.serve("c00694", thief.province.roles["c00700"])


def he_lists_our_programme_in_the_neighbours_role(thief):
    thief.sign_with("c00700", {PROGRAMME: thief.speech()}, thief.province.holders("c00700"))


def he_lists_a_programme_in_the_registrars_role(thief):
    thief.sign_with("d08", {PROGRAMME: thief.speech()}, thief.online)


def he_adds_a_delegation_to_the_commune(thief):
    name = parse_role_name("c00694", PROVINCE)
    role = {"name": "c00694-x", "keyids": [thief.own.public_key.keyid], "threshold": 1, "terminating": True,
            "paths": delegation_paths(name)}  # fmt: skip
    keys = {thief.own.public_key.keyid: thief.own.public_key.to_dict()}
    thief.rewrite("c00694", lambda signed: signed.update(delegations={"keys": keys, "roles": [role]}))


def he_forges_a_whole_province_with_the_same_names(thief):
    other = World(thief.world.folder / "other" if (thief.world.folder / "other").mkdir() is None else None)
    other.province.publish_programme(COMMUNE, thief.speech())
    thief.province.files.update({name: raw for name, raw in other.province.files.items() if "root" not in name})
    thief.province.target_files.update(other.province.target_files)
    other.close()


def he_serves_y_where_the_honest_sound_should_be(thief):
    honest = thief.world.sound(1_000, hz=350)
    thief.world.hub.blobs[honest.sha256] = thief.world.hub.blobs[thief.y.sha256]
    with pytest.raises(EdgeError):
        thief.agent._parts.cache.take(HubSource(HttpFetcher(thief.world.hub.url)), honest.sha256, honest.size)
    assert not thief.agent._parts.cache.has(honest.sha256, honest.size)


# --- the broker ---


def he_signs_an_alert_with_the_hubs_keys(thief):
    thief.publish(EM, seal(encode(thief.order()), ALERT_TYPE, thief.online))


def he_signs_an_alert_with_a_commune_approvers_key(thief):
    thief.publish(EM, seal(encode(thief.order(role="c00694")), ALERT_TYPE, thief.province.holders("c00694")))


def he_signs_an_alert_as_the_neighbours_officer(thief):
    keys = thief.province.holders("ea00700")[:1]
    for role in ("ea00694", "ea00700"):
        thief.publish(EM, seal(encode(thief.order(role=role)), ALERT_TYPE, keys))


def he_sends_the_neighbours_real_alert_to_us(thief):
    raw = thief.province.start_alert(NEIGHBOUR, TEMPLATE)
    for topic in (EM, "loa/1/em/08", "loa/1/em/08.00694.02"):
        thief.publish(topic, raw)


def he_makes_a_real_alert_of_a_drill(thief):
    drill = json.loads(thief.province.start_alert(COMMUNE, TEMPLATE, act="ed"))
    payload = json.loads(base64.b64decode(drill["payload"]))
    payload["role"] = "ea00694"
    drill["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    thief.publish(EM, json.dumps(drill).encode())


def he_puts_y_into_the_template(thief):
    evil = make_template(sound=thief.y)
    thief.serve_target("templates/08/xa-lu.json", encode(evil))
    thief.sign_with("tpl", {"templates/08/xa-lu.json": encode(evil)}, thief.online)
    thief.publish(EM, seal(encode(thief.order(template_sha256=hashlib.sha256(encode(evil)).hexdigest())),
                           ALERT_TYPE, thief.online))  # fmt: skip


def he_replays_an_alert_that_is_over(thief):
    raw = thief.province.start_alert(COMMUNE, TEMPLATE)
    thief.publish(EM, raw)
    (ident,) = thief.agent._alarm._running
    thief.publish(EM, thief.province.cancel_alert(COMMUNE, [ident]))
    for _ in range(3):
        thief.publish(EM, raw)
        thief.command(kind="envelope", body=base64.b64encode(raw).decode())
    move_clock(thief.agent, 2 * DAY)
    thief.publish(EM, raw)


def he_wraps_a_forged_alert_in_a_command_of_the_hub(thief):
    raw = seal(encode(thief.order()), ALERT_TYPE, thief.online)
    thief.command(kind="envelope", body=base64.b64encode(raw).decode())


def he_invents_commands(thief):
    for kind in ("play", "say", "shell", "exec", "volume_up", "unmute", "url", "update", "play_now", "test_tone"):
        thief.command(kind=kind, body=base64.b64encode(thief.speech()).decode())
        thief.publish(CMD.of(X), json.dumps({"kind": kind, "url": "http://evil/y.mp3"}).encode())


def he_retains_poison_on_every_topic(thief):
    for topic in (EM, VERSIONS.of("08.00694"), CMD.of(X), "loa/1/em/08"):
        for raw in (thief.speech(), b"", encode_message(Versions(2**52, 2**52)), thief.world.hub.blobs[thief.y.sha256]):
            thief.publish(topic, raw)


# --- words that wait for a second officer: the one officer's signature lies on his disk ---


def own_words_by_one(thief) -> bytes:
    return thief.province.say_own(COMMUNE, "Y", signers=thief.province.holders("ef00694")[:1])


def he_sends_words_that_wait_for_a_second_officer(thief):
    half = own_words_by_one(thief)
    thief.publish(EM, half)
    thief.command(kind="envelope", body=base64.b64encode(half).decode())


def he_is_the_second_officer(thief):
    for key in (*thief.online, thief.own, thief.province.holders("ef00700")[0]):
        thief.publish(EM, add_signature(own_words_by_one(thief), key, limit=20_000))


def he_makes_the_one_officer_two(thief):
    half = json.loads(own_words_by_one(thief))
    half["signatures"].append({**half["signatures"][0], "keyid": thief.province.holders("ef00694")[1].public_key.keyid})
    thief.publish(EM, json.dumps(half).encode())
    half["signatures"][1]["keyid"] = half["signatures"][0]["keyid"]
    thief.publish(EM, json.dumps(half).encode())


def he_lowers_the_words_of_one_to_an_order_of_one(thief):
    payload = json.loads(base64.b64decode(json.loads(own_words_by_one(thief))["payload"]))
    envelope = json.loads(own_words_by_one(thief))
    for change in ({"role": "ea00694"}, {"role": "ed00694"}, {"own": None, "template": TEMPLATE.id}):
        envelope["payload"] = base64.b64encode(json.dumps({**payload, **change}).encode()).decode()
        thief.publish(EM, json.dumps(envelope).encode())


def he_fills_a_blank_of_a_real_alert_anew(thief):
    envelope = json.loads(thief.province.start_alert(COMMUNE, TEMPLATE))
    payload = json.loads(base64.b64decode(envelope["payload"]))
    payload["blanks"]["ho"] = "Y"
    envelope["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    thief.publish(EM, json.dumps(envelope).encode())


# --- live and relay ---


def he_streams_live(thief):
    for n in range(50):
        thief.publish(LIVE.of("08.00694", "x"), thief.world.hub.blobs[thief.y.sha256][n * 80 :][:80])


def he_puts_a_relay_of_his_into_the_signed_slot(thief):
    slots = [daily(UtcTime(thief.province.now + HOUR), "x", PlayRelay("https://evil.example/y", 60_000))]
    thief.sign_with("c00694", {PROGRAMME: thief.speech(slots=slots)}, thief.online)


def he_opens_a_live_session_without_a_grant(thief):
    slots = [daily(UtcTime(thief.province.now + HOUR), "x", PlayLive("phien-x", 60_000))]
    thief.sign_with("c00694", {PROGRAMME: thief.speech(slots=slots)}, thief.online)
    he_streams_live(thief)


# --- the place ---


def he_moves_x_to_an_area_that_says_y(thief):
    """The neighbour's approver is his friend; the registrar is not."""
    thief.province.publish_programme(NEIGHBOUR, thief.speech(NEIGHBOUR))
    here = thief.agent._parts.syncer.placement
    there = msgspec.structs.replace(here, area=f"{NEIGHBOUR}/01", n=here.n + 1)
    for commune in (COMMUNE, NEIGHBOUR):
        thief.province.now = UtcTime(thief.province.now + 1)
        raw = encode(Placements(commune, thief.province.now, [there]))
        thief.sign_with("d08", {placements_target(commune): raw}, thief.online)
    thief.command(kind="refresh", area=NEIGHBOUR)


def he_replays_a_placement_of_long_ago(thief):
    there = make_placement("loa-9", AREA, new_signer())
    old = msgspec.structs.replace(there, device=X)
    thief.province.publish_programme(NEIGHBOUR, thief.speech(NEIGHBOUR))
    thief.province.publish_placements(NEIGHBOUR, [msgspec.structs.replace(old, area=NEIGHBOUR, n=7)])
    thief.command(kind="refresh", area=NEIGHBOUR)   # signed by the registrar, but for another device's key


# --- the stick ---


def he_leaves_a_stick(thief):
    files = {f"metadata/{name}": raw for name, raw in thief.province.files.items()}
    raw = build_role(thief.province.roles["c00694"], "c00694", {PROGRAMME: thief.speech()},
                     UtcTime(thief.province.now + 1))  # fmt: skip
    forged = sign_role(raw, thief.own)
    roles = {n: r for n, r in {**thief.province.roles, "c00694": forged}.items() if n not in ("root", *ONLINE)}
    snapshot = sign_role(build_snapshot(thief.province.roles["snapshot"], roles, thief.province.now), thief.online[1])
    stamp = sign_role(build_timestamp(thief.province.roles["timestamp"], snapshot, thief.province.now), thief.online[0])
    for name, made in {"c00694": forged, "snapshot": snapshot, "timestamp": stamp}.items():
        files[f"metadata/{metadata_file_name(name, version_of(made))}"] = made
    alert = seal(encode(thief.order()), ALERT_TYPE, [thief.own])
    sound = {f"blobs/{thief.y.sha256}": thief.world.hub.blobs[thief.y.sha256]}
    thief.x_hears_a_stick({
        **files, **sound, f"targets/{PROGRAMME}": thief.speech(),
        f"alerts/{hashlib.sha256(alert).hexdigest()}.dsse": alert,
    })  # fmt: skip


CRIMES = [value for name, value in list(globals().items()) if name.startswith("he_")]


@pytest.mark.parametrize("crime", CRIMES, ids=lambda crime: crime.__name__)
def test_x_never_says_y(thief, crime):
    place = thief.agent._parts.syncer.placement
    crime(thief)
    thief.x_refreshes()
    said, alerts = thief.x_says()
    assert thief.y.sha256 not in said
    assert alerts == set()
    assert said <= {thief.world.honest.renditions[0].sha256}
    assert thief.agent._parts.syncer.placement == place


def test_the_list_would_notice(thief):
    """The same eyes see Y when its own people sign it: the programme, and an alert."""
    thief.province.publish_programme(COMMUNE, thief.speech())
    thief.x_refreshes()
    thief.publish(EM, thief.province.start_alert(COMMUNE, TEMPLATE))
    said, alerts = thief.x_says()
    assert (thief.y.sha256 in said, len(alerts)) == (True, 1)
