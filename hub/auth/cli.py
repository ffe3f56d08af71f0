"""The commands of `loa-hub person` that look after accounts which are there already."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from hub.auth import people
from hub.auth.roles import Grant, Person, Role
from hub.config import Config
from hub.setup import open_prepared


def add_commands(
    person: Any,
    add: Callable[..., argparse.ArgumentParser],
    *,
    grant_of: Callable[[str], Grant],
    password_of: Callable[[Path | None], str],
) -> None:
    add("list", _list, "Everybody, with roles.", person)
    for name, is_open, told in (("close", False, "Let a person not log in any more."), ("open", True, "Again.")):
        add(name, partial(_set_active, is_open), told, person).add_argument("username")
    roles = add("roles", partial(_roles, grant_of), "Replace a person's roles.", person)
    roles.add_argument("username")
    roles.add_argument("--role", action="append", default=[], metavar="ROLE:AREA", help="e.g. editor:08/00694; repeat")
    password = add("password", partial(_password, password_of), "Give a person a new password.", person)
    password.add_argument("username")
    password.add_argument("--password-file", type=Path, help="otherwise the environment's, otherwise asked for")


def _list(config: Config, _args: argparse.Namespace) -> None:
    with closing(open_prepared(config)) as hub:
        for one, active in people.manageable(hub, _manager(config)):
            held = ", ".join(f"{grant.role}:{grant.area}" for grant in one.grants) or "no role"
            print(f"{one.username}  {'open' if active else 'closed'}  {held}")


def _set_active(is_open: bool, config: Config, args: argparse.Namespace) -> None:  # noqa: FBT001 bound by `partial`
    with closing(open_prepared(config)) as hub:
        people.set_active(hub, _manager(config), args.username, active=is_open)


def _roles(grant_of: Callable[[str], Grant], config: Config, args: argparse.Namespace) -> None:
    with closing(open_prepared(config)) as hub:
        people.set_roles(hub, _manager(config), args.username, [grant_of(text) for text in args.role])


def _password(password_of: Callable[[Path | None], str], config: Config, args: argparse.Namespace) -> None:
    with closing(open_prepared(config)) as hub:
        people.reset_password(hub, _manager(config), args.username, password_of(args.password_file))


def _manager(config: Config) -> Person:
    """Whoever may run commands on this machine looks after all accounts of the province."""
    return Person("system", "loa-hub", (Grant(Role.ADMIN, config.province),))
