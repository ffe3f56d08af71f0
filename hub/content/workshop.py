"""Prepares sound beside the request: a small pool, so that a slow recording holds up neither the page nor the others.

The request waits a few seconds, since most bulletins are short; after that the page waits and asks again.
What is under way stands in the database (`sound_jobs`); a web process that dies leaves a job that shows as interrupted.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from hub import audit
from hub.auth.roles import Person
from hub.content import actions
from hub.content.blobs import store_blob
from hub.content.clamd import check_upload
from hub.content.espeak import prepare_speech
from hub.content.model import SoundJob
from hub.content.sound import PreparedSound, SoundLimits, prepare_sound
from hub.content.uploads import Readable, clean_display_name, received
from hub.context import Hub
from hub.errors import N_, HubError
from wire.content import Sound

WORKERS = 2
PATIENCE_S = 8.0
LIMITS = SoundLimits()
MAX_REQUEST_BYTES = LIMITS.max_bytes + 1024 * 1024
log = logging.getLogger(__name__)
_pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="sound")


class SoundFailedError(HubError):
    """Preparing failed for no reason of the recording's; the log has the trace."""

    code = "sound_failed"
    status = 500

    def __init__(self) -> None:
        super().__init__(N_("The sound could not be prepared. Please try again."))


def take_recording(hub: Hub, person: Person, ident: str, stream: Readable, *, name: str, language: str) -> SoundJob:
    """An uploaded recording becomes a bulletin's sound; the job as it stands when it ended or the patience did.

    Raises SoundRefusedError for an upload that is empty, too large or harmful, before it is a job.
    """
    work = hub.config.work_dir
    with received(stream, work, limits=LIMITS) as upload:
        _check_harmless(hub, person, ident, upload)
        job = actions.begin_sound(
            hub, person, ident, language=language, origin="recorded", name=clean_display_name(name)
        )
        source = work / f"job-{job.id}"
        os.link(upload, source)  # the upload's own name goes with the request
    return _run(hub, person, job, lambda: prepare_sound(source, work, limits=LIMITS), source)


def read_out(hub: Hub, person: Person, ident: str, text: str, *, language: str = "vi") -> SoundJob:
    """A bulletin's text, spoken by the machine, becomes its sound."""
    job = actions.begin_sound(hub, person, ident, language=language, origin="spoken")
    return _run(hub, person, job, lambda: prepare_speech(text, hub.config.work_dir, limits=LIMITS), None)


def _check_harmless(hub: Hub, person: Person, ident: str, upload: Path) -> None:
    if hub.config.clamd_socket:
        with audit.refusals(hub, person=person.username, verb="upload", subject=ident):
            check_upload(upload, hub.config.clamd_socket)


def _run(hub: Hub, person: Person, job: SoundJob, make: Callable[[], PreparedSound], source: Path | None) -> SoundJob:
    future = _pool.submit(_work, hub, person, job, make, source)
    wait([future], timeout=PATIENCE_S)
    return actions.look_at_job(hub, job.id) or job


def _work(hub: Hub, person: Person, job: SoundJob, make: Callable[[], PreparedSound], source: Path | None) -> None:
    try:
        actions.keep_sound(hub, person, job, _stored(hub, job, make()))
    except HubError as error:
        actions.refuse_sound(hub, job, error)
    except Exception:  # the loop of a pool: an unexpected failure must still end the job
        log.exception("sound job %s failed", job.id)
        actions.refuse_sound(hub, job, SoundFailedError())
    finally:
        if source is not None:
            source.unlink(missing_ok=True)


def _stored(hub: Hub, job: SoundJob, prepared: PreparedSound) -> Sound:
    """Moved from the work folder into the store of blobs."""
    try:
        store_blob(prepared.path, prepared.sha256, hub.config.blob_dir)
    finally:
        prepared.path.unlink(missing_ok=True)
    return Sound(
        language=job.language, sha256=prepared.sha256, size=prepared.size, duration_ms=prepared.duration_ms,
        loudness_mlufs=prepared.loudness_mlufs,
    )  # fmt: skip
