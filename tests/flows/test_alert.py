"""The alert story, told in order: an officer warns an area; every loudspeaker below it, and no other, obeys at once.

Officers act in the approval app; what the loudspeakers say is recorded from their sound cards while a long programme
plays on them. Hub and broker run on amqtt and on mosquitto.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from scripts.province import cast, staff
from scripts.province.approvals import Approver
from scripts.province.listener import listening_as
from scripts.province.processes import wait_for
from tests.flows.conftest import STORY_S
from tests.flows.hearing import Ears, Recording
from tests.flows.village import (
    CARRIED,
    CHANNELS,
    DEPUTY,
    FAR,
    ONE,
    THIEF,
    THREE,
    TWO,
    WARNING,
    Village,
    in_time,
    slot,
    wait_until,
)
from tests.rig.capture import RATE_HZ, Samples
from wire.playlog import Row
from wire.topics import EMERGENCY, dotted, emergency_area

LONG_S = 150.0
"""Of the recording that plays underneath: longer than the story takes."""
ALARMED = (ONE, TWO)
CHAIR = "chutich-tantrao"
RELEASES = 5
RECEIPT_S = 30
BUDGET_S = 3.0
"""From an officer's order to sound, and from a cancel to silence, on a busy machine. The bench tells the figure."""
BACK_S = 2.0
"""After an alert, the programme is compared from here on."""
SAME_PLACE_S = 0.15
FADE_FRAMES = 480
SIGNAL_FRAMES = 4 * RATE_HZ
CUT_AFTER_S = 1.5
LOW_PERCENT = 22
SEEN = "out_of_date: seen before"
UNKNOWN = "unknown_key: no delegation to ea02545 is held"
"""A loudspeaker does not hold the keys of communes where it does not stand."""


@dataclass
class Alarm:
    """What one step of the story leaves for the next. Instants are seconds of the wall clock."""

    village: Village
    second: datetime
    programmes: dict[str, Samples]
    """What plays underneath, by device."""
    chair: Approver
    deputy: Approver
    alerts: list[str] = field(default_factory=list)
    sent_s: list[float] = field(default_factory=list)
    returned_s: float = 0.0
    cancelled_s: float = 0.0
    replayed_s: list[float] = field(default_factory=list)
    on_battery_s: tuple[float, float] = (0.0, 0.0)
    restarted_s: float = 0.0
    ends_s: float = 0.0

    def start(self, officer: Approver, choice: str, **more: object) -> str:
        self.sent_s.append(time.time())
        self.alerts.append(officer.start_alert(cast.VALLEY, WARNING.ident, {"ho": choice}, **more))
        return self.alerts[-1]


@pytest.mark.timeout(STORY_S)
def test_an_officer_warns_an_area_and_no_other(province: Village) -> None:
    began_ms = round(time.time() * 1_000)
    with province.on_air(ONE, TWO, THREE, FAR) as ears:
        alarm = programme_on_air(province)
        province.stage.processes.kill(THREE)
        thief = Thief(province)
        with thief.listening():
            warned_once(alarm)
            hears_it_on_return(alarm)
            cancelled_while_it_sounds(alarm)
        replay_is_reported(alarm, thief, began_ms)
        restart(alarm, ONE)
        replay_is_reported(alarm, thief, round(alarm.restarted_s * 1_000), devices=[ONE])
        only_emergencies_on_an_empty_battery(alarm)
        two_officers_at_once(alarm)
        power_returns(alarm)
        alarm.ends_s = time.time()
    heard_by_those_below_the_area(ears, alarm)
    heard_undisturbed_elsewhere(ears, alarm)
    heard_on_return(ears, alarm)
    logged(alarm, began_ms)


# -- the stage -----------------------------------------------------------------------------------------------------


