"""`loa-provision approval-bundle`: writes the approval app for phones."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.approval.phone_bundle import write_phone_bundle
from provisioning.approval.words import N_, Words
from provisioning.commands.trust_desk import LANGUAGE


@click.command("approval-bundle")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to be made; must not exist yet.")
@click.option("--hub", required=True, help="Origin of the hub as phones reach it, such as https://loa.example.vn.")
@LANGUAGE
def approval_bundle(out: Path, hub: str, language: str) -> None:
    """Write the approval app for phones: static files for an https origin of its own.

    Serve them from another machine and administrator than the hub, with the headers in nginx-headers.conf, and name
    that origin in the hub's setting approval_origins. Whoever opens it first types the province's fingerprint.
    """
    names = write_phone_bundle(out, hub.rstrip("/"))
    _ = Words.load(language)
    click.echo(_(N_("{count} files in {folder}; compare SHA256SUMS with a colleague's before you serve them."),
                 count=len(names), folder=out))  # fmt: skip
