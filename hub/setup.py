"""Prepares a data folder: `loa-hub init`. Running it again changes nothing that is there."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from hub.auth import store as persons
from hub.config import Config
from hub.context import Hub, open_hub
from hub.db import Database
from hub.errors import ConfigError
from hub.migrations import check_migrated, migrate
from hub.secrets.keyring import Keyring, is_sealed, new_key, write_keys

SECRETS = ("secret.key", "*.password", "online/*.pem", "ca/*.key")
"""What lies in the data folder sealed with the master key."""


def prepare(config: Config) -> bool:
    """Folders, master key, secrets and tables; whether the master key is new. Raises ConfigError, SealedError."""
    config.root.mkdir(parents=True, exist_ok=True)
    config.root.chmod(0o700)
    for folder in (config.blob_dir, config.work_dir, config.online_dir):
        folder.mkdir(exist_ok=True)
    keys = Keyring(config.master_key)
    is_new = _make_key(config)
    seal_secrets(config, keys)
    for name in (config.secret_file, config.broker_password_file, *map(config.root.joinpath, _station_files(config))):
        if not name.exists():
            keys.write(name, secrets.token_urlsafe(32).encode())
    db = Database(config.database_url, keys)
    try:
        migrate(db)
    finally:
        db.close()
    return is_new


def open_prepared(config: Config) -> Hub:
    """The hub of a data folder that `loa-hub init` has prepared. Raises ConfigError, SealedError."""
    if not config.secret_file.exists():
        raise ConfigError("{path} is not prepared: run `loa-hub init --dir {path}`", path=config.root)
    hub = open_hub(config)
    try:
        check_migrated(hub.db)
        check_keys(hub)
    except BaseException:
        hub.close()
        raise
    return hub


def check_keys(hub: Hub) -> None:
    """Raise ConfigError or SealedError unless the master key opens what is here, in the folder and in the database."""
    for path in secret_files(hub.config):
        hub.keys.read(path)
    with hub.reading() as conn:
        persons.any_name(conn)


def secret_files(config: Config) -> list[Path]:
    return sorted(path for pattern in SECRETS for path in config.root.glob(pattern))


def seal_secrets(config: Config, keys: Keyring) -> int:
    """Seal what lies open: left by an older version, or put there by a person; how many. The others must open."""
    opened = 0
    for path in secret_files(config):
        raw = path.read_bytes()
        if is_sealed(raw):
            keys.read(path)
        else:
            keys.write(path, raw.strip() if path.suffix == ".password" else raw)
            opened += 1
    return opened


def empty_work(config: Config) -> None:
    """Throw away what an interrupted upload left."""
    shutil.rmtree(config.work_dir, ignore_errors=True)
    config.work_dir.mkdir()


def _make_key(config: Config) -> bool:
    """Make the master key, only where nothing was ever sealed: a second one would open nothing of it."""
    if config.master_key.exists():
        return False
    if any(is_sealed(path.read_bytes()) for path in secret_files(config)):
        raise ConfigError(
            "The master key {path} is missing, and what lies in {root} was sealed with it: bring it back from where "
            "its copy is kept", path=config.master_key, root=config.root,
        )  # fmt: skip
    config.master_key.parent.mkdir(parents=True, exist_ok=True)
    write_keys(config.master_key, (new_key(),))
    return True


def _station_files(config: Config) -> list[str]:
    return [f"{name}.password" for name in config.stations]
