"""`loa-provision trust add|revoke|rotate|freeze|prolong|reset-time|evict-hub`, `show|sign|merge|finish`, `calendar`.

A change is one file. It is reviewed before it is signed, by everyone who signs it; nothing counts before its threshold.
"""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.approval.words import N_, Words, instant
from provisioning.commands.trust_desk import FILE, FOLDER, LANGUAGE, Desk, at_desk
from provisioning.errors import ProvisioningError
from provisioning.keys import MIN_PASSPHRASE, create_key, create_online_key, open_key, public_path
from provisioning.trust.change_file import ChangeFile
from provisioning.trust.changes import ONLINE, Change, short
from provisioning.trust.eviction_page import write_page
from provisioning.trust.handover import hand_over
from provisioning.trust.opening import Making
from provisioning.trust.present import find_key
from provisioning.trust.review import role_title
from provisioning.trusted import system_time
from wire.key_request import fingerprint as fingerprint_of
from wire.trust.calendar import calendar as dues
from wire.trust.time_reset import EVERYBODY


@click.command("new-key")
@click.argument("file", type=FILE)
@click.option("--passphrase-file", type=FILE, help="Otherwise it is asked for.")
@LANGUAGE
def new_key(file: Path, passphrase_file: Path | None, language: str) -> None:
    """Make your own key: FILE stays with you, FILE.pub goes to whoever runs the ceremony."""
    words = Words.load(language)
    passphrase = _first_line(passphrase_file) if passphrase_file else new_passphrase(words, file.stem)
    made = create_key(file, passphrase)
    digits = fingerprint_of(made.public_key.keyid)
    click.echo(words(N_("Key {key}: read it out over the telephone to be compared."), key=digits))
    click.echo(words(N_("Hand in {file}, and nothing else; {key} and its passphrase stay with you."), key=file.name,
                     file=public_path(file)))  # fmt: skip


OUT = click.option("--out", type=FILE, required=True, help="The change, to be written and handed round.")
KEY_ID = click.option("--key-id", required=True, help="The key: how its id begins, as `trust calendar` shows it.")
ROLE = click.option("--role", required=True, help="Such as c00694, p08, ea00694, d08, root.")
Several = tuple[str, ...]
NEW = "What the new holder handed in: the public half (.pub), or the request that a passkey's page wrote."
HEARD = "What the holder read out from their own screen; otherwise it is asked for. One for each --key, in order."
KEY = click.option("--key", "key_file", type=FILE, required=True, help=NEW)
FINGERPRINT = click.option("--fingerprint", default="", help=HEARD)


@click.command()
@click.option("--role", "roles", required=True, multiple=True, help="Such as c00694, ea00694, d08; repeatable.")
@click.option("--key", "key_files", type=FILE, required=True, multiple=True, help=NEW)
@click.option("--fingerprint", "heard", multiple=True, help=HEARD)
@click.option("--new-area", is_flag=True, help="The role is of a commune that the province did not have.")
@OUT
@at_desk
def add(desk: Desk, roles: Several, key_files: tuple[Path, ...], heard: Several, out: Path, *, new_area: bool) -> None:
    """Let other people sign for a role, which is made if it is not there yet.

    A new role for free text (ef) needs two holders at once: give --key twice.
    """
    if len(heard) > len(key_files):
        raise click.UsageError("there are more --fingerprint than --key")
    said = [*heard, *[""] * (len(key_files) - len(heard))]
    keys = [desk.holder(file, roles, one) for file, one in zip(key_files, said, strict=True)]
    change = Change(desk.held, making=Making(may_add_areas=new_area))
    for role in roles:
        change.add(role, *keys)
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
@FINGERPRINT
@OUT
@at_desk
def rotate(desk: Desk, role: str, key_id: str, key_file: Path, fingerprint: str, out: Path) -> None:
    """Put a new key in the place of an old one. Let a remaining holder prolong first, then nothing stops."""
    change, key = Change(desk.held), desk.holder(key_file, (role,), fingerprint)
    change.rotate(role, find_key(desk.held, key_id), key)
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
@click.option("--station", "states", type=FOLDER, multiple=True, help="State of an approver's station; repeatable.")
@at_desk
def evict_hub(desk: Desk, out: Path, states: tuple[Path, ...]) -> None:
    """The hub was stolen: keys for a new one, a change of root, and one page that says what to do.

    The new hub is given what the ceremony's folder or the old hub still has, and what stations remember of releases.
    """
    if out.exists():
        raise ProvisioningError(N_("{file} exists already; nothing was changed"), file=out)
    desk.distrust_hub()
    held, _ = desk.with_stations(states), desk.words
    (out / "online").mkdir(mode=0o700, parents=True)
    keys = {name: create_online_key(out / "online" / f"{name}.pem").public_key for name in ONLINE}
    change = Change(held)
    change.replace_online(keys)
    desk.propose(change, out / "change.json")
    for lacking in hand_over(held, out, desk.sources(states)):
        click.echo(_(N_("Found nowhere, look for it before the new hub runs: {file}"), file=lacking))
    page = write_page(out / "trang-in.html", held, keys)
    click.echo(_(N_("Print this page and follow it: {file}"), file=page))


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
    passphrase = _first_line(passphrase_file) if passphrase_file else click.prompt(
        desk.words(N_("Passphrase of {name}"), name=key_file.stem), hide_input=True
    )
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
    made.check(desk.held, system_time())
    names = made.finish(desk.held, out)
    click.echo(desk.words(N_("{count} files in {folder}: loa-hub init --trust {folder}"), count=len(names), folder=out))
    if root := made.new_root(desk.held):
        digits = fingerprint_of(root)
        click.echo(desk.words(N_("New root fingerprint: {digits}. Print it anew for everybody."), digits=digits))


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


def new_passphrase(words: Words, name: str) -> str:
    """Asked for twice, until it is long enough."""
    while True:
        asked = words(N_("New passphrase of {name}"), name=name)
        again = words(N_("Once more"))
        passphrase: str = click.prompt(asked, hide_input=True, confirmation_prompt=again)
        if len(passphrase) >= MIN_PASSPHRASE:
            return passphrase
        click.echo(words(N_("At least {n} characters, please."), n=MIN_PASSPHRASE))


def _first_line(file: Path) -> str:
    try:
        return file.read_text("utf-8").splitlines()[0]
    except (OSError, IndexError) as error:
        raise ProvisioningError(f"{file}: no passphrase in it") from error
