"""`loa-edge tuf-client`: the command line that the public suite theupdateframework/tuf-conformance asks of a client.

`init ROOT` asks no server; `refresh` brings metadata up to date; `download` does so and then takes each target in
order, ending with 1 at the first that fails.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, Final

from edge.errors import ConfigError
from edge.sync.fetch import HttpFetcher
from edge.tuf_client import TufClient, init_store
from wire.units import UtcTime

TAKES: Final = {"init": 1, "refresh": 0, "download": 0}


def add_tuf_client(commands: Any) -> None:
    """Add the command to a parser's subcommands."""
    parser = commands.add_parser("tuf-client", help="a plain TUF client with strict expiry, for conformance tests")
    parser.add_argument("--metadata-dir", required=True, type=Path, help="where its metadata is kept")
    parser.add_argument("--metadata-url", default="", help="the repository's metadata")
    parser.add_argument("--target-name", action="append", default=[], help="may be given several times")
    parser.add_argument("--target-base-url", default="", help="the repository's targets")
    parser.add_argument("--target-dir", type=Path, help="where targets are kept")
    parser.add_argument("action", choices=sorted(TAKES))
    parser.add_argument("root", nargs="?", type=Path, help="for init: the root.json to trust")
    parser.set_defaults(run=run_tuf_client)


def run_tuf_client(options: argparse.Namespace) -> int:
    """Raises ConfigError for a wrong command line; else what the client raises."""
    if (options.root is not None) != bool(TAKES[options.action]):
        raise ConfigError(f"tuf-client {options.action}: {'ROOT is missing' if options.root is None else 'no ROOT'}")
    if options.action == "init":
        init_store(options.metadata_dir, options.root)
        return 0
    if not options.metadata_url:
        raise ConfigError("--metadata-url is missing")
    client = TufClient(options.metadata_dir, HttpFetcher(options.metadata_url), now=UtcTime(int(time.time() * 1_000)))
    client.refresh()
    if options.action == "download":
        if not (options.target_name and options.target_base_url and options.target_dir):
            raise ConfigError("download needs --target-name, --target-base-url and --target-dir")
        source = HttpFetcher(options.target_base_url)
        for name in options.target_name:
            client.download(name, source, options.target_dir)
    return 0
