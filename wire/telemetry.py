"""What a device reports of itself: the METRICS table, and the messages birth, death, health and command.

Health is at most 120 bytes (MessagePack, an array in the table's order), so that a device at rest stays cheap on 4G.
None of these is signed: nothing is decided on them alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from wire.codec import SCHEMA, decode, encode
from wire.content import Sha256
from wire.enrolment import DeviceId
from wire.errors import MalformedError
from wire.topics import BIRTH, CMD, DEATH, HEALTH
from wire.units import UtcTime


@dataclass(frozen=True)
class Metric:
    """One figure of the health message. Values are whole numbers; None means "cannot be read here"."""

    name: str
    unit: str
    low: int
    high: int
    label: str
    """English label, translated by the hub."""


METRICS = (
    Metric("time_quality", "", 0, 3, "Time quality"),
    Metric("clock_error_ms", "ms", 0, 86_400_000, "Clock error"),
    Metric("power", "", 0, 2, "Power: 0 unknown, 1 mains, 2 battery"),
    Metric("battery_percent", "%", 0, 100, "Battery"),
    Metric("disk_free_mb", "MB", 0, 100_000_000, "Free storage"),
    Metric("memory_free_mb", "MB", 0, 1_000_000, "Free memory"),
    Metric("temperature_c", "°C", -50, 150, "Temperature"),
    Metric("volume_percent", "%", 0, 100, "Volume"),
    Metric("playing", "", 0, 2, "Sounding: 0 nothing, 1 programme, 2 alert"),
    Metric("supplied_until_h", "h", 0, 20_000_000, "Content until, hours since 1970"),
    Metric("unsent_rows", "", 0, 100_000_000, "Log rows not yet sent"),
    Metric("refused", "", 0, 100_000_000, "Messages refused since boot"),
    Metric("fault", "", 0, 2**31, "Fault bits, see FAULTS"),
)

FAULTS = {
    "no_sound_device": 1,
    "store_failing": 2,
    "disk_full": 4,
    "no_time": 8,
    "content_missing": 16,
    "metadata_stale": 32,
    "duplicate_identity": 64,
    "play_restarting": 128,
    "clock_refused": 256,
}


class Birth(Struct, frozen=True):
    """Announced at every connection."""

    device: DeviceId
    session: Annotated[str, Meta(pattern="^[0-9a-f]{8,32}$")]
    boot: Annotated[str, Meta(max_length=64)]
    serial: Annotated[str, Meta(max_length=64)]
    software: Annotated[str, Meta(max_length=40)]
    root_fingerprint: Sha256
    area: Annotated[str, Meta(max_length=80)]
    cluster: Annotated[str, Meta(max_length=64)]
    placement_n: int
    versions: Annotated[dict[str, int], Meta(max_length=40)]
    """Role name to metadata version held."""
    time_quality: Annotated[int, Meta(ge=0, le=3)]
    at: UtcTime
    supplied_until: UtcTime
    chain: Annotated[str, Meta(max_length=32)]
    last_seq: int
    alerts: Annotated[list[Sha256], Meta(max_length=100)] = msgspec.field(default_factory=list)
    schema: int = SCHEMA


class Death(Struct, frozen=True):
    """Last will. Counts only for the session that the hub knows as the live one."""

    session: Annotated[str, Meta(max_length=32)]


class Command(Struct, frozen=True):
    """A harmless request of the hub, or something signed that it carries.

    refresh: come and fetch (`area` names where the placement now lies) · health · log: send from `seq` + 1 ·
    envelope: a DSSE envelope (base64 in `body`) in answer to a birth · quieter: stop, mute or volume down, bounded on
    the device to 30 days.
    """

    kind: Annotated[str, Meta(pattern="^[a-z_]{1,20}$")]
    id: Annotated[str, Meta(max_length=64)] = ""
    area: Annotated[str, Meta(max_length=80)] = ""
    seq: int = 0
    body: Annotated[str, Meta(max_length=48 * 1024)] = ""
    until: UtcTime = UtcTime(0)
    volume_percent: Annotated[int, Meta(ge=0, le=100)] = 100


class Versions(Struct, frozen=True):
    """Come and refresh: the versions that the hub now serves. Tampering is harmless."""

    timestamp: int
    snapshot: int


def encode_health(readings: Mapping[str, int | None]) -> bytes:
    """Readings by metric name into at most 120 bytes. A name outside the table is a programming error (KeyError)."""
    unknown = set(readings) - {metric.name for metric in METRICS}
    if unknown:
        raise KeyError(f"no such metric: {sorted(unknown)}")
    raw = msgspec.msgpack.encode([readings.get(metric.name) for metric in METRICS])
    if len(raw) > HEALTH.max_bytes:
        raise MalformedError(f"health of {len(raw)} bytes")
    return raw


def read_health(raw: bytes) -> dict[str, int | None]:
    """Readings by metric name; values outside a metric's range become None, entries of a newer table are ignored."""
    if len(raw) > HEALTH.max_bytes:
        raise MalformedError(f"health of {len(raw)} bytes")
    try:
        values = msgspec.msgpack.decode(raw, type=list[int | None])
    except msgspec.DecodeError as error:
        raise MalformedError(f"not a health message: {error}") from error
    pairs = zip(METRICS, values, strict=False)
    return {m.name: v if v is not None and m.low <= v <= m.high else None for m, v in pairs}


def read_birth(raw: bytes) -> Birth:
    return decode(raw, Birth, limit=BIRTH.max_bytes)


def read_death(raw: bytes) -> Death:
    return decode(raw, Death, limit=DEATH.max_bytes)


def read_command(raw: bytes) -> Command:
    return decode(raw, Command, limit=CMD.max_bytes)


def read_versions(raw: bytes) -> Versions:
    return decode(raw, Versions, limit=1024)


def encode_message(message: Birth | Death | Command | Versions) -> bytes:
    return encode(message)
