"""What a hub that was restored from an older backup must not simply go on with.

Devices refuse snapshots and timestamps older than those they saw: the numbers leap. Sessions that ended since would
live again: all end. Messages that waited then were sent since, or are too late: they are given up; what is retained
stays. Of its log each device sends what the hub lacks, since the hub's first answer says how far it holds it.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub import audit, outbox
from hub.auth import store as persons
from hub.backups.archive import About
from hub.context import Hub
from hub.publishing import repository
from hub.publishing.release import leap_online
from hub.setup import secret_files


@dataclass(frozen=True)
class Resumed:
    """What was done to make it a hub again."""

    sessions: int
    messages: int
    timestamp: int
    """The version from which the timestamp goes on; 0 for a hub without a root of trust."""
    secrets: int


def resume(hub: Hub, about: About) -> Resumed:
    """One transaction; noted in the audit."""
    now = hub.now()
    with hub.writing() as conn:
        sessions = persons.end_all_sessions(conn)
        messages = outbox.give_up(conn)
        has_root = repository.current_role(conn, "root") is not None
        timestamp = leap_online(hub, conn).timestamp if has_root else 0
        audit.note(conn, at=now, person="system", verb="restore", subject=str(about.made_at), detail=about.software)
    return Resumed(sessions, messages, timestamp, len(secret_files(hub.config)))
