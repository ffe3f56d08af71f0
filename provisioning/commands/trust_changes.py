"""`loa-provision trust add|revoke|rotate|freeze|prolong|reset-time|evict-hub`, `show|sign|merge|finish`, `calendar`.

A change is one file. It is reviewed before it is signed, by everyone who signs it; nothing counts before its threshold.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from securesystemslib.signer import Key

from provisioning.approval.words import N_, Words, instant
from provisioning.errors import ProvisioningError
from provisioning.hub_api import HubApi
from provisioning.keys import create_key, create_online_key, open_key, read_public_key
from provisioning.trust.change_file import ChangeFile
from provisioning.trust.changes import ONLINE, Change, short
from provisioning.trust.eviction_page import write_page
from provisioning.trust.present import find_key, from_folder, from_hostile_hub, from_hub
from provisioning.trust.review import review, role_title
from provisioning.trusted import read_root, system_time
from wire.release import metadata_file_name
from wire.trust.calendar import calendar as dues
from wire.trust.held import Held
from wire.trust.time_reset import EVERYBODY

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
Command = Callable[..., Any]


class Desk:
    """What every one of these commands is told: where the province's word is, and in which language to speak."""

    def __init__(self, root: Path, trust: Path | None, hub: str | None, language: str) -> None:
        if bool(trust) == bool(hub):
            raise click.UsageError("give either --trust FOLDER or --hub URL")
        raw = read_root(root)
        self.words = Words.load(language)
        self._root, self._trust, self._hub = raw, trust, HubApi(str(hub)) if hub else None
        self.held: Held = self._read(from_hub)

    def distrust_hub(self) -> None:
        """Take no word of the hub's own for what people have signed."""
        self.held = self._read(from_hostile_hub)

    def _read(self, ask: Callable[[bytes, HubApi], Held]) -> Held:
        if self._hub is not None:
            return ask(self._root, self._hub)
        return from_folder(self._root, self._trust or Path())

    def propose(self, change: Change, out: Path) -> None:
        """Show what it says and write it down, unsigned."""
        if out.exists():
            raise ProvisioningError(f"{out} exists already; nothing was changed")
        made = ChangeFile(change.files(system_time()))
        self.show(made)
        made.write(out)
        click.echo(self.words(N_("Written to {file}. Each holder signs it: loa-provision trust sign {file}"), file=out))

    def show(self, made: ChangeFile) -> None:
        made.check(self.held)
        for line in review(self.held, made.files, self.words):
            click.echo(line)
        for lacking in made.lacking(self.held):
            title = role_title(self.held, lacking.role, self.words)
            click.echo(
                self.words(N_("  signatures: {good} of {needed}: {role}"), good=lacking.good, needed=lacking.needed,
                           role=title)
            )  # fmt: skip


def at_desk(command: Command) -> Command:
    """The options that make a Desk."""

    def wrapped(root: Path, trust: Path | None, hub: str | None, language: str, **rest: Any) -> None:
        command(Desk(root, trust, hub, language), **rest)

    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    wrapped.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in (
        click.option("--root", type=FILE, required=True, help="The province's root.json, as handed to you."),
        click.option("--trust", type=FOLDER, help="The ceremony's folder, with metadata/ in it."),
        click.option("--hub", help="Address of the hub, instead of a folder."),
        click.option("--language", type=click.Choice(["vi", "en"]), default="vi", help="Of what is printed."),
    ):
        wrapped = option(wrapped)
    return wrapped


@click.command("new-key")
@click.argument("file", type=FILE)
@click.option("--passphrase-file", type=FILE, help="Otherwise it is asked for.")
def new_key(file: Path, passphrase_file: Path | None) -> None:
    """Make your own key: FILE stays with you, FILE.pub goes to whoever runs the ceremony."""
    words = Words.load("vi")
    asked = {"hide_input": True, "confirmation_prompt": True}
    passphrase = _first_line(passphrase_file) if passphrase_file else click.prompt("Passphrase", **asked)
    made = create_key(file, passphrase)
    click.echo(words(N_("Key {key}: read it out over the telephone to be compared."), key=short(made.public_key.keyid)))


OUT = click.option("--out", type=FILE, required=True, help="The change, to be written and handed round.")
KEY_ID = click.option("--key-id", required=True, help="The key: how its id begins, as `trust calendar` shows it.")
ROLE = click.option("--role", required=True, help="Such as c00694, p08, ea00694, d08, root.")
KEY = click.option("--key", "key_file", type=FILE, required=True, help="The new holder's public half (.pub).")


@click.command()
@ROLE
@KEY
@OUT
@at_desk
def add(desk: Desk, role: str, key_file: Path, out: Path) -> None:
    """Let another person sign for a role."""
    change = Change(desk.held)
    change.add(role, _public(key_file))
    desk.propose(change, out)


@click.command()
@ROLE
@KEY_ID
@OUT
@at_desk
def revoke(desk: Desk, role: str, key_id: str, out: Path) -> None:
    """Take a key out of one role: what it alone has signed stops when this is installed."""
    change = Change(desk.held)
    change.remove(role, find_key(desk.held, key_id))
    desk.propose(change, out)


@click.command()
@ROLE
@KEY_ID
@KEY
@OUT
@at_desk
def rotate(desk: Desk, role: str, key_id: str, key_file: Path, out: Path) -> None:
    """Put a new key in the place of an old one. Let a remaining holder prolong first, then nothing stops."""
    change = Change(desk.held)
    change.rotate(role, find_key(desk.held, key_id), _public(key_file))
    desk.propose(change, out)


