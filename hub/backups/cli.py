"""The commands `loa-hub backup` and `loa-hub restore`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from hub.backups.actions import Restored, backup, restore
from hub.config import Config, load_config
from hub.errors import BadInputError
from hub.setup import open_prepared
from wire.units import SECOND

AFTERWARDS = """\
Before you start it:
  - Stop the hub that it replaces, for good: two hubs with the same keys contradict each other.
  - Whoever was removed, and whatever was revoked, after the backup is back: enter it again
    (`loa-hub device revoke`, `loa-hub certificate-revoke`, `loa-hub person add`).
  - What was signed after the backup is missing here, and devices that know it take nothing from this hub until it knows
    it too. Unpack a stick's .loab (a ZIP) that is newer, or take the ceremony's folder, and run
    `loa-hub init --trust FOLDER`. Where no copy is left: hub/README, "Backups" (`loa-provision trust evict-hub`).
  - Play logs and receipts: each device sends what is missing here when it connects (it keeps 90 days).
  - Write the broker's files again: `loa-hub broker-config` or `broker-files`."""


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    made = add("backup", _backup, "Write everything into one sealed file, while the hub runs.")
    made.add_argument("--out", type=Path, metavar="FOLDER", help="default: the setting backup_dir")
    back = add("restore", _restore, "Make a data folder (and database) out of a backup; refuses one that is not whole.")
    back.add_argument("file", type=Path)


def _backup(config: Config, args: argparse.Namespace) -> None:
    folder = args.out or (Path(config.backup_dir) if config.backup_dir else None)
    if folder is None:
        raise BadInputError("Where to? Say --out FOLDER or write the setting backup_dir")
    with closing(open_prepared(config)) as hub:
        made = backup(hub, folder)
        key = hub.keys.newest.ident
    print(
        f"{made.path}: {made.parts} files, {made.size / 1e6:.1f} MB, verified; it opens with the master key {key} only"
    )
    for name in made.pruned:
        print(f"{name}: removed, {config.backup_keep} newer ones are kept")


def _restore(config: Config, args: argparse.Namespace) -> None:
    done = restore(config, args.file, reload=lambda folder: load_config(folder, args.config))
    print("\n".join(_told(config, done)))


def _told(config: Config, done: Restored) -> list[str]:
    moment = datetime.fromtimestamp(done.about.made_at // SECOND, UTC)
    newest = ", ".join(f"{role} {number}" for role, number in sorted(done.about.versions.items()))
    as_of = f"as they were on {moment:%Y-%m-%d %H:%M} UTC"
    return [
        f"{config.root}: {done.parts} files and the database ({done.about.database}) {as_of}",
        f"Ended: {done.resumed.sessions} sessions; {done.resumed.messages} messages that waited then are given up",
        f"Snapshot and timestamp go on from version {done.resumed.timestamp}, so that devices take them",
        f"Signed roles in the backup: {newest or 'none'}",
        AFTERWARDS,
    ]
