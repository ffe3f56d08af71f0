"""Looking at a device's folder from beside it, whether its agent runs or is dead: nothing is changed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec

from edge.clock import DeviceClock
from edge.config import Config
from edge.errors import ConfigError
from edge.identity import load_identity
from edge.parts import STATE_FILE, boot_id_of, serial_of
from edge.plan.inputs import decode_mutes, situation_of, turned_down
from edge.standing import STATUS_FILE
from edge.store import Store
from edge.sync.cache import blob_path
from edge.sync.library import Library
from wire.codec import decode
from wire.content import Sound
from wire.enrolment import MAX_PLACEMENTS_BYTES, Placement
from wire.playlog import MAX_BATCH_BYTES, Row
from wire.timeline import DayPlan, PlannedPlay, Situation, broadcast_day, plan_day
from wire.units import UtcTime, moment

NS_PER_S = 1_000_000_000
INSTANTS = ("supplied_until", "floor")
"""Fields of a status that are milliseconds since the epoch."""


def plan_ahead(folder: Path, config: Config, *, days: int, first: str = "") -> dict[str, Any]:
    """What the device will play on whole broadcast days, before power and time quality, by the rules it plays by."""
    store, placement = _open(folder)
    situation = _situation(store, folder, config, placement)
    start = _day(first) if first else broadcast_day(_now(store, config))
    plans = [plan_day(situation, start + timedelta(n)) for n in range(days)] if situation else []
    return {
        "device": config.device,
        "cluster": situation.endpoint.cluster if situation else "",
        "area": situation.endpoint.area if situation else "",
        "first": start.isoformat(),
        "days": days,
        "plays": [_play(play, plan, folder) for plan in plans for play in plan.plays],
        "omissions": [
            {**msgspec.to_builtins(omission), "local": _local(omission.at), "day": plan.day.isoformat(),
             "why": str(omission.why.code)}
            for plan in plans for omission in plan.omissions
        ],
    }  # fmt: skip


def read_status(folder: Path, config: Config, *, runs: bool) -> dict[str, Any]:
    """What the agent last said of itself, and what the store says without it."""
    store, placement = _open(folder)
    said: dict[str, Any] = {}
    if (folder / STATUS_FILE).exists():
        said = msgspec.json.decode((folder / STATUS_FILE).read_bytes())
    rows = store.rows("SELECT coalesce(max(seq), 0) FROM rows")[0][0]
    return {
        **said,
        "device": config.device,
        "key": load_identity(folder).public_hex,
        "runs": runs,
        "area": placement.area if placement else "",
        "cluster": placement.cluster if placement else "",
        "placement_n": placement.n if placement else 0,
        "floor": int(store.get("floor") or 0),
        "chain": store.get("chain") or "",
        "last_seq": rows,
        "logged_seq": int(store.get("cursor") or 0),
        "alerts_remembered": store.rows("SELECT count(*) FROM seen")[0][0],
        "roles": {name: version for name, version, _ in store.rows("SELECT name, version, sha256 FROM roles")},
    }


def read_log(folder: Path, *, last: int) -> list[dict[str, Any]]:
    """The newest rows of the device's log, oldest first, as they will be or were sent."""
    store, _ = _open(folder)
    found = store.rows("SELECT body FROM rows ORDER BY seq DESC LIMIT ?", last)
    rows = [decode(bytes(body), Row, limit=MAX_BATCH_BYTES) for (body,) in reversed(found)]
    return [{**msgspec.to_builtins(row), "local": _local(row.at)} for row in rows]


def status_lines(status: dict[str, Any]) -> list[str]:
    """A status for people: instants as local time."""
    shown = dict(status)
    for name in INSTANTS:
        if name in shown:
            shown[name] = _instant(shown[name])
    if "programmes" in shown:
        shown["programmes"] = ", ".join(f"{area} of {_instant(at)}" for area, at in shown["programmes"].items())
    return [f"{name}: {_plain(value)}" for name, value in shown.items()]


def log_line(row: dict[str, Any]) -> str:
    """A row for people: from when to when it sounded, or when it was written."""
    when = _local(row["started"] or row["at"])
    until = f"–{_local(row['ended'])[11:]}" if row["started"] and row["ended"] else ""
    return f"{when}{until:<9}  {row['kind']:<8} {row['title'] or row['item']}  {row['detail']}".rstrip()


def _open(folder: Path) -> tuple[Store, Placement | None]:
    if not (folder / STATE_FILE).exists():
        raise ConfigError(f"{folder} holds no state yet: the agent has not run there")
    store = Store(folder / STATE_FILE, read_only=True)
    raw = store.get("placement")
    return store, decode(raw.encode(), Placement, limit=MAX_PLACEMENTS_BYTES) if raw else None


def _situation(store: Store, folder: Path, config: Config, placement: Placement | None) -> Situation | None:
    library = Library(store, folder, read_only=True)
    volume = min(config.volume_percent, turned_down(store.get("turned_down"), _now(store, config)))
    mutes = decode_mutes(store.get("mutes"))
    held = library.holdings(placement)
    return situation_of(held, serial=serial_of(config), mutes=mutes, volume_percent=volume)


def _now(store: Store, config: Config) -> UtcTime:
    offset_ns = round(config.rig.clock_offset_s * NS_PER_S)
    return DeviceClock(store, boot_id=boot_id_of(config), system_offset_ns=offset_ns).now()


def _play(play: PlannedPlay, plan: DayPlan, folder: Path) -> dict[str, Any]:
    sound = play.rendition
    here = isinstance(sound, Sound) and blob_path(folder, sound.sha256).exists()
    return {
        **msgspec.to_builtins(play),
        "key": play.key,
        "day": plan.day.isoformat(),
        "local": _local(play.start),
        "why": [str(reason.code) for reason in play.why],
        "here": here,
    }


def _instant(value: Any) -> str:
    return _local(UtcTime(value)) if value else "unknown"


def _plain(value: Any) -> str:
    if value in (None, "", [], {}):
        return "-"
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value))
        case dict():
            return ", ".join(f"{name} {one}" for name, one in value.items())
    return str(value)


def _local(instant: UtcTime) -> str:
    return f"{moment(instant):%Y-%m-%d %H:%M:%S}"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"--from {text}: YYYY-MM-DD") from error
