"""Loa và bảng tin: all clusters, one cluster with its log, proposing a placement, and the USB package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO, cast

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from hub.answers import text_of
from hub.auth import guard
from hub.auth.roles import Right
from hub.certificates import store as certificates
from hub.devices import actions, store
from hub.devices.forms import read_placement, read_revocation
from hub.devices.state import LEVELS
from hub.devices.survey import cluster_states, one_cluster
from hub.errors import BadInputError, NotFoundError
from hub.fields import FieldErrors
from hub.limits import Limit
from hub.phrases import CLUSTER_STATES, DEFECTS, FAULTS, HEARD, POWER, TIME_QUALITY
from hub.playlog import store as playlog
from hub.playlog.actions import MAX_STICK_BYTES, StickResult, take_stick
from hub.playlog.words import detail_text, event_text, refusal_text
from hub.publishing import actions as publishing
from hub.publishing import repository
from hub.ui import area_choices, pick_area
from wire.areas import speaker_role
from wire.joining import spoken_digits
from wire.key_request import fingerprint
from wire.units import DAY, UtcTime

blueprint = Blueprint("devices", __name__)
LOG_DAYS = 14
LOG_KINDS = ("play", "alert", "refused", "omitted", "gap")
EVENT_KIND = "event"
"""The device's own diary: many rows, shown when asked for."""


@blueprint.get("/devices")
@guard.needs(Right.VIEW)
def listing() -> str:
    hub, person = guard.current_hub(), guard.current_person()
    wanted = request.args.get("state", "")
    with hub.reading() as conn:
        area = pick_area(conn, person)
        states = cluster_states(hub, conn, area)
        return render_template(
            "devices/list.html", area=area, choices=area_choices(conn, person), STATES=CLUSTER_STATES, FAULTS=FAULTS,
            DEFECTS=DEFECTS, counts=_counts(states), wanted=wanted if wanted in LEVELS else "",
            clusters=[state for state in states if wanted not in LEVELS or state.state == wanted],
        )  # fmt: skip


@blueprint.get("/devices/stick")
@guard.needs(Right.VIEW)
def stick() -> str:
    return _stick_page(None)


@blueprint.post("/devices/stick")
@guard.needs(Right.VIEW)
@guard.limited(Limit.UPLOADS)
@guard.body_limit(MAX_STICK_BYTES)
def take() -> str | tuple[str, int]:
    """The log is signed by the device itself, so whoever carried the stick may hand it in."""
    file = request.files.get("log")
    if file is None or not file.filename:
        return _stick_page(None, _("Choose the file that the device wrote to the stick, ending in .log.")), 422
    person = guard.current_person()
    return _stick_page(take_stick(guard.current_hub(), cast("BinaryIO", file.stream), person=person.username))


@blueprint.get("/devices/<cluster>")
@guard.needs(Right.VIEW)
def show(cluster: str) -> str:
    return _cluster_page(cluster, {})


@blueprint.post("/devices/<cluster>/placement")
@guard.needs(Right.DEVICES)
def place(cluster: str) -> Response | tuple[str, int]:
    hub, person = guard.current_hub(), guard.current_person()
    try:
        asked = read_placement(request.form)
        actions.propose_placement(
            hub, person, asked.device, cluster=cluster, languages=asked.languages, tags=asked.tags or None
        )
    except FieldErrors as error:
        return _cluster_page(cluster, error.fields), error.status
    except BadInputError as error:
        return _cluster_page(cluster, {}, text_of(error)), error.status
    flash(_("Proposed. The registrar signs it in the approval app; until then nothing changes."), "good")
    return redirect(url_for("devices.show", cluster=cluster), 303)


