"""The register of assessments of the system's security (plan 51, IV.2a and c). Entries are not changed."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, Text, insert, select

from hub.assessments.model import Assessment, Result
from hub.db import metadata
from wire.units import UtcTime

assessments = Table(
    "assessments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("level", Integer, nullable=False),
    Column("decision_number", String(100), nullable=False),
    Column("decision_date", String(10), nullable=False),
    Column("basis", String(200), nullable=False),
    Column("assessed_on", String(10), nullable=False),
    Column("assessor", String(200), nullable=False),
    Column("result", String(20), nullable=False),
    Column("next_due", String(10), nullable=False),
    Column("note", Text, nullable=False),
    Column("entered_by", String(64), nullable=False),
    Column("entered_at", BigInteger, nullable=False),
)


def add(conn: Connection, one: Assessment, *, by: str, now: UtcTime) -> None:
    conn.execute(
        insert(assessments).values(
            level=one.level, decision_number=one.decision_number, decision_date=one.decision_date.isoformat(),
            basis=one.basis, assessed_on=one.assessed_on.isoformat(), assessor=one.assessor, result=one.result.value,
            next_due=one.next_due.isoformat(), note=one.note, entered_by=by, entered_at=now,
        )
    )  # fmt: skip


def listed(conn: Connection) -> list[tuple[Assessment, str, UtcTime]]:
    """The newest assessment first, each with who entered it and when."""
    query = select(assessments).order_by(assessments.c.assessed_on.desc(), assessments.c.id.desc())
    return [(_read(row), row["entered_by"], UtcTime(row["entered_at"])) for row in conn.execute(query).mappings()]


def newest(conn: Connection) -> Assessment | None:
    query = select(assessments).order_by(assessments.c.assessed_on.desc(), assessments.c.id.desc()).limit(1)
    row = conn.execute(query).mappings().first()
    return _read(row) if row else None


def _read(row: Any) -> Assessment:
    days = {name: date.fromisoformat(row[name]) for name in ("decision_date", "assessed_on", "next_due")}
    same = {name: row[name] for name in ("level", "decision_number", "basis", "assessor", "note")}
    return Assessment(**same, **days, result=Result(row["result"]))
