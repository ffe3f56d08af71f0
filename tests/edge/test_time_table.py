"""Clock × network × what happens: no wrong time, whoever spread it, does harm that lasts once he is gone.

A row is a story. `world` moves first; then the device lives through the words: `boots …` (what its own clock says
then), `rtc/kernel …` (what its battery clock or chrony says), `asks` (a refresh, hub's time included). `afterwards` is
what the honest world does, without anybody touching the device; in the end it must know the time again and take the
programme that was signed last.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from edge.clock import NS_PER_MS, Saying, boottime_ns
from edge.errors import EdgeError
from edge.sync.attest import ask_time
from edge.sync.fetch import HttpFetcher, HubSource
from tests.builders import NOW
from tests.edge.world import World
from wire.areas import programme_target
from wire.errors import WireError
from wire.timeline import TimeQuality
from wire.trust.authority import authority
from wire.trust.expiry import NETWORK
from wire.trust.floor import is_targets_expired
from wire.trust.time_reset import FIELD
from wire.units import DAY, HOUR, MINUTE, UtcTime

COMMUNE = "08/00694"
DEVICE = "loa-1"
YEAR = 365 * DAY
BUILD = NOW - 2 * DAY
"""When the image was made."""
IN_2099 = UtcTime(NOW + 73 * YEAR)
NEAR_MS = 10_000


class Device:
    """A device of the commune that boots, hears sources and asks its hub."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.boots = 0
        self.parts = None
        self.source = HubSource(HttpFetcher(world.hub.url))

    def boot(self, system: int) -> None:
        if self.parts is not None:
            self.parts.clock.save()
            self.parts.store.close()
        self.boots += 1
        rig = {"clock_offset_s": system / 1_000 - time.time(), "boot_id": f"boot-{self.boots}"}
        self.parts = self.world.device(DEVICE, rig=rig)

    def hears(self, source: str, utc: int) -> bool:
        quality = TimeQuality.RTC if source == "rtc" else TimeQuality.SYNCED
        return self.parts.clock.hear(Saying(source, quality, utc * NS_PER_MS, boottime_ns(), NS_PER_MS))

    def asks(self) -> list[str]:
        """As the supply line does: the time, then everything else. What was refused, by code."""
        refused = []
        try:
            if not self.parts.clock.hear(ask_time(HttpFetcher(self.world.hub.url), self.parts.trust.held)):
                refused.append("clock_refused")
            self.parts.clock.save()
        except WireError as error:
            refused.append(error.code)
        try:
            report = self.parts.syncer.refresh(self.source, NETWORK)
        except EdgeError as error:
            return [*refused, error.code]
        return [*refused, *(refusal.code for refusal in report.refusals)]

    @property
    def time(self) -> tuple[TimeQuality, int]:
        return self.parts.clock.quality(), self.parts.clock.now()

    @property
    def floor(self) -> UtcTime:
        return self.parts.clock.floor

    def holds(self, path: str) -> str | None:
        return self.parts.library.accepted.get(path)


@pytest.fixture
def device(world):
    """Enrolled and supplied once."""
    world.place(DEVICE, "08/00694/02")
    world.say(COMMUNE)
    device = Device(world)
    device.boot(0)
    assert device.asks() == []
    yield device
    device.parts.store.close()


@dataclass(frozen=True)
class Row:
    clock: str
    network: str
    happens: str
    story: tuple[tuple[str, object], ...]
    quality: TimeQuality
    says: int
    """What its clock says at the end of the story."""


def row(clock, network, happens, *story, quality, says=NOW):
    return Row(clock, network, happens, story, quality, says)


