"""Bringing the official list of areas in, and keeping the hamlets that a commune enters itself."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from hub import audit
from hub.areas import store
from hub.auth.roles import Person, Right
from hub.context import Hub
from hub.errors import N_, BadInputError, NotFoundError
from wire.areas import check_path, parent
from wire.units import LOCAL, utc

DATA = Path(__file__).parent / "data"
COMMUNES_CSV = DATA / "tuyen_quang_2025.csv"
PREDECESSORS_CSV = DATA / "tuyen_quang_old_to_new.csv"
MERGED = utc(datetime(2025, 7, 1, tzinfo=LOCAL))
"""The two-level system of local government: the communes below exist since this day."""
MAX_HOUSEHOLDS = 1_000_000


def import_areas(hub: Hub, *, province: str, name: str, communes: Path = COMMUNES_CSV) -> int:
    """Enter the province, its communes and what they were before; how many communes. Running again corrects names."""
    with hub.writing() as conn:
        store.put(conn, province, name=name, kind="Tỉnh", valid_from=MERGED)
        count = 0
        for row in _rows(communes):
            where = {key: float(row[key]) for key in ("lat", "lon", "area_km2") if row.get(key)}
            path = check_path(f"{province}/{row['code']}")
            store.put(conn, path, name=row["name"], kind=row["type"], valid_from=MERGED, **where)
            count += 1
        _import_predecessors(conn, province)
    return count


def put_hamlet(
    hub: Hub, person: Person, path: str, *, name: str, households: int | None, languages: list[str], kind: str = "Thôn"
) -> None:
    """Enter or correct a hamlet of a commune. Raises BadInputError, NotAllowedError, NotFoundError."""
    person.require(Right.EDIT, path)
    if not name.strip() or len(name) > 200:
        raise BadInputError(N_("The name is missing or too long."))
    if households is not None and not 0 <= households <= MAX_HOUSEHOLDS:
        raise BadInputError(N_("This cannot be the number of households."))
    with hub.writing() as conn:
        if store.get(conn, parent(check_path(path)) or "") is None:
            raise NotFoundError
        store.put(
            conn, path, name=name, kind=kind, valid_from=hub.now(), households=households, languages=languages or ["vi"]
        )
        audit.note(conn, at=hub.now(), person=person.username, verb="hamlet", area=path, subject=name)


def _import_predecessors(conn: Connection, province: str) -> None:
    for row in _rows(PREDECESSORS_CSV):
        path = f"{province}/{row['new_code']}"
        if store.get(conn, path):
            store.put_predecessor(
                conn, path, row["old_code"], old_name=row["old_commune"], old_district=row["old_district"],
                old_province=row["old_province"], share=row["kind"],
            )  # fmt: skip


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
