"""`loa-provision bundle`: packs, checks and hands in what is carried to clusters without coverage.

What staff of a commune read is Vietnamese (`--language en` for English); errors are one English line, as everywhere.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

import click

from provisioning.approval.words import N_, Words, instant
from provisioning.blobs import BlobStore
from provisioning.bundle import BundleError, Order, Packer
from provisioning.bundle_check import check_bundle
from provisioning.hub_api import MAX_LOG_BYTES, HubApi
from provisioning.trusted import Truststore, read_root, system_time
from wire.areas import check_path

FILE = click.Path(path_type=Path, dir_okay=False)
CACHE = Path.home() / ".cache" / "loa-provision"
MEGABYTE = 1_000_000
REQUIRED = ("hub", "root", "area", "out")


@click.group(invoke_without_command=True)
@click.option("--hub", help="Address of the hub.")
@click.option("--root", type=FILE, help="The province's root.json, as handed to you.")
@click.option("--area", help="Commune whose devices are supplied, such as 08/00700.")
@click.option("--device", "devices", multiple=True, help="Device to supply; may be repeated. All without it.")
@click.option("--out", type=FILE, help="File to write, such as /media/stick/08-00700.loab.")
@click.option("--cache", type=click.Path(path_type=Path, file_okay=False), default=CACHE, show_default=True,
              help="Folder in which verified files are kept for the next time.")  # fmt: skip
@click.option("--user", help="Account on the hub; running emergency messages are packed only with it.")
@click.option("--language", type=click.Choice(["vi", "en"]), default="vi", help="Of what is printed.")
@click.pass_context
def bundle(context: click.Context, /, user: str | None, language: str, **options: Any) -> None:
    """Pack one file for devices that no network reaches, verified by the rules that the devices apply."""
    context.obj = Words.load(language)
    if context.invoked_subcommand:
        return
    missing = [f"--{name}" for name in REQUIRED if not options[name]]
    if missing:
        raise click.UsageError(f"missing {', '.join(missing)}; or one of: {', '.join(bundle.commands)}")
    _pack(options, user, context.obj)


@bundle.command()
@click.argument("file", type=FILE)
@click.option("--root", type=FILE, required=True, help="The province's root.json, as handed to you.")
@click.pass_obj
def show(_: Words, file: Path, root: Path) -> None:
    """Verify a bundle as a device would, and say what is in it. Exit code 1 where a device would refuse something."""
    checked = check_bundle(file, read_root(root), system_time())
    index = checked.index
    click.echo(_("Bundle for {area}, made {at}", area=index.area, at=instant(index.created, _)))
    click.echo(_("Devices: {devices}", devices=", ".join(index.devices) or "*"))
    click.echo(_("Verified: {roles} signed files, {sounds} recordings, {alerts} running emergency messages",
                 roles=len(checked.roles), sounds=checked.sounds, alerts=checked.alerts))  # fmt: skip
    click.echo(_(SUPPLIED, at=instant(checked.supplied_until, _)))
    for fault in checked.faults:
        click.echo(_("Not right: {fault}", fault=fault))
    if checked.faults:
        raise BundleError(f"{file}: {len(checked.faults)} things that a device would refuse")


@bundle.command()
@click.argument("file", type=FILE)
@click.option("--hub", required=True, help="Address of the hub.")
@click.pass_obj
def submit(_: Words, file: Path, hub: str) -> None:
    """Hand in the log that a device wrote to the stick. Handing it in twice does no harm."""
    answer = HubApi(hub).send_log(_read_log(file))
    refused = answer.get("refused", [])
    click.echo(_("Taken: {taken} new, {known} known already, {refused} refused",
                 taken=answer.get("taken", 0), known=answer.get("known", 0), refused=len(refused)))  # fmt: skip
    for one in refused:
        click.echo(_("Not right: {fault}", fault=one))
    if refused:
        raise BundleError(f"{file}: {len(refused)} entries were refused; the others are stored")


SUPPLIED = N_("Supplied until {at}")


def _pack(options: dict[str, Any], user: str | None, _: Words) -> None:
    hub, cache, out = HubApi(options["hub"]), options["cache"], options["out"]
    store = Truststore(cache, read_root(options["root"]))
    envelopes = _running_alerts(hub, user) if user else []
    order = Order(check_path(options["area"]), tuple(options["devices"]))
    packed = Packer(hub, store, BlobStore(cache / "sounds")).pack(order, out, envelopes)
    click.echo(_("{file}: {sounds} recordings, {size} MB, for {devices}", file=out, sounds=packed.sounds,
                 size=f"{packed.bytes / MEGABYTE:.1f}", devices=", ".join(packed.index.devices)))  # fmt: skip
    click.echo(_(SUPPLIED, at=instant(packed.index.supplied_until, _)))
    for note in packed.notes:
        click.echo(_("Not right: {fault}", fault=note))


def _running_alerts(hub: HubApi, user: str) -> list[bytes]:
    password = click.prompt(f"Password of {user}", hide_input=True)
    signed_in = hub.with_token(hub.login(user, password).token)
    found = []
    for alert in signed_in.alerts():
        try:
            found.append(base64.b64decode(str(alert.get("envelope", "")), validate=True))
        except binascii.Error:
            continue  # the packer would refuse it anyway
    return found


def _read_log(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_LOG_BYTES + 1)
    except OSError as error:
        raise BundleError(f"{file}: {error.strerror}") from error
