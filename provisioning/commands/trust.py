"""`loa-provision trust …`: the ceremony on the command line. The acts themselves are `provisioning.trust`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import msgspec

from provisioning.approval.words import N_, Words
from provisioning.commands.trust_changes import COMMANDS as CHANGES
from provisioning.commands.trust_changes import new_passphrase
from provisioning.commands.trust_desk import FILE, LANGUAGE
from provisioning.keys import MIN_ROUNDS
from provisioning.trust.init import Ceremony, CeremonyError, check_free, lay_down
from provisioning.trust.role_table import read_units, table_to_json, write_table
from provisioning.trust.roster import MAX_ROSTER_BYTES, Roster, read_roster, thin_crews
from wire.key_request import fingerprint
from wire.trust.held import Held
from wire.units import SECOND, UtcTime

NANOSECONDS = 1_000_000_000
ROUND_S = 0.01
MAX_ROUNDS = 1_024
MOST_NAMED = 6


@click.group()
def trust() -> None:
    """Make and change who in a province may sign what."""


@trust.command()
@click.option("--province", required=True, help="Official code, such as 08.")
@click.option("--areas", type=FILE, required=True, help="Units as CSV with columns code and name.")
@click.option("--hamlets", type=FILE, help="Hamlets as CSV with columns commune, code and name.")
@click.option("--out", type=FILE, required=True, help="The table to be written; must not exist yet.")
@LANGUAGE
def draft(province: str, areas: Path, hamlets: Path | None, out: Path, language: str) -> None:
    """Write the table of all roles of a province from its units: fill in who holds them, then `trust init`."""
    _ = Words.load(language)
    units = read_units(read_all(areas), read_all(hamlets) if hamlets else None)
    count = write_table(out, province, units, _)
    click.echo(_(N_("{count} roles for {communes} communes in {file}."), count=count, communes=len(units.communes),
                 file=out))  # fmt: skip
    click.echo(_(N_("Fill in the last column: the names of the holders (a-z, 0-9, -), blanks between them.")))
    click.echo(_(N_("Then: loa-provision trust init --roster {file} --out FOLDER"), file=out))


@trust.command()
@click.option(
    "--roster", "roster_file", type=FILE, required=True, help="Who holds which roles: the table of `draft`, or JSON."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to be made; must not exist yet.")
@click.option("--passphrases", type=click.Path(path_type=Path), help="JSON of name to passphrase, for demos and tests.")
@click.option(
    "--rounds", type=click.IntRange(MIN_ROUNDS, MAX_ROUNDS), default=MIN_ROUNDS, show_default=True,
    help="bcrypt rounds of the key files; each adds about 0.01 s to opening one.",
)  # fmt: skip
@LANGUAGE
def init(roster_file: Path, out: Path, passphrases: Path | None, rounds: int, language: str) -> None:
    """Make a province: a key for each person of the roster, and the signed metadata that says what it may sign.

    Each person types a passphrase of their own. What to hand to whom afterwards is printed at the end.
    """
    check_free(out)  # before a dozen people have typed
    _, roster = Words.load(language), read_roster(table_to_json(read_all(roster_file)))
    names = [person.name for person in roster.people]
    known = _read_passphrases(passphrases) if passphrases else {name: new_passphrase(_, name) for name in names}
    count = len(names)
    click.echo(_(N_("Making {count} keys, about {seconds} s."), count=count, seconds=round(count * rounds * ROUND_S)))
    now = UtcTime(time.time_ns() * SECOND // NANOSECONDS)
    held = lay_down(Ceremony(roster, known, now, rounds), out, on_key=lambda name: click.echo(f"  {name}"))
    for line in _told(roster, held, out, _):
        click.echo(line)


def _told(roster: Roster, held: Held, out: Path, _: Words) -> Iterator[str]:
    yield _(N_("Province {code}: {roles} signed roles for {communes} communes in {folder}"), code=roster.province,
            roles=len(held.roles), communes=len(roster.communes), folder=out)  # fmt: skip
    if thin := thin_crews(roster):
        yield _(N_("Note: fewer than three holders, one holiday may silence them: {n} roles ({first})"), n=len(thin),
                first=_some(thin))  # fmt: skip
    if waiting := [f"c{code}" for code in roster.communes if not roster.holders(f"c{code}")]:
        yield _(N_("Note: no approver yet, each comes in by trust add: {n} communes ({first})"), n=len(waiting),
                first=_some(waiting))  # fmt: skip
    yield _(N_("Root fingerprint: {digits}"), digits=fingerprint(held.root_fingerprint))
    yield _(N_("Print it for every approver, technician and officer. Then, in this order:"))
    yield _(N_("1. keys/NAME.key and .pub on a stick to each person, nowhere else"))
    yield _(N_("2. online/, metadata/, targets/ to the hub: loa-hub init --trust {folder}"), folder=out)
    yield _(N_("3. root.json to stations and devices"))
    yield _(N_("4. erase keys/ and online/ here"))


def _some(roles: list[str]) -> str:
    return ", ".join(roles[:MOST_NAMED]) + (", …" if len(roles) > MOST_NAMED else "")


def read_all(path: Path) -> bytes:
    """A file of a person's, up to what a roster may have. Raises CeremonyError."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_ROSTER_BYTES + 1)
    except OSError as error:
        raise CeremonyError(f"{path}: {error.strerror}") from error


def _read_passphrases(path: Path) -> Mapping[str, str]:
    try:
        return msgspec.json.decode(read_all(path), type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CeremonyError(f"{path}: not a JSON object of name to passphrase") from error


for command in CHANGES:
    trust.add_command(command)
