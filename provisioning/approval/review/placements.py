"""Which device stands where after a change of a commune's placements, and where it stood before."""

from __future__ import annotations

from provisioning.approval.review import telling
from provisioning.approval.review.changes import Change, Context, Fields, Listed, Told, compare
from provisioning.approval.words import N_
from wire.enrolment import Placement, Placements
from wire.joining import spoken_digits

PLACEMENT: Fields = {
    "cluster": Told(N_("Loudspeaker cluster or board"), telling.plain),
    "area": Told(N_("Area"), telling.plain),
    "keys": Told(N_("Fingerprint of its key"), lambda value, _: ", ".join(telling.fingerprint(key) for key in value)),
    "serial": Told(N_("Serial number"), telling.plain),
    "kind": Told(N_("Kind"), lambda value, c: c.words("board") if value == "board" else c.words("loudspeaker")),
    "languages": Told(N_("Languages"), telling.languages),
    "tags": Told(N_("Marks"), telling.comma),
    "n": Told(N_("Number of the placement"), telling.plain),
    "issued": Told(N_("Made at"), telling.instant),
    "spare": Told(N_("Spare of the commune"), telling.only_yes),
    "root": Told(N_("Last six of its root's fingerprint"), lambda value, _: spoken_digits(value)),
    "device": Told(N_("Device"), telling.plain),
}


def compare_placements(before: Placements | None, after: Placements, context: Context) -> list[Change]:
    """Every device that comes, goes or moves."""
    old = before.placements if before else []
    return compare(old, after.placements, Listed(N_("Devices"), PLACEMENT, _title, lambda p: p.device), context)


def placement_faults(
    before: Placements | None, after: Placements, context: Context, *, roots: frozenset[str] = frozenset()
) -> list[str]:
    """Why devices would not take it: a changed one must carry a higher number, another area's has no place.

    A new one whose device said at enrolment that it holds another root than this province's (`roots`) belongs to
    somebody else, whatever its number.
    """
    _, faults = context.words, []
    olds = {p.device: p for p in before.placements} if before else {}
    for placement in after.placements:
        old = olds.get(placement.device)
        if old is not None and old != placement and placement.n <= old.n:
            faults.append(
                _("{device}: its number {n} is not above {old}", device=placement.device, n=placement.n, old=old.n)
            )
        if placement.area != after.area and not placement.area.startswith(after.area + "/"):
            faults.append(_("{device} stands outside {area}", device=placement.device, area=after.area))
        if old != placement and placement.root and placement.root not in roots:
            faults.append(_("{device} holds another root of trust than this province’s: … {digits}",
                            device=placement.device, digits=spoken_digits(placement.root)))  # fmt: skip
    return faults


def _title(placement: Placement, context: Context) -> str:
    return context.words("{device} at {cluster}", device=placement.device, cluster=placement.cluster)
