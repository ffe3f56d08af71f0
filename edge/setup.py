"""A folder becomes a device; running it again changes nothing that a device already has.

For `loa-edge enrol` (`enrolling`), and for `loa-edge init`, its stand-in in the demo and on a bench: there the hub
registers the request by hand, and the device comes to the broker by password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.config import FILE
from edge.errors import ConfigError, StoreError
from edge.files import store_error, write_atomic
from edge.identity import PASSWORD_FILE, REQUEST_FILE, make_identity
from edge.sense.board import Board, load_board, read_serial
from edge.sync.truststore import ROOT_FILE
from wire.errors import WireError
from wire.trust.held import pin_root

DEVICE = re.compile(r"[a-z0-9-]{1,40}")
DEFAULT_PORT = 1883


@dataclass(frozen=True)
class Wishes:
    """What was asked for on the command line."""

    device: str
    serial: str
    board: str
    hub: str
    broker: str
    root: Path


def init_device(folder: Path, wishes: Wishes) -> Iterator[str]:
    """Make what is missing; says line by line what there is. Raises ConfigError, StoreError."""
    if not DEVICE.fullmatch(wishes.device):
        raise ConfigError(f"device {wishes.device!r}: a-z, 0-9 and -, at most 40")
    root, fingerprint = _read_root(wishes.root)
    board = load_board(wishes.board, folder)
    of_board = "" if wishes.serial else read_serial(board.serial)
    serial = wishes.serial or of_board or wishes.device
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise store_error(f"{folder}", error) from error
    if not (folder / ROOT_FILE).exists():
        write_atomic(folder / ROOT_FILE, root)
    elif (folder / ROOT_FILE).read_bytes() != root:
        raise StoreError(f"{folder / ROOT_FILE} is another province's; a device keeps its first root")
    if not (folder / FILE).exists():
        config = _config(wishes, board, serial, board.serial if of_board else "")
        write_atomic(folder / FILE, config.encode(), mode=0o600)
    request = make_identity(folder, device=wishes.device, serial=serial, board=board.name)
    yield f"device {request.device} key {request.key}"
    yield f"root {fingerprint}"
    yield f"register it: {folder / REQUEST_FILE}"


def _read_root(path: Path) -> tuple[bytes, str]:
    try:
        raw = path.read_bytes()
        return raw, pin_root(raw).root_fingerprint
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except WireError as error:
        raise ConfigError(f"{path} is no root of a province: {error.detail}") from error


def _config(wishes: Wishes, board: Board, serial: str, serial_file: str) -> str:
    broker = _broker(wishes.broker) if wishes.broker else []      # else the enrolment's answer brings it
    output, power = board.output, board.power
    lines = [
        "# One device of Loa. `LOA_EDGE_<KEY>` in the environment overrides a value; edge/README.md lists the keys.",
        f"device = {_text(wishes.device)}",
        f"serial_file = {_text(serial_file)}" if serial_file else f"serial = {_text(serial)}",
        f"board = {_text(board.name)}",
        f"hub_url = {_text(wishes.hub.rstrip('/'))}",
        f"rtc = {_text(board.rtc)}",
        *broker,
        "",
        "[output]",
        f"kind = {_text(output.kind)}",
        f"device = {_text(output.device)}",
        f"latency_s = {output.latency_s}",
        "",
        "[power]",
        f"mains_online = {_text(power.mains_online)}",
        f"battery_capacity = {_text(power.battery_capacity)}",
    ]
    return "\n".join(lines) + "\n"


def _broker(where: str) -> list[str]:
    host, port = _host_and_port(where)
    return ["", "[broker]", f"host = {_text(host)}", f"port = {port}", f"password_file = {_text(PASSWORD_FILE)}"]


def _host_and_port(broker: str) -> tuple[str, int]:
    host, _, port = broker.rpartition(":") if ":" in broker else (broker, "", str(DEFAULT_PORT))
    if not port.isdigit() or not 0 < int(port) < 2**16:
        raise ConfigError(f"--broker {broker}: HOST:PORT")
    return host, int(port)


def _text(value: str) -> str:
    """A TOML string. What would need escaping is not taken."""
    if '"' in value or "\\" in value or any(ord(letter) < 32 for letter in value):
        raise ConfigError(f"{value!r}: without quotes, backslashes and control characters")
    return f'"{value}"'
