"""What the hub refuses before anybody is asked to sign. Devices and the approval app judge again for themselves."""

from __future__ import annotations

from collections.abc import Mapping

from hub.errors import N_, BadInputError
from wire.alert import read_template, template_blobs
from wire.areas import contains
from wire.enrolment import read_placements
from wire.policy import read_policy
from wire.programme import PlayItem, PlaySeries, Programme, read_programme
from wire.proposal import KINDS, may_change
from wire.units import UtcTime

Blobs = list[tuple[str, int]]


def check_proposal(kind: str, area: str, targets: Mapping[str, bytes], *, now: UtcTime) -> None:
    """Check that the files of a proposal are what they should be.

    Raises:
        BadInputError: files that do not belong to the kind and area, or say what they may not say.
        MalformedError, UnknownKindError: content that no device would take.
    """
    if kind not in KINDS or not targets:
        raise BadInputError(N_("This kind of proposal is not known."))
    for path in targets:
        if not may_change(kind, area, path):
            raise BadInputError(N_("{path} does not belong to {area}."), path=path, area=area)
    check = {"programme": _programme, "policy": _policy, "placements": _placements, "template": _template}[kind]
    for raw in targets.values():
        check(raw, area, now)


def blobs_of(kind: str, targets: Mapping[str, bytes]) -> Blobs:
    """The blobs that the files of a proposal name."""
    if kind == "programme":
        items = [item for raw in targets.values() for item in read_programme(raw).programme.items]
        return [(blob.sha256, blob.size) for item in items for blob in item.blobs()]
    if kind == "template":
        return [(clip.sha256, clip.size) for raw in targets.values() for clip in template_blobs(read_template(raw))]
    return []


def _programme(raw: bytes, area: str, now: UtcTime) -> None:
    read = read_programme(raw)
    programme = read.programme
    if read.ignored:
        unknown = "; ".join(read.ignored[:5])
        raise BadInputError(N_("The programme holds what devices would not know: {what}"), what=unknown)
    _same_area(programme.area, area)
    if programme.play_until <= now:
        raise BadInputError(N_("The programme lies in the past."))
    _check_slots(programme)


def _check_slots(programme: Programme) -> None:
    """A programme speaks in its own area, of its own items and of what the areas above it offer."""
    slots = programme.slots + [slot for special in programme.special_days for slot in special.slots]
    for slot in slots:
        foreign = [t for t in slot.targets if t.startswith("area:") and not contains(programme.area, t[5:])]
        if foreign:
            raise BadInputError(N_("{target} is not below {area}."), target=foreign[0][5:], area=programme.area)
        for play in slot.plays:
            if isinstance(play, PlayItem | PlaySeries) and not contains(play.area, programme.area):
                raise BadInputError(N_("{target} is no area above {area}."), target=play.area, area=programme.area)
            if isinstance(play, PlayItem) and play.area == programme.area and not programme.item(play.item):
                raise BadInputError(N_("The slot {slot} plays an item that is missing."), slot=slot.title)


def _policy(raw: bytes, area: str, _now: UtcTime) -> None:
    policy = read_policy(raw)
    _same_area(policy.area, area)
    if policy.exceptions and "/" in area:
        raise BadInputError(N_("Only the province may allow exceptions from the quiet hours."))


def _placements(raw: bytes, area: str, _now: UtcTime) -> None:
    placements = read_placements(raw)
    _same_area(placements.area, area)
    for placement in placements.placements:
        if not contains(area, placement.area):
            raise BadInputError(N_("{target} is not below {area}."), target=placement.area, area=area)


def _template(raw: bytes, _area: str, _now: UtcTime) -> None:
    read_template(raw)


def _same_area(named: str, area: str) -> None:
    if named != area:
        raise BadInputError(N_("It is written for {other}, not for {area}."), other=named, area=area)
