"""The emergency part of the check: start, receipts, cancel, replay, a device that was off, an empty battery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scripts.province import cast, observer
from scripts.province.approvals import Approver
from scripts.province.listener import listening_as
from scripts.province.peopling import CHAIRS
from scripts.province.processes import wait_for
from scripts.province.stage import Stage
from scripts.province.story import Story, must
from wire.topics import EMERGENCY, dotted

ONE, TWO, MUTE, EMPTY, FAR = "loa-tantrao-01", "loa-tantrao-02", "loa-tantrao-03", "loa-dongvan-01", "loa-dongvan-02"
CHOICE = {"ho": "tuyen-quang"}
RECEIPT_S = 15
SILENCE_S = 3.0


@dataclass
class Alarm:
    """What one step leaves for the next."""

    stage: Stage
    chair: Approver
    alerts: list[str] = field(default_factory=list)
    captured: list[tuple[str, bytes]] = field(default_factory=list)


def tell_alerts(story: Story, stage: Stage) -> None:
    chair = story.need("an officer signs in to the approval app", lambda: stage.approver(CHAIRS[cast.VALLEY]))
    alarm = Alarm(stage, chair)
    story.step("an emergency sounds below its area and nowhere else, receipts come live", lambda: _sounds(alarm))
    story.step("a loudspeaker with a fault says so in its receipt", lambda: _fault_is_told(alarm))
    story.step("cancel silences at once", lambda: _cancelled(alarm))
    story.step(
        "captured MQTT bytes, sent again after a restart, make no sound and are reported", lambda: _replayed(alarm)
    )
    story.step("a loudspeaker that was off hears it on return", lambda: _hears_on_return(alarm))
    story.step("on an empty battery emergencies sound all the same", lambda: _sounds_on_battery(stage))


def _sounds(alarm: Alarm) -> None:
    stage = alarm.stage
    with listening_as(stage.ports.broker, FAR, stage.device_password(FAR)) as listener:
        listener.subscribe("loa/1/em/#")
        alert = alarm.chair.start_alert(cast.VALLEY, cast.FLOOD.ident, CHOICE)
        alarm.alerts.append(alert)
        for device in (ONE, TWO):
            _wait_receipt(alarm.chair, alert, device, "started")
        wait_for(lambda: len(listener.heard) > 0, "the message on the broker", limit_s=5)
        alarm.captured = list(listener.heard)
    observer.wait_said(stage, ONE, lambda s: alert in s["alerts"] and s["sounding"], "the alert", limit_s=5)
    must(not observer.said(stage, FAR)["alerts"], f"{FAR} sounds too")
    strangers = {one["device"] for one in alarm.chair.receipts(alert) if one["states"]} - {ONE, TWO, MUTE}
    must(not strangers, f"receipts from {strangers}")


def _fault_is_told(alarm: Alarm) -> None:
    def told() -> bool:
        found = _receipt(alarm.chair, alarm.alerts[0], MUTE)
        return bool(found.get("states")) and "started" not in found["states"]

    wait_for(told, f"a receipt of {MUTE}", limit_s=RECEIPT_S, every_s=0.3)


def _cancelled(alarm: Alarm) -> None:
    alarm.chair.cancel_alert(alarm.alerts[0])
    for device in (ONE, TWO):
        observer.wait_said(
            alarm.stage, device, lambda s: not s["alerts"] and not s["sounding"], "silence", limit_s=SILENCE_S
        )
    _wait_receipt(alarm.chair, alarm.alerts[0], ONE, "cancelled")


def _replayed(alarm: Alarm) -> None:
    stage = alarm.stage
    stage.processes.kill(ONE)
    stage.start_device(ONE)
    observer.wait_said(stage, ONE, lambda s: s["pid"] == stage.processes.pid(ONE) and s["connected"], "its return")
    before = len(_alert_rows(stage, ONE))
    stage.processes.stop("worker")  # the thief speaks under its account
    with listening_as(stage.ports.broker, "hub", stage.account_password("hub")) as thief:
        for topic, payload in alarm.captured:
            thief.publish(topic, payload)
            thief.publish(EMERGENCY.of(dotted(cast.PROVINCE)), payload)
    stage.start_worker()
    observer.wait_said(stage, ONE, lambda s: sum(s["refused"].values()) > 0, "a report of the replay", limit_s=8)
    must(not observer.said(stage, ONE)["alerts"], "the replay is taken for an alert")
    must(len(_alert_rows(stage, ONE)) == before, "the replay sounded")


def _hears_on_return(alarm: Alarm) -> None:
    stage = alarm.stage
    stage.processes.stop(TWO)
    alert = alarm.chair.start_alert(f"{cast.VALLEY}/02", cast.FLOOD.ident, CHOICE)
    stage.start_device(TWO)
    _wait_receipt(alarm.chair, alert, TWO, "started")
    must(alert not in observer.said(stage, ONE)["alerts"], f"{ONE} lies in another hamlet and sounds")
    alarm.chair.cancel_alert(alert)
    observer.wait_said(stage, TWO, lambda s: not s["alerts"], "silence", limit_s=SILENCE_S)


def _sounds_on_battery(stage: Stage) -> None:
    chair = stage.approver(CHAIRS[cast.MOUNTAIN])
    alert = chair.start_alert(f"{cast.MOUNTAIN}/01", cast.FLOOD.ident, CHOICE)
    _wait_receipt(chair, alert, EMPTY, "started")
    chair.cancel_alert(alert)
    observer.wait_said(stage, EMPTY, lambda s: not s["alerts"], "silence", limit_s=SILENCE_S)


def _receipt(officer: Approver, alert: str, device: str) -> dict[str, Any]:
    return next((one for one in officer.receipts(alert) if one["device"] == device), {})


def _wait_receipt(officer: Approver, alert: str, device: str, state: str) -> None:
    has: Callable[[], bool] = lambda: state in _receipt(officer, alert, device).get("states", [])  # noqa: E731
    wait_for(has, f"the receipt “{state}” of {device}", limit_s=RECEIPT_S, every_s=0.1)


def _alert_rows(stage: Stage, device: str) -> list[dict[str, Any]]:
    return [row for row in observer.rows(stage, device) if row["kind"] == "alert"]
