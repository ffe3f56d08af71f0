"""`loa-provision alert`: an emergency message or a drill from the command line: by hub, to the brokers, or as a file.

For the night on which the hub is dead: templates and keys are those that this machine verified last (`--state`, the
approval app's folder). The envelope is the same on every way.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from securesystemslib.signer import Signer

from provisioning.approval import emergency
from provisioning.approval.emergency import Officer, Wish
from provisioning.approval.faults import StationError
from provisioning.approval.keyring import KeyFile
from provisioning.approval.proposals import Desk
from provisioning.approval.words import N_, Words
from provisioning.blobs import BlobStore
from provisioning.broker import read_brokers
from provisioning.carriers import carry, write_order_file
from provisioning.errors import HubUnreachableError, ProvisioningError
from provisioning.hub_api import HubApi
from provisioning.keys import create_broker_request, open_key, read_public_key
from provisioning.trusted import Truststore, read_root, refresh_for_keys
from wire.alert import Start, check_start, message_text, own_words
from wire.areas import check_path
from wire.bundle import MAX_ENVELOPE_BYTES

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
STATION_NAME = re.compile("station-[a-z0-9-]{1,30}")
NO_HUB = "http://127.0.0.1:9"
"""Where no hub was named, none answers."""

OPTIONS = [
    click.option("--root", type=FILE, required=True, help="The province's root.json, as handed to you."),
    click.option("--state", type=FOLDER, required=True, help="Folder with what this machine has verified."),
    click.option("--key", type=FILE, required=True, help="Your key file: <name>.key."),
    click.option("--passphrase-file", type=FILE, help="Otherwise the passphrase is asked for."),
    click.option("--hub", help="Address of the hub; without it, or when it is dead, only the brokers are used."),
    click.option("--user", help="Your account on the hub."),
    click.option("--password-file", type=FILE, help="Otherwise the hub's password is asked for."),
    click.option("--broker", type=FILE, help="This machine's list of brokers (TOML), with its own certificate."),
    click.option("--out", type=FILE, help="Write the order to this file (.dsse) instead: for a stick, or a colleague."),
    click.option("--language", type=click.Choice(["vi", "en"]), default="vi", help="Of what is printed and asked."),
]
ORDER_OPTIONS = [
    click.option("--area", required=True, help="Area that hears it: 08/00694."),
    click.option("--minutes", type=click.IntRange(1, 1440), default=60, show_default=True, help="Valid so long."),
    click.option("--times", type=click.IntRange(1, 120), default=3, show_default=True, help="How often it is said."),
]


def with_options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@click.group()
def alert() -> None:
    """Send, sign or cancel an emergency message or a drill; also when the hub is dead."""


@alert.command()
@with_options(*OPTIONS, *ORDER_OPTIONS)
@click.option("--template", required=True, help="Id of a template that the province has signed.")
@click.option("--blank", multiple=True, metavar="ID=VALUE", help="Fill a blank; repeat.")
@click.option("--drill", is_flag=True, help="A drill: it sounds as one, and is signed by the drill role.")
@click.option("--yes", is_flag=True, help="Do not ask again before sending.")
def start(area: str, template: str, blank: tuple[str, ...], **options: Any) -> None:
    """Start a template. It is shown once more before it is signed."""
    blanks = dict(one.partition("=")[::2] for one in blank)
    wish = Wish(options["drill"], check_path(area), template, blanks, options["minutes"], options["times"])
    _send_wish(wish, options)


@alert.command()
@with_options(*OPTIONS, *ORDER_OPTIONS)
@click.option("--title", required=True)
@click.option("--text", required=True, help="What is said, in Vietnamese.")
@click.option("--level", type=click.IntRange(1, 5), default=3, show_default=True, help="Disaster risk level.")
@click.option("--yes", is_flag=True, help="Do not ask again before signing.")
def say(area: str, title: str, text: str, level: int, **options: Any) -> None:
    """Sign own words. A second officer signs them with `alert sign` before any loudspeaker says them."""
    own = own_words(title=title, hazard="", severity=level, texts={"vi": text})
    _send_wish(Wish(False, check_path(area), own.id, {}, options["minutes"], options["times"], own=own), options)


@alert.command()
@click.argument("file", type=FILE)
@with_options(*OPTIONS)
@click.option("--yes", is_flag=True, help="Do not ask again before signing.")
def sign(file: Path, **options: Any) -> None:
    """Add your signature to a colleague's order (a .dsse file), and send it on."""
    desk, key = _open_desk(options)
    envelope = _read(file)
    order = emergency.look_at(desk, envelope).signed.order
    if isinstance(order, Start):
        message = order.own or emergency.template_of(desk, order.template).template
        check_start(order, message)
        _confirm(order, message_text(message, order.blanks, "vi") or message.title, options)
    _deliver(emergency.add_officer(desk, envelope, _open(key, options)), desk, options)


@alert.command()
@click.argument("file", type=FILE)
@with_options(*OPTIONS)
def cancel(file: Path, **options: Any) -> None:
    """End the alert of a .dsse file, wholly or in your own area."""
    desk, key = _open_desk(options)
    signed = emergency.look_at(desk, _read(file)).signed
    officer = emergency.canceller(desk, signed.order) if isinstance(signed.order, Start) else None
    if officer is None:
        raise StationError(N_("This key may not cancel it."), code="not_allowed")
    order = emergency.cancel_order(desk, signed, officer, secrets.token_hex(16))
    _deliver(emergency.seal_order(desk, order, _open(key, options)), desk, options)


