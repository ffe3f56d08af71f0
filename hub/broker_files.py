"""Writes mosquitto's configuration from the device table: `loa-hub broker-files DIR`, then SIGHUP to mosquitto."""

from __future__ import annotations

import os
from pathlib import Path

from hub import broker_rights
from hub.config import Config
from hub.db import Database
from hub.secrets.keyring import Keyring
from wire.topics import ROOT


def write_broker_files(config: Config, db: Database, keys: Keyring, folder: Path) -> Path:
    """Write mosquitto.conf, passwords and acl into `folder`; the path of mosquitto.conf."""
    folder.mkdir(parents=True, exist_ok=True)
    found = broker_rights.accounts(db, config, keys)
    write_file(folder / "passwords", "".join(f"{name}:{hashed}\n" for name, hashed in sorted(found.items())))
    write_file(folder / "acl", _acl(config))
    write_file(folder / "mosquitto.conf", _configuration(config, folder))
    return folder / "mosquitto.conf"


def _configuration(config: Config, folder: Path) -> str:
    lines = [
        "persistence false",
        "allow_anonymous false",
        "set_tcp_nodelay true",
        "max_queued_messages 1000",
        "max_inflight_messages 200",
        "max_packet_size 262144",
        f"password_file {folder / 'passwords'}",
        f"acl_file {folder / 'acl'}",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        f"listener {config.broker_port} {config.broker_host}",
        "use_username_as_clientid true",  # a setting of the listener above it
    ]
    if os.geteuid() == 0:
        lines.insert(0, "user root")  # else it drops to `mosquitto`, who may not read a private folder
    return "\n".join(lines) + "\n"


def _acl(config: Config) -> str:
    """What `broker_rights` says, in mosquitto's words.

    Patterns hold for every user, so a station may also speak under `up/` in its own name, where no device is.
    """
    lines = [f"user {config.broker_user}", f"topic readwrite {ROOT}/#", ""]
    for station in config.stations:
        lines += [f"user {station}", f"topic write {ROOT}/em/#", ""]
    return "\n".join([*lines, *pattern_lines()]) + "\n"


def pattern_lines() -> list[str]:
    """What a device may say and hear, for every user name."""
    return [
        *(f"pattern write {ROOT}/up/%u/{name}" for name in broker_rights.DEVICE_SPEAKS),
        f"pattern read {ROOT}/dn/%u/#",
        *(f"pattern read {tree}#" for tree in broker_rights.PUBLIC),
    ]


def write_file(path: Path, text: str) -> None:
    """Replace the file at once, readable by nobody else."""
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(text, "utf-8")
    fresh.replace(path)
