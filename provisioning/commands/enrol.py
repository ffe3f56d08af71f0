"""`loa-provision enrol` and `replace`: a technician beside a device. Run them again whenever something broke off.

What a technician reads is Vietnamese first and English below it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from provisioning.device_side import DeviceSide
from provisioning.enrolment.memory import Memory
from provisioning.enrolment.telling import Say
from provisioning.enrolment.visit import Order, Submission, Visit
from provisioning.errors import ProvisioningError
from provisioning.hub_api import HubApi
from wire.joining import Kit

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
STICK = click.Path(path_type=Path, file_okay=False, exists=True)
BOARDS = Path(__file__).resolve().parents[2] / "hardware" / "boards"
STATE = Path.home() / ".config" / "loa-provision"
DEVICE_FOLDER = Path("/var/lib/loa")
WAIT_S = 900
Command = Callable[..., Any]


def _common(command: Command) -> Command:
    options = (
        click.option("--hub", help="Address of the hub; remembered from the last time."),
        click.option("--root", type=FILE, help="The province's root.json, as handed to you; remembered."),
        click.option("--ticket", default="", help="Permission of 12 letters and digits; asked for, and remembered."),
        click.option("--state", type=FOLDER, default=STATE, show_default=True, help="What this machine remembers."),
        click.option("--language", type=click.Choice(["vi", "en"]), default="vi", help="Which language comes first."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _beside_device(command: Command) -> Command:
    options = (
        click.option("--dir", "folder", type=FOLDER, default=DEVICE_FOLDER, show_default=True,
                     help="The device's folder, on the device."),
        click.option("--ssh", "far", default="", help="USER@HOST of the device; without it, this machine."),
        click.option("--board", default="pc", show_default=True, help="Board file, or its name in hardware/boards."),
        click.option("--device", default="", help="Id of the device; without it one is made from its key."),
        click.option("--serial", default="", help="Serial number of hardware that does not tell its own."),
        click.option("--no-rtc", is_flag=True, help="Enrol a board without a battery clock; it is shown as a defect."),
        click.option("--cluster", default="", help="Id of the cluster; without it a list is shown."),
        click.option("--stick", type=STICK, help="Folder of a USB stick: write the request there, take the answer."),
        click.option("--wait", type=click.IntRange(0, 86_400), default=WAIT_S, show_default=True,
                     help="Seconds to wait for the registrar's signature."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@_common
@_beside_device
@click.option("--spare", "spare_of", default="", help="Enrol it as spare of this commune, such as 08/02545.")
@click.pass_context
def enrol(context: click.Context, /, **options: Any) -> None:
    """Make this device one of the province's: key, place, certificate."""
    if context.invoked_subcommand is None:
        _visit(options, replaces=False)


@enrol.command()
@_common
@click.option("--stick", type=STICK, required=True, help="Folder of the USB stick with the requests.")
def submit(**options: Any) -> None:
    """Hand in a stick's requests where there is a network; the answers are written onto it."""
    say = Say.load(options["language"])

    def act() -> None:
        memory = Memory(options["state"], hub=options["hub"], root=options["root"])
        hub = HubApi(memory.hub)
        kit = Kit(root=memory.root.decode(), hub=memory.hub)
        visit = Visit(say, DeviceSide(DEVICE_FOLDER), hub, memory, Order(kit, ticket=options["ticket"]))
        Submission(say, hub, visit).run(options["stick"])

    _told(say, act)


@click.command()
@_common
@_beside_device
def replace(**options: Any) -> None:
    """Other hardware for a device that is known: its place and its history stay, the registrar signs."""
    _visit({**options, "spare_of": ""}, replaces=True)


def _visit(options: dict[str, Any], *, replaces: bool) -> None:
    say = Say.load(options["language"])

    def act() -> None:
        memory = Memory(options["state"], hub=options["hub"], root=options["root"])
        name, text = _board(options["board"])
        kit = Kit(
            root=memory.root.decode(), hub=memory.hub, board=name, board_file=text, device=options["device"],
            serial=options["serial"], without_rtc=options["no_rtc"], replaces=replaces,
        )  # fmt: skip
        place = (options["ticket"], options["cluster"], options["spare_of"])
        order = Order(kit, *place, options["stick"], options["wait"])
        Visit(say, DeviceSide(options["folder"], options["far"]), HubApi(memory.hub), memory, order).run()

    _told(say, act)


def _told(say: Say, act: Callable[[], None]) -> None:
    """What goes wrong is said in both languages, and ends with 1."""
    try:
        act()
    except ProvisioningError as error:
        say.failure(error)
        raise click.exceptions.Exit(1) from error


def _board(given: str) -> tuple[str, str]:
    """The board's name and its file's text; a name alone where the device has the file itself."""
    path = Path(given) if given.endswith(".toml") else BOARDS / f"{given}.toml"
    if not path.exists():
        if given.endswith(".toml"):
            raise click.BadParameter(f"{path} is missing", param_hint="--board")
        return given, ""
    return path.stem, path.read_text("utf-8")
