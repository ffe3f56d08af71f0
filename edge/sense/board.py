"""The board file (hardware/boards/<board>.toml): what this hardware has, so that nobody configures it by hand.

A device folder may carry its own `board.toml`; a checkout's hardware/boards is looked at next.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.errors import ConfigError

BOARDS = Path(__file__).resolve().parents[2] / "hardware" / "boards"
OWN_FILE = "board.toml"


class BoardOutput(Struct, frozen=True, forbid_unknown_fields=True):
    """The sound output that the board has."""

    kind: str = "sounddevice"
    device: str = ""
    latency_s: float = 0.05


class BoardPower(Struct, frozen=True, forbid_unknown_fields=True):
    """Files that tell mains and battery, as in config.toml."""

    mains_online: str = ""
    battery_capacity: str = ""


class Board(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of hardware."""

    name: str
    title: str
    rtc: str = ""
    serial: str = ""
    """The file that holds the hardware's serial number."""
    output: BoardOutput = BoardOutput()
    power: BoardPower = BoardPower()


def load_board(name: str, folder: Path) -> Board:
    """The board of a device folder. Raises ConfigError."""
    for path in (folder / OWN_FILE, BOARDS / f"{name}.toml"):
        if path.exists():
            try:
                return msgspec.toml.decode(path.read_bytes(), type=Board)
            except (OSError, msgspec.DecodeError, tomllib.TOMLDecodeError) as error:
                raise ConfigError(f"{path}: {error}") from error
    raise ConfigError(f"no board {name!r}: neither {folder / OWN_FILE} nor a file in {BOARDS}")


def board_names() -> list[str]:
    return sorted(path.stem for path in BOARDS.glob("*.toml"))


def read_serial(file: str) -> str:
    """The hardware's serial number in that file; nothing where there is none or it cannot be read."""
    try:
        return Path(file).read_text("utf-8", "replace").strip("\0\n ")[:64] if file else ""
    except OSError:
        return ""