@alert.command()
@click.argument("file", type=FILE)
@with_options(*OPTIONS[:2], *OPTIONS[4:])
def send(file: Path, **options: Any) -> None:
    """Send an order that is signed already, from its .dsse file. Sending it twice does no harm."""
    desk, _key = _open_desk(options)
    _deliver(_read(file), desk, options)


@alert.command()
@click.argument("name")
@click.option("--out", type=FOLDER, required=True, help="Folder for key and request.")
def request(name: str, out: Path) -> None:
    """Make this machine's key for the brokers, and the request that `loa-hub station-certificate` signs."""
    if not STATION_NAME.fullmatch(name):
        raise ProvisioningError(f"{name[:60]!r}: station-… of a-z, 0-9 and -, at most 38 characters")
    key, csr = create_broker_request(out, name)
    click.echo(f"{key} stays here. Hand {csr} to the hub's administrator.")


def _send_wish(wish: Wish, options: dict[str, Any]) -> None:
    desk, key = _open_desk(options)
    message = emergency.message_of(desk, wish)
    candidates = emergency.officers(desk, emergency.kind_of(wish, message.template))
    officer: Officer = emergency.officer_for(candidates, wish.area)
    order = emergency.start_order(desk, wish, officer, message, secrets.token_hex(16))
    check_start(order, message.template)
    _confirm(order, message_text(message.template, order.blanks, "vi") or message.template.title, options)
    _deliver(emergency.seal_order(desk, order, _open(key, options)), desk, options)


def _open_desk(options: dict[str, Any]) -> tuple[Desk, Path | None]:
    """What this machine holds, brought up to date where the hub answers."""
    key = options.get("key")
    keys = [KeyFile(key.stem, read_public_key(key).keyid)] if key else []
    state: Path = options["state"]
    store = Truststore(state, read_root(options["root"]))
    hub = _signed_in(options)
    if hub is not None:
        try:
            refresh_for_keys(store, hub, [one.key_id for one in keys])
        except HubUnreachableError as error:
            _ = Words.load(options["language"])
            held = _("The hub does not answer. Going on with what this machine holds.")
            click.echo(f"{held} ({error.detail})", err=True)
    blobs = BlobStore(state / "sounds")
    return Desk(hub or HubApi(NO_HUB), store, blobs, keys, Words.load(options["language"])), key


def _signed_in(options: dict[str, Any]) -> HubApi | None:
    if not options["hub"]:
        return None
    hub, _ = HubApi(options["hub"]), Words.load(options["language"])
    if not options["user"]:
        raise ProvisioningError(N_("--hub needs --user: the hub takes orders from its own accounts only."))
    password = _secret(options["password_file"], _("Password of {name} at the hub", name=options["user"]))
    try:
        return hub.with_token(hub.login(options["user"], password).token)
    except HubUnreachableError:
        return hub  # the next question meets the same silence, and then the brokers are asked


def _deliver(envelope: bytes, desk: Desk, options: dict[str, Any]) -> None:
    half, _ = emergency.look_at(desk, envelope), desk.words
    if options["out"]:
        written = write_order_file(options["out"], envelope)
        click.echo(_("{file}: {have} of {need} signatures, order {id}", file=written, have=len(half.signed.key_ids),
                     need=half.threshold, id=half.signed.id))  # fmt: skip
        return
    brokers = read_brokers(options["broker"]) if options["broker"] else []
    carried = carry(envelope, half, desk.hub if options["hub"] else None, brokers)
    by, missing = ", ".join(carried.by), carried.threshold - carried.signatures
    if carried.is_complete:
        click.echo(_("Sent by {by}, order {id}", by=by, id=carried.id))
    else:
        click.echo(_("Waits for {count} more signatures, at {by}, order {id}", count=missing, by=by, id=carried.id))


def _confirm(order: Start, text: str, options: dict[str, Any]) -> None:
    _ = Words.load(options["language"])
    what = N_("DRILL for {area}, {times} times:") if _is_drill(order) else N_("EMERGENCY for {area}, {times} times:")
    click.echo(f"{_(what, area=order.area, times=order.repeat.times)} {text}")
    if not options["yes"]:
        click.confirm(_("Sign and send this?"), abort=True)


def _is_drill(order: Start) -> bool:
    return order.role.startswith(emergency.DRILL_KIND)


def _open(key: Path | None, options: dict[str, Any]) -> Signer:
    if key is None:
        raise ProvisioningError(N_("A key is needed."))
    _ = Words.load(options["language"])
    return open_key(key, _secret(options["passphrase_file"], _("Passphrase of {name}", name=key.stem)))


def _secret(file: Path | None, question: str) -> str:
    return file.read_text("utf-8").strip() if file else str(click.prompt(question, hide_input=True))


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_ENVELOPE_BYTES + 1)
    except OSError as error:
        raise ProvisioningError(f"{file}: {error.strerror}") from error
