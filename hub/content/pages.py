"""Tin bài: the list of bulletins, writing one, giving it sound, and hearing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from hub.answers import text_of, wants_json
from hub.auth import guard
from hub.auth.roles import Right
from hub.content import actions, store, workshop
from hub.content.blobs import blob_path
from hub.content.clamd import is_answering
from hub.content.forms import read_bulletin, read_language
from hub.content.model import Bulletin, Draft, SoundJob
from hub.errors import N_, BadInputError, HubError, NotFoundError
from hub.fields import FieldErrors, read_number
from hub.limits import Limit
from hub.phrases import FIELDS, LANGUAGES, SORTS
from hub.ui import area_choices, programme_area
from wire.speech import speakable
from wire.units import UtcTime, local_day

blueprint = Blueprint("items", __name__)
BY_SCRIPT = "X-Upload"
"""Header of uploads that `upload.js` sends, for the sake of its progress bar."""
SPOKEN_LANGUAGES = ("vi",)
"""Languages for which the machine has a voice that people understand."""


@blueprint.get("/items")
@guard.needs(Right.VIEW)
def listing() -> str:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = programme_area(conn, person)
        search = _search(area, hub.now())
        found = store.find(conn, search, limit=store.PAGE_SIZE + 1)
        return render_template(
            "content/list.html", area=area, choices=area_choices(conn, person), search=search, FIELDS=FIELDS,
            bulletins=found[: store.PAGE_SIZE], more=len(found) > store.PAGE_SIZE,
            sounds=store.sounds(conn, [bulletin.id for bulletin in found]), may_edit=person.may(Right.EDIT, area),
        )  # fmt: skip


@blueprint.get("/items/new")
@guard.needs(Right.EDIT)
def new() -> str:
    with guard.current_hub().reading() as conn:
        area = programme_area(conn, guard.current_person(), Right.EDIT)
    return _form(area, None, {"essential": ""}, {})


@blueprint.post("/items/new")
@guard.needs(Right.EDIT)
def add() -> Response | tuple[str, int]:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        area = programme_area(conn, person, Right.EDIT)
    try:
        ident = actions.add_bulletin(hub, person, area, read_bulletin(request.form, area))
    except FieldErrors as error:
        return _form(area, None, request.form, error.fields), error.status
    flash(_("Saved. Now give it sound: upload a recording, or have the text read out."), "good")
    return redirect(url_for("items.show", ident=ident), 303)


@blueprint.get("/items/<ident>")
@guard.needs(Right.VIEW)
def show(ident: str) -> str:
    return _page(ident)


@blueprint.get("/items/<ident>/edit")
@guard.needs(Right.EDIT)
def edit(ident: str) -> str:
    bulletin = _editable(ident)
    return _form(bulletin.area, bulletin, _as_form(bulletin.draft), {})


@blueprint.post("/items/<ident>/edit")
@guard.needs(Right.EDIT)
def change(ident: str) -> Response | tuple[str, int]:
    hub, person = guard.current_hub(), guard.current_person()
    bulletin = _editable(ident)
    known = read_number(request.form.get("version", ""), default=0)
    try:
        draft = read_bulletin(request.form, bulletin.area)
        actions.change_bulletin(hub, person, ident, draft, known_version=known)
    except FieldErrors as error:
        return _form(bulletin.area, bulletin, request.form, error.fields), error.status
    except HubError as error:
        return _form(bulletin.area, bulletin, request.form, {}, text_of(error)), error.status
    flash(_("Saved. What has been approved already goes on until the change is approved too."), "good")
    return redirect(url_for("items.show", ident=ident), 303)


@blueprint.post("/items/<ident>/remove")
@guard.needs(Right.EDIT)
def remove(ident: str) -> Response:
    actions.remove_bulletin(guard.current_hub(), guard.current_person(), ident)
    flash(_("Removed from the bulletins."), "good")
    return redirect(url_for("items.listing"), 303)


@blueprint.post("/items/<ident>/sound")
@guard.needs(Right.EDIT)
@guard.limited(Limit.UPLOADS)
@guard.body_limit(workshop.MAX_REQUEST_BYTES)
def upload(ident: str) -> Response | tuple[str, int]:
    hub, person = guard.current_hub(), guard.current_person()
    _editable(ident)
    file = request.files.get("sound")
    try:
        if file is None or not file.filename:
            raise BadInputError(N_("Choose a recording first."))
        language = read_language(request.form)
        job = workshop.take_recording(hub, person, ident, file.stream, name=file.filename, language=language)
    except HubError as error:
        return _page(ident, problem=text_of(error), code=error.code), error.status
    return _after(ident, job)


@blueprint.post("/items/<ident>/speak")
@guard.needs(Right.EDIT)
@guard.limited(Limit.UPLOADS)
def speak(ident: str) -> Response | tuple[str, int]:
    hub, person = guard.current_hub(), guard.current_person()
    bulletin = _editable(ident)
    try:
        language = read_language(request.form)
        if language not in SPOKEN_LANGUAGES:
            raise BadInputError(N_("The machine reads out Vietnamese only. Upload a recording for this language."))
        job = workshop.read_out(hub, person, ident, bulletin.draft.text, language=language)
    except HubError as error:
        return _page(ident, problem=text_of(error), code=error.code), error.status
    return _after(ident, job)


@blueprint.get("/items/<ident>/sounds")
@guard.needs(Right.VIEW)
def sounds(ident: str) -> str | Response:
    """The part of the page that changes while a sound is prepared; for programs as JSON."""
    parts = _parts(ident)
    if not wants_json():
        return render_template("content/_sounds.html", **parts)
    now = guard.current_hub().now()
    listed = [
        {
            "id": s.id,
            "language": s.language,
            "sha256": s.sha256,
            "size": s.size,
            "duration_ms": s.duration_ms,
            "origin": s.origin,
        }
        for s in parts["sounds"]
    ]
    jobs = [{"id": j.id, "state": j.shown_state(now), "code": j.code, "message": job_text(j)} for j in parts["jobs"]]
    return jsonify(sounds=listed, jobs=jobs)


@blueprint.get("/items/<ident>/sounds/<sound>")
@guard.needs(Right.VIEW)
def listen(ident: str, sound: str) -> Response:
    hub = guard.current_hub()
    with hub.reading() as conn:
        actions.look_at(conn, guard.current_person(), ident)
        found = next((one for one in store.sounds(conn, [ident])[ident] if one.id == sound), None)
    if found is None:
        raise NotFoundError
    path = blob_path(found.sha256, hub.config.blob_dir)
    if not path.is_file():
        raise NotFoundError
    return send_file(path, mimetype="audio/ogg", conditional=True, etag=found.sha256, download_name=f"{ident}.opus")


@blueprint.post("/items/<ident>/sounds/<sound>/remove")
@guard.needs(Right.EDIT)
def remove_sound(ident: str, sound: str) -> Response:
    actions.remove_sound(guard.current_hub(), guard.current_person(), ident, sound)
    flash(_("The recording was removed."), "good")
    return redirect(url_for("items.show", ident=ident), 303)


def job_text(job: SoundJob) -> str:
    """Why there is no sound, in the reader's language."""
    message = _(job.message) if job.message else ""
    return message.format(**job.params) if job.params else message


