"""`loa-provision trust …`: the ceremony on the command line. The acts themselves are `provisioning.trust`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from provisioning.commands.trust_changes import COMMANDS as CHANGES
from provisioning.keys import MIN_PASSPHRASE, MIN_ROUNDS
from provisioning.trust.init import Ceremony, CeremonyError, check_free, lay_down
from provisioning.trust.roster import MAX_ROSTER_BYTES, read_roster, thin_crews
from wire.units import SECOND, UtcTime

NANOSECONDS = 1_000_000_000
SECONDS_PER_ROUND = 0.01
MAX_ROUNDS = 1_024
FILE = click.Path(path_type=Path)


@click.group()
def trust() -> None:
    """Make and change who in a province may sign what."""


@trust.command()
@click.option(
    "--roster", "roster_file", type=click.Path(path_type=Path), required=True, help="Who holds which roles (JSON)."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to be made; must not exist yet.")
@click.option("--passphrases", type=click.Path(path_type=Path), help="JSON of name to passphrase, for demos and tests.")
@click.option(
    "--rounds", type=click.IntRange(MIN_ROUNDS, MAX_ROUNDS), default=MIN_ROUNDS, show_default=True,
    help="bcrypt rounds of the key files; each adds about 0.01 s to opening one.",
)  # fmt: skip
def init(roster_file: Path, out: Path, passphrases: Path | None, rounds: int) -> None:
    """Make a province: a key for each person of the roster, and the signed metadata that says what it may sign.

    Each person types a passphrase of their own. Afterwards hand out keys/<name>.key on a stick each, give online/ and
    metadata/ to the hub (loa-hub init --trust) and root.json to devices and stations, then erase this folder.
    """
    check_free(out)  # before a dozen people have typed
    roster = read_roster(_read(roster_file))
    known = _read_passphrases(passphrases) if passphrases else {p.name: _ask(p.name) for p in roster.people}
    count = len(roster.people)
    click.echo(f"Making {count} keys, about {count * rounds * SECONDS_PER_ROUND:.0f} s.")
    now = UtcTime(time.time_ns() * SECOND // NANOSECONDS)
    held = lay_down(Ceremony(roster, known, now, rounds), out, on_key=lambda name: click.echo(f"  {name}"))
    for role in thin_crews(roster):
        click.echo(f"Note: {role} has fewer than three holders; one holiday may silence it.")
    click.echo(
        f"Province {roster.province}: {len(held.roles)} signed roles for {len(roster.communes)} communes in {out}"
    )
    click.echo(f"Root fingerprint: {held.root_fingerprint}")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_ROSTER_BYTES + 1)
    except OSError as error:
        raise CeremonyError(f"{path}: {error.strerror}") from error


def _read_passphrases(path: Path) -> Mapping[str, str]:
    try:
        return msgspec.json.decode(_read(path), type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CeremonyError(f"{path}: not a JSON object of name to passphrase") from error


def _ask(name: str) -> str:
    while True:
        passphrase: str = click.prompt(f"Passphrase of {name}", hide_input=True, confirmation_prompt=True)
        if len(passphrase) >= MIN_PASSPHRASE:
            return passphrase
        click.echo(f"At least {MIN_PASSPHRASE} characters, please.")


for command in CHANGES:
    trust.add_command(command)
