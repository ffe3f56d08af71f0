"""Proposals and their states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)  # fmt: skip

from hub.db import for_update, metadata
from hub.publishing.model import Proposal, State

proposals = Table(
    "proposals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("role", String(60), nullable=False),
    Column("area", String(80), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("title", String(300), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("targets", JSON, nullable=False),
    Column("authors", JSON, nullable=False),
    Column("submitted_at", BigInteger, nullable=False),
    Column("sign_before", BigInteger),
    Column("state", String(12), nullable=False),
    Column("metadata", LargeBinary),
    Column("signers", JSON, nullable=False),
    Column("closed_at", BigInteger),
    Column("closed_by", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("version", BigInteger),
    Index("ix_proposals_state_role", "state", "role"),
)


def add(conn: Connection, *, targets: Mapping[str, bytes], **values: Any) -> int:
    texts = {path: raw.decode() for path, raw in targets.items()}
    new = {"state": State.WAITING.value, "signers": [], "closed_by": "", "reason": "", **values, "targets": texts}
    return int(conn.execute(insert(proposals).values(new).returning(proposals.c.id)).scalar_one())


def get(conn: Connection, ident: int) -> Proposal | None:
    """A proposal, locked until a writing transaction ends."""
    row = conn.execute(for_update(conn, select(proposals).where(proposals.c.id == ident))).first()
    return _proposal(row) if row else None


def find(
    conn: Connection, *, state: State = State.WAITING, role: str = "", kind: str = "", area: str = "", limit: int = 500
) -> list[Proposal]:
    """Proposals in a state, newest first; `area` includes all below it."""
    c = proposals.c
    query = select(proposals).where(c.state == state.value).order_by(c.id.desc()).limit(limit)
    if role:
        query = query.where(c.role == role)
    if kind:
        query = query.where(c.kind == kind)
    if area:
        query = query.where((c.area == area) | c.area.startswith(area + "/", autoescape=True))
    return [_proposal(row) for row in conn.execute(query)]


def latest(conn: Connection, area: str, kind: str) -> Proposal | None:
    """The newest proposal of an area and kind in any state."""
    query = select(proposals).where(proposals.c.area == area, proposals.c.kind == kind)
    row = conn.execute(query.order_by(proposals.c.id.desc()).limit(1)).first()
    return _proposal(row) if row else None


def keep_signatures(conn: Connection, ident: int, metadata_file: bytes | None, signers: Sequence[str]) -> None:
    values = {"metadata": metadata_file, "signers": list(signers)}
    conn.execute(update(proposals).where(proposals.c.id == ident).values(values))


def forget_signatures(conn: Connection, role: str) -> None:
    """Another version of the role was released: what was signed on top of the old one is void."""
    waiting = (proposals.c.role == role) & (proposals.c.state == State.WAITING.value)
    conn.execute(update(proposals).where(waiting).values({"metadata": None, "signers": []}))


def close(conn: Connection, ident: int, state: State, **values: Any) -> bool:
    """Move a waiting proposal on; False where it is waiting no more."""
    waiting = (proposals.c.id == ident) & (proposals.c.state == State.WAITING.value)
    return conn.execute(update(proposals).where(waiting).values(state=state.value, **values)).rowcount == 1


def _proposal(row: Row[Any]) -> Proposal:
    values = dict(row._mapping)  # noqa: SLF001 SQLAlchemy's public name for it
    values["targets"] = {path: text.encode() for path, text in values["targets"].items()}
    values["state"] = State(values["state"])
    return Proposal(**{**values, "authors": tuple(values["authors"]), "signers": tuple(values["signers"])})
