"""Entering an assessment: the province's administrator alone."""

from __future__ import annotations

from hub import audit
from hub.assessments import store
from hub.assessments.model import Assessment
from hub.auth.roles import Person, Right
from hub.context import Hub


def may_enter(hub: Hub, person: Person) -> bool:
    return person.may(Right.PEOPLE, hub.config.province)


def enter(hub: Hub, person: Person, one: Assessment) -> None:
    """Raises NotAllowedError."""
    person.require(Right.PEOPLE, hub.config.province)
    now = hub.now()
    with hub.writing() as conn:
        store.add(conn, one, by=person.username, now=now)
        detail = f"level {one.level}, {one.result}, next {one.next_due}"
        audit.note(
            conn, at=now, person=person.username, verb="assessment", area=hub.config.province,
            subject=one.decision_number, detail=detail,
        )  # fmt: skip
