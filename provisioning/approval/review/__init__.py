"""What a proposal changes against the last verified release, in words; and why it may not be signed. Pure.

Everything that the station cannot show completely is a refusal: nobody signs what was not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioning.approval import words
from provisioning.approval.review.changes import Change, Context
from provisioning.approval.review.effect import DayChange, Programmes, changes_on_air
from provisioning.approval.review.placements import compare_placements, placement_faults
from provisioning.approval.review.policy import compare_policies
from provisioning.approval.review.programme import compare_programmes, swap_faults
from provisioning.approval.review.template import compare_templates
from provisioning.approval.review.understood import unknown_parts
from provisioning.approval.words import Words
from wire.alert import read_template, template_blobs
from wire.areas import leaf
from wire.content import Image, Sound, Video
from wire.enrolment import Placements, read_placements
from wire.errors import WireError
from wire.policy import Policy, read_policy
from wire.programme import MAX_PLAY_DAYS, Programme, read_programme
from wire.timeline import Endpoint
from wire.units import DAY, MINUTE, UtcTime, local_day

CLOCK_LEEWAY_MS = 10 * MINUTE
"""How far ahead of this machine's clock a proposal may be dated."""


@dataclass(frozen=True)
class Held:
    """Verified releases around the proposal: programmes and policies by area, and the commune's placements."""

    programmes: Mapping[str, Programme] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    placements: Placements | None = None
    roots: frozenset[str] = frozenset()
    """Fingerprints of the province's roots that this machine has verified."""


@dataclass(frozen=True)
class Media:
    """A sound, picture or film that the proposal names; `is_new` where the last release did not name it."""

    title: str
    media: Sound | Image | Video
    is_new: bool


@dataclass(frozen=True)
class Review:
    """What the page shows. With any refusal nothing can be signed."""

    changes: tuple[Change, ...] = ()
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()
    on_air: tuple[DayChange, ...] = ()


@dataclass(frozen=True)
class Subject:
    """One target file of a proposal: what it is of, its bytes, and those of the last release (None: there is none)."""

    kind: str
    area: str
    path: str
    before: bytes | None
    after: bytes


def review(subject: Subject, held: Held, now: UtcTime, _: Words) -> Review:
    """Compare one target file with its last release."""
    reviewers = {"programme": _programme, "policy": _policy, "placements": _placements, "template": _template}
    try:
        return reviewers[subject.kind](subject, held, now, _)
    except KeyError:
        return Review(refusals=(_("This program does not know the kind “{kind}”.", kind=subject.kind),))
    except WireError as error:
        return Review(refusals=(_("The file cannot be read: {reason}", reason=error.detail),))


def _programme(subject: Subject, held: Held, now: UtcTime, _: Words) -> Review:
    read = read_programme(subject.after)
    after = read.programme
    before = read_programme(subject.before).programme if subject.before else None
    context = _context(subject.area, held, after, _)
    unknown = [*read.ignored, *(unknown_parts(subject.after, after) if not read.ignored else [])]
    refusals = (
        *_common_refusals(unknown, (after.area, subject.area), (before, after), now, _),
        *swap_faults(before, after, held.placements, context),
    )
    old_blobs = {media.sha256 for item in (before.items if before else []) for media in item.blobs()}
    found = tuple(
        Media(item.title, media, media.sha256 not in old_blobs) for item in after.items for media in item.blobs()
    )
    return Review(
        changes=tuple(compare_programmes(before, after, context)),
        refusals=refusals,
        notes=_programme_notes(after, now, _),
        media=found,
        on_air=() if refusals else _on_air(held, (before, after), (None, None), now, _),
    )


def _policy(subject: Subject, held: Held, now: UtcTime, _: Words) -> Review:
    after = read_policy(subject.after)
    before = read_policy(subject.before) if subject.before else None
    unknown = unknown_parts(subject.after, after)
    refusals = _common_refusals(unknown, (after.area, subject.area), (before, after), now, _)
    on_air = () if refusals else _on_air(held, (None, None), (before, after), now, _)
    context = Context(_, subject.area)
    return Review(tuple(compare_policies(before, after, context)), refusals, on_air=on_air)


