"""Bulletins, their versions, their sounds, and sounds in preparation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)  # fmt: skip
from sqlalchemy.sql.elements import ColumnElement

from hub.content.model import Bulletin, Draft, SoundJob, StoredSound, without_marks
from hub.db import metadata
from wire.units import UtcTime

PAGE_SIZE = 50

items = Table(
    "items",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("area", String(80), nullable=False, index=True),
    Column("title", String(300), nullable=False),
    Column("sort", String(20), nullable=False),
    Column("field", Integer, nullable=False),
    Column("essential", Boolean, nullable=False),
    Column("valid_from", String(10), nullable=False),
    Column("valid_until", String(10), nullable=False),
    Column("searched", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("author", String(64), nullable=False),
    Column("changed_by", String(64), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("removed", BigInteger),
)

item_versions = Table(
    "item_versions",
    metadata,
    Column("item", ForeignKey("items.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("person", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("change", String(40), nullable=False),
    Column("body", Text, nullable=False),
)

item_sounds = Table(
    "item_sounds",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("item", ForeignKey("items.id"), nullable=False, index=True),
    Column("language", String(12), nullable=False),
    Column("sha256", String(64), nullable=False, index=True),
    Column("size", BigInteger, nullable=False),
    Column("duration_ms", BigInteger, nullable=False),
    Column("loudness_mlufs", Integer, nullable=False),
    Column("origin", String(10), nullable=False),
    Column("name", String(200), nullable=False),
    Column("person", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("removed", BigInteger),
)

sound_jobs = Table(
    "sound_jobs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("item", ForeignKey("items.id"), nullable=False),
    Column("language", String(12), nullable=False),
    Column("origin", String(10), nullable=False),
    Column("name", String(200), nullable=False),
    Column("state", String(10), nullable=False),
    Column("code", String(40), nullable=False),
    Column("message", Text, nullable=False),
    Column("params", JSON, nullable=False),
    Column("person", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_sound_jobs_item_at", "item", "at"),
)


@dataclass(frozen=True)
class Search:
    """What the list of bulletins shows. Empty fields do not narrow it; `today` decides what is still valid."""

    areas: tuple[str, ...]
    text: str = ""
    field: int = 0
    sort: str = ""
    essential: bool = False
    language: str = ""
    valid_on: date | None = None
    offset: int = 0


@dataclass(frozen=True)
class Version:
    """One stored version of a bulletin."""

    version: int
    person: str
    at: UtcTime
    change: str
    draft: Draft


def add(conn: Connection, bulletin: Bulletin) -> None:
    first = {"id": bulletin.id, "author": bulletin.author, "created": bulletin.created}
    conn.execute(insert(items).values({**first, **_columns(bulletin)}))
    _keep_version(conn, bulletin, "new")


def change(conn: Connection, bulletin: Bulletin, *, known_version: int) -> bool:
    """Store a new version unless somebody else was faster; whether it was stored."""
    same = (items.c.id == bulletin.id) & (items.c.version == known_version) & items.c.removed.is_(None)
    if conn.execute(update(items).where(same).values(**_columns(bulletin))).rowcount != 1:
        return False
    _keep_version(conn, bulletin, "edited")
    return True


def touch(conn: Connection, ident: str, *, person: str, now: UtcTime, change: str) -> None:
    """Count a change of the sounds as a version too: who gave a bulletin its voice is an author of it."""
    after = {"version": items.c.version + 1, "changed": now, "changed_by": person}
    conn.execute(update(items).where(items.c.id == ident).values(after))
    bulletin = get(conn, ident)
    if bulletin:
        _keep_version(conn, bulletin, change)


def remove(conn: Connection, ident: str, *, person: str, now: UtcTime) -> bool:
    here = (items.c.id == ident) & items.c.removed.is_(None)
    return conn.execute(update(items).where(here).values(removed=now, changed=now, changed_by=person)).rowcount == 1


def get(conn: Connection, ident: str) -> Bulletin | None:
    row = conn.execute(select(items).where(items.c.id == ident)).mappings().first()
    return _bulletin(row) if row else None


def several(conn: Connection, idents: Sequence[str]) -> dict[str, Bulletin]:
    """Bulletins by id; removed ones too, since programmes may still name them."""
    if not idents:
        return {}
    rows = conn.execute(select(items).where(items.c.id.in_(list(idents)))).mappings()
    return {row["id"]: _bulletin(row) for row in rows}


def find(conn: Connection, search: Search, *, limit: int = PAGE_SIZE) -> list[Bulletin]:
    """Bulletins that fit, the newest change first."""
    query = select(items).where(*_conditions(search)).order_by(items.c.changed.desc(), items.c.id)
    return [_bulletin(row) for row in conn.execute(query.limit(limit).offset(search.offset)).mappings()]


def versions(conn: Connection, ident: str) -> list[Version]:
    """All versions, the newest first."""
    query = select(item_versions).where(item_versions.c.item == ident).order_by(item_versions.c.version.desc())
    return [
        Version(row["version"], row["person"], row["at"], row["change"], msgspec.json.decode(row["body"], type=Draft))
        for row in conn.execute(query).mappings()
    ]


def authors(conn: Connection, idents: Sequence[str]) -> set[str]:
    """Everybody who wrote a version of these bulletins or gave them sound."""
    if not idents:
        return set()
    c = item_versions.c
    return set(conn.execute(select(c.person).where(c.item.in_(list(idents))).distinct()).scalars())


def add_sound(conn: Connection, sound: StoredSound) -> None:
    conn.execute(insert(item_sounds).values(**asdict(sound)))


def replace_sounds(conn: Connection, item: str, language: str, now: UtcTime) -> None:
    """Take away the sounds of one language: a new recording stands in for them."""
    c = item_sounds.c
    present = (c.item == item) & (c.language == language) & c.removed.is_(None)
    conn.execute(update(item_sounds).where(present).values(removed=now))


def remove_sound(conn: Connection, item: str, ident: str, now: UtcTime) -> bool:
    c = item_sounds.c
    here = (c.id == ident) & (c.item == item) & c.removed.is_(None)
    return conn.execute(update(item_sounds).where(here).values(removed=now)).rowcount == 1


def sounds(conn: Connection, idents: Sequence[str]) -> dict[str, list[StoredSound]]:
    """The present sounds of each bulletin, by language."""
    found: dict[str, list[StoredSound]] = {ident: [] for ident in idents}
    if found:
        c = item_sounds.c
        present = select(item_sounds).where(c.item.in_(list(idents)), c.removed.is_(None))
        for row in conn.execute(present.order_by(c.item, c.language, c.at)).mappings():
            found[row["item"]].append(StoredSound(**{key: row[key] for key in row if key != "removed"}))
    return found


def put_job(conn: Connection, job: SoundJob) -> None:
    conn.execute(insert(sound_jobs).values(**asdict(job)))


def end_job(conn: Connection, ident: str, *, state: str, **why: Any) -> None:
    """`why`: code, message and params of a refusal."""
    conn.execute(update(sound_jobs).where(sound_jobs.c.id == ident).values(state=state, **why))


def job(conn: Connection, ident: str) -> SoundJob | None:
    row = conn.execute(select(sound_jobs).where(sound_jobs.c.id == ident)).mappings().first()
    return SoundJob(**row) if row else None


def jobs(conn: Connection, item: str, *, limit: int = 5) -> list[SoundJob]:
    """The newest preparations of a bulletin's sound, the newest first."""
    query = select(sound_jobs).where(sound_jobs.c.item == item).order_by(sound_jobs.c.at.desc()).limit(limit)
    return [SoundJob(**row) for row in conn.execute(query).mappings()]


