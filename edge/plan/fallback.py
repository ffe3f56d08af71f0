"""Which rung of the chain the device stands on: programme → last complete → reserve set → silence (design §7)."""

from __future__ import annotations

from enum import StrEnum

from edge.plan.needs import Has, missing_of, needs_of
from edge.sync.library import Holdings
from wire.timeline import Situation
from wire.units import UtcTime


class Rung(StrEnum):
    """Stable codes for log and status."""

    PROGRAMME = "programme"
    """What was accepted last is in force."""
    LAST_COMPLETE = "last_complete"
    """A newer programme waits for its content; the last complete one goes on."""
    RESERVE = "reserve"
    """Content of the programme is missing or damaged; the reserve set takes its places."""
    SILENCE = "silence"
    """No programme is in force, or all have ended."""


def rung_of(holdings: Holdings, situation: Situation | None, now: UtcTime, *, content_missing: bool) -> Rung:
    """Where the device stands; `content_missing`: something in force cannot be played."""
    if situation is None or not any(programme.ends > now for programme in situation.programmes):
        return Rung.SILENCE
    if content_missing:
        return Rung.RESERVE
    return Rung.LAST_COMPLETE if holdings.waiting else Rung.PROGRAMME


def is_complete(candidate: Situation, area: str, now: UtcTime, has: Has) -> bool:
    """Whether everything that the candidate's programme of `area` plays here is on the disk."""
    return not missing_of((need for need in needs_of(candidate, now) if need.area == area), has)
