"""From what is held to what `wire.timeline` is asked about: the situation of one endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from edge.plan.stand_in import standing
from edge.sync.library import Holdings
from wire.programme import Programme
from wire.timeline import Endpoint, Mute, Situation
from wire.timeline.situation import MAX_MUTE_MS
from wire.units import DAY, UtcTime

MOST_MUTES: Final = 20


def situation_of(
    holdings: Holdings,
    *,
    serial: str,
    mutes: tuple[Mute, ...] = (),
    volume_percent: int = 100,
    programmes: Mapping[str, Programme] | None = None,
) -> Situation | None:
    """The situation, with `programmes` instead of those in force if given; None as long as nobody placed this device.

    A card in other hardware than was placed plays emergencies alone, until the registrar places it there (`replace`);
    so does a spare that stands in for nobody.
    """
    chosen = holdings.programmes if programmes is None else programmes
    placement = standing(holdings, chosen)
    if placement is None:
        return None
    if placement.serial != serial or placement.spare:
        chosen = {}
    return Situation(
        programmes=tuple(chosen.values()),
        policies=holdings.policies,
        endpoint=Endpoint.of(placement),
        mutes=mutes,
        volume_percent=volume_percent,
    )


def all_accepted(holdings: Holdings) -> dict[str, Programme]:
    """The programmes as they will be once everything that was accepted is complete."""
    return {**holdings.programmes, **holdings.waiting}


def with_one(holdings: Holdings, area: str) -> dict[str, Programme]:
    """The programmes in force, and the one that waits to succeed in `area`."""
    return {**holdings.programmes, area: holdings.waiting[area]}


def with_mute(mutes: tuple[Mute, ...], new: Mute) -> tuple[Mute, ...]:
    """The mutes that still matter, and a new one if it adds anything; the longest, should somebody flood us."""
    live = [m for m in mutes if m.ends > new.start]
    if any(m.start <= new.start and m.ends >= new.ends for m in live):
        return tuple(live)
    return tuple(sorted([*live, new], key=lambda m: m.ends)[-MOST_MUTES:])


class TurnedDown(msgspec.Struct, frozen=True):
    """A lower volume that somebody asked for, unsigned: it ends by itself, like a mute."""

    percent: int
    until: UtcTime


def turned_down(raw: str | None, now: UtcTime) -> int:
    """The percentage to which the device is turned down at this time, 100 where it is not."""
    found = msgspec.json.decode(raw, type=TurnedDown) if raw else None
    return found.percent if found and now < found.until <= now + MAX_MUTE_MS + DAY else 100


def encode_mutes(mutes: tuple[Mute, ...]) -> str:
    return msgspec.json.encode(mutes).decode()


def decode_mutes(raw: str | None) -> tuple[Mute, ...]:
    return msgspec.json.decode(raw, type=tuple[Mute, ...]) if raw else ()
