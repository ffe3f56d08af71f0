"""The commands of `loa-hub` that have to do with the broker and with who may reach it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from hub.broker_rights import account_password
from hub.certificates import actions as certificates
from hub.config import Config
from hub.errors import BadInputError
from hub.setup import open_prepared

Act = Callable[[Config, argparse.Namespace], None]
Add = Callable[[str, Act, str], argparse.ArgumentParser]


def add_commands(add: Add) -> None:
    add("broker", _broker, "Run the embedded MQTT broker (one commune, demo, tests).")
    files = add("broker-files", _broker_files, "Write mosquitto's configuration for loopback: passwords and ACL.")
    files.add_argument("folder", type=Path)
    secure = add("broker-config", _broker_config, "Write a province's mosquitto: mutual TLS, rights, revocation list.")
    secure.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where mosquitto will find its files")
    secure.add_argument("--name", action="append", required=True, help="host name or address of the broker; repeat")
    secure.add_argument("--listen", default="0.0.0.0", metavar="ADDRESS")  # noqa: S104 devices come from outside
    secure.add_argument("--port", type=int, default=8883)
    password = add("account-password", _account_password, "Print the broker password of the worker or a station.")
    password.add_argument("name")
    station = add("station-certificate", _station_certificate, "Certify an officer's station for the broker.")
    station.add_argument("name", help="station-…")
    station.add_argument("request", type=Path, help="certificate request (PEM) that was made on the station")
    station.add_argument("--out", type=Path, required=True, metavar="FILE")
    revoke = add("certificate-revoke", _certificate_revoke, "End every certificate of a device or station.")
    revoke.add_argument("name")
    revoke.add_argument("--why", required=True)


def _broker(config: Config, args: argparse.Namespace) -> None:
    from hub.broker import run_broker  # noqa: PLC0415 amqtt is slow to import and only wanted here

    open_prepared(config).close()
    run_broker(config, args.config)


def _broker_files(config: Config, args: argparse.Namespace) -> None:
    from hub.broker_files import write_broker_files  # noqa: PLC0415

    with closing(open_prepared(config)) as hub:
        print(write_broker_files(config, hub.db, hub.keys, args.folder.resolve()))


def _broker_config(config: Config, args: argparse.Namespace) -> None:
    from hub.broker_tls import WORKER_CERTIFICATE, WORKER_KEY, write_broker_config  # noqa: PLC0415

    with closing(open_prepared(config)) as hub:
        made = write_broker_config(hub, args.out.resolve(), names=args.name, address=args.listen, port=args.port)
        ca = certificates.ca_folder(hub).resolve()
    print(f"{made}\n\nStart it as this user:\n    mosquitto -c {made}\n\nWrite into {config.root / 'hub.toml'}:")
    settings = {
        "broker_host": args.name[0], "broker_port": args.port, "broker_files": str(made.parent),
        "broker_ca": str(ca / "ca.crt"), "broker_certificate": str(ca / WORKER_CERTIFICATE),
        "broker_key": str(ca / WORKER_KEY),
    }  # fmt: skip
    for name, value in settings.items():
        print(f"    {name} = {value}" if isinstance(value, int) else f'    {name} = "{value}"')


def _account_password(config: Config, args: argparse.Namespace) -> None:
    if args.name not in (config.broker_user, *config.stations):
        raise BadInputError("{name} is no account of the hub's own: see `stations`", name=args.name)
    with closing(open_prepared(config)) as hub:
        print(account_password(config, hub.keys, args.name))


def _station_certificate(config: Config, args: argparse.Namespace) -> None:
    with closing(open_prepared(config)) as hub:
        made = certificates.issue_station(hub, args.request.read_bytes(), args.name)
    args.out.write_bytes(made)
    print(f"{args.out}: {args.name} may start and cancel emergencies straight at the broker")


def _certificate_revoke(config: Config, args: argparse.Namespace) -> None:
    with closing(open_prepared(config)) as hub, hub.writing() as conn:
        certificates.revoke(hub, conn, args.name, why=args.why, person="system")
