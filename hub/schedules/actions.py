"""Changing a draft programme and submitting it: guards, one transaction with its audit row, only then the approvers.

A draft is never signed itself: `submit` builds the bytes that the approvers see; a later change of the draft does not
reach into what waits; it is shown as changed until somebody submits again.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from hub import audit
from hub.auth.roles import Person, Right
from hub.content import store as content
from hub.context import Hub
from hub.errors import N_, BadInputError, ChangedError, NotFoundError
from hub.fields import FieldErrors, Message
from hub.publishing import actions as publishing
from hub.schedules import store
from hub.schedules.build import build_programme, programme_bytes, same_word
from hub.schedules.checks import Finding, check_draft, check_slot, next_start
from hub.schedules.model import Draft, DraftSeries, DraftSlot, Settings, own_items
from hub.schedules.surroundings import released_programme, surroundings
from wire.areas import programme_target
from wire.content import Item
from wire.errors import MalformedError
from wire.programme import MAX_SLOTS, Programme, Slot
from wire.units import UtcTime

MAX_SERIES = 100


class DraftFaultyError(BadInputError):
    """The draft has errors, or warnings that nobody has confirmed. `findings` says which."""

    code = "draft_faulty"
    status = 422

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(N_("Not sent yet. Please look at what was found below."))
        self.findings = list(findings)


@dataclass(frozen=True)
class Checked:
    """A draft, what would be signed, and what was found."""

    draft: Draft
    programme: Programme | None
    findings: list[Finding]

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == "error"]


def new_id(prefix: str) -> str:
    """An id that no other unit hands out."""
    return f"{prefix}-{secrets.token_hex(6)}"


def add_slot(hub: Hub, person: Person, area: str, slot: Slot) -> None:
    """Raises FieldErrors for a slot that could never play here, or BadInputError for one too many."""
    person.require(Right.EDIT, area)
    now = hub.now()
    with hub.writing() as conn:
        if len(store.slots(conn, area)) >= MAX_SLOTS:
            raise BadInputError(N_("A programme holds at most {most} slots. Remove some first."), most=MAX_SLOTS)
        _check_slot(conn, area, slot, now)
        store.add_slot(conn, DraftSlot(area, slot, person.username, person.username, now, now))
        _note(conn, area, person, now, "slot-new", slot.title)


def change_slot(hub: Hub, person: Person, slot: Slot, *, known: UtcTime) -> str:
    """The slot's area. Raises ChangedError if somebody else changed the slot since `known`."""
    now = hub.now()
    with hub.writing() as conn:
        before = _slot(conn, person, slot.id)
        _check_slot(conn, before.area, slot, now)
        after = replace(before, slot=slot, changed_by=person.username, changed=max(now, UtcTime(before.changed + 1)))
        if not store.change_slot(conn, after, known=known):
            raise ChangedError
        _note(conn, before.area, person, now, "slot-changed", slot.title)
    return before.area


def remove_slot(hub: Hub, person: Person, ident: str) -> str:
    """Take a slot out of the draft; what is in force goes on until the change is approved. The slot's area."""
    with hub.writing() as conn:
        before = _slot(conn, person, ident)
        store.remove_slot(conn, ident)
        _note(conn, before.area, person, hub.now(), "slot-removed", before.slot.title)
    return before.area


def change_settings(hub: Hub, person: Person, area: str, settings: Settings) -> None:
    """Reserve set, offers, order of priority items, withdrawn items. Raises FieldErrors for foreign bulletins."""
    person.require(Right.EDIT, area)
    with hub.writing() as conn:
        for name in ("reserve", "offers", "withdrawn"):
            _require_own(conn, area, getattr(settings, name))
        swaps = store.settings(conn, area).swaps  # a page of its own
        store.put_settings(conn, area, replace(settings, swaps=swaps))
        _note(conn, area, person, hub.now(), "settings", "")


def add_series(hub: Hub, person: Person, area: str, title: str) -> str:
    """A new series that the areas below may take up; its id."""
    person.require(Right.EDIT, area)
    ident = new_id("ds")
    with hub.writing() as conn:
        if len(store.series(conn, area)) >= MAX_SERIES:
            raise BadInputError(N_("There are already {most} series."), most=MAX_SERIES)
        store.add_series(conn, DraftSeries(ident, area, title), hub.now())
        _note(conn, area, person, hub.now(), "series-new", title)
    return ident


def add_to_series(hub: Hub, person: Person, ident: str, item: str) -> str:
    """Give a series its next bulletin; the series' area."""
    with hub.writing() as conn:
        series = _series(conn, person, ident)
        _require_own(conn, series.area, [item])
        store.add_to_series(conn, ident, item, hub.now())
        _note(conn, series.area, person, hub.now(), "series-item", item)
    return series.area


