"""The approval app's JSON interface for emergencies and drills: choose, read over, send, watch, cancel."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from flask import Blueprint, Response, jsonify, request
from msgspec import Meta, Struct
from securesystemslib.signer import Signer

from provisioning.approval import emergency, running
from provisioning.approval import words as say
from provisioning.approval.context import desk, form, session, station, words
from provisioning.approval.emergency import Officer, SignedTemplate, Wish
from provisioning.approval.faults import StationError
from provisioning.approval.proposals import Desk
from provisioning.approval.shapes import media_facts
from provisioning.approval.told_areas import area_entry, ask_areas
from provisioning.approval.words import N_, Words
from wire.alert import Start, clips_of, message_text
from wire.content import AreaPath, Ident, Sha256

blueprint = Blueprint("api_emergency", __name__, url_prefix="/api")
MAX_MINUTES = 24 * 60
READ_AGAIN = N_("Read the message over once more, then send it.")


class WishForm(Struct, frozen=True):
    area: AreaPath
    template: Ident
    drill: bool = False
    blanks: Annotated[dict[Ident, Ident], Meta(max_length=10)] = {}
    minutes: Annotated[int, Meta(ge=1, le=MAX_MINUTES)] = 60
    times: Annotated[int, Meta(ge=1, le=20)] = 3


class StartForm(Struct, frozen=True):
    order: Annotated[str, Meta(max_length=100)]
    passphrase: Annotated[str, Meta(max_length=1_000)] = ""
    keep: bool = False


class CancelForm(Struct, frozen=True):
    id: Sha256
    passphrase: Annotated[str, Meta(max_length=1_000)] = ""


@blueprint.get("/emergency")
def read_desk() -> Response:
    """Where this officer may send, which templates the province signed, and what is running."""
    here, at_desk, _ = station(), desk(), words()
    kind = emergency.DRILL_KIND if request.args.get("drill") == "1" else emergency.START_KIND
    with here.lock:
        here.refresh(at_desk.hub, at_desk.keys)
        areas = emergency.areas_of(at_desk, emergency.officers(at_desk, kind))
        templates = emergency.templates(at_desk)
    told = ask_areas(at_desk.hub)
    current = [entry for entry in running.alerts(at_desk, _) if not (entry["over"] or entry["cancelled"])]
    return jsonify(
        areas=[area_entry(area, told) for area in areas],
        templates=[_template_entry(one, _) for one in templates],
        running=[entry for entry in current if entry["drill"] == (kind == emergency.DRILL_KIND)],
    )


@blueprint.post("/emergency/prepare")
def prepare() -> Response:
    """Read an order over: every word, every clip, where, until when. The answer's `order` sends exactly this."""
    here, at_desk, asked, _ = station(), desk(), form(WishForm), words()
    wish = Wish(asked.drill, asked.area, asked.template, asked.blanks, asked.minutes, asked.times)
    with here.lock:
        officer, template = _officer_and_template(at_desk, wish)
    start = emergency.start_order(at_desk, wish, officer, template, "")
    wordings = [_wording(template, wish.blanks, w.language, _) for w in template.template.wordings]
    return jsonify(
        order=here.sessions.prepare(session(), replace(wish, template_sha256=template.sha256)),
        title=template.template.title,
        area=area_entry(wish.area, ask_areas(at_desk.hub)),
        role=officer.role.name,
        role_text=_("{role}, key {key}", role=officer.role.name, key=officer.key.name),
        repeat_text=_("{n} times within {length}", n=start.repeat.times, length=say.length(start.repeat.within_ms, _)),
        expires_text=say.instant(start.expires, _),
        wordings=wordings,
        key=officer.key.name,
        unlocked_text=_unlocked_text(officer, _),
    )


@blueprint.post("/emergency/start")
def start() -> Response:
    """Sign and send the order that was read over last."""
    here, at_desk, asked = station(), desk(), form(StartForm)
    wish = here.sessions.prepared(session(), asked.order)
    if wish is None:
        raise StationError(READ_AGAIN, code="not_prepared", status=409)
    officer, template = _officer_and_template(at_desk, wish)
    if template.sha256 != wish.template_sha256:
        raise StationError(READ_AGAIN, code="changed", status=409)
    signer = _signer(officer, asked.passphrase)
    order = emergency.start_order(at_desk, wish, officer, template, secrets.token_hex(16))
    answer = at_desk.hub.send_alert(emergency.seal_order(at_desk, order, officer, signer))
    session().prepared.clear()
    if asked.keep:
        here.keyring.hold_open(session().ident, officer.key.name, signer)
    return jsonify(id=str(answer.get("id", "")))


