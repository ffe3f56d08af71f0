"""What the endpoints of an area need to play without a network, and until when they are supplied. Pure.

The question goes to the timeline that the device itself asks, so that packer and device agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from wire.alert import Template, template_blobs
from wire.content import Sound
from wire.enrolment import Placement
from wire.policy import Policy
from wire.programme import MAX_PLAY_DAYS, Programme
from wire.stand_in import standing_at
from wire.timeline import Endpoint, Situation, plan_between
from wire.units import DAY, UtcTime

Has = Callable[[Sound], bool]


@dataclass(frozen=True)
class Releases:
    """Verified releases on the path of an area."""

    programmes: tuple[Programme, ...]
    policies: tuple[Policy, ...]
    templates: tuple[Template, ...]

    neighbours: tuple[Placement, ...] = ()
    """All placements of the commune: a spare may stand in for one."""

    def situation(self, placement: Placement) -> Situation:
        commune = next((programme for programme in self.programmes if programme.area == placement.area), None)
        place = standing_at(placement, commune, self.neighbours)
        return Situation(() if place.spare else self.programmes, self.policies, Endpoint.of(place))


def sounds_for(releases: Releases, placements: Iterable[Placement], now: UtcTime) -> list[Sound]:
    """Every sound that these endpoints may have to play, each once: planned, in reserve, in templates."""
    found: dict[str, Sound] = {}
    for placement in placements:
        for sound in (
            *_alarms(releases, placement),
            *_reserve(releases, placement),
            *_planned(releases, placement, now),
        ):
            found.setdefault(sound.sha256, sound)
    return list(found.values())


def supplied_until(releases: Releases, placements: Sequence[Placement], now: UtcTime, has: Has) -> UtcTime:
    """The first instant at which one of the endpoints would miss something planned, or has no programme any more."""
    return min((_supplied_one(releases, placement, now, has) for placement in placements), default=now)


def _supplied_one(releases: Releases, placement: Placement, now: UtcTime, has: Has) -> UtcTime:
    end = _end(releases, now)
    for play in plan_between(releases.situation(placement), now, end).plays if end > now else ():
        if isinstance(play.rendition, Sound) and not has(play.rendition):
            return UtcTime(max(play.start, now))
    return end


def _end(releases: Releases, now: UtcTime) -> UtcTime:
    ends = max((programme.ends for programme in releases.programmes), default=now)
    return UtcTime(max(now, min(ends, now + MAX_PLAY_DAYS * DAY)))


def _planned(releases: Releases, placement: Placement, now: UtcTime) -> list[Sound]:
    end = _end(releases, now)
    plays = plan_between(releases.situation(placement), now, end).plays if end > now else ()
    return [play.rendition for play in plays if isinstance(play.rendition, Sound)]


def _reserve(releases: Releases, placement: Placement) -> list[Sound]:
    items = [programme.item(ident) for programme in releases.programmes for ident in programme.reserve]
    return [sound for item in items if item for sound in item.sounds() if sound.language in placement.languages]


def _alarms(releases: Releases, placement: Placement) -> list[Sound]:
    """Clips in the endpoint's languages; where a template lacks them, all that it has."""
    found: list[Sound] = []
    for template in releases.templates:
        ours = [clip for clip in template_blobs(template) if clip.language in placement.languages]
        found += ours or template_blobs(template)
    return found
