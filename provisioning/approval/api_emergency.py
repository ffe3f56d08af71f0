"""The approval app's JSON interface for emergencies and drills: choose or write, read over, send, watch, cancel.

What a second officer does is `api_second`. Nothing here needs the hub but its answers: without it, what this machine
holds is what an order is made of, and its own list of brokers is the way.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Annotated, Any

from flask import Blueprint, Response, jsonify, request
from msgspec import Meta, Struct
from securesystemslib.signer import Signer

from provisioning.approval import carrying, emergency, running
from provisioning.approval import words as say
from provisioning.approval.context import desk, form, session, station, words
from provisioning.approval.emergency import Officer, SignedTemplate, Wish
from provisioning.approval.faults import StationError
from provisioning.approval.proposals import Desk
from provisioning.approval.shapes import media_facts
from provisioning.approval.told_areas import area_entry, ask_areas
from provisioning.approval.words import N_, Words
from provisioning.carriers import FILE_SUFFIX, HUB
from wire.alert import Start, check_start, clips_of, drill_clips, is_drill, message_text, own_words
from wire.blanks import Blank, Value, takes_letters
from wire.content import AreaPath, Ident, Sha256

blueprint = Blueprint("api_emergency", __name__, url_prefix="/api")
MAX_MINUTES = 24 * 60
READ_AGAIN = N_("Read the message over once more, then send it.")


class WishForm(Struct, frozen=True):
    area: AreaPath
    template: Ident
    drill: bool = False
    blanks: Annotated[dict[Ident, Value], Meta(max_length=10)] = {}
    minutes: Annotated[int, Meta(ge=1, le=MAX_MINUTES)] = 60
    times: Annotated[int, Meta(ge=1, le=20)] = 3


class OwnForm(Struct, frozen=True):
    """Own words, which a second officer has to sign too."""

    area: AreaPath
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    text: Annotated[str, Meta(min_length=1, max_length=1_500)]
    severity: Annotated[int, Meta(ge=1, le=5)] = 3
    minutes: Annotated[int, Meta(ge=1, le=MAX_MINUTES)] = 60
    times: Annotated[int, Meta(ge=1, le=20)] = 3


class StartForm(Struct, frozen=True):
    order: Annotated[str, Meta(max_length=100)]
    passphrase: Annotated[str, Meta(max_length=1_000)] = ""
    keep: bool = False
    carrier: Annotated[str, Meta(pattern="^(hub|broker|file)$")] = HUB


class CancelForm(Struct, frozen=True):
    id: Sha256
    passphrase: Annotated[str, Meta(max_length=1_000)] = ""
    carrier: Annotated[str, Meta(pattern="^(hub|broker|file)$")] = HUB


@blueprint.get("/emergency")
def read_desk() -> Response:
    """Where this officer may send, which templates the province signed, what is running, what waits for a signature."""
    here, at_desk, _ = station(), desk(), words()
    kind = emergency.DRILL_KIND if request.args.get("drill") == "1" else emergency.START_KIND
    with here.lock:
        is_hub_there = here.try_refresh(at_desk.hub, at_desk.keys)
        areas = emergency.areas_of(at_desk, emergency.officers(at_desk, kind))
        free = emergency.areas_of(at_desk, emergency.officers(at_desk, emergency.FREE_KIND))
        templates = emergency.templates(at_desk)
    told = ask_areas(at_desk.hub) if is_hub_there else {}
    entries = running.alerts(at_desk, _, list(session().sent.values()), is_hub_there=is_hub_there)
    current = [entry for entry in entries if not (entry["over"] or entry["cancelled"])]
    return jsonify(
        areas=[area_entry(area, told) for area in areas],
        own_areas=[area_entry(area, told) for area in free],
        templates=[_template_entry(one, _) for one in templates],
        running=[entry for entry in current if entry["drill"] == (kind == emergency.DRILL_KIND)],
        waiting=running.waiting(at_desk, _) if is_hub_there and kind != emergency.DRILL_KIND else [],
        is_hub_away=not is_hub_there,
        brokers=[broker.address for broker in here.brokers],
    )


@blueprint.post("/emergency/prepare")
def prepare() -> Response:
    """Read an order over: every word, every clip, where, until when. The answer's `order` sends exactly this."""
    asked = form(WishForm)
    return _prepared(Wish(asked.drill, asked.area, asked.template, asked.blanks, asked.minutes, asked.times))


@blueprint.post("/emergency/own")
def prepare_own() -> Response:
    """Read own words over. They are signed here, and by a second officer before any loudspeaker says them."""
    asked = form(OwnForm)
    if not all(sign.isprintable() or sign == "\n" for sign in asked.title + asked.text):
        raise StationError(N_("There are characters in it that nobody can read aloud."), code="malformed")
    own = own_words(title=asked.title, hazard="", severity=asked.severity, texts={"vi": asked.text})
    return _prepared(Wish(False, asked.area, own.id, {}, asked.minutes, asked.times, own=own))


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
    signer = signer_of(officer, asked.passphrase)
    order = emergency.start_order(at_desk, wish, officer, template, secrets.token_hex(16))
    sent = carrying.send(emergency.seal_order(at_desk, order, signer), asked.carrier)
    session().prepared.clear()
    if asked.keep:
        here.keyring.hold_open(session().ident, officer.key.name, signer)
    return jsonify(sent)


