"""Emergency orders for the approval station: hand one in, see what became of it."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec
from flask import Blueprint, Response, jsonify, request
from msgspec import Struct

from hub.alerts import actions
from hub.auth import guard
from hub.auth.roles import Right
from hub.errors import N_, BadInputError
from wire.alert import MAX_ALERT_BYTES, read_order
from wire.codec import decode
from wire.envelope import peek

blueprint = Blueprint("alerts_api", __name__)
MAX_BODY = 64 * 1024


class NewAlert(Struct, frozen=True):
    envelope: str


@blueprint.post("/api/alerts")
@guard.needs(Right.ALERT)
@guard.body_limit(MAX_BODY)
def send() -> tuple[Response, int]:
    given = decode(request.get_data(), NewAlert, limit=MAX_BODY)
    try:
        envelope = base64.b64decode(given.envelope, validate=True)
    except binascii.Error as error:
        raise BadInputError(N_("The signed order is not base64.")) from error
    sent = actions.send_alert(guard.current_hub(), guard.current_person(), envelope)
    return jsonify(msgspec.to_builtins(sent)), 201 if sent.is_complete else 202


@blueprint.get("/api/alerts/half-signed")
@guard.signed_in
def half_signed() -> Response:
    """Orders that wait for another officer's signature."""
    waiting = actions.half_signed(guard.current_hub(), guard.current_person())
    shown = ("id", "area", "role", "title", "issued", "expires", "taken_from")
    return jsonify([
        {**{name: one[name] for name in shown}, "envelope": base64.b64encode(one["envelope"]).decode(),
         "signatures": len(one["key_ids"])}
        for one in waiting
    ])  # fmt: skip


@blueprint.get("/api/alerts")
@guard.signed_in
def alerts() -> Response:
    hub, person = guard.current_hub(), guard.current_person()
    newest = actions.visible(hub, person, limit=20)
    return jsonify([_describe(*actions.look_at(hub, person, alert["id"])) for alert in newest])


@blueprint.get("/api/alerts/<ident>")
@guard.signed_in
def alert(ident: str) -> Response:
    return jsonify(_describe(*actions.look_at(guard.current_hub(), guard.current_person(), ident)))


def _describe(alert: dict[str, Any], states: list[actions.DeviceState]) -> dict[str, Any]:
    order = read_order(peek(alert["envelope"], MAX_ALERT_BYTES)[1])
    return {
        "id": alert["id"], "kind": alert["kind"], "title": alert["title"], "severity": alert["severity"],
        "role": alert["role"], "areas": [alert["area"]], "drill": alert["drill"], "issued": alert["issued"],
        "expires": alert["expires"], "cancels": alert["cancels"], "cancelled_by": alert["cancelled_by"],
        "taken_at": alert["taken_at"], "taken_from": alert["taken_from"], "order": msgspec.to_builtins(order),
        "envelope": base64.b64encode(alert["envelope"]).decode(),
        "receipts": [
            {"device": s.device, "cluster": s.cluster, "cluster_name": s.cluster_name, "area": s.area,
             "states": list(s.states), "at": s.at, "detail": s.detail, "contact": s.contact.value}
            for s in states
        ],
    }  # fmt: skip
