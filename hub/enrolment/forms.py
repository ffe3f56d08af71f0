"""The form of a permission to enrol."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from hub.enrolment.model import HOURS, MOST_DEVICES
from hub.fields import Fields


@dataclass(frozen=True)
class TicketAsked:
    name: str
    most: int
    lasts_ms: int


def read_ticket(form: MultiDict[str, str]) -> TicketAsked:
    """Raises FieldErrors."""
    fields = Fields(form)
    name = fields.line("name", most=200, missing=_l("Write the technician's name."))
    most = fields.number("most", low=1, high=MOST_DEVICES, default=1)
    lasts = fields.choice("lasts", HOURS, default="24")
    fields.check()
    return TicketAsked(name, most, HOURS[lasts])
