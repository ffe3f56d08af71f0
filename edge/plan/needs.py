"""Which content this endpoint needs, and by when: asked of the same plan that plays it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edge.sync.library import Holdings
from wire.alert import Start, Template, clips_of, drill_clips, is_drill, template_blobs
from wire.content import Sound
from wire.programme import MAX_PLAY_DAYS
from wire.timeline import PlannedPlay, Situation, plan_between
from wire.units import DAY, UtcTime

NOW = UtcTime(0)
LONGEST_MS = MAX_PLAY_DAYS * DAY
Has = Callable[[str, int], bool]


@dataclass(frozen=True)
class Need:
    """A blob, when it first plays, and the area whose programme holds its item ("" for alert clips)."""

    sha256: str
    size: int
    first: UtcTime
    area: str


def needs_of(situation: Situation, now: UtcTime) -> list[Need]:
    """Every sound that is planned as long as the programmes last, and the reserve set, earliest first."""
    end = UtcTime(max((p.ends for p in situation.programmes), default=now))
    end = UtcTime(min(end, now + LONGEST_MS))
    plays = plan_between(situation, now, end).plays if end > now else ()
    planned = [Need(s.sha256, s.size, play.start, play.item_area) for play in plays if (s := _sound(play))]
    return _first_uses([*_reserve_needs(situation, now), *planned])


def alert_needs(holdings: Holdings) -> list[Need]:
    """The clips of all templates in this endpoint's languages; where a template lacks them, all that it has."""
    languages = holdings.placement.languages if holdings.placement else []
    clips = [clip for stored in holdings.templates.values() for clip in _clips(stored.template, languages)]
    return _first_uses(Need(clip.sha256, clip.size, NOW, "") for clip in clips)


def missing_of(needs: Iterable[Need], has: Has) -> list[Need]:
    return [need for need in needs if not has(need.sha256, need.size)]


def supplied_until(situation: Situation, now: UtcTime, has: Has) -> UtcTime:
    """The first instant at which something planned would be missing, or at which the programmes end."""
    ends = [p.ends for p in situation.programmes]
    if not ends:
        return now
    end = UtcTime(min(max(ends), now + LONGEST_MS))
    if end <= now:
        return now
    for play in plan_between(situation, now, end).plays:
        sound = _sound(play)
        if sound is not None and not has(sound.sha256, sound.size):
            return UtcTime(max(play.start, now))
    return end


def reserve_of(situation: Situation) -> tuple[str, list[Sound]]:
    """The reserve set of the endpoint's nearest programme that has one, in its languages; and that programme's area."""
    for programme in sorted(situation.programmes, key=lambda p: -p.area.count("/")):
        items = [item for ident in programme.reserve if (item := programme.item(ident)) is not None]
        sounds = [
            sound for item in items if item.id not in programme.withdrawn
            for sound in item.sounds() if sound.language in situation.endpoint.languages
        ]  # fmt: skip
        if sounds:
            return programme.area, sounds
    return "", []


def message_clips(start: Start, template: Template, languages: Iterable[str], has: Has) -> list[Sound]:
    """The clips of an alert's round: each language that is complete here; if none is, any that the template has.

    Raises NotAllowedError for blanks that the template does not have.
    """

    def said(language: str) -> list[Sound]:
        clips = clips_of(template, start.blanks, language) or []
        if not all(has(clip.sha256, clip.size) for clip in clips):
            return []
        framed = drill_clips(template, clips, language) if clips and is_drill(start) else clips
        return framed if all(has(clip.sha256, clip.size) for clip in framed) else clips

    complete = [clips for language in languages if (clips := said(language))]
    spare = [clips for wording in template.wordings if (clips := said(wording.language))]
    chosen = complete or spare[:1]
    return [clip for clips in chosen for clip in clips]


def _reserve_needs(situation: Situation, now: UtcTime) -> list[Need]:
    area, sounds = reserve_of(situation)
    return [Need(sound.sha256, sound.size, UtcTime(now + DAY), area) for sound in sounds]


def _sound(play: PlannedPlay) -> Sound | None:
    return play.rendition if isinstance(play.rendition, Sound) else None


def _first_uses(needs: Iterable[Need]) -> list[Need]:
    first: dict[tuple[str, str], Need] = {}
    for need in needs:
        known = first.get((need.sha256, need.area))
        if known is None or need.first < known.first:
            first[need.sha256, need.area] = need
    return sorted(first.values(), key=lambda need: need.first)


def _clips(template: Template, languages: list[str]) -> list[Sound]:
    ours = [clip for clip in template_blobs(template) if clip.language in languages]
    return ours or template_blobs(template)