@blueprint.post("/emergency/cancel")
def cancel() -> Response:
    """Sign and send the end of a running alert."""
    at_desk, asked = desk(), form(CancelForm)
    alert = carrying.find_alert(asked.id)
    signed, start_of = running.read_start(at_desk, str(alert.get("envelope", "")))
    officer = emergency.canceller(at_desk, start_of)
    if officer is None:
        raise StationError(N_("No key on this machine may cancel it."), code="not_allowed", status=403)
    signer = signer_of(officer, asked.passphrase)
    order = emergency.cancel_order(at_desk, signed, officer, secrets.token_hex(16))
    return jsonify(carrying.send(emergency.seal_order(at_desk, order, signer), asked.carrier))


@blueprint.post("/emergency/lock")
def lock() -> Response:
    """Forget the keys that this session holds open."""
    station().keyring.close(session().ident)
    return jsonify({})


@blueprint.get("/alerts")
def read_alerts() -> Response:
    return jsonify(alerts=running.alerts(desk(), words(), [], is_hub_there=True))


@blueprint.get("/alerts/<ident>")
def read_alert(ident: str) -> Response:
    """One alert with what became of it on each loudspeaker."""
    at_desk, _ = desk(), words()
    alert = carrying.find_alert(ident)
    signed, start_of = running.read_start(at_desk, str(alert.get("envelope", "")))
    officer = emergency.canceller(at_desk, start_of)
    return jsonify(
        **running.alert_entry(at_desk, signed, start_of, running.cancels_of(at_desk, alert), _),
        receipts=running.receipts(alert.get("receipts", []), _),
        may_cancel=officer is not None,
        key=officer.key.name if officer else "",
        unlocked_text=_unlocked_text(officer, _) if officer else "",
        cancel_note=_cancel_note(officer, start_of, _),
        is_hub_away=bool(alert.get("is_hub_away")),
    )


@blueprint.get("/alerts/<ident>/file")
def read_file(ident: str) -> Response:
    """The order as a file: on a stick in a loudspeaker it sounds by the same rules."""
    headers = {"Content-Disposition": f'attachment; filename="lenh-{ident[:12]}{FILE_SUFFIX}"'}
    return Response(carrying.envelope_of(ident), mimetype="application/octet-stream", headers=headers)


def _prepared(wish: Wish) -> Response:
    here, at_desk, _ = station(), desk(), words()
    with here.lock:
        officer, template = _officer_and_template(at_desk, wish)
    start = emergency.start_order(at_desk, wish, officer, template, "")
    return jsonify(
        order=here.sessions.prepare(session(), replace(wish, template_sha256=template.sha256)),
        role_text=_("{role}, key {key}", role=officer.role.name, key=officer.key.name),
        key=officer.key.name,
        unlocked_text=_unlocked_text(officer, _),
        needs_second=officer.role.kind == emergency.FREE_KIND,
        brokers=[broker.address for broker in here.brokers],
        **told_order(start, template, _),
    )


def told_order(start: Start, template: SignedTemplate, _: Words) -> dict[str, Any]:
    """Every word and clip of an order, where and until when: what a person reads over before signing."""
    return {
        "title": template.template.title,
        "area": area_entry(start.area, ask_areas(desk().hub)),
        "role": start.role,
        "repeat_text": _(
            "{n} times within {length}", n=start.repeat.times, length=say.length(start.repeat.within_ms, _)
        ),
        "expires_text": say.instant(start.expires, _),
        "severity": template.template.severity,
        "wordings": [_wording(template, start, w.language, _) for w in template.template.wordings],
    }


def _officer_and_template(at_desk: Desk, wish: Wish) -> tuple[Officer, SignedTemplate]:
    """Who sends what. Raises StationError or NotAllowedError (a blank that is not filled from its list)."""
    officer = emergency.officer_for(emergency.officers(at_desk, emergency.kind_of(wish)), wish.area)
    message = emergency.message_of(at_desk, wish)
    kind = emergency.kind_of(wish, message.template)
    if kind != officer.role.kind:
        officer = emergency.officer_for(emergency.officers(at_desk, kind), wish.area)
    check_start(emergency.start_order(at_desk, wish, officer, message, ""), message.template)
    return officer, message


def signer_of(officer: Officer, passphrase: str) -> Signer:
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


def _wording(template: SignedTemplate, start: Start, language: str, _: Words) -> dict[str, Any]:
    clips = clips_of(template.template, start.blanks, language)
    if clips is not None and is_drill(start):
        clips = drill_clips(template.template, clips, language)
    session().sounds |= {clip.sha256: clip.size for clip in clips or []}
    return {
        "language": language,
        "language_text": say.language_name(language, _),
        "text": message_text(template.template, start.blanks, language),
        "clips": None if clips is None else [media_facts(clip, _) for clip in clips],
    }


def _template_entry(one: SignedTemplate, _: Words) -> dict[str, Any]:
    head = {"id": one.template.id, "title": one.template.title, "hazard": one.template.hazard}
    wordings = {wording.language: wording.text for wording in one.template.wordings}
    text = wordings.get(_.language) or next(iter(wordings.values()))
    blanks = [_blank_entry(blank, _) for blank in one.template.blanks]
    return {
        **head, "severity": one.template.severity, "sha256": one.sha256, "blanks": blanks, "text": text,
        "needs_second": takes_letters(one.template.blanks),
    }  # fmt: skip


def _blank_entry(blank: Blank, _: Words) -> dict[str, Any]:
    texts = [(choice.id, choice.text) for choice in blank.choices]
    return {
        "id": blank.id,
        "kind": blank.kind.value,
        "unit": blank.unit.get(_.language) or next(iter(blank.unit.values()), ""),
        "least": blank.least,
        "most": blank.most,
        "choices": [{"id": ident, "text": t.get(_.language) or next(iter(t.values()))} for ident, t in texts],
    }
