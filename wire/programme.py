"""A programme: what an area says, signed by its approvers (design §3, §4).

Reading one drops what this program does not know (kinds of slot content or rendition) and says so in `ignored`;
deciding what plays from it is `wire.timeline`.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from wire.codec import SCHEMA, convert, decode_plain, keep_known
from wire.content import CONTENT_KINDS, AreaPath, Ident, Item, Sha256
from wire.errors import MalformedError
from wire.units import DAY, UtcTime

MAX_PROGRAMME_BYTES = 256 * 1024
MAX_SLOTS = 200
MAX_DATES = 500
MAX_ITEMS = 1_000
MAX_PLAY_DAYS = 45

Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
DayMs = Annotated[int, Meta(ge=0, lt=DAY)]
"""Milliseconds after local midnight."""


class Recurrence(Struct, frozen=True):
    """The closed subset of RFC 5545 that design §4 names. `freq` "none" means: on `dates` alone.

    Weeks and months are counted from `first`; `weekdays` are 1 (Monday) to 7; `month_days` 1 to 31, or -1 for the last.
    """

    first: Day
    freq: Annotated[str, Meta(pattern="^(none|daily|weekly|monthly)$")] = "none"
    interval: Annotated[int, Meta(ge=1, le=52)] = 1
    weekdays: Annotated[list[Annotated[int, Meta(ge=1, le=7)]], Meta(max_length=7)] = msgspec.field(
        default_factory=list
    )
    month_days: Annotated[list[Annotated[int, Meta(ge=-1, le=31)]], Meta(max_length=31)] = msgspec.field(
        default_factory=list
    )
    until: Day | None = None
    dates: Annotated[list[Day], Meta(max_length=MAX_DATES)] = msgspec.field(default_factory=list)
    exceptions: Annotated[list[Day], Meta(max_length=MAX_DATES)] = msgspec.field(default_factory=list)


class PlayItem(Struct, frozen=True, tag="item", tag_field="kind"):
    """An item of the programme of `area`. With `digest`, only while one of its renditions still has that SHA-256."""

    area: AreaPath
    item: Ident
    digest: Sha256 | None = None


class PlaySeries(Struct, frozen=True, tag="series", tag_field="kind"):
    """The newest valid item of a series that `area` offers."""

    area: AreaPath
    series: Ident


class PlayReserve(Struct, frozen=True, tag="reserve", tag_field="kind"):
    """The area's reserve set, repeated to the end of the slot."""


class PlayRelay(Struct, frozen=True, tag="relay", tag_field="kind"):
    """A stream of the province-signed allow-list, for `duration_ms`."""

    url: Annotated[str, Meta(pattern="^https://", max_length=500)]
    duration_ms: Annotated[int, Meta(gt=0, le=DAY)]


class PlayLive(Struct, frozen=True, tag="live", tag_field="kind"):
    """A live session that a grant opens, for at most `duration_ms`."""

    session: Ident
    duration_ms: Annotated[int, Meta(gt=0, le=DAY)]


Play = PlayItem | PlaySeries | PlayReserve | PlayRelay | PlayLive
PLAY_KINDS: dict[str, type] = {
    "item": PlayItem, "series": PlaySeries, "reserve": PlayReserve, "relay": PlayRelay, "live": PlayLive,
}  # fmt: skip

Target = Annotated[
    str, Meta(pattern=r"^(\*|(cluster|board|tag|lang):[A-Za-z0-9._-]{1,64}|area:[0-9a-z]{1,10}(/[0-9a-z]{1,10}){0,5})$")
]
"""`*`, or one of cluster:ID board:ID tag:NAME lang:CODE area:PATH."""

Targets = Annotated[list[Target], Meta(min_length=1, max_length=200)]


