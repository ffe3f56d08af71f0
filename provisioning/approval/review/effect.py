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
    """A day on which these clusters play differently, all in the same way."""

    day: str
    clusters: tuple[str, ...]
    plays: tuple[PlayLine, ...]
    more: int = 0
    """Further differences that are not listed."""


def changes_on_air(
    before: Programmes, after: Programmes, endpoints: Sequence[Endpoint], today: date, _: Words
) -> list[DayChange]:
    """Differences of the next seven days by day, clusters with the same differences together."""
    changes: list[DayChange] = []
    for day in (today + timedelta(days=n) for n in range(DAYS_AHEAD)):
        together: dict[tuple[PlayLine, ...], list[str]] = {}
        for endpoint in endpoints[:MAX_CLUSTERS]:
            lines = _differences(before, after, endpoint, day, _)
            if lines:
                together.setdefault(lines, []).append(endpoint.cluster)
        said = words.weekday_and_day(day, _)
        changes += [_shortened(DayChange(said, tuple(names), lines)) for lines, names in together.items()]
    return changes


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
