"""`loa-edge enrol` and `enrol-take`: a technician's kit makes a folder a device, and an answer lets it in.

Both may be run again at any time: what is there already is kept, and the request says the same as before. What an
answer brings lies in `enrolled.toml`, beneath `config.toml`, so that nothing that a person has set is overwritten.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from edge.certificate import AUTHORITY_FILE, CERTIFICATE_FILE, check_authority, check_certificate, request_pem
from edge.config import ENROLLED_FILE, FILE, load_config
from edge.errors import ConfigError, EdgeError
from edge.files import write_atomic
from edge.identity import KEY_FILE, load_identity, make_key
from edge.parts import serial_of
from edge.sense.board import OWN_FILE, load_board
from edge.setup import Wishes, init_device
from edge.time_sources import read_rtc
from wire.codec import encode
from wire.joining import JOIN_TYPE, Answer, JoinRequest, Kit, spoken_digits
from wire.trust.held import pin_root

OTHER_DEVICE: Final = "this device is called {mine}, not {asked}"
NO_RTC: Final = "no battery clock (RTC) at {file}: mend it, or enrol with --no-rtc, which the hub shows as a defect"
EMPTY_CARD: Final = "this card is empty: say which device it replaces"
_BROUGHT: Final = "root.brought"


def enrol_device(folder: Path, kit: Kit) -> bytes:
    """Make what is missing and ask: the device's signed request.

    Raises ConfigError, IdentityError, StoreError, WireError.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _keep_board(folder, kit)
    board = load_board(kit.board, folder)
    has_rtc = bool(board.rtc) and read_rtc(board.rtc) is not None
    if not has_rtc and not kit.without_rtc:
        raise EdgeError(NO_RTC.format(file=board.rtc or "(none in the board file)"))
    if kit.replaces and not kit.device and not (folder / FILE).exists():
        raise EdgeError(EMPTY_CARD)
    device = _name_of(folder, kit)
    wishes = Wishes(device, kit.serial, kit.board, kit.hub, "", folder / _BROUGHT)
    write_atomic(folder / _BROUGHT, kit.root.encode())
    try:
        for _line in init_device(folder, wishes):
            pass
    finally:
        (folder / _BROUGHT).unlink(missing_ok=True)
    return _request(folder, device, has_rtc=has_rtc, replaces=kit.replaces)


def take_answer(folder: Path, answer: Answer) -> Iterator[str]:
    """Keep what an answer brings; says line by line what. Raises ConfigError, IdentityError, StoreError."""
    config = load_config(folder, {})
    if answer.device != config.device:
        raise ConfigError(OTHER_DEVICE.format(mine=config.device, asked=answer.device))
    if answer.authority:
        check_authority(answer.authority.encode())
        write_atomic(folder / AUTHORITY_FILE, answer.authority.encode())
    if answer.broker_host:
        write_atomic(folder / ENROLLED_FILE, _enrolled(answer).encode())
        yield f"broker {answer.broker_host}:{answer.broker_port}"
    if answer.certificate:
        pem = answer.certificate.encode()
        made = check_certificate(pem, load_identity(folder), config.device, authority=answer.authority.encode())
        write_atomic(folder / CERTIFICATE_FILE, pem)
        yield f"certificate until {made.ends}"
    yield f"state {answer.state}"


def _request(folder: Path, device: str, *, has_rtc: bool, replaces: bool) -> bytes:
    identity, config = load_identity(folder), load_config(folder, {})
    told = msgspec.json.decode((folder / "request.json").read_bytes())
    request = JoinRequest(
        device=device, key=identity.public_hex, serial=serial_of(config), board=config.board,
        root=pin_root((folder / "root.json").read_bytes()).root_fingerprint, csr=request_pem(identity, device),
        has_rtc=has_rtc, replaces=replaces, broker_password_hash=told["broker_password_hash"],
    )  # fmt: skip
    return identity.seal(encode(request), JOIN_TYPE)


def request_words(request: JoinRequest) -> list[str]:
    """What a person compares."""
    return [f"device {request.device}", f"key {request.key}", f"serial {request.serial}",
            f"root …{spoken_digits(request.root)}"]  # fmt: skip


def _name_of(folder: Path, kit: Kit) -> str:
    """The id that it has, or is given; else one that its key gives it, which nobody else has."""
    if (folder / FILE).exists():
        mine = load_config(folder, {}).device
        if kit.device not in ("", mine):
            raise ConfigError(OTHER_DEVICE.format(mine=mine, asked=kit.device))
        return mine
    if not (folder / KEY_FILE).exists():
        make_key(folder)
    return kit.device or f"loa-{hashlib.sha256(load_identity(folder).public_hex.encode()).hexdigest()[:10]}"


def _keep_board(folder: Path, kit: Kit) -> None:
    """A board file that a person has put there stays."""
    if not kit.board_file or (folder / OWN_FILE).exists():
        return
    try:
        tomllib.loads(kit.board_file)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the board file: {error}") from error
    write_atomic(folder / OWN_FILE, kit.board_file.encode())


def _enrolled(answer: Answer) -> str:
    """Names have been checked by their types: nothing in them needs escaping."""
    lines = ["# Written by `loa-edge enrol-take`; what config.toml says goes first.", "[broker]",
             f'host = "{answer.broker_host}"', f"port = {answer.broker_port}"]  # fmt: skip
    if answer.authority:
        lines += [f'tls_ca = "{AUTHORITY_FILE}"', f'tls_certificate = "{CERTIFICATE_FILE}"', f'tls_key = "{KEY_FILE}"']
    return "\n".join(lines) + "\n"