def _placements(subject: Subject, held: Held, now: UtcTime, _: Words) -> Review:
    after = read_placements(subject.after)
    before = read_placements(subject.before) if subject.before else None
    context = Context(_, subject.area)
    refusals = (
        *_common_refusals(unknown_parts(subject.after, after), (after.area, subject.area), (before, after), now, _),
        *placement_faults(before, after, context, roots=held.roots),
    )
    return Review(tuple(compare_placements(before, after, context)), refusals)


def _template(subject: Subject, _held: Held, _now: UtcTime, _: Words) -> Review:
    after = read_template(subject.after)
    before = read_template(subject.before) if subject.before else None
    refusals = list(_unknown(unknown_parts(subject.after, after), _))
    if leaf(subject.path) != f"{after.id}.json":
        refusals.append(_("The template {id} lies under another name.", id=after.id))
    old_blobs = {clip.sha256 for clip in (template_blobs(before) if before else [])}
    media = tuple(Media(after.title, clip, clip.sha256 not in old_blobs) for clip in template_blobs(after))
    return Review(tuple(compare_templates(before, after, Context(_, subject.area))), tuple(refusals), media=media)


Dated = Programme | Policy | Placements


def _common_refusals(
    unknown: list[str], areas: tuple[str, str], versions: tuple[Dated | None, Dated], now: UtcTime, _: Words
) -> tuple[str, ...]:
    (said, expected), (before, after) = areas, versions
    refusals = list(_unknown(unknown, _))
    if said != expected:
        refusals.append(_("It speaks for {said}, not for {expected}.", said=said, expected=expected))
    if after.issued > now + CLOCK_LEEWAY_MS:
        refusals.append(_("It is dated in the future: {at}.", at=words.instant(after.issued, _)))
    if before is not None and after.issued < before.issued:
        refusals.append(_("It is older than the last release."))
    return tuple(refusals)


def _unknown(parts: list[str], _: Words) -> list[str]:
    shown = ", ".join(parts[:5])
    return [_("It holds something that this program cannot show: {parts}", parts=shown)] if parts else []


def _programme_notes(after: Programme, now: UtcTime, _: Words) -> tuple[str, ...]:
    notes = []
    if after.play_until > after.issued + MAX_PLAY_DAYS * DAY:
        notes.append(_("Devices stop playing it on {at}, {n} days after it was made.",
                       at=words.instant(after.ends, _), n=MAX_PLAY_DAYS))  # fmt: skip
    if after.ends <= now:
        notes.append(_("Nothing of it will play: it has already ended."))
    return tuple(notes)


def _context(area: str, held: Held, after: Programme, _: Words) -> Context:
    known = [*held.programmes.values(), after]
    items = {(p.area, item.id): item.title for p in known for item in p.items}
    series = {(p.area, one.id): one.title for p in known for one in p.offers.series}
    return Context(_, area, items, series)


def _on_air(
    held: Held, programmes: tuple[Programme | None, Programme | None], policies: tuple[Policy | None, Policy | None],
    now: UtcTime, _: Words,
) -> tuple[DayChange, ...]:  # fmt: skip
    """What the endpoints of the commune will play differently; nothing where no placement is known (a province)."""
    if held.placements is None:
        return ()
    states = [_state(held, programme, policy) for programme, policy in zip(programmes, policies, strict=True)]
    endpoints = [Endpoint.of(placement) for placement in held.placements.placements if not placement.spare]
    return tuple(changes_on_air(states[0], states[1], endpoints, local_day(now), _))


def _state(held: Held, programme: Programme | None, policy: Policy | None) -> Programmes:
    programmes = {**held.programmes, **({programme.area: programme} if programme else {})}
    policies = {**held.policies, **({policy.area: policy} if policy else {})}
    return Programmes(tuple(programmes.values()), tuple(policies.values()))
