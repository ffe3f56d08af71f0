"""Prepares a data folder: `loa-hub init`. Running it again changes nothing that is there."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from hub.config import Config
from hub.context import Hub, open_hub
from hub.db import Database
from hub.errors import ConfigError
from hub.migrations import check_migrated, migrate


def prepare(config: Config) -> None:
    """Folders, secrets and tables."""
    config.root.mkdir(parents=True, exist_ok=True)
    config.root.chmod(0o700)
    for folder in (config.blob_dir, config.work_dir, config.online_dir):
        folder.mkdir(exist_ok=True)
    for name in (config.secret_file, config.broker_password_file, *map(config.root.joinpath, _station_files(config))):
        _make_secret(name)
    db = Database(config.database_url)
    try:
        migrate(db)
    finally:
        db.close()


def open_prepared(config: Config) -> Hub:
    """The hub of a data folder that `loa-hub init` has prepared. Raises ConfigError."""
    if not config.secret_file.exists():
        raise ConfigError("{path} is not prepared: run `loa-hub init --dir {path}`", path=config.root)
    hub = open_hub(config)
    check_migrated(hub.db)
    return hub


def empty_work(config: Config) -> None:
    """Throw away what an interrupted upload left."""
    shutil.rmtree(config.work_dir, ignore_errors=True)
    config.work_dir.mkdir()


def _station_files(config: Config) -> list[str]:
    return [f"{name}.password" for name in config.stations]


def _make_secret(path: Path) -> None:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
