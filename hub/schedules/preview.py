"""What a cluster plays on a day, and why: the same rules and inputs as on the device, asked on the hub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from hub.devices import store as devices
from hub.devices.actions import released_placement
from hub.schedules.actions import check_built
from hub.schedules.reasons import NameOf, as_mapping
from hub.schedules.surroundings import place_of, released_policies, released_programmes
from hub.ui import PROGRAMME_DEPTH
from wire.areas import ancestry
from wire.content import Sound
from wire.programme import Programme
from wire.timeline import DayPlan, Endpoint, Omission, PlannedPlay, Situation, plan_day
from wire.units import UtcTime

RELEASED, DRAFT = "released", "draft"
SOURCES = (RELEASED, DRAFT)


@dataclass(frozen=True)
class Preview:
    """One cluster's broadcast day. `programmes` are those that it was planned from."""

    plan: DayPlan
    endpoint: Endpoint
    programmes: tuple[Programme, ...]

    def title_of(self, gap: Omission) -> str:
        """What an omission is about; the timeline names an item that may not play by its id alone."""
        return gap.title or item_title(self.programmes, gap.item_area or gap.slot_area, gap.item) or gap.slot_title


def item_title(programmes: Iterable[Programme], area: str, ident: str) -> str:
    """An item's title in one of the programmes, or an empty string."""
    found = (programme.item(ident) for programme in programmes if programme.area == area and ident)
    return next((item.title for item in found if item), "")


def preview(conn: Connection, cluster: Mapping[str, Any], day: date, *, source: str, now: UtcTime) -> Preview:
    """From what is released or, with `source` "draft", with the unit's draft in the place of its programme."""
    endpoint = endpoint_of(conn, cluster)
    path = ancestry(endpoint.area)
    programmes = released_programmes(conn, path)
    if source == DRAFT:
        commune = path[: PROGRAMME_DEPTH + 1][-1]
        built = check_built(conn, commune, now)
        programmes = (*(p for p in programmes if p.area != commune), *([built] if built else []))
    situation = Situation(programmes, released_policies(conn, path), endpoint)
    return Preview(plan_day(situation, day), endpoint, programmes)


def endpoint_of(conn: Connection, cluster: Mapping[str, Any]) -> Endpoint:
    """As its device's signed placement says, and where nothing is signed yet, as it is entered here."""
    for row in devices.devices_below(conn, cluster["area"]):
        if row["cluster"] == cluster["id"]:
            placement = released_placement(conn, row["id"], cluster["area"])
            if placement is not None and placement.cluster == cluster["id"]:
                return Endpoint.of(placement)
    return place_of(dict(cluster)).endpoint


def plan_as_json(cluster: str, day: date, plan: DayPlan, name_of: NameOf) -> dict[str, Any]:
    """The plan for programs: the same keys and instants as the device's own plan."""
    return {
        "cluster": cluster,
        "day": day.isoformat(),
        "plays": [_play(play, name_of) for play in plan.plays],
        "omissions": [_omission(gap, name_of) for gap in plan.omissions],
    }


def _play(play: PlannedPlay, name_of: NameOf) -> dict[str, Any]:
    sound = play.rendition if isinstance(play.rendition, Sound) else None
    return {
        "key": play.key, "start": play.start, "end": play.end, "item": play.item, "item_area": play.item_area,
        "title": play.title, "slot": play.slot, "slot_area": play.slot_area, "slot_title": play.slot_title,
        "series": play.series, "language": sound.language if sound else "", "sha256": sound.sha256 if sound else "",
        "priority": play.priority, "volume": play.volume, "why": [as_mapping(why, name_of) for why in play.why],
    }  # fmt: skip


def _omission(gap: Omission, name_of: NameOf) -> dict[str, Any]:
    return {
        "at": gap.at, "slot": gap.slot, "slot_area": gap.slot_area, "slot_title": gap.slot_title, "item": gap.item,
        "title": gap.title, "series": gap.series, "language": gap.language, "why": as_mapping(gap.why, name_of),
    }  # fmt: skip
