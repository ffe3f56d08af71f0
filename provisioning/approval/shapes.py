"""What the page is told, as plain JSON values: proposals, reviews, sounds. Times come with their words."""

from __future__ import annotations

import dataclasses
from typing import Any

from provisioning.approval import words as say
from provisioning.approval.keyring import KeyFile
from provisioning.approval.proposals import Shown
from provisioning.approval.review import Media
from provisioning.approval.review.effect import DayChange, days_text
from provisioning.approval.words import N_, Words
from provisioning.hub_api import Pending
from wire.content import Image, Sound, Video
from wire.units import HOUR, UtcTime

LATE_MS = 2 * HOUR


def pending_entry(one: Pending, now: UtcTime, _: Words) -> dict[str, Any]:
    """One line of the list."""
    return {
        "id": str(one.id),
        "role": one.role,
        "area": one.area,
        "kind": one.kind,
        "title": one.title,
        "digest": one.digest,
        "authors": one.authors,
        "submitted_at": one.submitted_at,
        "submitted_text": say.instant(one.submitted_at, _),
        "sign_before": one.sign_before,
        "sign_before_text": say.instant(one.sign_before, _) if one.sign_before else "",
        "is_late": one.sign_before is not None and one.sign_before - now < LATE_MS,
        "signatures": one.signatures,
        "threshold": one.threshold,
    }


def shown_proposal(shown: Shown, username: str, now: UtcTime, _: Words) -> dict[str, Any]:
    """A proposal with its review."""
    review = shown.review
    is_own = username in shown.proposal.authors
    return {
        **pending_entry(shown.proposal, now, _),
        "digest": shown.digest,
        "base_version": shown.current_version,
        "version": shown.current_version + 1,
        "expires": shown.expires,
        "expires_text": say.instant(shown.expires, _),
        "threshold": shown.threshold,
        "signers": sorted(shown.signers),
        "keys": [] if is_own else [key_entry(key) for key in shown.keys],
        "why_no_key": _why_no_key(shown, is_own=is_own, _=_),
        "refusals": list(review.refusals),
        "notes": list(review.notes),
        "changes": [{**dataclasses.asdict(change), "mark": change.mark.value} for change in review.changes],
        "media": [media_entry(media, _) for media in review.media],
        "on_air": [_air_entry(change, _) for change in review.on_air],
    }


def _air_entry(change: DayChange, _: Words) -> dict[str, Any]:
    return {
        "days": [day.isoformat() for day in change.days],
        "days_text": days_text(change.days, _),
        "clusters": list(change.clusters),
        "plays": [{**dataclasses.asdict(play), "mark": play.mark.value} for play in change.plays],
        "more": change.more,
    }


def key_entry(key: KeyFile) -> dict[str, Any]:
    return {"name": key.name, "id": key.key_id, "is_passkey": key.passkey is not None}


def media_entry(one: Media, _: Words) -> dict[str, Any]:
    return {"title": one.title, "is_new": one.is_new, **media_facts(one.media, _)}


def media_facts(media: Sound | Image | Video, _: Words) -> dict[str, Any]:
    """What a player needs to know of a recording."""
    duration = 0 if isinstance(media, Image) else media.duration_ms
    return {
        "kind": type(media).__name__.lower(),
        "sha256": media.sha256,
        "size": media.size,
        "duration_ms": duration,
        "length_text": say.length(duration, _) if duration else "",
        "language": media.language,
        "language_text": say.language_name(media.language, _),
    }


def _why_no_key(shown: Shown, *, is_own: bool, _: Words) -> str:
    if is_own:
        return _(N_("Whoever made it cannot approve it. Another approver must sign."))
    if shown.keys:
        return ""
    if shown.signers:
        return _("The keys of this machine have signed already. Another approver must sign too.")
    return _("No key on this machine may sign this.")
