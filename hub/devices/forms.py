"""The placement form."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from hub.fields import Fields
from hub.phrases import LANGUAGES


@dataclass(frozen=True)
class PlacementAsked:
    device: str
    languages: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class RevocationAsked:
    device: str
    why: str


def read_revocation(form: MultiDict[str, str]) -> RevocationAsked:
    """Raises FieldErrors."""
    fields = Fields(form)
    device = fields.line("device", most=40, missing=_l("Choose a device."))
    why = fields.line("why", most=300, missing=_l("Write why, for whoever reads it later."))
    fields.check()
    return RevocationAsked(device, why)


def read_placement(form: MultiDict[str, str]) -> PlacementAsked:
    """Raises FieldErrors."""
    fields = Fields(form)
    device = fields.line("device", most=40, missing=_l("Choose a device."))
    languages = fields.several("languages", most=20)
    if not set(languages) <= set(LANGUAGES):
        fields.fail("languages", _l("Choose one of the list."))
    if not languages:
        fields.fail("languages", _l("Choose at least one language."))
    tags = [tag for tag in fields.line("tags", most=500).replace(",", " ").split() if tag]
    fields.check()
    return PlacementAsked(device, tuple(languages), tuple(tags[:40]))
