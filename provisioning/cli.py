"""The command line: which verbs there are, and how errors end. A verb is a module of `provisioning.commands`."""

from __future__ import annotations

import itertools
import sys

import click

from provisioning.approval.words import Words
from provisioning.commands.alert import alert
from provisioning.commands.approval_bundle import approval_bundle
from provisioning.commands.bundle import bundle
from provisioning.commands.enrol import enrol, replace
from provisioning.commands.propose import propose
from provisioning.commands.station import station
from provisioning.commands.trust import trust
from provisioning.errors import ProvisioningError, printable
from wire.errors import WireError

COMMANDS: tuple[click.Command, ...] = (
    trust, station, alert, approval_bundle, bundle, propose, enrol, replace,
)  # fmt: skip


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--verbose", is_flag=True, expose_value=False, help="Show the whole trace of an error.")
def cli() -> None:
    """Loa on a person's own machine: keys, approval, courier bundles."""


for command in COMMANDS:
    cli.add_command(command)


def run(arguments: list[str] | None = None) -> int:
    """Run a command; 0 done, 1 failed with one line of reason, 2 wrong usage."""
    verbose = "--verbose" in (sys.argv[1:] if arguments is None else arguments)
    try:
        ended = cli.main(args=arguments, prog_name="loa-provision", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return 2
    except click.exceptions.Exit as done:
        return done.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return 1
    except (ProvisioningError, WireError, click.ClickException) as error:
        if verbose:
            raise
        click.echo(f"loa-provision: {printable(_told(error, arguments or sys.argv[1:]))}", err=True)
        return 1
    return ended if isinstance(ended, int) else 0  # click answers an `Exit` of a command with its code


def _told(error: Exception, arguments: list[str]) -> str:
    """The reason in the language that was asked for, where it is a sentence that people meet."""
    if not isinstance(error, ProvisioningError):
        return str(error)
    is_english = any(pair == ("--language", "en") for pair in itertools.pairwise(arguments))
    return Words.load("en" if is_english else "vi")(error.msgid, **error.values)
