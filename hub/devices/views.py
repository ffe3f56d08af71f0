"""Devices and areas as the approval station shows them beside what is to be signed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from hub.areas import store as areas
from hub.auth import guard
from hub.auth.roles import Right
from hub.devices import actions, store

blueprint = Blueprint("devices_api", __name__)


@blueprint.get("/api/devices")
@guard.signed_in
def devices() -> Response:
    """Every device of the person's areas: where it stands, whether it is heard."""
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        rows = [row for area in person.areas(Right.VIEW) for row in store.devices_below(conn, area)]
    return jsonify([{**_describe(row), "contact": actions.contact(hub, row).value} for row in rows])


@blueprint.get("/api/areas")
@guard.signed_in
def all_areas() -> Response:
    """Every area of the person's, with households and clusters."""
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        found = [row for area in person.areas(Right.VIEW) for row in areas.below(conn, area, now=hub.now())]
        clusters = [row for area in person.areas(Right.VIEW) for row in store.clusters_below(conn, area)]
    by_area: dict[str, list[dict[str, Any]]] = {}
    for row in clusters:
        by_area.setdefault(row["area"], []).append({"id": row["id"], "name": row["name"], "kind": row["kind"]})
    return jsonify(
        [
            {"path": row["path"], "name": row["name"], "kind": row["kind"], "households": row["households"],
             "languages": row["languages"], "clusters": by_area.get(row["path"], [])}
            for row in found
        ]
    )  # fmt: skip


def _describe(row: dict[str, Any]) -> dict[str, Any]:
    shown = ("id", "cluster", "cluster_name", "area", "serial", "placement_n", "held_placement_n", "heard_at",
             "supplied_until", "time_quality", "software")  # fmt: skip
    return {name: row[name] for name in shown}
