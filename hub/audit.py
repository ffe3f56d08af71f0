"""Who did what when: one row in the same transaction as the change itself; and what was refused to whom, and why.

Rows are never changed or deleted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, insert, select

from hub.context import Hub
from hub.db import metadata
from hub.errors import HubError
from hub.secrets.columns import Sealed
from wire.errors import WireError
from wire.units import UtcTime

audit_rows = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("person", String(64), nullable=False),
    Column("verb", String(64), nullable=False),
    Column("area", String(80), nullable=False, index=True),
    Column("subject", String(200), nullable=False),
    Column("detail", Sealed("audit.detail"), nullable=False),
)


def note(
    conn: Connection, *, at: UtcTime, person: str, verb: str, area: str = "", subject: str = "", detail: str = ""
) -> None:
    """Write one line. `person` is a username, a device id, or "system"."""
    conn.execute(
        insert(audit_rows).values(
            at=at, person=person, verb=verb, area=area, subject=subject[:200], detail=detail[:4_000]
        )
    )


@contextmanager
def refusals(hub: Hub, *, person: str, verb: str, area: str = "", subject: str = "") -> Iterator[None]:
    """What is refused within the block is noted as `VERB-refused`, with the reason, and raised on."""
    try:
        yield
    except (HubError, WireError) as error:
        with hub.writing() as conn:
            refused = {"verb": f"{verb}-refused", "subject": subject, "detail": f"{error.code}: {error}"}
            note(conn, at=hub.now(), person=person, area=area, **refused)
        raise


def latest(conn: Connection, area: str, *, limit: int = 100) -> list[dict[str, Any]]:
    """The newest lines that concern `area` or what lies below it."""
    below = (audit_rows.c.area == area) | audit_rows.c.area.startswith(area + "/", autoescape=True)
    rows = conn.execute(select(audit_rows).where(below).order_by(audit_rows.c.id.desc()).limit(limit))
    return [dict(row) for row in rows.mappings()]
