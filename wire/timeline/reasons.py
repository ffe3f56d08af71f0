"""Why something plays, or does not: stable codes with parameters. The hub translates them, the log stores them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

import msgspec
from msgspec import Struct


class Why(StrEnum):
    """A code, and the English sentence that the hub translates; braces name the reason's parameters."""

    sentence: str

    def __new__(cls, code: str, sentence: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member

    # it plays
    ITEM = "item", "The slot names this item."
    SERIES = "series", "It is the newest valid item of the series {series} of {area}."
    RESERVE = "reserve", "It belongs to the reserve set, which fills the slot."
    RELAY = "relay", "The slot relays {url}."
    LIVE = "live", "The slot opens the live session {session}."
    SPECIAL_DAY = "special_day", "The slot belongs to the special day {special_day}."
    FOLLOWS_ON = "follows_on", "It begins {late_ms} ms after its slot, behind what was playing or goes first."
    HELD_FOR_FIXED = "held_for_fixed", "It was held so as not to run into the slot with a fixed time at {fixed}."
    CUT_BY_FIXED = "cut_by_fixed", "It ends early because a slot with a fixed time begins at {fixed}."
    CUT_BY_MUTE = "cut_by_mute", "It ends early because the loudspeaker was muted at {muted}."
    ALERT = "alert", "An emergency message of level {severity} sounds, round {n}."
    ALERT_PAUSE = "alert_pause", "Silence between two rounds of an emergency message."
    ALERT_SILENCED = "alert_silenced", "The button at the pole has silenced the emergency message."
    DRILL = "drill", "A drill sounds, round {n}."
    DRILL_PAUSE = "drill_pause", "Silence between two rounds of a drill."
    NOTHING_DUE = "nothing_due", "Nothing is due now."
    SUPPRESSED = "suppressed", "What is due now may not sound."

    # the whole slot does not play
    NOT_TARGETED = "not_targeted", "The slot is meant for other loudspeakers or boards."
    ORDINARY_FROM_ABOVE = (
        "ordinary_from_above",
        "Ordinary items of {area} play only where a slot of the commune names them.",
    )
    SPECIAL_DAY_MUTES = "special_day_mutes", "The special day {special_day} of {area} silences the programme."
    SPECIAL_DAY_REPLACES = "special_day_replaces", "The special day {special_day} of {area} replaces the programme."

    # one of its plays does not
    SPECIAL_DAY_DROPS = "special_day_drops", "The special day {special_day} of {area} leaves out {sort}."
    NO_PROGRAMME = "no_programme", "No programme of {area} is held."
    NOT_ABOVE = "not_above", "{area} is neither the slot's own area nor above it."
    NO_ITEM = "no_item", "The programme of {area} holds no such item."
    NO_SERIES = "no_series", "The programme of {area} offers no such series."
    NOT_OFFERED = "not_offered", "{area} does not offer this item to the areas below."
    WITHDRAWN = "withdrawn", "{area} has withdrawn the item."
    CHANGED = "changed", "The item is no longer the one that the slot was signed with."
    NOT_YET_VALID = "not_yet_valid", "The item is valid only from {valid_from}."
    NO_LONGER_VALID = "no_longer_valid", "The item was valid until {valid_until}."
    SERIES_EMPTY = "series_empty", "No item of the series is valid at this time."
    RESERVE_EMPTY = "reserve_empty", "Nothing of the reserve set can play."
    NO_RENDITION = "no_rendition", "The item has nothing that this endpoint can play in its languages."
    PROGRAMME_NOT_BEGUN = "programme_not_begun", "The programme of {area} is dated {issued}, more than a day from then."
    PROGRAMME_ENDED = "programme_ended", "The programme of {area} may play only until {ends}."
    QUIET_HOURS = "quiet_hours", "It would not lie wholly inside the hours in which sound is allowed."
    TOO_LONG = "too_long", "It is {length_ms} ms long, more than the {max_ms} ms that the policy allows."
    WINDOW_ENDED = "window_ended", "The slot's time was over before its turn came."
    ACROSS_DAY_END = "across_day_end", "It would run across 03:00, where the broadcast day ends."
    TOO_MANY = "too_many", "More plays in one day than the {limit} that are planned."
    MUTED = "muted", "The loudspeaker is muted until {until}."
    ON_BATTERY = "on_battery", "On battery (mains lost) the policy does not let this class play."
    BATTERY_LOW = "battery_low", "The battery is at {percent} %: below {low} % only emergencies sound."
    TIME_UNKNOWN = "time_unknown", "The device does not know the time: only emergencies and slots for any time play."


class Reason(Struct, frozen=True):
    """One reason. Instants among the parameters are UTC milliseconds."""

    code: Why
    params: Mapping[str, str | int] = msgspec.field(default_factory=dict)

    def __str__(self) -> str:
        return self.code.sentence.format_map(self.params)
