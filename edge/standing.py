"""How the device stands: its faults, what it says of itself at birth and in health, and status.json for people."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import msgspec

from edge.link import Link
from edge.logbook import Logbook
from edge.parts import Parts
from edge.plan.fallback import Rung
from edge.plan.planner import Planner
from edge.report.outbox import Outbox
from edge.report.playlog import PlayLog
from edge.report.readings import State, read_all
from edge.supply_line import Supply
from edge.sync.receive import Receiver
from wire.telemetry import FAULTS, Birth, encode_health, encode_message
from wire.timeline import TimeQuality
from wire.topics import BIRTH, HEALTH
from wire.trust.rolefile import RoleFile

STATUS_FILE: Final = "status.json"
MOST_VERSIONS: Final = 40
NOTHING, PROGRAMME, ALERT = 0, 1, 2


@dataclass
class Standing:
    """Belongs to the main loop, which keeps `supply` and `rung` up to date."""

    parts: Parts
    playlog: PlayLog
    outbox: Outbox
    receiver: Receiver
    planner: Planner
    link: Link
    logbook: Logbook
    supply: Supply
    rung: Rung = Rung.SILENCE
    faults: set[str] = field(default_factory=set)
    output: str = ""
    _written: bytes = b""

    def set_fault(self, name: str, *, is_on: bool, why: str = "") -> bool:
        """Note that a fault starts or ends; it is logged and said at once. True if that is news."""
        if (name in self.faults) == is_on or name not in FAULTS:
            return False
        (self.faults.add if is_on else self.faults.discard)(name)
        self.logbook.event(f"fault {name} {'begins' if is_on else 'ends'}{': ' + why if why else ''}")
        self.say_health()
        return True

    def say_birth(self, session: str) -> None:
        """Announce this connection; after it the hub sends what we lack."""
        self.link.publish(BIRTH.of(self.parts.me.device), encode_message(self._birth(session)), qos=BIRTH.qos)

    def say_health(self) -> None:
        """Dropped if the link is down: the next one says more."""
        if self.link.is_connected:
            health = encode_health(read_all(self._state()))
            self.link.publish(HEALTH.of(self.parts.me.device), health, qos=HEALTH.qos)

    def write_status(self) -> None:
        """status.json for `loa-edge status` and technicians. Nothing is decided on it, so it need not survive."""
        raw = msgspec.json.format(msgspec.json.encode(self._status())) + b"\n"
        if raw == self._written:
            return
        self._written = raw
        path = self.parts.folder / STATUS_FILE
        temporary = path.with_suffix(".json.tmp")
        with contextlib.suppress(OSError):      # a full or failing disk is reported elsewhere
            temporary.write_bytes(raw)
            temporary.replace(path)

    def is_stale(self) -> bool:
        timestamp = self.parts.trust.held.timestamp
        return timestamp is None or timestamp.expires < self.parts.clock.now()

    def _state(self) -> State:
        parts = self.parts
        return State(
            time_quality=parts.clock.quality(), clock_error_ms=parts.clock.error_ms(),
            power=self.planner.inputs.power, disk_free_bytes=parts.cache.free_bytes(),
            volume_percent=parts.volume_percent(), playing=self._playing(), supplied_until=self.supply.supplied_until,
            unsent_rows=self.outbox.unsent_rows, refused=sum(self.receiver.refused.values()),
            faults=frozenset(self.faults),
        )  # fmt: skip

    def _playing(self) -> int:
        cue = self.planner.sounding
        return NOTHING if cue is None else ALERT if cue.is_alert else PROGRAMME

    def _birth(self, session: str) -> Birth:
        parts, held = self.parts, self.parts.trust.held
        placement = self.supply.holdings.placement
        files: list[RoleFile[Any] | None] = [held.root, held.timestamp, held.snapshot, *held.roles.values()]
        versions = {file.name: file.version for file in files if file is not None}
        return Birth(
            device=parts.me.device, session=session, boot=parts.boot_id, serial=parts.me.serial,
            software=software_version(), root_fingerprint=held.root_fingerprint,
            area=placement.area if placement else "", cluster=placement.cluster if placement else "",
            placement_n=placement.n if placement else 0, versions=dict(list(versions.items())[:MOST_VERSIONS]),
            time_quality=int(parts.clock.quality()), at=parts.clock.now(), supplied_until=self.supply.supplied_until,
            chain=self.playlog.chain, last_seq=self.playlog.last_seq, alerts=parts.alerts.known_ids,
        )  # fmt: skip

    def _status(self) -> dict[str, Any]:
        parts, placement, cue = self.parts, self.supply.holdings.placement, self.planner.sounding
        return {
            "device": parts.me.device,
            "pid": os.getpid(),
            "area": placement.area if placement else "",
            "cluster": placement.cluster if placement else "",
            "connected": self.link.is_connected,
            "time_quality": TimeQuality(parts.clock.quality()).name.lower(),
            "power": self.planner.inputs.power.source.name.lower(),
            "battery_percent": self.planner.inputs.power.percent,
            "rung": str(self.rung),
            "sounding": cue.part if cue else "",
            "alerts": [running.alert.id for running in self.planner.inputs.alerts],
            "supplied_until": self.supply.supplied_until,
            "missing": len(self.supply.missing),
            "faults": sorted(self.faults),
            "refused": dict(self.receiver.refused),
            "output": self.output,
            "programmes": {area: programme.issued for area, programme in self.supply.holdings.programmes.items()},
            "waiting": sorted(self.supply.holdings.waiting),
            "versions": {name: file.version for name, file in parts.trust.held.roles.items()},
            "placement_n": placement.n if placement else 0,
            "last_seq": self.playlog.last_seq,
        }


def software_version() -> str:
    try:
        return f"loa {version('loa')}"
    except PackageNotFoundError:
        return "loa"
