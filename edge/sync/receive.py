"""First room of every message: a topic and bytes become a typed message, or a refusal that is counted.

Nothing is verified here; an envelope stays bytes. What becomes of a message is the agent's business.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from wire.areas import contains
from wire.errors import MalformedError, UnknownKindError, WireError
from wire.playlog import Logged, read_logged
from wire.telemetry import Command, Versions, read_command, read_versions
from wire.topics import CMD, EMERGENCY, LOGGED, ROOT, VERSIONS, dotted, emergency_area

COMMANDS = ("refresh", "health", "log", "envelope", "quieter")


@dataclass(frozen=True)
class EnvelopeArrived:
    """An emergency envelope, unverified."""

    raw: bytes
    carrier: str


@dataclass(frozen=True)
class Refusal:
    """Something was not accepted: stable code of a WireError, and what explains it."""

    code: str
    detail: str
    topic: str = ""


Message = EnvelopeArrived | Command | Logged | Versions | Refusal


class Receiver:
    """Knows whom this device listens to, and counts what it refused."""

    def __init__(self, device: str) -> None:
        self._device = device
        self.area = ""
        self.refused: Counter[str] = Counter()

    def read(self, topic: str, payload: bytes) -> Message:
        """The message that these bytes are. Bytes of another schema, kind or area are a Refusal, never an error."""
        try:
            return self._read(topic, payload)
        except WireError as error:
            return self.refuse(error, topic)

    def refuse(self, error: WireError, topic: str = "") -> Refusal:
        """Count a refusal, wherever on the way it happened."""
        self.refused[error.code] += 1
        return Refusal(error.code, error.detail, topic)

    def _read(self, topic: str, payload: bytes) -> Message:
        area = emergency_area(topic)
        if area is not None:
            return self._read_envelope(area, payload)
        if topic == LOGGED.of(self._device):
            return read_logged(payload)
        if topic == CMD.of(self._device):
            return _read_command(payload)
        if topic.startswith(f"{ROOT}/ar/") and topic == VERSIONS.of(dotted(topic.split("/")[3])):
            return read_versions(payload)
        raise UnknownKindError(f"a message on {topic[:80]}")

    def _read_envelope(self, area: str, payload: bytes) -> EnvelopeArrived:
        if len(payload) > EMERGENCY.max_bytes:
            raise MalformedError(f"envelope of {len(payload)} bytes")
        if not self.area or not contains(area, self.area):
            raise UnknownKindError(f"an emergency on the topic of {area}")
        return EnvelopeArrived(payload, "broker")


def _read_command(payload: bytes) -> Command:
    command = read_command(payload)
    if command.kind not in COMMANDS:
        raise UnknownKindError(f"command {command.kind}")
    return command
