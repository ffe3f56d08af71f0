"""Logging in for programs (the approval station): POST /api/login gives a token for `Authorization: Bearer`."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, Response, jsonify, request
from msgspec import Meta, Struct

from hub.auth import actions, guard
from hub.auth.roles import Person
from hub.limits import Limit
from wire.codec import decode

blueprint = Blueprint("auth_api", __name__)


class Login(Struct, frozen=True):
    username: Annotated[str, Meta(max_length=64)]
    password: Annotated[str, Meta(max_length=200)]


@blueprint.post("/api/login")
@guard.public
@guard.machine
@guard.limited(Limit.LOGIN)
def login() -> Response:
    asked = decode(request.get_data(), Login, limit=4_096)
    token, person = actions.log_in(
        guard.current_hub(), asked.username, asked.password, kind="program", origin=guard.origin()
    )
    return jsonify(token=token, person=describe(person))


@blueprint.get("/api/me")
@guard.signed_in
def me() -> Response:
    return jsonify(describe(guard.current_person()))


@blueprint.post("/api/logout")
@guard.signed_in
def logout() -> Response:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token:
        actions.log_out(guard.current_hub(), token)
    return jsonify({})


def describe(person: Person) -> dict[str, object]:
    """A person as programs see one."""
    return {
        "username": person.username,
        "name": person.name,
        "roles": [f"{grant.role}:{grant.area}" for grant in person.grants],
        "areas": list(person.areas()),
        "keys": sorted(person.keys),
    }