def _columns(bulletin: Bulletin) -> dict[str, Any]:
    draft = bulletin.draft
    words = f"{draft.title} {draft.summary} {draft.document_number} {draft.issued_by} {draft.text}"
    return {
        "area": bulletin.area, "title": draft.title, "sort": draft.sort, "field": draft.field,
        "essential": draft.essential, "valid_from": _iso(draft.valid_from), "valid_until": _iso(draft.valid_until),
        "searched": without_marks(words), "body": _body(draft), "version": bulletin.version,
        "changed_by": bulletin.changed_by, "changed": bulletin.changed, "removed": bulletin.removed,
    }  # fmt: skip


def _keep_version(conn: Connection, bulletin: Bulletin, change: str) -> None:
    conn.execute(
        insert(item_versions).values(
            item=bulletin.id, version=bulletin.version, person=bulletin.changed_by, at=bulletin.changed, change=change,
            body=_body(bulletin.draft),
        )
    )  # fmt: skip


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    c = items.c
    wanted: list[ColumnElement[bool]] = [c.removed.is_(None), c.area.in_(search.areas)]
    wanted += [c.searched.contains(word, autoescape=True) for word in without_marks(search.text).split()[:10]]
    if search.field:
        wanted.append(c.field == search.field)
    if search.sort:
        wanted.append(c.sort == search.sort)
    if search.essential:
        wanted.append(c.essential)
    if search.language:
        spoken = (item_sounds.c.language == search.language) & item_sounds.c.removed.is_(None)
        wanted.append(c.id.in_(select(item_sounds.c.item).where(spoken)))
    if search.valid_on:
        wanted.append((c.valid_until == "") | (c.valid_until >= search.valid_on.isoformat()))
    return wanted


def _bulletin(row: RowMapping) -> Bulletin:
    return Bulletin(
        id=row["id"], area=row["area"], draft=msgspec.json.decode(row["body"], type=Draft), version=row["version"],
        author=row["author"], changed_by=row["changed_by"], created=row["created"], changed=row["changed"],
        removed=row["removed"],
    )  # fmt: skip


def _body(draft: Draft) -> str:
    return msgspec.json.encode(draft).decode()


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