UNKNOWN, RTC, SYNCED = TimeQuality.FLOOR_ONLY, TimeQuality.RTC, TimeQuality.SYNCED
TABLE = [
    row("1970", "none", "stands at its floor", ("boots", 0), quality=UNKNOWN),
    row("1970", "hub", "is told the time", ("boots", 0), ("asks", []), quality=SYNCED),
    row("1970, RTC right", "none", "the RTC counts", ("boots", 0), ("rtc", NOW), quality=RTC),
    row("build time", "none", "stands at its floor", ("boots", BUILD), quality=UNKNOWN),
    row("build time", "hub", "is told the time", ("boots", BUILD), ("asks", []), quality=SYNCED),
    row("+10 days", "none", "is a guess, nothing more",
        ("boots", NOW + 10 * DAY), quality=UNKNOWN, says=NOW + 10 * DAY),
    row("+10 days", "hub", "is told the time", ("boots", NOW + 10 * DAY), ("asks", []), quality=SYNCED),
    row("+10 years", "none", "is a guess, nothing more",
        ("boots", NOW + 10 * YEAR), quality=UNKNOWN, says=NOW + 10 * YEAR),
    row("+10 years", "hub", "is told the time", ("boots", NOW + 10 * YEAR), ("asks", []), quality=SYNCED),
    row("RTC +10 years", "hub", "beyond root's end: not believed",
        ("boots", 0), ("not rtc", NOW + 10 * YEAR), ("asks", []), quality=SYNCED),
    row("RTC +10 days", "hub", "no single source moves it: shown, until chrony agrees with the hub",
        ("boots", 0), ("rtc", NOW + 10 * DAY), ("asks", ["clock_refused"]), quality=RTC, says=NOW + 10 * DAY),
    row("backwards while running, 30 min", "none", "follows",
        ("boots", 0), ("kernel", NOW + HOUR), ("kernel", NOW + 30 * MINUTE), quality=SYNCED, says=NOW + 30 * MINUTE),
    row("backwards while running, 10 days", "hub", "not believed",
        ("boots", 0), ("asks", []), ("not kernel", NOW - 10 * DAY), quality=SYNCED),
    row("NTP +10 years at first boot", "hub", "beyond root's end: not believed",
        ("boots", 0), ("not kernel", NOW + 10 * YEAR), ("asks", []), quality=SYNCED),
    row("NTP +10 years later", "hub", "not believed",
        ("boots", 0), ("asks", []), ("not kernel", NOW + 10 * YEAR), quality=SYNCED),
    row("NTP +11 months at first boot", "hub", "believed, since nothing else was heard; raises no floor",
        ("boots", 0), ("kernel", NOW + 330 * DAY), ("asks", ["clock_refused"]), quality=SYNCED, says=NOW + 330 * DAY),
    row("NTP +11 months later", "hub", "not believed",
        ("boots", 0), ("asks", []), ("not kernel", NOW + 330 * DAY), quality=SYNCED),
    row("1970", "stolen hub: 2099", "beyond the end of targets: not believed",
        ("boots", 0), ("hub lies", IN_2099 - NOW), ("asks", ["not_allowed"]), quality=UNKNOWN),
    row("1970", "stolen hub: +11 months", "believed, since nothing else was heard; raises no floor",
        ("boots", 0), ("hub lies", 330 * DAY), ("asks", []), quality=SYNCED, says=NOW + 330 * DAY),
    row("RTC right", "stolen hub: +11 months", "no single source moves it",
        ("boots", 0), ("rtc", NOW), ("hub lies", 330 * DAY), ("asks", ["clock_refused"]), quality=RTC),
]  # fmt: skip


def play(device: Device, row: Row) -> None:
    for word, value in row.story:
        if word == "boots":
            device.boot(value)
        elif word == "hub lies":
            device.world.hub.faults.time_shift_ms = value
        elif word == "asks":
            assert device.asks() == value
        else:
            *no, source = word.split()
            assert device.hears(source, value) == (not no)


def publish(world: World) -> str:
    """A new programme of the commune, signed now."""
    world.say(COMMUNE)
    return programme_target(COMMUNE)


def is_well(device: Device) -> bool:
    """It knows the time and takes what is signed now."""
    path = publish(device.world)
    before = device.holds(path)
    assert device.asks() == []
    quality, now = device.time
    return quality == SYNCED and abs(now - NOW) < NEAR_MS and device.holds(path) not in (None, before)


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.clock} | {row.network}" for row in TABLE])
def test_the_table(device, row):
    play(device, row)
    quality, now = device.time
    assert quality == row.quality
    assert abs(now - row.says) < NEAR_MS, row.happens
    assert device.floor < NOW + DAY, "a floor outlasts its cause"

    device.world.hub.faults.time_shift_ms = 0                           # the attacker is gone;
    device.boot(0)                                                      # power fails once, as it does,
    assert is_well(device)


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.clock} | {row.network}" for row in TABLE])
def test_a_wrong_clock_ends_without_a_power_cut_once_chrony_and_hub_agree(device, row):
    play(device, row)
    device.world.hub.faults.time_shift_ms = 0
    device.asks()
    device.hears("kernel", NOW)
    assert is_well(device)


