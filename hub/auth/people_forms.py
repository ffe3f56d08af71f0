"""The forms of an account."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from hub.auth.roles import Grant, Role
from hub.fields import Fields

MOST_ROLES = 50


def read_grants(form: MultiDict[str, str]) -> list[Grant]:
    """Roles that stay (`held`, as ROLE:AREA each), and one more (`role`, `unit`). Raises FieldErrors."""
    fields = Fields(form)
    kept = [_grant(fields, text) for text in fields.several("held", most=MOST_ROLES)]
    role, unit = fields.line("role", most=20), fields.line("unit", most=80)
    if role:
        kept.append(_grant(fields, f"{role}:{unit}"))
    fields.check()
    return [grant for grant in dict.fromkeys(kept) if grant]


def _grant(fields: Fields, text: str) -> Grant | None:
    role, _, area = text.partition(":")
    if role not in set(Role) or not area:
        fields.fail("role", _l("Choose one of the list."))
        return None
    return Grant(Role(role), area)
