"""The bulletin form: what was typed becomes a Draft, or messages beside the fields."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from hub.content.model import MAX_SUMMARY, MAX_TEXT, MAX_TITLE, Draft, level_of
from hub.fields import Fields
from hub.phrases import FIELDS, LANGUAGES, SORTS


def read_bulletin(form: MultiDict[str, str], area: str) -> Draft:
    """Raises FieldErrors. The text may stay empty: music has none, and a recording may come first."""
    fields = Fields(form)
    valid_from, valid_until = fields.day("valid_from"), fields.day("valid_until")
    if valid_from and valid_until and valid_until < valid_from:
        fields.fail("valid_until", _l("The last day lies before the first day."))
    document_day = fields.day("document_date")
    draft = Draft(
        title=fields.line("title", most=MAX_TITLE, missing=_l("Write a title.")),
        summary=fields.text("summary", most=MAX_SUMMARY),
        text=fields.text("text", most=MAX_TEXT),
        sort=fields.choice("sort", SORTS, default="speech"),
        field=int(fields.choice("field", map(str, FIELDS), default="1")),
        essential=fields.flag("essential"),
        level=level_of(area, fields.choice("level", ("", "central", "province", "commune"), default="")),
        issued_by=fields.line("issued_by", most=300),
        document_number=fields.line("document_number", most=80),
        document_date=document_day.isoformat() if document_day else "",
        valid_from=valid_from,
        valid_until=valid_until,
    )
    fields.check()
    return draft


def read_language(form: MultiDict[str, str]) -> str:
    """The language of a sound. Raises FieldErrors."""
    fields = Fields(form)
    language = fields.choice("language", LANGUAGES, default="vi")
    fields.check()
    return language