def programme_on_air(village: Village) -> Alarm:
    """Both communes play a long recording of their own."""
    second = village.second_in(RELEASES, lasts_s=LONG_S)
    sounds = {
        area: long_programme(village, area, writer, chair, second)
        for area, writer, chair in (
            (cast.VALLEY, "vanhoa-tantrao", CHAIR),
            (cast.MOUNTAIN, "vanhoa-dongvan", "chutich-dongvan"),
        )
    }
    alarm = Alarm(village, second, {}, village.stage.approver(CHAIR), village.stage.approver(DEPUTY))
    for device, area in ((ONE, cast.VALLEY), (TWO, cast.VALLEY), (THREE, cast.VALLEY), (FAR, cast.MOUNTAIN)):
        disk = village.disk(device)
        wait_for(lambda d=disk, a=area: d.has(sounds[a]), f"{device} to hold its programme")
        alarm.programmes[device] = village.played(device, sounds[area])
    in_time(second)
    wait_until(second.timestamp() + BACK_S)
    for device in alarm.programmes:
        wait_for(lambda d=device: village.disk(d).status()["sounding"], f"{device} to play")
    return alarm


def long_programme(village: Village, area: str, writer: str, chair: str, second: datetime) -> str:
    """A slot with one long item, written and signed; the item's sound."""
    person = village.stage.staff(writer)
    staff.clear_slots(person, area)
    item = village.record(person, area, f"Chương trình dài {area}", LONG_S)
    staff.add_slot(person, area, slot("Chương trình dài", second, [f"item:{area}:{item}"], minutes="4"))
    staff.submit(person, area)
    village.stage.sign_all([chair], "programme")
    return village.sound_of(person, item)


class Thief:
    """Has two stolen accounts: a loudspeaker's, to hear what all may hear, and a station's, to say it again."""

    def __init__(self, village: Village) -> None:
        self._village = village
        self.captured: list[bytes] = []

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        password = self._village.stage.device_password(CARRIED)
        with listening_as(self._village.stage.ports.broker, CARRIED, password) as listener:
            listener.subscribe(EMERGENCY.of("#"))
            yield
            self.captured = [payload for topic, payload in listener.heard if emergency_area(topic)]

    def _thief_password(self) -> str:
        return self._village.stage.account_password(THIEF)

    def replay(self, *areas: str) -> None:
        with listening_as(self._village.stage.ports.broker, THIEF, self._thief_password()) as station:
            for area in areas:
                for envelope in self.captured:
                    station.publish(EMERGENCY.of(dotted(area)), envelope)


# -- the story -----------------------------------------------------------------------------------------------------


def warned_once(alarm: Alarm) -> None:
    """One round below the area, told step by step."""
    alert = alarm.start(alarm.chair, "tuyen-quang", times=1)
    for device in ALARMED:
        wait_for(lambda d=device: "finished" in states(alarm, alert, d), f"{device} to finish", limit_s=RECEIPT_S)
        assert states(alarm, alert, device) == ["received", "verified", "started", "finished"]
    assert states(alarm, alert, FAR) == []
    assert states(alarm, alert, THREE) == []


def hears_it_on_return(alarm: Alarm) -> None:
    """The third loudspeaker of the commune was off; the warning still holds."""
    alert = alarm.alerts[0]
    alarm.returned_s = time.time()
    alarm.village.start(THREE)
    wait_for(lambda: "finished" in states(alarm, alert, THREE), f"{THREE} to hear it", limit_s=RECEIPT_S)


def cancelled_while_it_sounds(alarm: Alarm) -> None:
    alert = alarm.start(alarm.deputy, "nho-que", times=5)
    for device in (*ALARMED, THREE):
        wait_for(lambda d=device: "started" in states(alarm, alert, d), f"{device} to sound", limit_s=RECEIPT_S)
    wait_until(time.time() + CUT_AFTER_S)
    alarm.cancelled_s = time.time()
    alarm.deputy.cancel_alert(alert)
    for device in (*ALARMED, THREE):
        wait_for(lambda d=device: "cancelled" in states(alarm, alert, d), f"{device} to stop", limit_s=RECEIPT_S)