def _after(ident: str, job: SoundJob) -> Response | tuple[str, int]:
    """Ready: back to the page. Refused: the page with the reason. Still working: the page, which goes on asking."""
    if job.state == "refused":
        return _page(ident, problem=job_text(job), code=job.code), 422
    if job.state == "done":
        flash(_("The sound is ready. Listen to it before it goes on the programme."), "good")
    target = url_for("items.show", ident=ident)
    if request.headers.get(BY_SCRIPT):
        return jsonify(next=target)  # a script would follow the redirect itself and swallow the message
    return redirect(target, 303)


def _page(ident: str, *, problem: str = "", code: str = "") -> str:
    parts = _parts(ident)
    with guard.current_hub().reading() as conn:
        parts["versions"] = store.versions(conn, ident)
    spoken = speakable(parts["bulletin"].draft.text)
    return render_template("content/show.html", problem=problem, code=code, FIELDS=FIELDS, spoken=spoken, **parts)


def _parts(ident: str) -> dict[str, Any]:
    hub, person = guard.current_hub(), guard.current_person()
    scanner = hub.config.clamd_socket
    with hub.reading() as conn:
        bulletin = actions.look_at(conn, person, ident)
        return {
            "bulletin": bulletin, "area": bulletin.area, "sounds": store.sounds(conn, [ident])[ident],
            "jobs": store.jobs(conn, ident), "job_text": job_text, "spoken_languages": SPOKEN_LANGUAGES,
            "may_edit": person.may(Right.EDIT, bulletin.area) and bulletin.removed is None,
            "unchecked": bool(scanner) and not is_answering(scanner),
        }  # fmt: skip


def _editable(ident: str) -> Bulletin:
    person = guard.current_person()
    with guard.current_hub().reading() as conn:
        bulletin = actions.look_at(conn, person, ident)
    person.require(Right.EDIT, bulletin.area)
    if bulletin.removed is not None:
        raise NotFoundError
    return bulletin


def _form(
    area: str, bulletin: Bulletin | None, values: Mapping[str, Any], errors: Mapping[str, Any], problem: str = ""
) -> str:
    return render_template(
        "content/form.html", area=area, bulletin=bulletin, values=values, errors=errors, problem=problem, FIELDS=FIELDS
    )


def _as_form(draft: Draft) -> dict[str, str]:
    """A draft as the form's fields hold it."""
    return {
        "title": draft.title, "summary": draft.summary, "text": draft.text, "sort": draft.sort,
        "field": str(draft.field), "essential": "1" if draft.essential else "", "level": draft.level,
        "issued_by": draft.issued_by, "document_number": draft.document_number,
        "document_date": "/".join(reversed(draft.document_date.split("-"))) if draft.document_date else "",
        "valid_from": f"{draft.valid_from:%d/%m/%Y}" if draft.valid_from else "",
        "valid_until": f"{draft.valid_until:%d/%m/%Y}" if draft.valid_until else "",
    }  # fmt: skip


def _search(area: str, now: UtcTime) -> store.Search:
    asked = request.args
    field = read_number(asked.get("field", ""), default=0)
    return store.Search(
        areas=(area,), text=asked.get("q", "")[:200], field=field if field in FIELDS else 0,
        sort=asked["sort"] if asked.get("sort") in SORTS else "", essential=asked.get("essential") == "1",
        language=asked["language"] if asked.get("language") in LANGUAGES else "",
        valid_on=local_day(now) if asked.get("valid") == "1" else None,
        offset=min(read_number(asked.get("offset", ""), default=0), 100_000),
    )  # fmt: skip
