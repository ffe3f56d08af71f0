"""`loa-provision propose`: puts a policy or emergency templates up for signature, from files written by hand."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.errors import ProvisioningError
from provisioning.hub_api import HubApi
from wire.alert import MAX_TEMPLATE_BYTES, read_template
from wire.areas import check_path, policy_target, template_target
from wire.codec import encode
from wire.policy import MAX_POLICY_BYTES, read_policy

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("kind", type=click.Choice(["policy", "template"]))
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option("--hub", required=True, help="Address of the hub.")
@click.option("--area", required=True, help="Area for which it is said: 08 for the province.")
@click.option("--user", required=True, help="Your account on the hub; it needs the right to edit the area.")
@click.option("--password-file", type=FILE, help="Otherwise the password is asked for.")
@click.option("--title", help="What the approvers read; by default the names of the files.")
def propose(
    kind: str, files: tuple[Path, ...], hub: str, area: str, user: str, password_file: Path | None, title: str | None
) -> None:
    """Put a policy, or emergency templates, up for signature. FILES are JSON as in wire/policy.py and wire/alert.py.

    The recordings that a template names must be on the hub already, as sounds of a bulletin.
    """
    check_path(area)
    targets = dict(_target(kind, area, path) for path in files)
    password = password_file.read_text("utf-8").strip() if password_file else click.prompt("Password", hide_input=True)
    api = HubApi(hub)
    signed_in = api.with_token(api.login(user, password).token)
    ident = signed_in.propose(kind, area, title or ", ".join(path.stem for path in files), targets)
    click.echo(f"Proposal {ident} waits for the approvers of {area}.")


def _target(kind: str, area: str, path: Path) -> tuple[str, str]:
    """A target's path and its canonical text, once it has been read as a device would."""
    if kind == "policy":
        return policy_target(area), encode(read_policy(_read(path, MAX_POLICY_BYTES))).decode()
    template = read_template(_read(path, MAX_TEMPLATE_BYTES))
    return template_target(area.split("/", 1)[0], template.id), encode(template).decode()


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise ProvisioningError(f"{path}: {error.strerror}") from error
