"""Việc chờ duyệt: what waits for signatures. Signing happens in the approval app; there is no such button here."""

from __future__ import annotations

from flask import Blueprint, render_template

from hub.auth import guard
from hub.auth.roles import Right
from hub.publishing import actions, store
from hub.publishing.model import Proposal, State

blueprint = Blueprint("publishing", __name__)
RETURNED_SHOWN = 10


@blueprint.get("/approvals")
@guard.needs(Right.VIEW)
def approvals() -> str:
    hub, person = guard.current_hub(), guard.current_person()
    mine = actions.signable(hub, person)
    shown = {one.proposal.id for one in mine}
    with hub.reading() as conn:
        waiting = _seen(person.areas(), store.find(conn))
        returned = _seen(person.areas(), store.find(conn, state=State.RETURNED, limit=100))[:RETURNED_SHOWN]
    others = [proposal for proposal in waiting if proposal.id not in shown]
    return render_template("publishing/approvals.html", mine=mine, others=others, returned=returned, area="")


def _seen(areas: tuple[str, ...], proposals: list[Proposal]) -> list[Proposal]:
    return [p for p in proposals if any(p.area == area or p.area.startswith(area + "/") for area in areas)]
