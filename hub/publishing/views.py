"""What devices and stations fetch (/tuf, /blobs, /device/time) and how a station signs (/api/pending)."""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import re
from typing import Annotated

from flask import Blueprint, Response, abort, jsonify, request, send_file
from msgspec import Meta, Struct
from werkzeug.wrappers import Response as BaseResponse

from hub.auth import guard
from hub.auth.roles import Right
from hub.content.blobs import blob_path
from hub.errors import N_, BadInputError, NotFoundError
from hub.limits import Limit
from hub.publishing import actions, repository
from hub.publishing.model import Signable, State
from hub.publishing.online_keys import OnlineKeys
from wire.bundle import MAX_METADATA_BYTES, METADATA, TARGETS
from wire.codec import decode, encode
from wire.content import AreaPath, Sha256

blueprint = Blueprint("publishing_api", __name__)

TIME_TYPE = "application/vnd.loa.time+json"
GZIP_FROM_BYTES = 512
FOR_EVER = "public, max-age=31536000, immutable"
_HASHED = re.compile(r"(?P<folder>.+)/(?P<sha256>[0-9a-f]{64})\.(?P<name>[^/]+)")
MAX_SIGNATURE_BODY = 2 * MAX_METADATA_BYTES
MAX_PROPOSAL_BODY = 1024 * 1024


class AskTime(Struct, frozen=True):
    nonce: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]


class NewSignature(Struct, frozen=True):
    digest: Sha256
    metadata: str


class NewProposal(Struct, frozen=True):
    """A policy or a template, as its author wrote it; programmes and placements have pages of their own."""

    kind: Annotated[str, Meta(pattern="^(policy|template)$")]
    area: AreaPath
    title: Annotated[str, Meta(min_length=1, max_length=300)]
    targets: Annotated[dict[str, str], Meta(min_length=1, max_length=50)]


class Returned(Struct, frozen=True):
    reason: Annotated[str, Meta(max_length=actions.MAX_REASON)]


@blueprint.get("/tuf/metadata/<file>")
@guard.public
@guard.machine
def metadata(file: str) -> BaseResponse:
    if not METADATA.pattern.fullmatch(file):
        raise NotFoundError
    number, _, role = file.removesuffix(".json").partition(".")
    with guard.current_hub().reading() as conn:
        if role:
            body = repository.role_file(conn, role, int(number))
        else:
            newest = repository.current_role(conn, number)
            body = newest[1] if newest else None
    return _file(body, "application/json", FOR_EVER if role else "no-cache")


@blueprint.get("/tuf/targets/<path:path>")
@guard.public
@guard.machine
def target(path: str) -> BaseResponse:
    named = _HASHED.fullmatch(path)
    if named is None or not TARGETS.pattern.fullmatch(f"{named['folder']}/{named['name']}"):
        raise NotFoundError
    with guard.current_hub().reading() as conn:
        body = repository.target_file(conn, f"{named['folder']}/{named['name']}", named["sha256"])
    return _file(body, "application/json", FOR_EVER)


@blueprint.get("/blobs/<sha256>")
@guard.public
@guard.limited(Limit.DEVICES)
def blob(sha256: str) -> BaseResponse:
    """Released content for everybody; content that waits for signature for those who may look at the proposal."""
    hub = guard.current_hub()
    path = blob_path(sha256, hub.config.blob_dir)
    with hub.reading() as conn:
        released = repository.is_released(conn, sha256)
        may_have = released or actions.may_hear(conn, guard.maybe_person(), sha256)
    if not may_have or not path.is_file():
        raise NotFoundError
    answer = send_file(path, "application/octet-stream", etag=sha256, conditional=True, max_age=31_536_000)
    answer.headers["Cache-Control"] = FOR_EVER if released else "private, no-store"
    return answer


@blueprint.post("/device/time")
@guard.public
@guard.machine
def attest_time() -> Response:
    asked = decode(request.get_data(), AskTime, limit=1_024)
    hub = guard.current_hub()
    payload = encode({"nonce": asked.nonce, "time": hub.now()})
    return Response(OnlineKeys(hub.config.online_dir, hub.keys).attest(payload, TIME_TYPE), mimetype="application/json")


@blueprint.get("/api/pending")
@guard.signed_in
def pending() -> Response:
    found = actions.signable(guard.current_hub(), guard.current_person())
    return jsonify([_describe(signable) for signable in found])


@blueprint.post("/api/proposals")
@guard.needs(Right.EDIT)
@guard.body_limit(MAX_PROPOSAL_BODY)
def propose() -> tuple[Response, int]:
    """Put a policy or templates up for signature (`loa-provision propose`)."""
    given = decode(request.get_data(), NewProposal, limit=MAX_PROPOSAL_BODY)
    targets = {path: text.encode() for path, text in given.targets.items()}
    hub, person = guard.current_hub(), guard.current_person()
    ident = actions.submit(hub, person, area=given.area, kind=given.kind, targets=targets, title=given.title)
    return jsonify(id=ident), 201


@blueprint.get("/api/pending/<int(max=2000000000):ident>")
@guard.signed_in
def proposal(ident: int) -> Response:
    signable = actions.look_at(guard.current_hub(), guard.current_person(), ident)
    partly = signable.proposal.metadata
    content = {
        "targets": {path: raw.decode() for path, raw in signable.proposal.targets.items()},
        "metadata": base64.b64encode(partly).decode() if partly else None,
    }
    return jsonify({**_describe(signable), **content})


@blueprint.post("/api/pending/<int(max=2000000000):ident>/signature")
@guard.signed_in
@guard.body_limit(MAX_SIGNATURE_BODY)
def sign(ident: int) -> Response:
    given = decode(request.get_data(), NewSignature, limit=MAX_SIGNATURE_BODY)
    try:
        raw = base64.b64decode(given.metadata, validate=True)
    except binascii.Error as error:
        raise BadInputError(N_("The signed file is not base64.")) from error
    state = actions.add_signature(guard.current_hub(), guard.current_person(), ident, digest=given.digest, metadata=raw)
    return jsonify(state="released" if state is State.RELEASED else "signed")


@blueprint.post("/api/pending/<int(max=2000000000):ident>/return")
@guard.signed_in
def send_back(ident: int) -> Response:
    given = decode(request.get_data(), Returned, limit=8 * 1024)
    actions.return_proposal(guard.current_hub(), guard.current_person(), ident, given.reason)
    return jsonify(state="returned")


def _describe(signable: Signable) -> dict[str, object]:
    proposal = signable.proposal
    return {
        "id": proposal.id, "role": proposal.role, "area": proposal.area, "kind": proposal.kind, "title": proposal.title,
        "digest": proposal.digest, "base_version": signable.base_version, "submitted_at": proposal.submitted_at,
        "authors": list(proposal.authors), "sign_before": proposal.sign_before, "signatures": signable.signatures,
        "threshold": signable.threshold, "state": proposal.state.value,
    }  # fmt: skip


def _file(body: bytes | None, mimetype: str, caching: str) -> BaseResponse:
    """A stored file with validator, compressed for those who take it."""
    if body is None:
        abort(404)
    answer = Response(body, mimetype=mimetype)
    answer.set_etag(hashlib.sha256(body).hexdigest())
    answer.headers["Cache-Control"] = caching
    answer.headers["Vary"] = "Accept-Encoding"
    if len(body) >= GZIP_FROM_BYTES and request.accept_encodings.quality("gzip") > 0:
        answer.set_data(gzip.compress(body, mtime=0))
        answer.headers["Content-Encoding"] = "gzip"
    return answer.make_conditional(request)
