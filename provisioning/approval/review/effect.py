"""What loudspeakers will play differently on the next days: both versions put through the timeline that devices use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from provisioning.approval import words
from provisioning.approval.review.changes import Mark
from provisioning.approval.words import Words
from wire.policy import Policy
from wire.programme import Programme
from wire.timeline import Endpoint, PlannedPlay, Situation, plan_day
from wire.units import DAY, at_local, local_day

DAYS_AHEAD = 7
MAX_CLUSTERS = 40
MAX_LINES = 60


@dataclass(frozen=True)
class Programmes:
    """One state of the world: what an endpoint would hold."""

    programmes: tuple[Programme, ...]
    policies: tuple[Policy, ...]


@dataclass(frozen=True)
class PlayLine:
    """One play that is new or gone on a day."""

    mark: Mark
    time: str
    title: str
    slot: str


@dataclass(frozen=True)
class DayChange:
    """Days on which these clusters play differently, all in the same way."""

    days: tuple[date, ...]
    clusters: tuple[str, ...]
    plays: tuple[PlayLine, ...]
    more: int = 0
    """Further differences that are not listed."""


def changes_on_air(
    before: Programmes, after: Programmes, endpoints: Sequence[Endpoint], today: date, _: Words
) -> list[DayChange]:
    """Differences of the next seven days; clusters and days with the same differences stand together."""
    days: dict[tuple[tuple[str, ...], tuple[PlayLine, ...]], list[date]] = {}
    for day in (today + timedelta(days=n) for n in range(DAYS_AHEAD)):
        together: dict[tuple[PlayLine, ...], list[str]] = {}
        for endpoint in endpoints[:MAX_CLUSTERS]:
            lines = _differences(before, after, endpoint, day, _)
            if lines:
                together.setdefault(lines, []).append(endpoint.cluster)
        for lines, clusters in together.items():
            days.setdefault((tuple(clusters), lines), []).append(day)
    return [_shortened(DayChange(tuple(when), clusters, lines)) for (clusters, lines), when in days.items()]


def days_text(days: Sequence[date], _: Words) -> str:
    """Days in words; a run of days from its first to its last."""
    is_run = len(days) > 1 and days[-1] - days[0] == timedelta(days=len(days) - 1)
    if is_run:
        return _("{first} to {last}", first=words.weekday_and_day(days[0], _), last=words.weekday_and_day(days[-1], _))
    return ", ".join(words.weekday_and_day(day, _) for day in days)


def _differences(
    before: Programmes, after: Programmes, endpoint: Endpoint, day: date, _: Words
) -> tuple[PlayLine, ...]:
    old = {play.key: play for play in plan_day(Situation(before.programmes, before.policies, endpoint), day).plays}
    new = {play.key: play for play in plan_day(Situation(after.programmes, after.policies, endpoint), day).plays}
    gone = [(play.start, _line(Mark.REMOVED, play, _)) for key, play in old.items() if key not in new]
    come = [(play.start, _line(Mark.ADDED, play, _)) for key, play in new.items() if key not in old]
    return tuple(line for _start, line in sorted(gone + come, key=lambda pair: (pair[0], pair[1].mark, pair[1].title)))


def _line(mark: Mark, play: PlannedPlay, _: Words) -> PlayLine:
    midnight = at_local(local_day(play.start), 0)
    language = f" ({words.language_name(play.rendition.language, _)})" if play.rendition else ""
    after_midnight = (play.start - midnight) % DAY
    return PlayLine(mark, words.clock_time(after_midnight, _), (play.title or play.source) + language, play.slot_title)


def _shortened(change: DayChange) -> DayChange:
    beyond = len(change.plays) - MAX_LINES
    return replace(change, plays=change.plays[:MAX_LINES], more=beyond) if beyond > 0 else change
