"""config.toml and `LOA_EDGE_…`, checked once into a frozen value; every error names the key and what would be right.

Environment: `LOA_EDGE_HUB_URL`, for a table `LOA_EDGE_BROKER_HOST`. Durations in seconds, sizes in megabytes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from edge.errors import ConfigError
from wire.enrolment import DeviceId

PREFIX = "LOA_EDGE_"
FILE = "config.toml"
ENROLLED_FILE = "enrolled.toml"
"""What the enrolment brought, beneath `config.toml`."""

Port = Annotated[int, Meta(ge=1, le=65_535)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Percent = Annotated[int, Meta(ge=0, le=100)]


class Broker(Struct, frozen=True, forbid_unknown_fields=True):
    """The MQTT broker; with an empty host the device works without one."""

    host: str = ""
    port: Port = 1883
    username: str = ""
    """Empty: the device id."""
    password_file: str = ""
    keepalive_s: Annotated[int, Meta(ge=10, le=3_600)] = 240
    longest_pause_s: Annotated[float, Meta(ge=1, le=3_600)] = 120
    """Between attempts to connect; each pause is drawn from nothing up to a ceiling that doubles until this."""
    tls_ca: str = ""
    tls_certificate: str = ""
    tls_key: str = ""


class Output(Struct, frozen=True, forbid_unknown_fields=True):
    """Where sound goes; see `python -m edge.play --help`."""

    kind: Annotated[str, Meta(pattern="^(sounddevice|pyaudio|wav)$")] = "sounddevice"
    device: str = ""
    latency_s: Annotated[float, Meta(ge=0.005, le=1)] = 0.05
    wav: str = ""


class PowerFiles(Struct, frozen=True, forbid_unknown_fields=True):
    """Files as in /sys/class/power_supply; empty: cannot be read, which counts as mains."""

    mains_online: str = ""
    battery_capacity: str = ""
    interval_s: Seconds = 5


class Storage(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of the store."""

    free_floor_mb: Annotated[int, Meta(ge=0)] = 200
    """So much stays free on the disk: content that nothing names leaves first, then fetching stops."""
    log_rows: Annotated[int, Meta(ge=1_000)] = 500_000
    log_days: Annotated[int, Meta(ge=90)] = 365


class Pace(Struct, frozen=True, forbid_unknown_fields=True):
    """How far a fleet's devices are spread in time, and how often each reports. A demo sets the jitters to 0."""

    birth_jitter_s: Seconds = 60
    refresh_jitter_s: Seconds = 60
    fetch_jitter_s: Seconds = 600
    ack_jitter_s: Seconds = 30
    health_s: Seconds = 900
    refresh_s: Seconds = 21_600
    """A refresh without a nudge, in case one was lost."""
    retry_s: Seconds = 300
    """The longest pause between attempts to reach the hub."""
    certificate_s: Seconds = 21_600
    """How often the device looks whether its certificate must be renewed; one that is missing is asked for sooner."""


class Rig(Struct, frozen=True, forbid_unknown_fields=True):
    """Power cuts without cutting power, for tests alone: a wall clock that is wrong, another boot."""

    clock_offset_s: float = 0
    boot_id: str = ""


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set on a device."""

    device: DeviceId
    serial: Annotated[str, Meta(max_length=64)] = ""
    """Hardware serial where the hardware has none of its own; empty: the device id."""
    serial_file: str = ""
    """Where the hardware tells its serial, which then is the only one that counts: a card that was put into another
    box says so."""
    board: str = "pc"
    hub_url: Annotated[str, Meta(pattern="^(https?://[^ ]+[^/ ])?$")] = ""
    hub_ca: str = ""
    """File with the authority of the hub's own certificate; empty: those that the system knows."""
    volume_percent: Percent = 100
    rtc: str = ""
    """A file that counts seconds since 1970, such as /sys/class/rtc/rtc0/since_epoch; empty: the board has none."""
    boot_id: str = "/proc/sys/kernel/random/boot_id"
    stick_dir: str = ""
    """Folder in which USB sticks are mounted; empty: sticks are not looked for."""
    log_level: Annotated[str, Meta(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    broker: Broker = Broker()
    output: Output = Output()
    power: PowerFiles = PowerFiles()
    store: Storage = Storage()
    pace: Pace = Pace()
    rig: Rig = Rig()


TABLES = ("broker", "output", "power", "store", "pace", "rig")


def load_config(folder: Path, environment: Mapping[str, str]) -> Config:
    """The checked configuration of a device's folder. Raises ConfigError."""
    path = folder / FILE
    if not path.exists():
        raise ConfigError(f"{path} is missing: `loa-provision enrol` (or `loa-edge init --dir {folder} …`) makes it")
    brought = _read(folder / ENROLLED_FILE) if (folder / ENROLLED_FILE).exists() else {}
    values = _beneath(brought, _read(path))
    return _in_folder(check_config(_merge(values, environment), where=str(path)), folder)


def check_config(values: Mapping[str, Any], *, where: str) -> Config:
    """Plain values into a Config. Raises ConfigError with the key in it."""
    try:
        config = msgspec.convert(values, Config, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {_say(error)}") from error
    if (config.output.kind == "wav") != bool(config.output.wav):
        raise ConfigError(f'{where}: output.kind "wav" and output.wav belong together')
    return config


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _beneath(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    """`upper`, table by table, with what only `lower` says."""
    tables = {name: {**table, **upper.get(name, {})} for name, table in lower.items() if isinstance(table, dict)}
    return {**lower, **upper, **tables}


def _in_folder(config: Config, folder: Path) -> Config:
    """TLS files that are named without a path lie in the device's folder."""
    named = {name: getattr(config.broker, name) for name in ("tls_ca", "tls_certificate", "tls_key")}
    paths = {name: str((folder / file).resolve()) for name, file in named.items() if file}
    return msgspec.structs.replace(config, broker=msgspec.structs.replace(config.broker, **paths))


def _merge(values: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    merged = {key: dict(value) if isinstance(value, dict) else value for key, value in values.items()}
    for name, value in environment.items():
        if name.startswith(PREFIX):
            _put(merged, name.removeprefix(PREFIX).lower(), value)
    return merged


def _put(merged: dict[str, Any], key: str, value: str) -> None:
    table, _, rest = key.partition("_")
    if table in TABLES and rest:
        merged.setdefault(table, {})[rest] = value
    else:
        merged[key] = value


def _say(error: msgspec.ValidationError) -> str:
    what, _, where = str(error).partition(" - at `$.")
    return f"{where.rstrip('`')}: {what}" if where else what
