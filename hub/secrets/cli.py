"""The commands of `loa-hub key`: which master key is used, a new one, and the end of the old ones."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import closing

from hub.config import Config
from hub.secrets.keyring import read_keys
from hub.setup import open_prepared

Act = Callable[[Config, argparse.Namespace], None]


def add_commands(add: Callable[..., argparse.ArgumentParser], into: object) -> None:
    add("show", _show, "Say where the master key lies and which keys open what; never the key itself.", into)
    add("rotate", _rotate, "Make a new master key and seal everything with it. The hub may run.", into)
    add("forget-old", _forget_old, "Take the older keys out of the file, once you hold a copy for older backups.", into)


def _show(config: Config, _args: argparse.Namespace) -> None:
    first, *older = (key.ident for key in read_keys(config.master_key))
    print(f"{config.master_key}: {first} seals{''.join(f', {ident} opens what is older' for ident in older)}")


def _rotate(config: Config, _args: argparse.Namespace) -> None:
    from hub.secrets.rotate import rotate  # noqa: PLC0415 knows every table

    with closing(open_prepared(config)) as hub:
        count = rotate(hub)
        new = hub.keys.newest.ident
    print(f"{count} values sealed with the new key {new}. Copy {config.master_key} NOW to where this machine is not.\n"
          "The old key stays in it for what it sealed, backups too, until `loa-hub key forget-old`.")  # fmt: skip


def _forget_old(config: Config, _args: argparse.Namespace) -> None:
    from hub.secrets.rotate import forget_old  # noqa: PLC0415

    with closing(open_prepared(config)) as hub:
        gone = forget_old(hub)
    print(f"{len(gone)} older keys left {config.master_key}: {', '.join(gone) or 'none'}")
