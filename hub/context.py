"""What every action needs, made once per process and handed on: settings, database, clock, doorbell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection

from hub.clock import Clock, system_clock
from hub.config import Config
from hub.db import Database
from hub.doorbell import Doorbell, doorbell_path
from hub.publishing.repository import Trusted
from hub.secrets.keyring import Keyring


@dataclass(frozen=True)
class Hub:
    """`with hub.writing() as conn:` is one transaction; the doorbell rings once it is committed."""

    config: Config
    db: Database
    now: Clock = system_clock
    doorbell: Doorbell = field(kw_only=True)
    keys: Keyring = field(kw_only=True)
    """Seals and opens what is secret here."""
    trusted: Trusted = field(default_factory=Trusted)
    """The verified role files: `hub.trusted.held(conn)`."""

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self.db.write() as conn:
            yield conn
        self.doorbell.ring()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self.db.read() as conn:
            yield conn

    def close(self) -> None:
        self.doorbell.close()
        self.db.close()


def open_hub(config: Config, now: Clock = system_clock) -> Hub:
    keys = Keyring(config.master_key)
    doorbell = Doorbell(doorbell_path(config.root))
    return Hub(config, Database(config.database_url, keys), now, doorbell=doorbell, keys=keys)
