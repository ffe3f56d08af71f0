"""From drafts to the programme that will be signed. Pure: the same drafts at the same instant give the same bytes."""

from __future__ import annotations

import msgspec

from hub.content.model import Bulletin, StoredSound, wire_item
from hub.schedules.model import PLAY_DAYS, SERIES_KEPT, Draft, own_items
from wire.codec import encode
from wire.content import Item
from wire.programme import MAX_PROGRAMME_BYTES, Offers, Programme, Series, check_programme
from wire.units import DAY, UtcTime

Bulletins = dict[str, Bulletin]
Sounds = dict[str, list[StoredSound]]


def build_programme(draft: Draft, bulletins: Bulletins, sounds: Sounds, *, issued: UtcTime) -> Programme:
    """The whole programme. Bulletins that were removed or have no sound yet are left out: `checks` names them.

    Raises MalformedError where a limit of the wire is passed (200 slots, 500 dates).
    """
    programme = _build(draft, bulletins, sounds, issued=issued, with_text=True)
    if len(encode(programme)) > MAX_PROGRAMME_BYTES:
        # Loudspeakers do not read: the texts go first when a commune's programme grows over what a device takes.
        programme = _build(draft, bulletins, sounds, issued=issued, with_text=False)
    check_programme(programme)
    return programme


def programme_bytes(programme: Programme) -> bytes:
    """What is proposed, signed and fetched."""
    return encode(programme)


def same_word(one: Programme, other: Programme) -> bool:
    """Whether two programmes say the same, apart from when they were issued."""
    return msgspec.structs.replace(one, issued=other.issued, play_until=other.play_until) == other


def _build(draft: Draft, bulletins: Bulletins, sounds: Sounds, *, issued: UtcTime, with_text: bool) -> Programme:
    added = {entry.item: entry.added for series in draft.series for entry in series.items}
    items = [
        _item(bulletins[ident], sounds[ident], added.get(ident), with_text=with_text)
        for ident in own_items(draft)
        if ident in bulletins and bulletins[ident].removed is None and sounds.get(ident)
    ]
    present = {item.id for item in items}
    return Programme(
        area=draft.area,
        issued=issued,
        play_until=UtcTime(issued + PLAY_DAYS * DAY),
        items=sorted(items, key=lambda item: item.id),
        slots=[draft_slot.slot for draft_slot in draft.slots],
        offers=Offers(
            items=[ident for ident in draft.settings.offers if ident in present],
            series=[
                Series(series.id, series.title, [e.item for e in series.items[:SERIES_KEPT] if e.item in present])
                for series in draft.series
            ],
        ),
        order=list(draft.settings.order),
        withdrawn=list(draft.settings.withdrawn),
        reserve=[ident for ident in draft.settings.reserve if ident in present],
        swaps=list(draft.settings.swaps),
    )


def _item(bulletin: Bulletin, sounds: list[StoredSound], added: UtcTime | None, *, with_text: bool) -> Item:
    item = wire_item(bulletin, sounds, with_text=with_text)
    if added is None or bulletin.draft.valid_from is not None:
        return item
    return msgspec.structs.replace(item, valid_from=added)  # the newest of a series is the one that begins last