@click.command()
@KEY_ID
@OUT
@at_desk
def freeze(desk: Desk, key_id: str, out: Path) -> None:
    """A key is lost or stolen: take it out of every role in one step, while all other holders go on."""
    change = Change(desk.held)
    roles = change.freeze(find_key(desk.held, key_id))
    click.echo(desk.words(N_("Roles of this key: {roles}"), roles=", ".join(roles)))
    desk.propose(change, out)


@click.command()
@click.argument("roles", nargs=-1, required=True)
@OUT
@at_desk
def prolong(desk: Desk, roles: tuple[str, ...], out: Path) -> None:
    """The same once more, with a new expiry."""
    change = Change(desk.held)
    for role in roles:
        change.prolong(role)
    desk.propose(change, out)


@click.command("reset-time")
@click.option("--device", "devices", multiple=True, help="Whose clock was wrong; repeat. Without it: all.")
@OUT
@at_desk
def reset_time(desk: Desk, devices: tuple[str, ...], out: Path) -> None:
    """Tell devices whose clock was far ahead that it is not so late."""
    change = Change(desk.held)
    change.reset_time(devices or (EVERYBODY,), system_time())
    desk.propose(change, out)


@click.command("evict-hub")
@click.option("--out", type=FOLDER, required=True, help="Folder to be made: the new hub's keys, change.json, the page.")
@at_desk
def evict_hub(desk: Desk, out: Path) -> None:
    """The hub was stolen: keys for a new one, a change of root, and one page that says what to do."""
    if out.exists():
        raise ProvisioningError(f"{out} exists already; nothing was changed")
    desk.distrust_hub()
    (out / "online").mkdir(mode=0o700, parents=True)
    keys = {name: create_online_key(out / "online" / f"{name}.pem").public_key for name in ONLINE}
    change = Change(desk.held)
    change.replace_online(keys)
    desk.propose(change, out / "change.json")
    (out / "metadata").mkdir()
    for name, raw in present_files(desk.held).items():
        (out / "metadata" / name).write_bytes(raw)
    page = write_page(out / "trang-in.html", desk.held, keys)
    click.echo(desk.words(N_("Print this page and follow it: {file}"), file=page))


@click.command()
@click.argument("change", type=FILE)
@at_desk
def show(desk: Desk, change: Path) -> None:
    """Say what a change does and who has yet to sign it."""
    desk.show(ChangeFile.read(change))


@click.command()
@click.argument("change", type=FILE)
@click.option("--key", "key_file", type=FILE, required=True, help="Your key file.")
@click.option("--passphrase-file", type=FILE, help="Otherwise it is asked for.")
@click.option("--yes", is_flag=True, help="Do not ask; for tests.")
@at_desk
def sign(desk: Desk, change: Path, key_file: Path, passphrase_file: Path | None, *, yes: bool) -> None:
    """Look at a change, and sign all of it that you may sign."""
    made = ChangeFile.read(change)
    desk.show(made)
    if not yes:
        click.confirm(desk.words(N_("Sign this?")), abort=True)
    passphrase = _first_line(passphrase_file) if passphrase_file else click.prompt("Passphrase", hide_input=True)
    signed = made.sign(desk.held, open_key(key_file, passphrase))
    made.write(change)
    click.echo(desk.words(N_("Signed: {roles}"), roles=", ".join(signed)))


@click.command()
@click.argument("change", type=FILE)
@click.argument("others", type=FILE, nargs=-1, required=True)
def merge(change: Path, others: tuple[Path, ...]) -> None:
    """Put the signatures of several copies of one change together."""
    made = ChangeFile.read(change)
    for other in others:
        made.merge(ChangeFile.read(other))
    made.write(change)


@click.command()
@click.argument("change", type=FILE)
@click.option("--out", type=FOLDER, required=True, help="Folder for `loa-hub init --trust`, such as the ceremony's.")
@at_desk
def finish(desk: Desk, change: Path, out: Path) -> None:
    """Verify a completely signed change and write it as metadata, for the hub to take over."""
    made = ChangeFile.read(change)
    made.check(desk.held)
    names = made.finish(desk.held, out)
    click.echo(desk.words(N_("{count} files in {folder}: loa-hub init --trust {folder}"), count=len(names), folder=out))


@click.command()
@at_desk
def calendar(desk: Desk) -> None:
    """Which role ends when, and who must sign it. Exit code 1 where something ends within 7 days."""
    found = dues(desk.held, system_time())
    _ = desk.words
    for due in found:
        mark = "!!" if due.is_urgent else "! " if due.stage else "  "
        keys = ", ".join(short(key.keyid) for key in due.who.keys)
        click.echo(
            f"{mark} " + _(N_("{until}  {days} days  {role}: {needed} of {keys}"), until=instant(due.expires, _),
                           days=due.days_left, role=role_title(desk.held, due.role, _), needed=due.who.threshold,
                           keys=keys)
        )  # fmt: skip
    if any(due.is_urgent for due in found):
        raise click.exceptions.Exit(1)


COMMANDS = (new_key, add, revoke, rotate, freeze, prolong, reset_time, evict_hub, show, sign, merge, finish, calendar)


def present_files(held: Held) -> dict[str, bytes]:
    """What a new hub must be given: every role's newest file, by file name."""
    return {metadata_file_name(file.name, file.version): file.raw for file in (held.root, *held.roles.values())}


def _public(file: Path) -> Key:
    return read_public_key(file)


def _first_line(file: Path) -> str:
    try:
        return file.read_text("utf-8").splitlines()[0]
    except (OSError, IndexError) as error:
        raise ProvisioningError(f"{file}: no passphrase in it") from error
