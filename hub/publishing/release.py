"""Makes signed files the newest: targets, role, snapshot, timestamp, and the nudge to devices, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from hub import outbox
from hub.context import Hub
from hub.errors import ChangedError
from hub.publishing import repository
from hub.publishing.checks import blobs_of
from hub.publishing.online_keys import SNAPSHOT, TIMESTAMP, OnlineKeys
from wire.enrolment import Placement, read_placements
from wire.release import LENGTHS, build_snapshot, build_timestamp
from wire.telemetry import Command, Versions, encode_message
from wire.topics import CMD, VERSIONS, dotted
from wire.units import DAY, UtcTime

REFRESH_MS = 2 * DAY
"""How long a request to fetch is worth sending; afterwards the next birth brings it up."""
NUDGE_MS = 365 * DAY
LEAP = 10_000
"""More than are signed between a backup and its restoring, and far below the leap that devices refuse (`MAX_JUMP`)."""
KEEP_SNAPSHOTS = 100
"""A device that read the timestamp a moment ago must still find the snapshot that it names."""


def release(
    hub: Hub, conn: Connection, *, role: str, version: int, role_file: bytes, kind: str, area: str,
    targets: Mapping[str, bytes],
) -> None:  # fmt: skip
    """Publish a completely signed role file with the targets that it changes.

    Raises ChangedError where another version of the role was released meanwhile.
    """
    now = hub.now()
    repository.lock(conn)
    current = repository.current_role(conn, role)
    if (current[0] if current else 0) != version - 1:
        raise ChangedError
    moved = _moved(conn, targets) if kind == "placements" else []
    repository.release_blobs(conn, blobs_of(kind, targets), now)
    repository.put_targets(conn, role, version, targets, now)
    repository.put_role(conn, role, version, role_file, now)
    online = OnlineKeys(hub.config.online_dir, hub.keys)
    _nudge(conn, area, publish_online(conn, online, now), now)
    for placement in moved:
        call = Command(kind="refresh", area=placement.area)
        outbox.put(conn, CMD.of(placement.device), encode_message(call), now=now, lasts_ms=REFRESH_MS)


def publish_online(conn: Connection, online: OnlineKeys, now: UtcTime, *, rise: int = 1) -> Versions:
    """Sign a new snapshot of what is stored, `rise` versions on, and a timestamp that names it."""
    current = repository.current_role(conn, SNAPSHOT)
    version = (current[0] if current else 0) + rise
    roles = repository.delegated_files(conn)
    snapshot = online.sign(SNAPSHOT, build_snapshot(current[1] if current else None, roles, now, rise=rise))
    repository.put_role(conn, SNAPSHOT, version, snapshot, now)
    repository.forget_old(conn, SNAPSHOT, version - KEEP_SNAPSHOTS)
    return _publish_timestamp(conn, online, version, snapshot, now, rise=rise)


def prolong_online(hub: Hub, *, force: bool = False) -> bool:
    """Sign the timestamp (and the snapshot) again once a third of its life is over; whether anything was signed.

    Done by the worker every day: an expired timestamp makes devices say "stale", it never mutes them.
    """
    now = hub.now()
    with hub.writing() as conn:
        repository.lock(conn)
        ages = repository.stored_at(conn)
        old_snapshot = force or now - ages.get(SNAPSHOT, 0) >= LENGTHS[SNAPSHOT] // 3
        if not old_snapshot and now - ages.get(TIMESTAMP, 0) < LENGTHS[TIMESTAMP] // 3:
            return False
        online = OnlineKeys(hub.config.online_dir, hub.keys)
        current = repository.current_role(conn, SNAPSHOT)
        if old_snapshot or current is None:
            publish_online(conn, online, now)
        else:
            _publish_timestamp(conn, online, *current, now)
    return True


def leap_online(hub: Hub, conn: Connection) -> Versions:
    """Versions that no device can have seen, after a restored backup brought back older ones; every area is told."""
    online = OnlineKeys(hub.config.online_dir, hub.keys)
    versions = publish_online(conn, online, hub.now(), rise=LEAP)
    _nudge(conn, hub.config.province, versions, hub.now())
    return versions


def _publish_timestamp(
    conn: Connection, online: OnlineKeys, version: int, snapshot: bytes, now: UtcTime, *, rise: int = 1
) -> Versions:
    current = repository.current_role(conn, TIMESTAMP)
    number = (current[0] if current else 0) + rise
    timestamp = online.sign(TIMESTAMP, build_timestamp(current[1] if current else None, snapshot, now, rise=rise))
    repository.put_role(conn, TIMESTAMP, number, timestamp, now)
    repository.forget_old(conn, TIMESTAMP, number - 1)
    return Versions(timestamp=number, snapshot=version)


def _nudge(conn: Connection, area: str, versions: Versions, now: UtcTime) -> None:
    """Only the path concerned: a change of one commune wakes nobody else."""
    topic = VERSIONS.of(dotted(area))
    outbox.put(conn, topic, encode_message(versions), now=now, lasts_ms=NUDGE_MS, retained=True)


def _moved(conn: Connection, targets: Mapping[str, bytes]) -> list[Placement]:
    """The placements that are new or other than before: those devices may not listen to their area yet."""
    moved = []
    for path, raw in targets.items():
        before = repository.current_target(conn, path)
        known = {p.device: p.n for p in read_placements(before).placements} if before else {}
        moved += [p for p in read_placements(raw).placements if known.get(p.device) != p.n]
    return moved