def test_issued_2099_by_a_commune_key_moves_nothing_and_plays_nothing(device):
    province = device.world.province
    far = province.revise("c00694", lambda signed: signed.unrecognized_fields.update(issued=IN_2099))
    province.publish({"c00694": far})
    assert device.asks() == []
    assert device.floor < NOW + DAY
    assert is_well(device)


def lie_together(device: Device) -> None:
    """Stolen hub and hostile NTP say the same: the one case that raises the floor, to the end of `targets` at most."""
    device.boot(0)
    device.world.hub.faults.time_shift_ms = 330 * DAY
    device.hears("kernel", NOW + 330 * DAY)
    device.asks()
    device.parts.clock.save()
    device.world.hub.faults.time_shift_ms = 0


def reset_time(world: World, *devices: str) -> None:
    """The holders of `targets` say that it was not so late."""
    province = world.province

    def edit(signed):
        reset = {"version": signed.version, "floor": province.now, "devices": list(devices)}
        signed.unrecognized_fields[FIELD] = reset

    province.publish({"targets": province.revise("targets", edit)})


def test_hub_and_ntp_together_need_a_time_reset_and_no_ladder(device):
    lie_together(device)
    assert device.floor > NOW + 300 * DAY
    device.boot(0)
    assert "clock_refused" in device.asks()
    reset_time(device.world, DEVICE)
    device.asks()
    assert device.floor < NOW + DAY
    assert is_well(device)
    device.boot(0)
    assert device.floor < NOW + DAY, "it lasts"
    assert is_well(device)


def test_after_a_reset_the_battery_clock_waits_for_a_better_source(device):
    lie_together(device)
    reset_time(device.world, "*")
    device.parts.syncer.refresh(device.source, NETWORK)
    device.boot(0)
    assert not device.hears("rtc", NOW + 330 * DAY), "chrony wrote the lie into it"
    assert device.time[0] == UNKNOWN
    assert is_well(device)
    device.boot(0)
    assert device.hears("rtc", NOW)


def test_a_reset_counts_for_those_that_it_names(device):
    lie_together(device)
    reset_time(device.world, "loa-2")
    device.asks()
    assert device.floor > NOW + 300 * DAY


def test_a_reset_counts_once(device):
    reset_time(device.world, "*")
    device.asks()
    lie_together(device)
    province = device.world.province
    province.publish({"targets": province.revise("targets", lambda _: None)})
    device.asks()
    assert device.floor > NOW + 300 * DAY, "the old reset stands in the new targets, and has been obeyed"


def test_a_reset_that_others_signed_is_none(device):
    lie_together(device)
    province = device.world.province
    forged = province.revise(
        "targets",
        lambda signed: signed.unrecognized_fields.update(
            {FIELD: {"version": signed.version, "floor": NOW, "devices": ["*"]}}
        ),
        [province.signers["chair-00694"], province.signers["snapshot"]],
    )
    province.publish({"targets": forged})
    assert "bad_signature" in device.asks()
    assert device.floor > NOW + 300 * DAY


@pytest.mark.parametrize("reset", [1, {}, {"version": 2}, {"version": 2, "floor": -1, "devices": ["*"]},
                                   {"version": 2, "floor": NOW, "devices": ["../x"]}])  # fmt: skip
def test_a_reset_that_is_none_is_refused_with_its_file(device, reset):
    province = device.world.province
    bad = province.revise("targets", lambda signed: signed.unrecognized_fields.update({FIELD: reset}))
    province.publish({"targets": bad})
    assert device.asks() == ["malformed"]


def test_a_lone_wrong_clock_does_not_make_alarms_need_two_keys(device):
    device.boot(0)
    device.hears("kernel", NOW + 360 * DAY)
    device.parts.clock.save()
    device.asks()
    held = device.parts.trust.held
    assert authority(held, "ea00694").threshold == 1
    assert not is_targets_expired(held, device.floor)