def replay_is_reported(
    alarm: Alarm, thief: Thief, since_ms: int, *, devices: Sequence[str] = (ONE, TWO, FAR)
) -> None:
    """Captured bytes, on their own topic and on the neighbours': refused, written down, told to the officers."""
    expected = {(ident, SEEN) for ident in alarm.alerts}
    alarm.replayed_s.append(time.time())
    thief.replay(cast.VALLEY, cast.MOUNTAIN)
    for device in devices:
        wanted = {("", UNKNOWN)} if device == FAR else expected
        what = f"{device} to report it"
        wait_for(lambda d=device, w=wanted: refused(alarm, d, since_ms) >= w, what, limit_s=RECEIPT_S)
    wait_for(lambda: last_state(alarm, alarm.alerts[0], ONE) == ("refused", SEEN), "the receipt", limit_s=RECEIPT_S)
    for device in devices:
        wait_for(lambda d=device: alarm.village.disk(d).status()["alerts"] == [], f"{device} to be rid of alerts")


def restart(alarm: Alarm, device: str) -> None:
    """kill -9; its memory must be on its disk."""
    alarm.restarted_s = time.time()
    alarm.village.stage.processes.kill(device)
    alarm.village.start(device)


def only_emergencies_on_an_empty_battery(alarm: Alarm) -> None:
    wait_until(alarm.cancelled_s + BUDGET_S + 2 * BACK_S)
    since_ms = round(time.time() * 1_000)
    alarm.village.set_power(TWO, mains=False, percent=LOW_PERCENT)
    disk = alarm.village.disk(TWO)
    wait_for(lambda: not disk.status()["sounding"], f"{TWO} to be silent", limit_s=10)
    alarm.on_battery_s = (time.time(), 0.0)
    wait_for(lambda: any("battery" in row.detail for row in disk.rows("omitted", since_ms=since_ms)), "the reason")


def two_officers_at_once(alarm: Alarm) -> None:
    """Both warnings sound, one after the other, also on the empty battery."""
    both = [alarm.start(alarm.chair, "tuyen-quang", times=1), alarm.start(alarm.deputy, "nho-que", times=1)]
    for alert in both:
        for device in (*ALARMED, THREE):
            wait_for(lambda a=alert, d=device: "finished" in states(alarm, a, d), f"{device} to sound both",
                     limit_s=RECEIPT_S)  # fmt: skip


def power_returns(alarm: Alarm) -> None:
    alarm.on_battery_s = (alarm.on_battery_s[0], time.time())
    alarm.village.set_power(TWO, mains=True)
    wait_for(lambda: alarm.village.disk(TWO).status()["sounding"], f"{TWO} to play again", limit_s=10)
    wait_until(time.time() + 2 * BACK_S)


def receipt_of(alarm: Alarm, alert: str, device: str) -> dict[str, Any]:
    """What an officer sees of a loudspeaker."""
    return next((one for one in alarm.chair.receipts(alert) if one["device"] == device), {"states": [], "detail": ""})


def states(alarm: Alarm, alert: str, device: str) -> list[str]:
    return list(receipt_of(alarm, alert, device)["states"])


def last_state(alarm: Alarm, alert: str, device: str) -> tuple[str, str]:
    receipt = receipt_of(alarm, alert, device)
    return str(receipt["states"][-1]), str(receipt["detail"])


def refused(alarm: Alarm, device: str, since_ms: int) -> set[tuple[str, str]]:
    """What a loudspeaker's log says that it refused, and why."""
    return {(row.item, row.detail) for row in alarm.village.disk(device).rows("refused", since_ms=since_ms)}


# -- what was heard ------------------------------------------------------------------------------------------------


def heard_by_those_below_the_area(ears: Ears, alarm: Alarm) -> None:
    """Sample by sample on the card that counts them: programme, warning, programme where it is by then, and so on."""
    recording, programme = ears.of(CHANNELS[TWO]), alarm.programmes[TWO]
    base = programme_begins(recording, alarm, TWO)
    first, second, third, fourth = warnings_of(alarm, TWO)
    at = warning_heard(recording, first, alarm.sent_s[0], by_s=alarm.sent_s[0] + BUDGET_S)
    recording.assert_plays(programme[: at - base], base, but="the programme before the warning")
    programme_is_back(recording, alarm, base, recording.instant(at + len(first)))
    recording.find(second[:RATE_HZ], after_s=alarm.sent_s[1], before_s=alarm.cancelled_s + BUDGET_S)
    assert not_heard(recording, second, alarm.cancelled_s + BUDGET_S, alarm.sent_s[2])
    programme_is_back(recording, alarm, base, alarm.cancelled_s + BUDGET_S)
    at = warning_heard(recording, third, alarm.sent_s[2], by_s=alarm.sent_s[2] + BUDGET_S)
    recording.assert_silent(alarm.on_battery_s[0] + 1, recording.instant(at) - 0.05)
    recording.assert_plays(fourth, at + len(third), but="the second officer's warning")
    recording.assert_silent(recording.instant(at + len(third) + len(fourth)) + 0.05, alarm.on_battery_s[1])
    programme_is_back(recording, alarm, base, alarm.ends_s - 1.5 * BACK_S, wait_s=0)


