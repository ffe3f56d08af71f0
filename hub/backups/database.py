"""The database as one file, consistent while the hub runs: SQLite's backup interface, or pg_dump as a program."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, inspect, make_url

from hub.config import Config
from hub.db import Database
from hub.errors import ConfigError

SQLITE, POSTGRESQL = "sqlite", "postgresql"
FILES = {SQLITE: "database.sqlite", POSTGRESQL: "database.pgdump"}
_LIBPQ = {
    "host": "PGHOST", "port": "PGPORT", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY", "connect_timeout": "PGCONNECT_TIMEOUT", "options": "PGOPTIONS", "service": "PGSERVICE",
    "passfile": "PGPASSFILE", "application_name": "PGAPPNAME",
}  # fmt: skip
"""What a URL may ask for beside user, password and database, in the words of PostgreSQL's programs."""


def kind_of(config: Config) -> str:
    """Raises ConfigError for a database of another kind."""
    kind = make_url(config.database_url).get_backend_name()
    if kind not in FILES:
        raise ConfigError("There is no backup of a database of the kind {kind}", kind=kind)
    return kind


def dump(config: Config, folder: Path) -> Path:
    """The whole database in a new file in `folder`. Raises ConfigError, OSError."""
    kind = kind_of(config)
    made = folder / FILES[kind]
    made.touch(mode=0o600)
    if kind == POSTGRESQL:
        _run(["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={made}"], config)
        return made
    try:
        with closing(sqlite3.connect(sqlite_file(config))) as live, closing(sqlite3.connect(made)) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, no log beside it
    except sqlite3.Error as error:
        raise ConfigError("The database could not be copied: {reason}", reason=error) from error
    return made


def check_place(config: Config, kind: str) -> None:
    """Raise ConfigError unless a database of this kind can be put where the settings say and nothing is there."""
    if kind != kind_of(config):
        raise ConfigError("The backup is of {kind}; the settings name another: set `database`", kind=kind)
    if kind == SQLITE:
        if sqlite_file(config).exists():
            raise ConfigError(
                "{path} exists already; a backup is restored into an empty place", path=sqlite_file(config)
            )
        return
    db = Database(config.database_url)
    try:
        with db.read() as conn:
            found = inspect(conn).get_table_names()
    finally:
        db.close()
    if found:
        raise ConfigError("The database holds {n} tables already; a backup is restored into an empty one", n=len(found))


def load(config: Config, made: Path) -> None:
    """Put a dump where the settings say, whole or not at all. Raises ConfigError, OSError."""
    if kind_of(config) == POSTGRESQL:
        database = make_url(config.database_url).database or ""
        words = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={database}"]
        _run(["pg_restore", *words, str(made)], config)
        return
    with closing(sqlite3.connect(made)) as copy:
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        raise ConfigError("The database in the backup is damaged: {reason}", reason=found)
    shutil.move(made, sqlite_file(config))


def sqlite_file(config: Config) -> Path:
    """Where SQLite keeps its database; for PostgreSQL a name that means nothing."""
    return Path(make_url(config.database_url).database or "")


def _run(command: list[str], config: Config) -> None:
    """One of PostgreSQL's programs; whom to reach stands in its environment, where no list of processes shows it."""
    try:
        ended = subprocess.run(
            command, env=_environment(make_url(config.database_url)), capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise ConfigError("{program} is missing: install postgresql-client", program=command[0]) from error
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or [f"ended with {ended.returncode}"]
        raise ConfigError("{program}: {reason}", program=command[0], reason=lines[0])


def _environment(url: URL) -> dict[str, str]:
    asked = {"host": url.host, "port": url.port, **dict(url.query)}
    unknown = set(asked) - set(_LIBPQ)
    if unknown:
        raise ConfigError("Backups do not know {what} in the setting `database`", what=", ".join(sorted(unknown)))
    found = {_LIBPQ[key]: str(value) for key, value in asked.items() if value is not None}
    for name, value in (("PGUSER", url.username), ("PGPASSWORD", url.password), ("PGDATABASE", url.database)):
        if value:
            found[name] = str(value)
    return {**{key: value for key, value in os.environ.items() if not key.startswith("PG")}, **found}
