"""Who did what when: one row in the same transaction as the change itself; and what was refused to whom, and why.

Rows are never changed or deleted, and each holds the hash over the one before it, so that whoever changes or removes
one must write all later ones anew. `heads` remembers the last one: a log whose end was cut off is found too. Who writes
the whole chain anew is found by a head that was written down elsewhere (`loa-hub audit verify --expect`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, false, insert, or_, select, update

from hub.context import Hub
from hub.db import at_end, for_update, insert_new, metadata
from hub.errors import HubError
from hub.secrets.columns import Sealed
from hub.security import store as security
from wire.areas import parent
from wire.codec import encode
from wire.errors import WireError
from wire.units import UtcTime

FIRST_PREVIOUS = "0" * 64
_SAID = ("at", "person", "verb", "area", "subject", "detail")

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
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

heads = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("last", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
"""One row: the last line and its hash. Locked by whoever writes a line, at the very end of the transaction."""


@dataclass(frozen=True)
class Verdict:
    """What a walk along the chain found. `broken_at` is the first line that does not fit (0: all do)."""

    lines: int
    last: int
    hash: str
    broken_at: int = 0
    why: str = ""
    """changed, missing (one or more before this line), cut (the end is missing), other (not the head expected)"""

    @property
    def is_whole(self) -> bool:
        return not self.why


def note(
    conn: Connection, *, at: UtcTime, person: str, verb: str, area: str = "", subject: str = "", detail: str = ""
) -> None:
    """Write one line when the transaction ends. `person` is a username, a device id, or "system"."""
    said = {"at": at, "person": person, "verb": verb, "area": area, "subject": subject[:200], "detail": detail[:4_000]}
    at_end(conn, partial(_append, said=said))


@contextmanager
def refusals(hub: Hub, *, person: str, verb: str, area: str = "", subject: str = "") -> Iterator[None]:
    """What is refused within the block is noted as `VERB-refused`, with the reason, and raised on."""
    try:
        yield
    except (HubError, WireError) as error:
        with hub.writing() as conn:
            refused = {"verb": f"{verb}-refused", "subject": subject, "detail": f"{error.code}: {error}"}
            note(conn, at=hub.now(), person=person, area=area, **refused)
            if kind := security.kind_of_refusal(error.code):
                security.note(conn, kind, person, now=hub.now(), area=area, detail=refused["detail"])
        raise


def latest(
    conn: Connection, areas: Sequence[str], *, before: int = 0, text: str = "", limit: int = 100
) -> list[dict[str, Any]]:
    """The newest lines that concern `areas` or what lies below them; those of no area where a whole province is asked.

    `before`: only lines with a smaller number; `text`: stands in person, verb or subject.
    """
    c = audit_rows.c
    query = select(audit_rows).where(or_(false(), *(_concerns(area) for area in areas)))
    if before:
        query = query.where(c.id < before)
    if text:
        query = query.where(or_(*(column.contains(text, autoescape=True) for column in (c.person, c.verb, c.subject))))
    return [dict(row) for row in conn.execute(query.order_by(c.id.desc()).limit(limit)).mappings()]


def verify(conn: Connection, expect: tuple[int, str] | None = None) -> Verdict:
    """Walk the whole chain. `expect`: number and hash of a line as they were written down elsewhere."""
    query = select(audit_rows).order_by(audit_rows.c.id).execution_options(yield_per=1_000)
    with conn.execute(query) as rows:
        found, is_met = _walk(rows.mappings(), expect)
    if found.is_whole and head(conn) != (found.last, found.hash):
        return replace(found, broken_at=found.last + 1, why="cut")
    if found.is_whole and expect and not is_met:
        return replace(found, broken_at=expect[0], why="other")
    return found


def head(conn: Connection) -> tuple[int, str]:
    """Number and hash of the last line."""
    row = conn.execute(select(heads.c.last, heads.c.hash)).first()
    return (row.last, row.hash) if row else (0, FIRST_PREVIOUS)


def row_hash(previous: str, number: int, said: Any) -> str:
    """What a line stands for: everything that it says, and all lines before it."""
    return hashlib.sha256(encode([previous, number, *(said[name] for name in _SAID)])).hexdigest()


def _walk(rows: Iterable[Any], expect: tuple[int, str] | None) -> tuple[Verdict, bool]:
    """How far the lines fit, and whether the expected one is among them."""
    found, is_met = Verdict(0, 0, FIRST_PREVIOUS), False
    for row in rows:
        if row["previous"] != found.hash:
            return replace(found, broken_at=row["id"], why="missing"), is_met
        if row["hash"] != row_hash(found.hash, row["id"], row):
            return replace(found, broken_at=row["id"], why="changed"), is_met
        found = Verdict(found.lines + 1, row["id"], row["hash"])
        is_met = is_met or (found.last, found.hash) == expect
    return found, is_met


def _append(conn: Connection, said: dict[str, Any]) -> None:
    insert_new(conn, heads, {"id": 1, "last": 0, "hash": FIRST_PREVIOUS})
    last, previous = conn.execute(for_update(conn, select(heads.c.last, heads.c.hash))).one()
    made = row_hash(previous, last + 1, said)
    conn.execute(insert(audit_rows).values(id=last + 1, previous=previous, hash=made, **said))
    conn.execute(update(heads).values(last=last + 1, hash=made))


def _concerns(area: str) -> Any:
    below = (audit_rows.c.area == area) | audit_rows.c.area.startswith(area + "/", autoescape=True)
    return below if parent(area) else below | (audit_rows.c.area == "")
