"""What changes in an emergency template: its words and clips in each language, and what its blanks may say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provisioning.approval import words
from provisioning.approval.review import telling
from provisioning.approval.review.changes import (
    Change,
    Context,
    Fields,
    Listed,
    Mark,
    Told,
    compare,
    lines_between,
    lines_of,
)
from provisioning.approval.words import N_
from wire.alert import Part, Template
from wire.blanks import Blank, BlankKind, Choice, Spoken
from wire.content import Sound


def _parts(value: Sequence[Part], context: Context) -> str:
    return " → ".join(_part(part, context) for part in value)


def _part(part: Part, context: Context) -> str:
    if part.clip is None:
        return context.words("the chosen words for {blank}", blank=part.blank)
    return _clip(part.clip, context)


def _clip(clip: Sound, context: Context) -> str:
    said = context.words(
        "sound of {length}, code {hash}",
        length=telling.length(clip.duration_ms, context),
        hash=telling.fingerprint(clip.sha256),
    )
    return f"{words.language_name(clip.language, context.words)}: {said}"


def _clips(value: Sequence[Sound], context: Context) -> str:
    return "\n".join(_clip(clip, context) for clip in value)


def _choices(value: Sequence[Choice], context: Context) -> str:
    return "\n".join(_choice(choice, context) for choice in value)


def _choice(choice: Choice, context: Context) -> str:
    said = [f"{words.language_name(code, context.words)}: “{text}”" for code, text in choice.text.items()]
    return f"{choice.id}: " + "; ".join([*said, *(_clip(clip, context) for clip in choice.clips)])


def _voice(value: Sequence[Spoken], context: Context) -> str:
    return "\n".join(f"“{spoken.words}”: {_clip(spoken.clip, context)}" for spoken in value)


def _kind(value: BlankKind, context: Context) -> str:
    return context.words(KINDS[value])


def _unit(value: Mapping[str, str], context: Context) -> str:
    return "; ".join(f"{words.language_name(code, context.words)}: “{unit}”" for code, unit in value.items())


KINDS = {
    BlankKind.CHOICE: N_("one of a list"), BlankKind.AREA: N_("an area of a list"), BlankKind.NUMBER: N_("a number"),
    BlankKind.TIME: N_("a time of day"), BlankKind.LETTERS: N_("own words, with two officers"),
}  # fmt: skip
HEAD: Fields = {
    "title": Told(N_("Title"), telling.plain),
    "hazard": Told(N_("Hazard"), telling.plain),
    "severity": Told(N_("Disaster risk level"), telling.plain),
    "voice": Told(N_("Recorded words"), _voice),
    "drill": Told(N_("Said in a drill, before and after"), _clips),
}
WORDING: Fields = {
    "text": Told(N_("Text"), telling.plain),
    "parts": Told(N_("Sound"), _parts),
    "language": Told(N_("Language"), lambda value, context: telling.languages([value], context)),
}
BLANK: Fields = {
    "kind": Told(N_("Takes"), _kind),
    "choices": Told(N_("May say"), _choices),
    "unit": Told(N_("Unit"), _unit),
    "least": Told(N_("From"), telling.plain),
    "most": Told(N_("Up to"), telling.plain),
    "id": Told(N_("Code"), telling.plain),
}


def compare_templates(before: Template | None, after: Template, context: Context) -> list[Change]:
    """Head, wordings and blanks. Without `before`, everything is new."""
    section = context.words("Emergency template {id}", id=after.id)
    if before is None:
        head = [Change(Mark.ADDED, section, after.title, lines_of(after, HEAD, context))]
    else:
        lines = lines_between(before, after, HEAD, context)
        head = [Change(Mark.CHANGED, section, after.title, lines)] if lines else []
    wordings = Listed(N_("Wordings"), WORDING, lambda w, c: telling.languages([w.language], c), lambda w: w.language)
    blanks = Listed(N_("Blanks"), BLANK, _blank_title)
    return [
        *head,
        *compare(before.wordings if before else [], after.wordings, wordings, context),
        *compare(before.blanks if before else [], after.blanks, blanks, context),
    ]


def _blank_title(blank: Blank, context: Context) -> str:
    return context.words("Blank {id}", id=blank.id)
