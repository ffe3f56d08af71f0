"""What is wrong with a draft before anybody is asked to approve it, in words. Pure.

Errors stop it (a device or the approval app would refuse, or it could never sound); warnings are for a person to weigh.
What each cluster really plays comes from `wire.timeline`, the same rules as on the device.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations

from flask_babel import lazy_gettext as _l

from hub.fields import Message
from hub.i18n import clock_text, iso_day_text, length_text, of_day_text
from hub.schedules.build import Bulletins, Sounds
from hub.schedules.model import Draft, DraftSlot, own_items
from wire.areas import contains
from wire.policy import Policy, policy_in_force
from wire.programme import MAX_SLOTS, PlayItem, PlayReserve, Programme, Slot
from wire.timeline import Endpoint, Omission, Situation, Why, plan_day
from wire.timeline.hours import first_overlap, lies_inside, sound_hours
from wire.timeline.recurrence import occurs
from wire.units import UtcTime, at_local, local_day

LOOK_AHEAD_DAYS = 400
"""How far a rule is followed to see whether it ever plays again: a yearly rule does not exist, 13 months are enough."""
OVERLAP_DAYS = 31
PLANNED_DAYS = 3
MAX_PLANNED_PLACES = 60
MAX_FINDINGS = 60
PAST = "in_the_past"
"""Stops a slot when it is written. Yesterday's notice must not stop today's: beside slots that play it only warns."""
_TOLD_OTHERWISE = frozenset(
    {Why.NOT_TARGETED, Why.ORDINARY_FROM_ABOVE, Why.NO_ITEM, Why.PROGRAMME_ENDED, Why.PROGRAMME_NOT_BEGUN}
)
"""Omissions that are wanted, or that another check has already put into better words."""


@dataclass(frozen=True)
class Place:
    """A cluster of the area: what the checks need to know of it."""

    endpoint: Endpoint
    name: str
    carried: bool = False
    """Without coverage: fed by a USB stick."""


@dataclass(frozen=True)
class Surroundings:
    """Everything beside the draft that its fate depends on. `programmes` are those released above the area."""

    now: UtcTime
    bulletins: Bulletins
    sounds: Sounds
    places: tuple[Place, ...]
    programmes: tuple[Programme, ...] = ()
    policies: tuple[Policy, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One thing to tell. `level` is "error" or "warning"; `slot` the id of the slot concerned, or empty."""

    level: str
    code: str
    message: Message
    slot: str = ""


def check_draft(draft: Draft, built: Programme | None, around: Surroundings) -> list[Finding]:
    """All findings, errors first. `built` is None where a limit kept the programme from being built."""
    findings = [*_whole(draft), *_bulletins(draft, around)]
    is_live = any(next_day(slot.slot, around.now) for slot in draft.slots)
    for slot in draft.slots:
        found = check_slot(draft.area, slot.slot, around)
        findings += [replace(one, level="warning") if is_live and one.code == PAST else one for one in found]
        findings += _length(draft, slot, around)
    findings += _overlaps(draft.slots, around.now)
    if built is not None:
        findings += _planned(built, around)
    unique = dict.fromkeys(findings)
    return sorted(unique, key=lambda finding: finding.level != "error")[:MAX_FINDINGS]


def check_slot(area: str, slot: Slot, around: Surroundings) -> list[Finding]:
    """What is wrong with one slot by itself: its days, hours and places."""
    return [*_days(slot, around), *_hours(area, slot, around), *_places(area, slot, around)]


def next_day(slot: Slot, now: UtcTime) -> date | None:
    """The next local day on which the slot's window is not over yet, None if there is none any more."""
    today = local_day(now)
    for ahead in range(LOOK_AHEAD_DAYS):
        day = today + timedelta(days=ahead)
        if occurs(slot.when, day) and at_local(day, slot.start_ms + slot.length_ms) > now:
            return day
    return None


def next_start(slot: Slot, now: UtcTime) -> UtcTime | None:
    """When the slot begins next, a window that is open now left aside."""
    day = next_day(slot, UtcTime(now + slot.length_ms))
    return at_local(day, slot.start_ms) if day else None


def _whole(draft: Draft) -> Iterable[Finding]:
    if len(draft.slots) > MAX_SLOTS:
        have = len(draft.slots)
        text = _l("%(have)s slots: a programme holds at most %(most)s. Remove some.", have=have, most=MAX_SLOTS)
        yield Finding("error", "too_many_slots", text)
    if not draft.slots and not draft.series and not draft.settings.offers and not draft.settings.swaps:
        yield Finding("error", "empty", _l("There is nothing in the programme yet. Add a slot first."))


