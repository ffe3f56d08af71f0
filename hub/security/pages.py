"""Sự kiện bảo mật and Nhật ký hệ thống: what guards the system, each for the areas of who looks."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from hub import audit
from hub.auth import guard
from hub.auth.roles import Right
from hub.fields import read_number
from hub.security.audit_words import VERBS
from hub.security.survey import SHOWN_DAYS, endings, findings, gaps
from hub.security.words import KINDS, detail_words

blueprint = Blueprint("security", __name__)
LINES = 100
MAX_SEARCH = 64


@blueprint.get("/security")
@guard.needs(Right.AUDIT)
def events() -> str:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        return render_template(
            "security/events.html", area="", findings=findings(hub, conn, person), endings=endings(hub, conn, person),
            gaps=gaps(hub, conn, person), KINDS=KINDS, days=SHOWN_DAYS, detail_words=detail_words,
        )  # fmt: skip


@blueprint.get("/security/log")
@guard.needs(Right.AUDIT)
def journal() -> str:
    """The head is shown to the province, whose lines it stands for: written down, it proves the log later."""
    hub, person = guard.current_hub(), guard.current_person()
    areas, text = person.areas(Right.AUDIT), request.args.get("q", "").strip()[:MAX_SEARCH]
    before = min(read_number(request.args.get("before", ""), default=0), 2**31 - 1)
    with hub.reading() as conn:
        rows = audit.latest(conn, areas, before=before, text=text, limit=LINES + 1)
        head = audit.head(conn) if hub.config.province in areas else None
    return render_template(
        "security/log.html", area="", rows=rows[:LINES], more=rows[LINES - 1]["id"] if len(rows) > LINES else 0,
        text=text, head=head, VERBS=VERBS,
    )  # fmt: skip
