"""Đánh giá ATTT: the register of assessments, and the line that stands on every page as long as none holds."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from hub.assessments import actions, store
from hub.assessments.forms import read_assessment
from hub.assessments.model import DUE_MONTHS, Notice, notice_of
from hub.auth import guard
from hub.auth.roles import Right
from hub.context import Hub
from hub.fields import FieldErrors
from hub.phrases import ASSESSMENT_RESULTS
from wire.units import moment

blueprint = Blueprint("assessments", __name__)
log = logging.getLogger(__name__)


@blueprint.app_context_processor
def _for_base() -> dict[str, Any]:
    return {"assessment_notice": assessment_notice}


@blueprint.get("/assessments")
@guard.needs(Right.VIEW)
def listing() -> str:
    return _page({}, {})


@blueprint.post("/assessments")
@guard.needs(Right.PEOPLE)
def enter() -> Response | tuple[str, int]:
    hub, person = guard.current_hub(), guard.current_person()
    person.require(Right.PEOPLE, hub.config.province)
    try:
        actions.enter(hub, person, read_assessment(request.form, moment(hub.now()).date()))
    except FieldErrors as error:
        return _page(request.form, error.fields), error.status
    flash(_("The assessment was entered."), "good")
    return redirect(url_for("assessments.listing"), 303)


def assessment_notice() -> tuple[Notice, str] | None:
    """What stands on every page, with the day that passed. What cannot be read counts as not assessed."""
    hub = guard.current_hub()
    try:
        return _notice(hub)
    except SQLAlchemyError:
        log.exception("the register of assessments cannot be read")
        return Notice.MISSING, ""


def _notice(hub: Hub) -> tuple[Notice, str] | None:
    with hub.reading() as conn:
        newest = store.newest(conn)
    found = notice_of(newest, moment(hub.now()).date())
    return (found, f"{newest.next_due:%d/%m/%Y}" if newest else "") if found else None


def _page(values: Mapping[str, str], errors: Mapping[str, Any]) -> str:
    hub, person = guard.current_hub(), guard.current_person()
    with hub.reading() as conn:
        entries = store.listed(conn)
    return render_template(
        "assessments/list.html", area="", entries=entries, values=values, errors=errors, MONTHS=DUE_MONTHS,
        RESULTS=ASSESSMENT_RESULTS, may_enter=actions.may_enter(hub, person),
    )  # fmt: skip
