"""Khẩn cấp: what runs now with receipts as they come in, what ran, and where to start or stop."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template
from sqlalchemy import Connection

from hub.alerts import actions, store
from hub.alerts.actions import DeviceState
from hub.auth import guard
from hub.auth.roles import Right
from hub.context import Hub
from hub.phrases import RECEIPTS
from hub.playlog.words import detail_text

blueprint = Blueprint("alerts", __name__)
PAST_SHOWN = 30


@blueprint.get("/alerts")
@guard.signed_in
def running() -> str:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        areas = person.areas(Right.VIEW)
        live = store.running(conn, areas, hub.now()) if areas else []
        shown = {alert["id"] for alert in live}
        past = [a for a in store.latest(conn, areas, limit=PAST_SHOWN) if a["id"] not in shown] if areas else []
        return render_template(
            "alerts/list.html", running=[_look(hub, conn, alert) for alert in live], past=past, **_words()
        )


@blueprint.get("/alerts/<ident>")
@guard.signed_in
def show(ident: str) -> str:
    return render_template("alerts/show.html", one=_one(ident), **_words())


@blueprint.get("/alerts/<ident>/receipts")
@guard.signed_in
def receipts(ident: str) -> str:
    """The part of the page that is asked for every second while an order runs."""
    return render_template("alerts/_receipts.html", one=_one(ident), **_words())


def _one(ident: str) -> dict[str, Any]:
    hub = guard.current_hub()
    alert, states = actions.look_at(hub, guard.current_person(), ident)
    return _shown(hub, alert, states)


def _look(hub: Hub, conn: Connection, alert: dict[str, Any]) -> dict[str, Any]:
    return _shown(hub, alert, actions.device_states(hub, conn, alert))


def _shown(hub: Hub, alert: dict[str, Any], states: list[DeviceState]) -> dict[str, Any]:
    """An order with its devices, counted: the silent ones stand first in `states`."""
    reached = [state for state in states if {"started", "finished"} & set(state.states)]
    return {
        "alert": alert, "states": states, "reached": len(reached),
        "silent": sum(state.is_silent for state in states),
        "refused": sum("refused" in state.states for state in states),
        "is_live": alert["kind"] == "start" and not alert["cancelled_by"] and alert["expires"] > hub.now(),
    }  # fmt: skip


def _words() -> dict[str, Any]:
    return {"RECEIPTS": RECEIPTS, "detail_text": detail_text, "area": ""}