class Slot(Struct, frozen=True):
    """A place in the day (khung giờ): when, how important, what, where."""

    id: Ident
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    start_ms: DayMs
    length_ms: Annotated[int, Meta(gt=0, le=DAY // 2)]
    when: Recurrence
    plays: Annotated[list[Play], Meta(max_length=100)]
    priority: bool = False
    """Class of TT 39/2020: priority (ưu tiên) or ordinary (thông thường). Emergencies are never slots."""
    fixed: bool = False
    """Begins on its second even over a running ordinary item; only with `priority`."""
    any_time: bool = False
    """Harmless at any hour: plays also while the device does not know the time."""
    targets: Targets = msgspec.field(default_factory=lambda: ["*"])


class Series(Struct, frozen=True):
    """Bulletins that follow one another under one name; a slot that names the series plays the newest valid one."""

    id: Ident
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    items: Annotated[list[Ident], Meta(max_length=MAX_ITEMS)]


class SpecialDay(Struct, frozen=True):
    """A dated layer over the frame (Tết, state mourning, election day), which ends by itself.

    `mute` silences the frame, `replace` sets it aside for this layer's own slots, `drop` leaves out sorts of item
    ("music", "entertainment"). None of them touches an emergency.
    """

    id: Ident
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    first: Day
    last: Day
    mute: bool = False
    replace: bool = False
    drop: Annotated[list[Annotated[str, Meta(pattern="^(music|entertainment)$")]], Meta(max_length=2)] = msgspec.field(
        default_factory=list
    )
    slots: Annotated[list[Slot], Meta(max_length=MAX_SLOTS)] = msgspec.field(default_factory=list)
    targets: Targets = msgspec.field(default_factory=lambda: ["*"])


class Offers(Struct, frozen=True):
    """What areas below may put into their own slots."""

    items: Annotated[list[Ident], Meta(max_length=MAX_ITEMS)] = msgspec.field(default_factory=list)
    series: Annotated[list[Series], Meta(max_length=100)] = msgspec.field(default_factory=list)


class Swap(Struct, frozen=True):
    """A spare device takes over a cluster of the same commune."""

    device: Ident
    cluster: Ident


class Programme(Struct, frozen=True):
    """An area's signed word. Items are held once in `items` and named by id everywhere else."""

    area: AreaPath
    issued: UtcTime
    play_until: UtcTime
    """After this instant nothing of it plays. The device also caps it at `issued` + 45 days."""
    items: Annotated[list[Item], Meta(max_length=MAX_ITEMS)] = msgspec.field(default_factory=list)
    slots: Annotated[list[Slot], Meta(max_length=MAX_SLOTS)] = msgspec.field(default_factory=list)
    offers: Offers = msgspec.field(default_factory=Offers)
    order: Annotated[list[Ident], Meta(max_length=MAX_ITEMS)] = msgspec.field(default_factory=list)
    """Ids of priority items (also of areas above) in the order in which colliding ones play."""
    withdrawn: Annotated[list[Ident], Meta(max_length=MAX_ITEMS)] = msgspec.field(default_factory=list)
    special_days: Annotated[list[SpecialDay], Meta(max_length=60)] = msgspec.field(default_factory=list)
    reserve: Annotated[list[Ident], Meta(max_length=200)] = msgspec.field(default_factory=list)
    swaps: Annotated[list[Swap], Meta(max_length=200)] = msgspec.field(default_factory=list)
    schema: int = SCHEMA

    def item(self, ident: str) -> Item | None:
        return next((item for item in self.items if item.id == ident), None)

    def series(self, ident: str) -> Series | None:
        return next((series for series in self.offers.series if series.id == ident), None)

    @property
    def ends(self) -> UtcTime:
        """The instant after which the device plays nothing of it, whatever it says itself."""
        return UtcTime(min(self.play_until, self.issued + MAX_PLAY_DAYS * DAY))


class ReadProgramme(Struct, frozen=True):
    """A decoded programme and a note for everything in it that this program is too old to know."""

    programme: Programme
    ignored: list[str]


def read_programme(raw: bytes) -> ReadProgramme:
    """Decode a programme and check what the types cannot say.

    Raises:
        MalformedError: not a programme, over a limit (256 KiB, 200 slots, 500 dates), or inconsistent in itself.
        UnknownKindError: of a newer schema; the caller keeps the one that it has.
    """
    plain = decode_plain(raw, limit=MAX_PROGRAMME_BYTES)
    ignored: list[str] = []
    _filter_items(plain, ignored)
    _filter_slots(plain, ignored)
    for special in _dicts(plain, "special_days"):
        _filter_slots(special, ignored)
    programme = convert(plain, Programme)
    check_programme(programme)
    return ReadProgramme(programme, ignored)


def check_programme(programme: Programme) -> None:
    """Raise MalformedError where ids repeat, windows are turned round or limits over the whole are passed."""
    _check_unique([item.id for item in programme.items], "item")
    slots = programme.slots + [slot for special in programme.special_days for slot in special.slots]
    _check_unique([slot.id for slot in slots], "slot")
    if len(slots) > MAX_SLOTS:
        raise MalformedError(f"{len(slots)} slots, more than {MAX_SLOTS}")
    dates = sum(len(slot.when.dates) + len(slot.when.exceptions) for slot in slots)
    if dates > MAX_DATES:
        raise MalformedError(f"{dates} dates, more than {MAX_DATES}")
    if any(special.first > special.last for special in programme.special_days):
        raise MalformedError("a special day ends before it begins")
    if any(slot.fixed and not slot.priority for slot in slots):
        raise MalformedError("a fixed slot must have class priority")
    if programme.play_until <= programme.issued:
        raise MalformedError("play_until is not after issued")
    _check_days(slots, programme.special_days)


def _filter_items(plain: dict[str, Any], ignored: list[str]) -> None:
    for item in _dicts(plain, "items"):
        if "renditions" in item:
            item["renditions"], notes = keep_known(item["renditions"], CONTENT_KINDS, where="rendition")
            ignored += notes


def _filter_slots(holder: dict[str, Any], ignored: list[str]) -> None:
    for slot in _dicts(holder, "slots"):
        if "plays" in slot:
            slot["plays"], notes = keep_known(slot["plays"], PLAY_KINDS, where="slot content")
            ignored += notes


def _dicts(holder: dict[str, Any], key: str) -> list[dict[str, Any]]:
    values = holder.get(key, [])
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _check_days(slots: list[Slot], special_days: list[SpecialDay]) -> None:
    """The type knows what a date looks like, not that February has no 30th."""
    rules = [slot.when for slot in slots]
    days = [day for rule in rules for day in (rule.first, rule.until, *rule.dates, *rule.exceptions)]
    for day in [*days, *(day for special in special_days for day in (special.first, special.last))]:
        try:
            date.fromisoformat(day or "2000-01-01")
        except ValueError as error:
            raise MalformedError(f"{day!r} is not a date") from error


def _check_unique(idents: list[str], what: str) -> None:
    if len(set(idents)) != len(idents):
        raise MalformedError(f"an {what} id occurs twice")
