"""The roster as a table that an office fills in with a spreadsheet: a line for each role, made from the area data.

Written by `trust draft`, read by `trust init`. Which communes there are is known from the table itself.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuf.api.metadata import Root, Targets

from provisioning.approval.words import Words
from provisioning.keys import write_new
from provisioning.trust.review import KINDS
from provisioning.trust.roster import MAX_ROSTER_BYTES, THRESHOLDS, RosterError, parse_held_role

HEADINGS = ("vai_tro", "dia_ban", "viec", "so_chu_ky", "nguoi_giu")
"""Role, area, what it is for, signatures needed, holders."""
BYTE_ORDER_MARK = "\ufeff"
"""By which spreadsheets know that a table is UTF-8."""
PROVINCIAL, COMMUNAL = ("p", "d", "tpl", "sw", "ea", "ef", "ed"), ("c", "ea", "ef", "ed")
_BETWEEN = re.compile(r"[\s;,]+")


@dataclass(frozen=True)
class Units:
    """Communes as (code, name), hamlets as (commune, code, name)."""

    communes: Sequence[tuple[str, str]]
    hamlets: Sequence[tuple[str, str, str]]


def read_units(areas: bytes, hamlets: bytes | None) -> Units:
    """The area data. Raises RosterError."""
    communes = [(row["code"], row["name"]) for row in _rows(areas, ("code", "name"))]
    inner = _rows(hamlets, ("commune", "code", "name")) if hamlets else []
    return Units(communes, [(row["commune"], row["code"], row["name"]) for row in inner])


def write_table(path: Path, province: str, units: Units, _: Words) -> int:
    """Write the table with nobody in it; how many roles it has. Raises KeyFileError where the file is there already."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADINGS)
    count = 0
    for role, kind, area in _roles(province, units):
        writer.writerow((role, area, _(KINDS[kind]), THRESHOLDS[kind], ""))
        count += 1
    write_new(path, (BYTE_ORDER_MARK + out.getvalue()).encode(), mode=0o644)
    return count


def table_to_json(raw: bytes) -> bytes:
    """The roster that a filled table is; JSON is left as it is. Raises RosterError."""
    if raw.lstrip().startswith(b"{"):
        return raw
    rows = list(_rows(raw, HEADINGS))
    province = next((row["vai_tro"][1:] for row in rows if re.fullmatch("p[0-9a-z]{1,10}", row["vai_tro"])), None)
    if province is None:
        raise RosterError("the table has no line of the province's approvers (p08)")
    people: dict[str, list[str]] = {}
    thresholds: dict[str, int] = {}
    for row in rows:
        role = row["vai_tro"]
        for name in filter(None, _BETWEEN.split(row["nguoi_giu"])):
            people.setdefault(name, []).append(role)
        if row["nguoi_giu"].strip() and (said := _signatures(row)) != THRESHOLDS[_kind(role, province)]:
            thresholds[role] = said
    communes = [row["vai_tro"][1:] for row in rows if _kind(row["vai_tro"], province) == "c"]
    named = [{"name": name, "roles": roles} for name, roles in people.items()]
    return json.dumps(
        {"province": province, "communes": communes, "people": named, "thresholds": thresholds}
    ).encode()


def _roles(province: str, units: Units) -> Iterator[tuple[str, str, str]]:
    """(role, kind, name of its area)."""
    yield from ((name, name, province) for name in (Root.type, Targets.type))
    for kind in PROVINCIAL:
        yield (kind if kind in ("tpl", "sw") else f"{kind}{province}"), kind, province
    names = dict(units.communes)
    for code, name in units.communes:
        yield from ((f"{kind}{code}", kind, name) for kind in COMMUNAL)
    for commune, code, name in units.hamlets:
        if commune not in names:
            raise RosterError(f"hamlet {name}: {commune} is no commune of the area data")
        yield f"v{commune}-{code}", "v", f"{name}, {names[commune]}"


def _rows(raw: bytes, columns: Iterable[str]) -> list[dict[str, str]]:
    """The rows of a CSV, whether a spreadsheet wrote it with commas, semicolons or tabs."""
    if len(raw) > MAX_ROSTER_BYTES:
        raise RosterError(f"the table has more than {MAX_ROSTER_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RosterError("the table is not UTF-8: save it as “CSV UTF-8”") from error
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=head.count))
    missing = [column for column in columns if column not in (reader.fieldnames or [])]
    if missing:
        raise RosterError(f"the table has no column {missing[0]}")
    try:
        return [{name: (value or "").strip() for name, value in row.items() if name} for row in reader]
    except csv.Error as error:
        raise RosterError(f"the table cannot be read: {error}") from error


def _kind(role: str, province: str) -> str:
    return role if role in (Root.type, Targets.type) else parse_held_role(role, province).kind


def _signatures(row: dict[str, str]) -> int:
    try:
        return int(row["so_chu_ky"])
    except ValueError as error:
        raise RosterError(f"{row['vai_tro']}: {row['so_chu_ky']!r} is no number of signatures") from error