def warnings_of(alarm: Alarm, device: str) -> list[Samples]:
    choices = ("tuyen-quang", "nho-que", "tuyen-quang", "nho-que")
    return [alarm.village.warning(device, choice) for choice in choices]


def programme_begins(recording: Recording, alarm: Alarm, device: str) -> int:
    begin = alarm.programmes[device][: 2 * RATE_HZ]
    return recording.find(begin, after_s=alarm.second.timestamp() - 3, before_s=alarm.second.timestamp() + 8)


def warning_heard(recording: Recording, warning: Samples, sent_s: float, *, by_s: float) -> int:
    """Attention signal and message without a gap, at once after the officer's order; where it begins."""
    at = recording.find(warning, after_s=sent_s, before_s=by_s + len(warning) / RATE_HZ, like=SIGNAL_FRAMES)
    assert sent_s < recording.instant(at) < by_s
    recording.assert_plays(warning[FADE_FRAMES:], at + FADE_FRAMES, but="a warning")
    return at


def not_heard(recording: Recording, warning: Samples, from_s: float, to_s: float) -> bool:
    """Neither signal nor message."""
    signal, message = warning[:RATE_HZ], warning[SIGNAL_FRAMES:]
    return all(recording.look_for(part, after_s=from_s, before_s=to_s) is None for part in (signal, message))


def programme_is_back(
    recording: Recording, alarm: Alarm, base: int, from_s: float, *, device: str = TWO, wait_s: float = BACK_S
) -> None:
    """A stretch of the programme is heard where it would be had nothing happened."""
    begin = recording.index(from_s + wait_s) - base
    expected = alarm.programmes[device][begin : begin + RATE_HZ]
    at = recording.find(expected, after_s=from_s, before_s=from_s + wait_s + 3)
    assert abs(at - (base + begin)) <= SAME_PLACE_S * RATE_HZ


def heard_undisturbed_elsewhere(ears: Ears, alarm: Alarm) -> None:
    """The other commune's loudspeaker: its own programme, every sample, whatever was sent or replayed."""
    recording, programme = ears.of(CHANNELS[FAR]), alarm.programmes[FAR]
    base = programme_begins(recording, alarm, FAR)
    recording.assert_plays(programme[: recording.index(alarm.ends_s - 1) - base], base, but="the neighbours' programme")


def heard_on_return(ears: Ears, alarm: Alarm) -> None:
    """The one that was off says the first warning once, when it is back; and nothing while old bytes are replayed."""
    recording = ears.of(CHANNELS[THREE])
    (first, *_) = warnings_of(alarm, THREE)
    at = warning_heard(recording, first, alarm.returned_s, by_s=alarm.sent_s[1])
    again_s = recording.instant(at + len(first))
    assert not_heard(recording, first, again_s, alarm.sent_s[1])
    assert not_heard(ears.of(CHANNELS[ONE]), first, alarm.replayed_s[0], alarm.sent_s[2])
    assert not_heard(ears.of(CHANNELS[TWO]), first, alarm.replayed_s[0], alarm.sent_s[2])


def logged(alarm: Alarm, since_ms: int) -> None:
    """Each round that sounded is a row, and no other."""
    expected = [(alarm.alerts[0], True), (alarm.alerts[1], False), (alarm.alerts[2], True), (alarm.alerts[3], True)]
    for device in (*ALARMED, THREE):
        rows: list[Row] = alarm.village.disk(device).rows("alert", since_ms=since_ms)
        assert [(row.item, row.complete) for row in rows] == expected
    assert alarm.village.disk(FAR).rows("alert", since_ms=since_ms) == []
