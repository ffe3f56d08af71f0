"""Every MQTT topic: who speaks, quality of service, retained or not (design §6).

The broker is assumed to do MQTT 3.1.1 with QoS 0/1, retained messages, last will and clean sessions, and nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass

from wire.areas import ancestry

ROOT = "loa/1"


@dataclass(frozen=True)
class Topic:
    """One row of the table. `{0}` is the device id or the dotted area, `{1}` a live session."""

    name: str
    pattern: str
    speaker: str
    """device, hub, or officer (the worker or an officer's station)."""
    qos: int
    retained: bool
    max_bytes: int

    def of(self, *parts: str) -> str:
        return self.pattern.format(*parts)


BIRTH = Topic("birth", ROOT + "/up/{0}/birth", "device", 1, False, 8 * 1024)
DEATH = Topic("death", ROOT + "/up/{0}/death", "device", 1, False, 1024)
HEALTH = Topic("health", ROOT + "/up/{0}/health", "device", 0, False, 120)
LOG = Topic("log", ROOT + "/up/{0}/log", "device", 1, False, 96 * 1024)
ACK = Topic("ack", ROOT + "/up/{0}/ack", "device", 1, False, 16 * 1024)
LOGGED = Topic("logged", ROOT + "/dn/{0}/logged", "hub", 1, False, 1024)
CMD = Topic("cmd", ROOT + "/dn/{0}/cmd", "hub", 1, False, 64 * 1024)
VERSIONS = Topic("versions", ROOT + "/ar/{0}/ver", "hub", 1, True, 1024)
EMERGENCY = Topic("emergency", ROOT + "/em/{0}", "officer", 1, False, 24 * 1024)
LIVE = Topic("live", ROOT + "/live/{0}/{1}", "hub", 0, False, 4 * 1024)

TOPICS = (BIRTH, DEATH, HEALTH, LOG, ACK, LOGGED, CMD, VERSIONS, EMERGENCY, LIVE)
FROM_DEVICES = ROOT + "/up/+/+"


def dotted(area: str) -> str:
    """An area path as one topic level: `08/00694` becomes `08.00694`."""
    return area.replace("/", ".")


def undotted(level: str) -> str:
    return level.replace(".", "/")


def device_subscriptions(device: str, area: str | None) -> list[tuple[str, int]]:
    """What a device listens to: its own commands, and versions and emergencies of every level of its area."""
    topics = [(LOGGED.of(device), LOGGED.qos), (CMD.of(device), CMD.qos)]
    for level in ancestry(area) if area else []:
        topics += [(VERSIONS.of(dotted(level)), VERSIONS.qos), (EMERGENCY.of(dotted(level)), EMERGENCY.qos)]
    return topics


def split_up(topic: str) -> tuple[str, str] | None:
    """(device, name) of a topic of the `up` tree, or None."""
    parts = topic.split("/")
    return (parts[3], parts[4]) if len(parts) == 5 and parts[:3] == [*ROOT.split("/"), "up"] else None


def emergency_area(topic: str) -> str | None:
    """The area path of a topic of the `em` tree, or None."""
    parts = topic.split("/")
    return undotted(parts[3]) if len(parts) == 4 and parts[:3] == [*ROOT.split("/"), "em"] else None
