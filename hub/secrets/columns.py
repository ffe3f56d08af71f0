"""Columns of which the database knows only a sealed value. A store writes and reads them like any other column."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Engine, String, Text
from sqlalchemy.types import TypeDecorator

from hub.errors import ConfigError
from hub.secrets.keyring import Keyring

_KEYS = "loa_keys"


def give_keys(engine: Engine, keys: Keyring) -> None:
    """Let the sealed columns of this engine's connections be read and written."""
    setattr(engine.dialect, _KEYS, keys)


def keys_of(dialect: Dialect) -> Keyring:
    """Raises ConfigError in a program that was given none."""
    keys: Keyring | None = getattr(dialect, _KEYS, None)
    if keys is None:
        raise ConfigError("This program was given no master key")
    return keys


class Sealed(TypeDecorator[str]):
    """Text that is sealed on its way into the database; `label` names the column. The empty text stays empty."""

    impl = Text
    cache_ok = True

    def __init__(self, label: str) -> None:
        super().__init__()
        self.label = label

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return keys_of(dialect).seal(value.encode(), self.label) if value else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return keys_of(dialect).open(value, self.label).decode() if value else value


class Blind(TypeDecorator[str]):
    """Text of which only a keyed hash is stored: equal texts are found, none can be read. For keys of tables."""

    impl = String
    cache_ok = True

    def __init__(self, label: str) -> None:
        super().__init__(64)
        self.label = label

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return keys_of(dialect).index(value, self.label) if value is not None else None


def sealed_columns(metadata: Any) -> list[tuple[Any, Any]]:
    """(table, column) of every sealed column."""
    return [(table, column) for table in metadata.sorted_tables for column in table.columns
            if isinstance(column.type, Sealed)]  # fmt: skip
