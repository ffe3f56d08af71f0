"""Where the commands of `loa-provision trust` work: the province's word that they are told, and the language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from securesystemslib.signer import Key

from provisioning.approval.words import N_, Words
from provisioning.errors import ProvisioningError, printable
from provisioning.hub_api import HubApi
from provisioning.trust.change_file import ChangeFile
from provisioning.trust.changes import Change
from provisioning.trust.handover import Sources, with_stations
from provisioning.trust.holders import read_holder
from provisioning.trust.present import from_folder, from_hostile_hub, from_hub
from provisioning.trust.review import review, role_title
from provisioning.trust.seen import remember
from provisioning.trusted import read_root, system_time
from wire.key_request import fingerprint as fingerprint_of
from wire.trust.held import Held

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
LANGUAGE = click.option(
    "--language", type=click.Choice(["vi", "en"]), default="vi", help="Of what is printed."
)
Command = Callable[..., Any]


class Desk:
    """What every one of these commands is told: where the province's word is, and in which language to speak."""

    def __init__(self, root: Path, trust: Path | None, hub: str | None, language: str) -> None:
        if bool(trust) == bool(hub):
            raise click.UsageError("give either --trust FOLDER or --hub URL")
        self.words = Words.load(language)
        self._root, self._trust, self._hub = read_root(root), trust, HubApi(str(hub)) if hub else None
        self._memory = root.with_name(f"{root.name}.seen")
        self._ask: Callable[[bytes, HubApi], Held] = from_hub

    def distrust_hub(self) -> None:
        """Take no word of the hub's own for what people have signed."""
        self._ask = from_hostile_hub

    @cached_property
    def held(self) -> Held:
        """What the province has signed, never older than this machine has seen it.

        Raises PresentError, WireError, and what the hub's client raises.
        """
        found = self._ask(self._root, self._hub) if self._hub else from_folder(self._root, self._trust or Path())
        try:
            remember(self._memory, found)
        except OSError as error:
            unkept = N_("{file} cannot be written: this machine will not notice an older state. {why}")
            click.echo(self.words(unkept, file=self._memory, why=error.strerror), err=True)
        return found

    def with_stations(self, states: Sequence[Path]) -> Held:
        """What is held, and the newer releases that stations remember."""
        return with_stations(self.held, self._root, states)

    def sources(self, states: Sequence[Path]) -> Sources:
        """Where a new hub's files are looked for."""
        found = Sources()
        if self._trust is not None:
            found.add_folder(self._trust)
        if self._hub is not None:
            found.metadata.append(self._hub.metadata)
            found.targets.append(self._hub.target)
        for state in states:
            found.add_station(state)
        return found

    def propose(self, change: Change, out: Path) -> None:
        """Show what it says and write it down, unsigned."""
        if out.exists():
            raise ProvisioningError(N_("{file} exists already; nothing was changed"), file=out)
        made = ChangeFile(change.files(system_time()))
        self.show(made)
        made.write(out)
        click.echo(self.words(N_("Written to {file}. Each holder signs it: loa-provision trust sign {file}"), file=out))

    def holder(self, file: Path, roles: tuple[str, ...], heard: str) -> Key:
        """The key of a file, once its holder has read it out. Raises HolderError, KeyFileError."""
        holder, _ = read_holder(file), self.words
        name, digits = printable(holder.name), fingerprint_of(holder.key.keyid)
        holder.check_role(roles)
        holder.check_fingerprint(heard or click.prompt(_(N_("Fingerprint that {name} reads out"), name=name)))
        click.echo(_(N_("Key of {name}: {key} (compared)"), name=name, key=digits))
        return holder.key

    def show(self, made: ChangeFile) -> None:
        made.check(self.held, system_time())
        for line in review(self.held, made.files, self.words):
            click.echo(printable(line))
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
        LANGUAGE,
    ):
        wrapped = option(wrapped)
    return wrapped
