"""Reads the state of every cluster at and below an area: clusters, devices, presence and health put together."""

from __future__ import annotations

from sqlalchemy import Connection

from hub.context import Hub
from hub.devices import store
from hub.devices.actions import contact
from hub.devices.state import ClusterState, cluster_state
from hub.enrolment import store as enrolments
from hub.telemetry import store as telemetry


def cluster_states(hub: Hub, conn: Connection, area: str) -> list[ClusterState]:
    """What needs somebody first."""
    now = hub.now()
    devices = {row["cluster"]: row for row in store.devices_below(conn, area)}
    health, without_rtc = telemetry.all_latest(conn), enrolments.without_rtc(conn)
    found = []
    for cluster in store.clusters_below(conn, area):
        device = devices.get(cluster["id"])
        heard = contact(hub, device) if device else None
        defects = ("no_rtc",) if device and device["id"] in without_rtc else ()
        latest = health.get(device["id"]) if device else None
        found.append(cluster_state(cluster, device, heard, latest, now, defects=defects))
    return sorted(found, key=lambda state: state.rank)


def one_cluster(hub: Hub, conn: Connection, ident: str, area: str) -> ClusterState | None:
    return next((state for state in cluster_states(hub, conn, area) if state.id == ident), None)
