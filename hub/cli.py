"""The commands of `loa-hub`. Exit codes: 0; 1 with one line of reason; 2 for wrong usage (`--verbose`: the trace)."""

from __future__ import annotations

import argparse
import getpass
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from hub import unit_list
from hub.areas import actions as areas
from hub.auth import actions as auth
from hub.auth.cli import add_commands as add_person_commands
from hub.auth.keyfile import read_public_key
from hub.auth.roles import Grant, Person, Role
from hub.backups.cli import add_commands as add_backup_commands
from hub.certificates.cli import add_commands as add_broker_commands
from hub.config import Config, load_config
from hub.context import open_hub
from hub.devices import actions as devices
from hub.errors import BadInputError, HubError
from hub.publishing.intake import take_trust
from hub.secrets.cli import add_commands as add_key_commands
from hub.security.cli import add_commands as add_security_commands
from hub.setup import empty_work, open_prepared, prepare
from wire.errors import WireError

PASSWORD = "LOA_HUB_PASSWORD"  # noqa: S105 the variable's name
KEEP_THE_KEY = (
    "loa-hub: a new master key is in {path}. Copy it NOW to where this machine is not, on paper or a stick in a safe: "
    "without it neither this folder nor any backup opens. Never store it together with the backups."
)
PROVINCE_NAME = "Tỉnh Tuyên Quang"