@blueprint.post("/emergency/cancel")
def cancel() -> Response:
    """Sign and send the end of a running alert."""
    at_desk, asked = desk(), form(CancelForm)
    alert = at_desk.hub.alert(asked.id)
    signed, start_of = running.read_start(at_desk, str(alert.get("envelope", "")))
    officer = emergency.canceller(at_desk, start_of)
    if officer is None:
        raise StationError(N_("No key on this machine may cancel it."), code="not_allowed", status=403)
    signer = _signer(officer, asked.passphrase)
    order = emergency.cancel_order(at_desk, signed, officer, secrets.token_hex(16))
    answer = at_desk.hub.send_alert(emergency.seal_order(at_desk, order, officer, signer))
    return jsonify(id=str(answer.get("id", "")))


@blueprint.post("/emergency/lock")
def lock() -> Response:
    """Forget the keys that this session holds open."""
    station().keyring.close(session().ident)
    return jsonify({})


@blueprint.get("/alerts")
def read_alerts() -> Response:
    return jsonify(alerts=running.alerts(desk(), words()))


@blueprint.get("/alerts/<ident>")
def read_alert(ident: str) -> Response:
    """One alert with what became of it on each loudspeaker."""
    at_desk, _ = desk(), words()
    alert = at_desk.hub.alert(ident)
    signed, start_of = running.read_start(at_desk, str(alert.get("envelope", "")))
    officer = emergency.canceller(at_desk, start_of)
    return jsonify(
        **running.alert_entry(at_desk, signed, start_of, running.cancels_of(at_desk, alert), _),
        receipts=running.receipts(alert.get("receipts", []), _),
        may_cancel=officer is not None,
        key=officer.key.name if officer else "",
        unlocked_text=_unlocked_text(officer, _) if officer else "",
        cancel_note=_cancel_note(officer, start_of, _),
    )


def _officer_and_template(at_desk: Desk, wish: Wish) -> tuple[Officer, SignedTemplate]:
    """Who sends what. Raises StationError or NotAllowedError (a blank that is not filled from its list)."""
    kind = emergency.DRILL_KIND if wish.drill else emergency.START_KIND
    officer = emergency.officer_for(emergency.officers(at_desk, kind), wish.area)
    template = emergency.template_of(at_desk, wish.template)
    clips_of(template.template, dict(wish.blanks), template.template.wordings[0].language)
    return officer, template


def _signer(officer: Officer, passphrase: str) -> Signer:
    """The officer's signer: held open in this session, or opened by the passphrase."""
    here = station()
    if not passphrase and (held := here.keyring.held_open(session().ident, officer.key.name)):
        return held[0]
    return here.keyring.open(officer.key.name, passphrase)


def _unlocked_text(officer: Officer, _: Words) -> str:
    held = station().keyring.held_open(session().ident, officer.key.name)
    return (
        _("The key {key} is open for {n} more minutes.", key=officer.key.name, n=int(held[1] // 60) + 1) if held else ""
    )


def _cancel_note(officer: Officer | None, start_of: Start, _: Words) -> str:
    if officer is None or officer.role.area.count("/") <= start_of.area.count("/"):
        return ""
    return _("This key ends it only in {area}.", area=officer.role.area)


def _wording(template: SignedTemplate, blanks: Mapping[str, str], language: str, _: Words) -> dict[str, Any]:
    clips = clips_of(template.template, dict(blanks), language)
    session().sounds |= {clip.sha256: clip.size for clip in clips or []}
    return {
        "language": language,
        "language_text": say.language_name(language, _),
        "text": message_text(template.template, dict(blanks), language),
        "clips": None if clips is None else [media_facts(clip, _) for clip in clips],
    }


def _template_entry(one: SignedTemplate, _: Words) -> dict[str, Any]:
    blanks = [
        {
            "id": blank.id,
            "choices": [
                {"id": choice.id, "text": choice.text.get(_.language) or next(iter(choice.text.values()))}
                for choice in blank.choices
            ],
        }
        for blank in one.template.blanks
    ]
    head = {"id": one.template.id, "title": one.template.title, "hazard": one.template.hazard}
    wordings = {wording.language: wording.text for wording in one.template.wordings}
    text = wordings.get(_.language) or next(iter(wordings.values()))
    return {**head, "severity": one.template.severity, "sha256": one.sha256, "blanks": blanks, "text": text}
