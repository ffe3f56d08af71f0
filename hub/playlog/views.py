"""POST /device/log: what a device wrote to a stick, from whoever carries it. The signatures inside are what counts."""

from __future__ import annotations

from typing import BinaryIO, cast

from flask import Blueprint, Response, jsonify, request

from hub.auth import guard
from hub.limits import Limit
from hub.playlog import actions

blueprint = Blueprint("playlog_api", __name__)


@blueprint.post("/device/log")
@guard.public
@guard.machine
@guard.limited(Limit.UPLOADS)
@guard.body_limit(actions.MAX_STICK_BYTES)
def take() -> Response:
    result = actions.take_stick(guard.current_hub(), cast("BinaryIO", request.stream))
    return jsonify(taken=result.taken, known=result.known, refused=result.refused)
