"""Changes of the database, one function each in `versions/`, in order, not edited once released (Alembic)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from sqlalchemy import column, inspect, select, table

from hub.db import Database
from hub.errors import ConfigError

_HERE = Path(__file__).parent


def migrate(db: Database) -> None:
    """Bring the database to this program's state; nothing happens when it is there already."""
    if current(db) == newest():
        return
    config = AlembicConfig()
    config.set_main_option("script_location", str(_HERE))
    with db.engine.begin() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, "head")
    db.scrub()


def check_migrated(db: Database) -> None:
    """Raise ConfigError unless `migrate` has run: only `loa-hub init` changes tables, never a start in passing."""
    if current(db) != newest():
        raise ConfigError("The database is not prepared for this version: run `loa-hub init`")


def current(db: Database) -> str | None:
    with db.read() as conn:
        if not inspect(conn).has_table("alembic_version"):
            return None
        return conn.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar()


def known() -> set[str]:
    """The states of a database from which this program can go on."""
    return {script.revision for script in ScriptDirectory(str(_HERE)).walk_revisions()}


def newest() -> str | None:
    return ScriptDirectory(str(_HERE)).get_current_head()
