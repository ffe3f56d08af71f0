"""Writing bulletins and giving them sound: guards, one transaction with its audit row.

Preparing sound (ffmpeg, espeak-ng) happens between two transactions, never inside one: `begin_sound` notes that it is
under way, `keep_sound` or `refuse_sound` how it ended.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from sqlalchemy import Connection

from hub import audit
from hub.auth.roles import Person, Right
from hub.content import store
from hub.content.model import MAX_SOUNDS, Bulletin, Draft, SoundJob, StoredSound
from hub.context import Hub
from hub.errors import N_, BadInputError, ChangedError, HubError, NotFoundError
from wire.content import Sound


def add_bulletin(hub: Hub, person: Person, area: str, draft: Draft) -> str:
    """A new bulletin of an area; its id."""
    person.require(Right.EDIT, area)
    now = hub.now()
    ident = f"bt-{secrets.token_hex(6)}"
    bulletin = Bulletin(
        id=ident, area=area, draft=draft, version=1, author=person.username, changed_by=person.username, created=now,
        changed=now,
    )  # fmt: skip
    with hub.writing() as conn:
        store.add(conn, bulletin)
        audit.note(conn, at=now, person=person.username, verb="item-new", area=area, subject=ident, detail=draft.title)
    return ident


def change_bulletin(hub: Hub, person: Person, ident: str, draft: Draft, *, known_version: int) -> None:
    """Raises ChangedError if somebody else changed the bulletin since `known_version` was shown."""
    now = hub.now()
    with hub.writing() as conn:
        before = _editable(conn, person, ident)
        after = replace(before, draft=draft, version=known_version + 1, changed_by=person.username, changed=now)
        if before.draft == draft:
            return
        if not store.change(conn, after, known_version=known_version):
            raise ChangedError
        audit.note(conn, at=now, person=person.username, verb="item-changed", area=before.area, subject=ident,
                   detail=draft.title)  # fmt: skip


def remove_bulletin(hub: Hub, person: Person, ident: str) -> str:
    """Take a bulletin out of the library; what was approved with it goes on until the next approval. Its area."""
    now = hub.now()
    with hub.writing() as conn:
        before = _editable(conn, person, ident)
        store.remove(conn, ident, person=person.username, now=now)
        audit.note(conn, at=now, person=person.username, verb="item-removed", area=before.area, subject=ident,
                   detail=before.title)  # fmt: skip
    return before.area


def begin_sound(hub: Hub, person: Person, ident: str, *, language: str, origin: str, name: str = "") -> SoundJob:
    """Note that a sound is being prepared. Raises BadInputError where there are too many languages already."""
    now = hub.now()
    job = SoundJob(
        id=secrets.token_hex(8), item=ident, language=language, origin=origin, name=name[:200], state="working",
        code="", message="", params={}, person=person.username, at=now,
    )  # fmt: skip
    with hub.writing() as conn:
        _editable(conn, person, ident)
        others = [sound for sound in store.sounds(conn, [ident])[ident] if sound.language != language]
        if len(others) >= MAX_SOUNDS:
            raise BadInputError(N_("A bulletin has at most {most} recordings."), most=MAX_SOUNDS)
        store.put_job(conn, job)
    return job


def keep_sound(hub: Hub, person: Person, job: SoundJob, sound: Sound) -> None:
    """The sound is ready: it takes the place of an earlier one of its language."""
    now = hub.now()
    stored = StoredSound(
        id=secrets.token_hex(8), item=job.item, language=job.language, sha256=sound.sha256, size=sound.size,
        duration_ms=sound.duration_ms, loudness_mlufs=sound.loudness_mlufs, origin=job.origin, name=job.name,
        person=person.username, at=now,
    )  # fmt: skip
    with hub.writing() as conn:
        bulletin = _editable(conn, person, job.item)
        store.replace_sounds(conn, job.item, job.language, now)
        store.add_sound(conn, stored)
        store.touch(conn, job.item, person=person.username, now=now, change=f"sound-{job.language}")
        store.end_job(conn, job.id, state="done")
        audit.note(conn, at=now, person=person.username, verb="sound", area=bulletin.area, subject=job.item,
                   detail=f"{job.language} {job.origin} {sound.sha256}")  # fmt: skip


def refuse_sound(hub: Hub, job: SoundJob, error: HubError) -> None:
    """There is no sound, and why; the bulletin keeps what it had."""
    with hub.writing() as conn:
        params = {name: str(value) for name, value in error.params.items()}
        store.end_job(conn, job.id, state="refused", code=str(error.code), message=error.message, params=params)


def remove_sound(hub: Hub, person: Person, ident: str, sound: str) -> None:
    now = hub.now()
    with hub.writing() as conn:
        bulletin = _editable(conn, person, ident)
        if not store.remove_sound(conn, ident, sound, now):
            raise NotFoundError
        store.touch(conn, ident, person=person.username, now=now, change="sound-removed")
        audit.note(conn, at=now, person=person.username, verb="sound-removed", area=bulletin.area, subject=ident)


def look_at_job(hub: Hub, ident: str) -> SoundJob | None:
    with hub.reading() as conn:
        return store.job(conn, ident)


def look_at(conn: Connection, person: Person, ident: str) -> Bulletin:
    """A bulletin that this person may see. Raises NotFoundError."""
    bulletin = store.get(conn, ident)
    if bulletin is None or not person.may(Right.VIEW, bulletin.area):
        raise NotFoundError
    return bulletin


def _editable(conn: Connection, person: Person, ident: str) -> Bulletin:
    bulletin = look_at(conn, person, ident)
    person.require(Right.EDIT, bulletin.area)
    if bulletin.removed is not None:
        raise NotFoundError
    return bulletin