def _bulletins(draft: Draft, around: Surroundings) -> Iterable[Finding]:
    """Bulletins that are used but have no sound, were removed, or are no longer valid."""
    for ident in own_items(draft):
        bulletin = around.bulletins.get(ident)
        users = [s.id for s in draft.slots for p in s.slot.plays if isinstance(p, PlayItem) and p.item == ident]
        level, slot = ("error" if users else "warning"), (users[0] if users else "")
        if bulletin is None or bulletin.removed is not None:
            title = bulletin.title if bulletin else ident
            yield Finding(level, "removed_item", _l("“%(title)s” was removed from the bulletins.", title=title), slot)
        elif not around.sounds.get(ident):
            yield Finding(level, "no_sound", _l("“%(title)s” has no sound yet.", title=bulletin.title), slot)
        elif bulletin.draft.valid_until and bulletin.draft.valid_until < local_day(around.now):
            last = iso_day_text(bulletin.draft.valid_until.isoformat())
            text = _l("“%(title)s” was valid until %(day)s and plays no more.", title=bulletin.title, day=last)
            yield Finding("warning", "no_longer_valid", text, slot)


def _days(slot: Slot, around: Surroundings) -> Iterable[Finding]:
    if next_day(slot, around.now) is None:
        text = _l("“%(title)s” lies in the past: it never plays again.", title=slot.title)
        yield Finding("error", PAST, text, slot.id)


def _hours(area: str, slot: Slot, around: Surroundings) -> Iterable[Finding]:
    day = next_day(slot, around.now)
    if day is None:
        return
    allowed = sound_hours(policy_in_force(around.policies, area), day)
    start = at_local(day, slot.start_ms)
    end = start + slot.length_ms
    if lies_inside(allowed, start, end):
        return
    hours = ", ".join(f"{clock_text(UtcTime(a))}–{clock_text(UtcTime(b))}" for a, b in allowed[:3])
    reason = QUIET_REASONS[_who_limits(around.policies, area, slot, day)]
    said = {"title": slot.title, "from": of_day_text(slot.start_ms), "hours": hours, "reason": reason}
    if first_overlap(allowed, start, end) is None:
        text = _l(
            "“%(title)s” (%(from)s) lies outside the permitted hours (%(hours)s; %(reason)s) and would not play.",
            **said,
        )
        yield Finding("error", "quiet_hours", text, slot.id)
    else:
        text = _l("A part of “%(title)s” (%(from)s) lies outside the permitted hours (%(hours)s; %(reason)s).", **said)
        yield Finding("warning", "quiet_hours", text, slot.id)


def _who_limits(policies: Sequence[Policy], area: str, slot: Slot, day: date) -> str:
    """Whose word the slot meets first: what is built into every loudspeaker, the province's, or the unit's own."""
    start = at_local(day, slot.start_ms)
    for who, known in (
        ("built_in", []),
        ("province", [policy for policy in policies if "/" not in policy.area]),
    ):
        if not lies_inside(sound_hours(policy_in_force(known, area), day), start, start + slot.length_ms):
            return who
    return "own"


QUIET_REASONS = {
    "built_in": _l("built into every loudspeaker"),
    "province": _l("the province's signed policy"),
    "own": _l("the unit's own signed policy"),
}


def _places(area: str, slot: Slot, around: Surroundings) -> Iterable[Finding]:
    clusters = {place.endpoint.cluster: place for place in around.places}
    for target in slot.targets:
        kind, _, name = target.partition(":")
        foreign = (kind in ("cluster", "board") and name not in clusters) or (
            kind == "area" and not contains(area, name)
        )
        if foreign:
            text = _l("“%(title)s”: the place %(place)s does not belong to this unit.", title=slot.title, place=name)
            yield Finding("error", "foreign_target", text, slot.id)
    meant = [place for place in around.places if place.endpoint.targets & set(slot.targets)]
    if around.places and not meant:
        yield Finding("error", "no_place", _l("“%(title)s” reaches no cluster.", title=slot.title), slot.id)
    for place in meant:
        if place.carried and "/" in area:  # whoever carries sticks works in the commune
            text = _l("%(place)s has no coverage: take a USB package there after the approval.", place=place.name)
            yield Finding("warning", "carried", text)


def _length(draft: Draft, draft_slot: DraftSlot, around: Surroundings) -> Iterable[Finding]:
    """More sound than time. A slot begins nothing once its time is over; what has begun is finished."""
    slot = draft_slot.slot
    lengths = [_longest(p, draft.area, around) for p in slot.plays if isinstance(p, PlayItem)]
    before_last = sum(lengths[:-1])
    if lengths and before_last >= slot.length_ms:
        said = {"title": slot.title, "sound": length_text(sum(lengths)), "time": length_text(slot.length_ms)}
        text = _l("“%(title)s”: %(sound)s of sound for %(time)s of time; the last ones will not play.", **said)
        yield Finding("warning", "too_long", text, slot.id)
    if any(isinstance(p, PlayReserve) for p in slot.plays) and not draft.settings.reserve:
        text = _l("“%(title)s” plays the reserve set, which is empty.", title=slot.title)
        yield Finding("warning", "reserve_empty", text, slot.id)


