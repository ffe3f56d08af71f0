"""`loa-provision station`: runs the approval app on this machine."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from provisioning.approval.context import HOST_NAME, StationConfig, open_station
from provisioning.approval.station import create_station, make_station_server
from provisioning.approval.words import N_, Words
from provisioning.errors import ProvisioningError
from provisioning.trusted import read_root

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--hub", required=True, help="Address of the hub, such as http://localhost:8080.")
@click.option("--keys", type=FOLDER, required=True, help="Folder with your <name>.key and <name>.pub.")
@click.option(
    "--root", type=click.Path(path_type=Path), required=True, help="The province's root.json, as handed to you."
)
@click.option("--state", type=FOLDER, required=True, help="Folder in which verified releases and sounds are kept.")
@click.option("--port", type=click.IntRange(1, 65535), default=8090, show_default=True, help="Port on this machine.")
@click.option(
    "--languages", default="vi,en", show_default=True, help="Languages of the page, the first one by default."
)
@click.option(
    "--brokers", type=click.Path(path_type=Path), help="This machine's list of brokers, for when the hub is away."
)
def station(
    hub: str, keys: Path, root: Path, state: Path, port: int, languages: str, brokers: Path | None
) -> None:
    """Run the approval app: look at what waits, sign it with your key file, send emergencies and drills.

    The page answers on this machine alone, at http://duyet.localhost:PORT. Keys and passphrases never leave it.
    """
    config = StationConfig(hub, keys, read_root(root), state, port, tuple(languages.split(",")), brokers)
    try:
        app = create_station(open_station(config))
        server = make_station_server(app, port)
    except FileNotFoundError as error:
        raise ProvisioningError(f"no catalogue for one of the languages {languages}") from error
    except OSError as error:
        raise ProvisioningError(f"port {port}: {error.strerror}") from error
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    words = Words.load(config.languages[0])
    click.echo(words(N_("Approval app: {url} (Ctrl-C ends it)"), url=f"http://{HOST_NAME}:{port}/"))
    try:
        server.serve_forever()
    finally:
        server.server_close()
