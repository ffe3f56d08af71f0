"""What changes on air when one programme takes the place of another."""

from __future__ import annotations

from provisioning.approval.review import telling
from provisioning.approval.review.changes import (
    DATED,
    Change,
    Context,
    Fields,
    Listed,
    Mark,
    Named,
    Told,
    compare,
    compare_names,
    lines_between,
    lines_of,
)
from provisioning.approval.words import N_
from wire.enrolment import Placements
from wire.programme import Programme, Slot, SpecialDay, Swap

SLOT: Fields = {
    "title": Told(N_("Title"), telling.plain),
    "start_ms": Told(N_("Begins"), telling.clock_time),
    "length_ms": Told(N_("Lasts at most"), telling.length),
    "when": Told(N_("On which days"), telling.recurrence),
    "plays": Told(N_("Plays"), telling.plays),
    "priority": Told(N_("Class priority"), telling.only_yes),
    "fixed": Told(N_("Begins on the second, even over an ordinary item"), telling.only_yes),
    "any_time": Told(N_("Plays also while the device does not know the time"), telling.only_yes),
    "targets": Told(N_("Where"), telling.places),
    "id": Told(N_("Code"), telling.plain),
}
ITEM: Fields = {
    "title": Told(N_("Title"), telling.plain),
    "renditions": Told(N_("Content"), telling.renditions),
    "sort": Told(N_("Sort"), telling.sort),
    "summary": Told(N_("Summary"), telling.plain),
    "field": Told(N_("Subject"), telling.subject),
    "essential": Told(N_("Essential information"), telling.only_yes),
    "level": Told(N_("Supplied at"), telling.level),
    "issued_by": Told(N_("Issued by"), telling.plain),
    "document_number": Told(N_("Document number"), telling.plain),
    "document_date": Told(N_("Document date"), telling.day),
    "valid_from": Told(N_("Valid from"), telling.instant_or_nothing),
    "valid_until": Told(N_("Valid until"), telling.instant),
    "id": Told(N_("Code"), telling.plain),
}
SERIES: Fields = {
    "title": Told(N_("Title"), telling.plain),
    "items": Told(N_("Items"), lambda value, context: ", ".join(context.item(context.area, one) for one in value)),
    "id": Told(N_("Code"), telling.plain),
}
SPECIAL: Fields = {
    "title": Told(N_("Title"), telling.plain),
    "first": Told(N_("First day"), telling.day),
    "last": Told(N_("Last day"), telling.day),
    "mute": Told(N_("Silences the programme"), telling.only_yes),
    "replace": Told(N_("Replaces the programme"), telling.only_yes),
    "drop": Told(N_("Leaves out"), telling.sorts),
    "slots": Told(N_("Its own slots"), lambda value, context: "\n".join(_slot_line(slot, context) for slot in value)),
    "targets": Told(N_("Where"), telling.places),
    "id": Told(N_("Code"), telling.plain),
}
SWAP: Fields = {
    "device": Told(N_("Device"), telling.plain),
    "cluster": Told(N_("Loudspeaker cluster"), telling.plain),
}
WHOLE: Fields = {
    "play_until": Told(N_("Plays until"), telling.instant),
    "issued": Told(N_("Made at"), telling.instant),
}
LISTED = frozenset({"items", "slots", "offers", "order", "withdrawn", "special_days", "reserve", "swaps"})
"""Fields of a programme that are compared entry by entry."""


def _slot_title(slot: Slot, context: Context) -> str:
    return f"{telling.clock_time(slot.start_ms, context)} – {slot.title}"


def _slot_line(slot: Slot, context: Context) -> str:
    lines = lines_of(slot, SLOT, context)
    return "; ".join(f"{line.label}: {line.after}" for line in lines)


def _special_title(special: SpecialDay, context: Context) -> str:
    first, last = telling.day(special.first, context), telling.day(special.last, context)
    return f"{special.title} ({first if first == last else f'{first} – {last}'})"


def _ordered(ident: str, context: Context) -> str:
    """The order names items of this area or of one above by their id alone."""
    areas = [area for area, item in context.items if item == ident]
    return context.item(context.area if context.area in areas or not areas else areas[0], ident)


def _swap_title(swap: Swap, context: Context) -> str:
    return context.words("{device} stands in at {cluster}", device=swap.device, cluster=swap.cluster)


SLOTS = Listed(N_("Slots"), SLOT, _slot_title)
SPECIAL_DAYS = Listed(N_("Special days"), SPECIAL, _special_title)
ITEMS = Listed(N_("Items"), ITEM, lambda item, _: item.title)
OFFERED_SERIES = Listed(N_("Offered to the areas below"), SERIES, lambda series, _: series.title)
SWAPS = Listed(
    N_("Spare devices in use"),
    SWAP,
    _swap_title,
    key=lambda swap: f"{swap.device} {swap.cluster}",
    added=Mark.LOUD,
)


def _own_item(ident: str, context: Context) -> str:
    return context.item(context.area, ident)


WITHDRAWN = Named(N_("Withdrawn items"), _own_item, added=Mark.LOUD)
OFFERED_ITEMS = Named(N_("Offered to the areas below"), _own_item)
ORDER = Named(N_("Order of colliding priority items"), _ordered)
RESERVE = Named(N_("Reserve content"), _own_item)


def compare_programmes(before: Programme | None, after: Programme, context: Context) -> list[Change]:
    """Every difference, most audible first. Without `before`, everything is new."""
    old = before or Programme(after.area, after.issued, after.play_until)
    return [
        *compare(old.slots, after.slots, SLOTS, context),
        *compare(old.special_days, after.special_days, SPECIAL_DAYS, context),
        *compare_names(old.withdrawn, after.withdrawn, WITHDRAWN, context),
        *compare(old.items, after.items, ITEMS, context),
        *compare(old.offers.series, after.offers.series, OFFERED_SERIES, context),
        *compare_names(old.offers.items, after.offers.items, OFFERED_ITEMS, context),
        *compare_names(old.order, after.order, ORDER, context),
        *compare_names(old.reserve, after.reserve, RESERVE, context),
        *compare(old.swaps, after.swaps, SWAPS, context),
        *_whole(before, after, context),
    ]


def swap_faults(
    before: Programme | None, after: Programme, placements: Placements | None, context: Context
) -> list[str]:
    """Why no device would obey a new swap: only the commune's spares, and only to its clusters."""
    old = before.swaps if before else []
    placed = placements.placements if placements else []
    spares = {place.device for place in placed if place.spare and place.area == after.area}
    clusters = {place.cluster for place in placed if not place.spare}
    _, devices = context.words, [swap.device for swap in after.swaps]
    foreign = [s for s in after.swaps if s not in old and (s.device not in spares or s.cluster not in clusters)]
    twice = sorted({device for device in devices if devices.count(device) > 1})
    return [
        *(_("{device} is no spare of this commune, or {cluster} is none of its clusters",
            device=swap.device, cluster=swap.cluster) for swap in foreign),
        *(_("{device} cannot stand in at two places", device=device) for device in twice),
    ]  # fmt: skip


def _whole(before: Programme | None, after: Programme, context: Context) -> list[Change]:
    section = context.words("The whole programme")
    if before is None:
        lines = lines_of(after, WHOLE, context)
        return [Change(Mark.LOUD, section, context.words("First programme of {area}", area=after.area), lines)]
    lines = lines_between(before, after, WHOLE, context, leave=DATED)
    return (
        [Change(Mark.CHANGED, section, context.words("Programme of {area}", area=after.area), lines)] if lines else []
    )