def _longest(play: PlayItem, area: str, around: Surroundings) -> int:
    if play.area == area:
        return max((sound.duration_ms for sound in around.sounds.get(play.item, [])), default=0)
    programme = next((p for p in around.programmes if p.area == play.area), None)
    item = programme.item(play.item) if programme else None
    return max((sound.duration_ms for sound in item.sounds()), default=0) if item else 0


def _overlaps(slots: Sequence[DraftSlot], now: UtcTime) -> Iterable[Finding]:
    """Slots of one class that share a moment and a place: which goes first, and why."""
    for one, other in combinations([draft_slot.slot for draft_slot in slots], 2):
        day = _shared_day(one, other, now)
        if day is None or not _share_a_place(one, other):
            continue
        first, second = sorted((one, other), key=lambda s: (not s.fixed, not s.priority, s.start_ms, s.id))
        said = {
            "first": first.title,
            "second": second.title,
            "day": f"{day:%d/%m/%Y}",
            "why": _why_first(first, second),
        }
        text = _l("On %(day)s “%(first)s” and “%(second)s” overlap. Where both are due, “%(first)s” goes first: "
                  "%(why)s. “%(second)s” follows on, unless its own time is over by then.", **said)  # fmt: skip
        yield Finding("warning", "overlap", text, second.id)


def _why_first(first: Slot, second: Slot) -> Message:
    if first.fixed and not second.fixed:
        return _l("it has a fixed time")
    if first.priority and not second.priority:
        return _l("its class is priority")
    return _l("it begins earlier") if first.start_ms < second.start_ms else _l("at the same start the order is fixed")


def _shared_day(one: Slot, other: Slot, now: UtcTime) -> date | None:
    """The first day within a month on which both windows share time."""
    if one.start_ms >= other.start_ms + other.length_ms or other.start_ms >= one.start_ms + one.length_ms:
        return None
    days = (local_day(now) + timedelta(days=ahead) for ahead in range(OVERLAP_DAYS))
    return next((day for day in days if occurs(one.when, day) and occurs(other.when, day)), None)


def _share_a_place(one: Slot, other: Slot) -> bool:
    everywhere = "*" in one.targets or "*" in other.targets
    return everywhere or bool(set(one.targets) & set(other.targets))


def _planned(built: Programme, around: Surroundings) -> Iterable[Finding]:
    """What the timeline itself leaves out in the next days, once for each slot and reason, with the clusters' names."""
    left_out: dict[tuple[str, str, Why, str], list[str]] = {}
    for place in around.places[:MAX_PLANNED_PLACES]:
        situation = Situation((*around.programmes, built), around.policies, place.endpoint)
        for ahead in range(PLANNED_DAYS):
            day = local_day(around.now) + timedelta(days=ahead)
            for gap in plan_day(situation, day).omissions:
                if gap.slot_area == built.area and gap.why.code not in _TOLD_OTHERWISE and gap.window[1] > around.now:
                    title = gap.title or _title(built, around, gap) or gap.slot_title
                    names = left_out.setdefault((gap.slot, title, gap.why.code, gap.language), [])
                    names += [place.name] if place.name not in names else []
    for (slot, title, code, language), names in left_out.items():
        yield _omitted(slot, title, code, language, names)


def _title(built: Programme, around: Surroundings, gap: Omission) -> str:
    """An item that may not play is named by its id alone."""
    area = gap.item_area or gap.slot_area
    found = (p.item(gap.item) for p in (built, *around.programmes) if p.area == area)
    return next((item.title for item in found if item), "")


def _omitted(slot: str, title: str, code: Why, language: str, names: list[str]) -> Finding:
    shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    said = {"title": title, "places": shown}
    words: dict[Why, Message] = {
        Why.NO_RENDITION: _l("“%(title)s” has no recording in a language of: %(places)s.", **said),
        Why.WINDOW_ENDED: _l("“%(title)s” gets no turn before its slot's time is over, at: %(places)s.", **said),
        Why.SERIES_EMPTY: _l("The series of “%(title)s” has no valid bulletin yet, at: %(places)s.", **said),
        Why.TOO_LONG: _l("“%(title)s” is longer than permitted, at: %(places)s.", **said),
        Why.NO_PROGRAMME: _l("The unit above has no approved programme that “%(title)s” could use.", **said),
        Why.NOT_OFFERED: _l("The unit above no longer offers what “%(title)s” uses.", **said),
        Why.NO_SERIES: _l("The unit above no longer offers what “%(title)s” uses.", **said),
        Why.WITHDRAWN: _l("“%(title)s” was withdrawn by its issuer.", **said),
    }
    text = words.get(code, _l("“%(title)s” will not play in the next days at: %(places)s.", **said))
    return Finding("warning", code.value + (f":{language}" if language else ""), text, slot)