def remove_from_series(hub: Hub, person: Person, ident: str, item: str) -> str:
    with hub.writing() as conn:
        series = _series(conn, person, ident)
        store.remove_from_series(conn, ident, item)
        _note(conn, series.area, person, hub.now(), "series-item-removed", item)
    return series.area


def check(conn: Connection, area: str, now: UtcTime) -> Checked:
    """The draft of an area with everything that is wrong with it."""
    draft = store.draft(conn, area)
    around = surroundings(conn, draft, now)
    try:
        programme = build_programme(draft, around.bulletins, around.sounds, issued=now)
    except MalformedError:
        programme = None  # over a limit of the wire: the checks say which
    return Checked(draft, programme, check_draft(draft, programme, around))


def submit(hub: Hub, person: Person, area: str, *, confirmed: bool, title: str) -> int:
    """Put the draft up for approval; the proposal's id. `confirmed`: the person has seen the warnings.

    Raises DraftFaultyError with what was found.
    """
    person.require(Right.EDIT, area)
    with hub.reading() as conn:
        checked = check(conn, area, hub.now())
        if checked.programme is None or checked.errors or (checked.findings and not confirmed):
            raise DraftFaultyError(checked.findings)
        written_by = authors(conn, checked)
    targets = {programme_target(area): programme_bytes(checked.programme)}
    return publishing.submit(
        hub, person, area=area, kind="programme", targets=targets, title=title, authors=sorted(written_by),
        sign_before=_first_start(checked, hub.now()),
    )  # fmt: skip


def authors(conn: Connection, checked: Checked) -> set[str]:
    """Everybody who wrote what is new against the release: they may not approve it."""
    released = released_programme(conn, checked.draft.area)
    since = released.issued if released else UtcTime(0)
    known: dict[str, Item] = {item.id: item for item in released.items} if released else {}
    items = checked.programme.items if checked.programme else []
    new = [item.id for item in items if known.get(item.id) != item]
    return store.editors(conn, checked.draft.area, since=since) | content.authors(conn, new)


def is_changed(conn: Connection, area: str, than: Programme, now: UtcTime) -> bool:
    """Whether the draft says something else than a programme that waits or is in force."""
    built = check_built(conn, area, now)
    return built is None or not same_word(built, than)


def check_built(conn: Connection, area: str, now: UtcTime) -> Programme | None:
    """What the draft would be signed as, or None over a limit."""
    draft = store.draft(conn, area)
    idents = own_items(draft)
    try:
        return build_programme(draft, content.several(conn, idents), content.sounds(conn, idents), issued=now)
    except MalformedError:
        return None


def _check_slot(conn: Connection, area: str, slot: Slot, now: UtcTime) -> None:
    """Refuse at once what could never sound; the rest is told before submitting."""
    around = surroundings(conn, Draft(area), now)
    fields = {"in_the_past": "first", "quiet_hours": "start", "foreign_target": "targets", "no_place": "targets"}
    found: dict[str, Message] = {}
    for finding in check_slot(area, slot, around):
        if finding.level == "error":
            found.setdefault(fields[finding.code], finding.message)
    if found:
        raise FieldErrors(found)


def _require_own(conn: Connection, area: str, idents: Sequence[str]) -> None:
    bulletins = content.several(conn, idents)
    if any(ident not in bulletins or bulletins[ident].area != area for ident in idents):
        raise BadInputError(N_("Choose bulletins of this unit."))


def _first_start(checked: Checked, now: UtcTime) -> UtcTime | None:
    """By when it needs to be signed: the next start of a slot."""
    starts = [start for draft_slot in checked.draft.slots if (start := next_start(draft_slot.slot, now)) is not None]
    return min(starts, default=None)


def _slot(conn: Connection, person: Person, ident: str) -> DraftSlot:
    found = store.slot(conn, ident)
    if found is None or not person.may(Right.VIEW, found.area):
        raise NotFoundError
    person.require(Right.EDIT, found.area)
    return found


def _series(conn: Connection, person: Person, ident: str) -> DraftSeries:
    found = store.one_series(conn, ident)
    if found is None or not person.may(Right.VIEW, found.area):
        raise NotFoundError
    person.require(Right.EDIT, found.area)
    return found


def _note(conn: Connection, area: str, person: Person, now: UtcTime, what: str, subject: str) -> None:
    store.note_change(conn, area, person=person.username, now=now, what=what)
    audit.note(conn, at=now, person=person.username, verb=what, area=area, subject=subject)
