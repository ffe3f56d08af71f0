"""What happened, written down: cues, omissions, refusals and events of the main loop become rows of the play log.

The main loop only describes; storing and sending happen in the report worker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import msgspec

from edge.clock import Clock
from edge.plan.cues import Cue
from edge.play.pipe import Event, Failed, Finished, Started, Stopped
from edge.report.outbox import Outbox
from edge.report.playlog import Draft, PlayLog
from edge.sync.receive import Refusal
from edge.worker import Worker
from wire.timeline import AlertRound, Omission, PlannedPlay
from wire.units import FRAMES_PER_MS, UtcTime

DETAIL_LIMIT: Final = 500
TITLE_LIMIT: Final = 300
FIELD_LIMIT: Final = 200
REFUSALS_A_MINUTE: Final = 30
"""Beyond it refusals are only counted: whoever floods the broker shall not fill the disk."""


@dataclass
class _Round:
    """A round under way, put together from its cues."""

    draft: Draft
    open_parts: set[str] = field(default_factory=set)
    is_whole: bool = True


class Logbook:
    """Belongs to the main loop; `titles` names alerts for the rows."""

    def __init__(self, clock: Clock, playlog: PlayLog, outbox: Outbox, worker: Worker) -> None:
        self._clock = clock
        self._playlog = playlog
        self._outbox = outbox
        self._worker = worker
        self._open: dict[str, Draft] = {}
        self._rounds: dict[str, _Round] = {}
        self._refused_in: tuple[int, int] = (0, 0)
        self.titles: dict[str, tuple[str, str]] = {}
        """Alert id to title and area."""

    def event(self, detail: str, *, area: str = "") -> None:
        self._append(self._draft("event", detail=detail, area=area))

    def refused(self, refusal: Refusal, *, item: str = "") -> None:
        """Something that was not accepted, as far as the minute's share goes."""
        minute = self._clock.now() // 60_000
        count = self._refused_in[1] + 1 if self._refused_in[0] == minute else 1
        self._refused_in = (minute, count)
        if count <= REFUSALS_A_MINUTE:
            detail = f"{refusal.code}: {refusal.detail}"
            self._append(self._draft("refused", item=item, detail=detail, slot=refusal.topic))

    def omitted(self, omission: Omission) -> None:
        """As `planner.Notes`."""
        detail = msgspec.json.encode({"why": omission.why.code, **omission.why.params}).decode()
        self._append(
            self._draft(
                "omitted", item=omission.item, area=omission.item_area or omission.slot_area, slot=omission.slot,
                title=omission.title or omission.slot_title, started=omission.at, detail=detail,
            )
        )  # fmt: skip

    def unheard(self, play: PlannedPlay | AlertRound, why: str) -> None:
        """As `planner.Notes`."""
        about = self._round_draft(play) if isinstance(play, AlertRound) else self._play_draft(play, play.start)
        detail = msgspec.json.encode({"why": why}).decode()
        self._append(msgspec.structs.replace(about, kind="omitted", detail=detail))

    def started(self, cue: Cue, event: Started) -> None:
        at = self._clock.utc_at(event.at_ns)
        late_ms = max(0, event.frame // FRAMES_PER_MS)
        if isinstance(cue.about, AlertRound):
            self._round_started(cue, cue.about, at, late_ms)
            return
        draft = self._play_draft(cue.about, at)
        why = cue.about.why[0].code if cue.about.why else ""
        draft = msgspec.structs.replace(
            draft, sha256=cue.sound.sha256 if cue.sound else "", offset_ms=late_ms,
            detail="reserve" if cue.is_reserve else str(why),
        )  # fmt: skip
        self._open[cue.id] = draft
        self._worker.submit(self._playlog.open_play, cue.id, draft)

    def ended(self, cue: Cue, event: Finished | Stopped | Failed | None) -> None:
        """`None`: the sound process died, or this program ends."""
        at = self._clock.now() if event is None or isinstance(event, Failed) else self._clock.utc_at(event.at_ns)
        whole = isinstance(event, Finished)
        why = "" if whole else getattr(event, "why", "broken_off")
        if isinstance(cue.about, AlertRound):
            self._part_ended(cue, cue.about, at, whole=whole, why=why)
            return
        draft = self._open.pop(cue.id, None)
        if draft is None:
            if isinstance(event, Failed):
                self._append(
                    msgspec.structs.replace(self._play_draft(cue.about, cue.start), kind="omitted", detail=_cut(why))
                )
            return
        complete = whole and draft.offset_ms == 0
        detail = draft.detail if whole else f"{draft.detail} {why}".strip()
        row = msgspec.structs.replace(draft, at=self._now(), ended=at, complete=complete, detail=_cut(detail))
        self._close(cue.id, row)

    def _round_started(self, cue: Cue, turn: AlertRound, at: UtcTime, late_ms: int) -> None:
        known = self._rounds.get(turn.key)
        if known is not None:
            known.open_parts.add(cue.part)
            return
        draft = msgspec.structs.replace(self._round_draft(turn), started=at, offset_ms=late_ms)
        self._rounds[turn.key] = _Round(draft, {cue.part}, is_whole=late_ms == 0)
        self._worker.submit(self._playlog.open_play, turn.key, draft)

    def _part_ended(self, cue: Cue, turn: AlertRound, at: UtcTime, *, whole: bool, why: str) -> None:
        known = self._rounds.get(turn.key)
        if known is None:
            return
        known.open_parts.discard(cue.part)
        known.is_whole = known.is_whole and whole
        is_last = cue.end >= turn.end or not whole
        if is_last and not known.open_parts:
            del self._rounds[turn.key]
            draft = msgspec.structs.replace(
                known.draft, at=self._now(), ended=at, complete=known.is_whole, detail=_cut(why)
            )
            self._close(turn.key, draft)

    def _close(self, ident: str, draft: Draft) -> None:
        self._worker.submit(self._playlog.close_play, ident, draft)
        self._worker.submit(self._outbox.pump)

    def _append(self, draft: Draft) -> None:
        self._worker.submit(self._playlog.append, draft)
        self._worker.submit(self._outbox.pump)

    def _play_draft(self, play: PlannedPlay, started: UtcTime) -> Draft:
        return self._draft(
            "play", item=play.item, area=play.item_area or play.slot_area, slot=play.slot, title=play.title,
            started=started,
        )  # fmt: skip

    def _round_draft(self, turn: AlertRound) -> Draft:
        title, area = self.titles.get(turn.alert, ("", ""))
        slot = f"{'drill' if turn.drill else 'alert'} {turn.number}"
        return self._draft("alert", item=turn.alert, area=area, title=title, slot=slot, started=turn.start)

    def _draft(self, kind: str, **fields: str | int) -> Draft:
        cut = {name: value[: _limit(name)] if isinstance(value, str) else value for name, value in fields.items()}
        return Draft(at=self._now(), time_quality=int(self._clock.quality()), kind=kind, **cut)  # type: ignore[arg-type]

    def _now(self) -> UtcTime:
        return self._clock.now()


def is_end(event: Event) -> bool:
    return isinstance(event, Finished | Stopped | Failed)


def _limit(name: str) -> int:
    return {"detail": DETAIL_LIMIT, "title": TITLE_LIMIT}.get(name, FIELD_LIMIT)


def _cut(detail: str) -> str:
    return detail[:DETAIL_LIMIT]
