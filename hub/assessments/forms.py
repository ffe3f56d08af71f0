"""The form of an assessment."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from hub.assessments.model import Assessment, Result, latest_due
from hub.fields import Fields


def read_assessment(form: MultiDict[str, str], today: date) -> Assessment:
    """Raises FieldErrors."""
    fields = Fields(form)
    level = int(fields.choice("level", "12345", default="3"))
    number = fields.line("decision_number", most=100, missing=_l("Write the number of the decision."))
    decided = _past_day(fields, "decision_date", today)
    assessed = _past_day(fields, "assessed_on", today)
    assessor = fields.line("assessor", most=200, missing=_l("Write who assessed the system."))
    result = Result(fields.choice("result", list(Result), default=Result.FAILED))
    if not form.get("result"):
        fields.fail("result", _l("Choose one of the list."))
    due = _due(fields, level, assessed)
    basis, note = fields.line("basis", most=200), fields.text("note", most=2_000)
    fields.check()
    return Assessment(level, number, decided, basis, assessed, assessor, result, due, note)


def _past_day(fields: Fields, name: str, today: date) -> date:
    day = fields.day(name, missing=_l("Write the date."))
    if day is not None and day > today:
        fields.fail(name, _l("This day has not come yet."))
    return day or today


def _due(fields: Fields, level: int, assessed: date) -> date:
    last = latest_due(level, assessed)
    due = fields.day("next_due") or last
    if not assessed < due <= last:
        shown = last.strftime("%d/%m/%Y")
        fields.fail("next_due", _l("After the assessment, and by %(day)s at the latest.", day=shown))
    return due
