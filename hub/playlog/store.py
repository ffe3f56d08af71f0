"""What each device says that it played: chained rows, each once by (device, chain, seq); how far a chain is whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    func,
    insert,
    select,
    update,
)  # fmt: skip

from hub.db import for_update, insert_new, metadata
from wire.playlog import Row, row_hash
from wire.units import UtcTime

_FORGOTTEN = re.compile(r"(\d{1,15})-(\d{1,15})")

rows = Table(
    "play_rows",
    metadata,
    Column("device", String(40), primary_key=True),
    Column("chain", String(32), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("cluster", String(64), nullable=False),
    Column("cluster_area", String(80), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("time_quality", Integer, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("item", String(200), nullable=False),
    Column("area", String(200), nullable=False),
    Column("slot", String(200), nullable=False),
    Column("title", String(300), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("ended", BigInteger, nullable=False),
    Column("offset_ms", BigInteger, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("heard", String(20), nullable=False),
    Column("detail", String(500), nullable=False),
    Index("ix_play_rows_cluster_at", "cluster", "at"),
    Index("ix_play_rows_cluster_area_at", "cluster_area", "at"),
)
"""`cluster` and `cluster_area` are where the device stood when the row arrived."""

chains = Table(
    "play_chains",
    metadata,
    Column("device", String(40), primary_key=True),
    Column("chain", String(32), primary_key=True),
    Column("serial", String(64), nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("whole_to", BigInteger, nullable=False),
    Column("highest", BigInteger, nullable=False),
)
"""`whole_to`: every row up to this sequence is held."""


def chains_of(conn: Connection, device: str) -> list[dict[str, Any]]:
    query = select(chains).where(chains.c.device == device).order_by(chains.c.first_at, chains.c.chain)
    return [dict(row) for row in conn.execute(query).mappings()]


def chain(conn: Connection, device: str, ident: str) -> dict[str, Any] | None:
    """One chain, locked until the transaction ends."""
    query = select(chains).where(chains.c.device == device, chains.c.chain == ident)
    row = conn.execute(for_update(conn, query)).mappings().first()
    return dict(row) if row else None


def add_chain(conn: Connection, device: str, ident: str, serial: str, now: UtcTime) -> bool:
    values = {"device": device, "chain": ident, "serial": serial, "first_at": now, "whole_to": 0, "highest": 0}
    return insert_new(conn, chains, values)


def advance(conn: Connection, device: str, ident: str, *, whole_to: int, highest: int) -> None:
    which = (chains.c.device == device) & (chains.c.chain == ident)
    conn.execute(update(chains).where(which).values(whole_to=whole_to, highest=highest))


def hashes(conn: Connection, device: str, ident: str, first: int, last: int) -> dict[int, tuple[str, str]]:
    """(hash, previous) of the held rows from `first` to `last`."""
    c = rows.c
    query = select(c.seq, c.hash, c.previous).where(c.device == device, c.chain == ident, c.seq.between(first, last))
    return {row.seq: (row.hash, row.previous) for row in conn.execute(query)}


def add_rows(conn: Connection, device: str, ident: str, new: Sequence[Row], **where: Any) -> None:
    """Store rows that are not held yet; `where`: cluster, cluster_area, received_at."""
    if new:
        shared = {"device": device, "chain": ident, **where}
        conn.execute(insert(rows), [{**shared, "hash": row_hash(row), **_columns(row)} for row in new])


def whole_to(conn: Connection, device: str, ident: str, start: int) -> int:
    """The sequence up to which every row is held or was given up by the device, knowing that it is so up to `start`."""
    missing = gaps(conn, device, ident, start=start)
    if missing:
        return missing[0][0] - 1
    last = select(func.max(rows.c.seq)).where(rows.c.device == device, rows.c.chain == ident)
    return max(conn.execute(last).scalar() or 0, start)


def gaps(conn: Connection, device: str, ident: str, *, start: int = 0) -> list[tuple[int, int]]:
    """The stretches (first, last) of sequences after `start` that are missing between rows that are held.

    What a "gap" row of the device says that it had to forget is not missing: it will never come.
    """
    c = rows.c
    ours = (c.device == device) & (c.chain == ident)
    said = conn.execute(select(c.detail).where(ours, c.kind == "gap")).scalars()
    forgotten = sorted((int(m[1]), int(m[2])) for detail in said if (m := _FORGOTTEN.match(detail)))
    held = conn.execute(select(c.seq).where(ours, c.seq > start).order_by(c.seq)).scalars()
    return list(_missing([*((seq, seq) for seq in held), *forgotten], start))


def incomplete(conn: Connection) -> list[dict[str, Any]]:
    """The chains of which later rows are held than those up to which all are."""
    query = select(chains).where(chains.c.highest > chains.c.whole_to).order_by(chains.c.device, chains.c.first_at)
    return [dict(row) for row in conn.execute(query).mappings()]


def received_at(conn: Connection, device: str, ident: str, seq: int) -> UtcTime:
    """When a row arrived; 0 where there is none."""
    c = rows.c
    found = conn.execute(select(c.received_at).where(c.device == device, c.chain == ident, c.seq == seq)).scalar()
    return UtcTime(found or 0)


def _missing(stretches: list[tuple[int, int]], start: int) -> Iterator[tuple[int, int]]:
    before = start
    for first, last in sorted(stretches):
        if first > before + 1:
            yield before + 1, first - 1
        before = max(before, last)


def plays(
    conn: Connection, *, since: UtcTime, until: UtcTime, area: str | None = None, cluster: str | None = None,
    kinds: Sequence[str] = ("play", "alert"), limit: int = 500,
) -> list[dict[str, Any]]:  # fmt: skip
    """What was played (or refused, omitted, …), newest first, on a cluster or on all at and below an area."""
    c = rows.c
    query = select(rows).where(c.at >= since, c.at < until, c.kind.in_(kinds)).order_by(c.at.desc(), c.seq.desc())
    if cluster is not None:
        query = query.where(c.cluster == cluster)
    if area is not None:
        query = query.where((c.cluster_area == area) | c.cluster_area.startswith(area + "/", autoescape=True))
    return [dict(row) for row in conn.execute(query.limit(limit)).mappings()]


def last_play(conn: Connection, cluster: str) -> dict[str, Any] | None:
    query = select(rows).where(rows.c.cluster == cluster, rows.c.kind == "play").order_by(rows.c.at.desc()).limit(1)
    row = conn.execute(query).mappings().first()
    return dict(row) if row else None


def _columns(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Row.__struct_fields__}