@blueprint.post("/devices/<cluster>/revoke")
@guard.needs(Right.DEVICES)
def revoke(cluster: str) -> Response | tuple[str, int]:
    """End the registration of the device that stands there: certificate, session and placement go with it."""
    hub, person = guard.current_hub(), guard.current_person()
    try:
        asked = read_revocation(request.form)
        actions.revoke_device(hub, person, asked.device, why=asked.why)
    except FieldErrors as error:
        return _cluster_page(cluster, error.fields), error.status
    flash(_("The registration of %(device)s has ended. The registrar signs its place away in the approval app.",
            device=asked.device), "good")  # fmt: skip
    return redirect(url_for("devices.show", cluster=cluster), 303)


def _cluster_page(ident: str, errors: Mapping[str, Any], problem: str = "") -> str:
    hub, person = guard.current_hub(), guard.current_person()
    now = hub.now()
    with_events = request.args.get("events") == "1"
    with hub.reading() as conn:
        row = store.cluster(conn, ident)
        if row is None or not person.may(Right.VIEW, row["area"]):
            raise NotFoundError
        state = one_cluster(hub, conn, ident, row["area"])
        device = _device_row(conn, row)
        rows = playlog.plays(
            conn,
            since=UtcTime(now - LOG_DAYS * DAY),
            until=UtcTime(now + DAY),
            cluster=ident,
            kinds=(*LOG_KINDS, EVENT_KIND) if with_events else LOG_KINDS,
            limit=200,
        )
        return render_template(
            "devices/show.html", area=row["area"], cluster=row, state=state, device=device, rows=rows, errors=errors,
            problem=problem,
            with_events=with_events, STATES=CLUSTER_STATES, FAULTS=FAULTS, POWER=POWER, TIME_QUALITY=TIME_QUALITY,
            HEARD=HEARD, DEFECTS=DEFECTS, fingerprint=fingerprint, spoken=spoken_digits,
            certificate=certificates.live_of(conn, device["id"]) if device else None,
            held=_held(conn, device), events=store.events_of(conn, device["id"], limit=20) if device else [],
            placement=actions.released_placement(conn, device["id"], row["area"]) if device else None,
            waiting=publishing.waiting(conn, kind="placements", area=actions.commune_of(row["area"])),
            gaps=_gaps(conn, device), detail_text=detail_text, event_text=event_text,
            may_place=person.may(Right.DEVICES, row["area"]),
            candidates=_candidates(conn, person.areas(Right.DEVICES)),
        )  # fmt: skip


def _stick_page(result: StickResult | None, problem: str = "") -> str:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = pick_area(conn, person)
        states = [state for state in cluster_states(hub, conn, area) if state.state == "carried"]
    return render_template(
        "devices/stick.html", area=area, result=result, problem=problem, carried=states, refusal_text=refusal_text
    )


def _device_row(conn: Connection, cluster: Mapping[str, Any]) -> dict[str, Any] | None:
    rows = store.devices_below(conn, cluster["area"])
    return next((row for row in rows if row["cluster"] == cluster["id"]), None)


def _held(conn: Connection, device: Mapping[str, Any] | None) -> list[tuple[str, int | None, int]]:
    """(area, version held, newest version) for each level that has a programme."""
    if device is None:
        return []
    versions = device["versions"] or {}
    newest = repository.role_versions(conn)
    parts = device["area"].split("/")
    levels = ["/".join(parts[: n + 1]) for n in range(min(len(parts), 2))]
    return [
        (level, versions.get(speaker_role(level)), newest[speaker_role(level)])
        for level in levels
        if speaker_role(level) in newest
    ]


def _gaps(conn: Connection, device: Mapping[str, Any] | None) -> int:
    """How many rows of the log are still missing between those that arrived."""
    if device is None:
        return 0
    chains = playlog.chains_of(conn, device["id"])
    missing = [gap for chain in chains for gap in playlog.gaps(conn, device["id"], chain["chain"])]
    return sum(last - first + 1 for first, last in missing)


def _candidates(conn: Connection, held: tuple[str, ...]) -> list[dict[str, Any]]:
    return [row for area in held for row in store.devices_below(conn, area)]


def _counts(states: list[Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for state in states:
        found[state.state] = found.get(state.state, 0) + 1
    return found