def run(arguments: Sequence[str] | None = None) -> int:
    """Parse, act, and turn what goes wrong into one line."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    try:
        config = load_config(args.dir, args.config)
        logging.getLogger().setLevel(config.log_level)
        for chatty in ("alembic", "tuf"):  # tuf tells of every signature that a threshold does not need
            logging.getLogger(chatty).setLevel("WARNING")
        args.act(config, args)
    except (HubError, WireError, OSError) as error:
        if args.verbose:
            traceback.print_exc()
        print(f"loa-hub: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    folder = Path(os.environ.get("LOA_HUB_DIR", "hub-data"))
    common.add_argument("--dir", type=Path, default=folder, help="data folder (or LOA_HUB_DIR; default: hub-data)")
    common.add_argument("--config", type=Path, help="settings file (default: DIR/hub.toml)")
    common.add_argument("--verbose", action="store_true", help="show the trace of what goes wrong")
    parser = argparse.ArgumentParser(
        prog="loa-hub", description="Loa's hub: a mailbox between staff, approvers and loudspeakers."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, act: Callable[[Config, argparse.Namespace], None], help_text: str, into: object = commands
    ) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = into.add_parser(name, parents=[common], help=help_text, description=help_text)  # type: ignore[attr-defined]
        made.set_defaults(act=act)
        return made

    init = add("init", _init, "Prepare a data folder; running it again takes over newer metadata and areas.")
    init.add_argument("--trust", type=Path, help="folder made by `loa-provision trust init`")
    init.add_argument("--areas", type=Path, default=areas.COMMUNES_CSV, help="CSV of the communes (default: built in)")
    init.add_argument("--province-name", default=PROVINCE_NAME)
    add("web", _web, "Serve pages and interfaces.")
    add("worker", _worker, "Take in what devices say, send what waits, do what is due. Exactly one.")
    add_broker_commands(add)
    add_backup_commands(add)
    key = commands.add_parser("key", help="The master key.").add_subparsers(required=True, metavar="ACT")
    add_key_commands(add, key)
    listed = add("import", _import, "Enter people, hamlets, clusters and devices from one list (JSON).")
    listed.add_argument("list", type=Path)
    _add_entries(add, commands)
    return parser


def _add_entries(add: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """People and places, one at a time."""
    person = commands.add_parser("person", help="People and their roles.").add_subparsers(required=True, metavar="ACT")
    added = add("add", _person_add, "Add a person, or change roles, keys and password of one.", person)
    added.add_argument("username")
    added.add_argument("--name", required=True, help="as it is shown to others")
    added.add_argument("--role", action="append", default=[], metavar="ROLE:AREA", help="e.g. editor:08/00694; repeat")
    added.add_argument("--key", action="append", default=[], type=Path, metavar="FILE", help="signing key, public half")
    added.add_argument("--password-file", type=Path, help=f"otherwise ${PASSWORD}, otherwise asked for")
    add_person_commands(person, add, grant_of=_grant, password_of=_password)
    hamlet = commands.add_parser("area", help="Hamlets.").add_subparsers(required=True, metavar="ACT")
    hamlets = add("add", _area_add, "Enter a hamlet of a commune.", hamlet)
    hamlets.add_argument("path", help="e.g. 08/00694/01")
    hamlets.add_argument("--name", required=True)
    hamlets.add_argument("--households", type=int)
    hamlets.add_argument("--language", action="append", default=[], help="BCP 47, most spoken first; repeat")
    cluster = commands.add_parser("cluster", help="Clusters.").add_subparsers(required=True, metavar="ACT")
    clusters = add("add", _cluster_add, "Enter a cluster of loudspeakers, or correct it.", cluster)
    clusters.add_argument("id")
    clusters.add_argument("--area", required=True)
    clusters.add_argument("--name", required=True)
    clusters.add_argument("--lat", type=float)
    clusters.add_argument("--lon", type=float)
    clusters.add_argument("--language", action="append", default=[])
    clusters.add_argument("--tag", action="append", default=[])
    clusters.add_argument("--note", default="")
    device = commands.add_parser("device", help="Devices.").add_subparsers(required=True, metavar="ACT")
    registered = add("register", _device_register, "Register a device; proposes its placement for signature.", device)
    registered.add_argument("request", type=Path, help="request.json made by `loa-edge init`")
    registered.add_argument("--cluster", required=True)
    revoked = add("revoke", _device_revoke, "End a device's registration.", device)
    revoked.add_argument("id")
    add_security_commands(commands, add)


def _init(config: Config, args: argparse.Namespace) -> None:
    if prepare(config):
        print(KEEP_THE_KEY.format(path=config.master_key), file=sys.stderr)
    with closing(open_hub(config)) as hub:
        count = areas.import_areas(hub, province=config.province, name=args.province_name, communes=args.areas)
        new = take_trust(hub, args.trust) if args.trust else 0
    print(f"{config.root}: {count} communes, {new} new metadata files")


def _web(config: Config, _args: argparse.Namespace) -> None:
    from hub.web import run_web  # noqa: PLC0415 gunicorn and Flask are not wanted in the other commands

    open_prepared(config).close()
    empty_work(config)
    run_web(config)


def _worker(config: Config, _args: argparse.Namespace) -> None:
    from hub.worker import run_worker  # noqa: PLC0415

    with closing(open_prepared(config)) as hub:
        run_worker(hub)


def _import(config: Config, args: argparse.Namespace) -> None:
    unit = unit_list.read_list(args.list)
    with closing(open_prepared(config)) as hub:
        unit_list.enter(hub, _system(config), unit, grant_of=_grant)
    print("entered:", ", ".join(f"{len(getattr(unit, part))} {part}" for part in unit.__struct_fields__))


def _person_add(config: Config, args: argparse.Namespace) -> None:
    held = [_grant(text) for text in args.role]
    keys = [read_public_key(path) for path in args.key]
    password = _password(args.password_file)
    with closing(open_prepared(config)) as hub:
        auth.add_person(hub, username=args.username, name=args.name, password=password, held=held, keys=keys)
    print(f"{args.username}: {', '.join(args.role) or 'no role'}; {len(keys)} key(s)")


def _area_add(config: Config, args: argparse.Namespace) -> None:
    with closing(open_prepared(config)) as hub:
        areas.put_hamlet(
            hub, _system(config), args.path, name=args.name, households=args.households, languages=args.language
        )


def _cluster_add(config: Config, args: argparse.Namespace) -> None:
    with closing(open_prepared(config)) as hub:
        devices.put_cluster(
            hub, _system(config), args.id, area=args.area, name=args.name, lat=args.lat, lon=args.lon,
            languages=args.language or ["vi"], tags=args.tag, note=args.note,
        )  # fmt: skip


def _device_register(config: Config, args: argparse.Namespace) -> None:
    with closing(open_prepared(config)) as hub:
        ident = devices.register_device(hub, _system(config), args.request.read_bytes(), cluster=args.cluster)
    print(f"{ident}: registered; its placement waits for the registrar's signature")


def _device_revoke(config: Config, args: argparse.Namespace) -> None:
    with closing(open_prepared(config)) as hub:
        devices.revoke_device(hub, _system(config), args.id)


def _system(config: Config) -> Person:
    """Whoever may run commands on this machine; never an approver."""
    roles = (Role.TECHNICIAN, Role.EDITOR)
    return Person("system", "loa-hub", tuple(Grant(role, config.province) for role in roles))


def _grant(text: str) -> Grant:
    role, _, area = text.partition(":")
    if role not in set(Role) or not area:
        raise BadInputError("{text} is not ROLE:AREA; roles are {roles}", text=text, roles=", ".join(Role))
    return Grant(Role(role), area)


def _password(file: Path | None) -> str:
    if file:
        return file.read_text("utf-8").strip()
    return os.environ.get(PASSWORD) or getpass.getpass("Password: ")
