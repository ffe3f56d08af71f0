"""A programme's bytes: what is read, what is refused, what a newer hub may add."""

from __future__ import annotations

import json

import pytest

from wire.codec import encode
from wire.content import Item, Sound, Text
from wire.errors import MalformedError, UnknownKindError
from wire.programme import (
    MAX_PROGRAMME_BYTES,
    PlayItem,
    Programme,
    Recurrence,
    Slot,
    SpecialDay,
    check_programme,
    read_programme,
)
from wire.units import DAY, HOUR, UtcTime

ISSUED = UtcTime(1_795_000_000_000)
TEXT = Text(language="vi", text="Tiêm phòng")
SOUND = Sound(language="vi", sha256="a" * 64, size=1_000, duration_ms=5_000)


def slot(ident: str, **changes) -> Slot:
    settings = {"title": "Bản tin chiều", "start_ms": 17 * HOUR, "length_ms": HOUR,
                "when": Recurrence(first="2026-11-22"), "plays": [PlayItem(area="08/00694", item="tin-1")]}  # fmt: skip
    return Slot(id=ident, **(settings | changes))


def programme(**changes) -> Programme:
    settings = {"area": "08/00694", "issued": ISSUED, "play_until": UtcTime(ISSUED + 30 * DAY),
                "items": [Item(id="tin-1", title="Tiêm phòng", renditions=[SOUND, TEXT])],
                "slots": [slot("s1")]}  # fmt: skip
    return Programme(**(settings | changes))


def changed(**changes) -> bytes:
    return json.dumps(json.loads(encode(programme())) | changes).encode()


def test_a_programme_survives_its_own_bytes():
    read = read_programme(encode(programme()))
    assert read.programme == programme()
    assert read.ignored == []


def test_equal_programmes_have_equal_bytes():
    assert encode(read_programme(encode(programme())).programme) == encode(programme())


def test_an_unknown_rendition_is_dropped_and_noted():
    plain = json.loads(encode(programme()))
    plain["items"][0]["renditions"].append({"kind": "hologram", "language": "vi"})
    read = read_programme(json.dumps(plain).encode())
    assert read.programme == programme()
    assert read.ignored == ["rendition: unknown kind 'hologram'"]


def test_unknown_slot_content_is_dropped_and_noted_in_special_days_too():
    special = SpecialDay(id="tet", title="Tết", first="2027-02-06", last="2027-02-08", slots=[slot("s2")])
    plain = json.loads(encode(programme(special_days=[special])))
    for holder in (plain, plain["special_days"][0]):
        holder["slots"][0]["plays"].append({"kind": "telepathy"})
    assert read_programme(json.dumps(plain).encode()).ignored == ["slot content: unknown kind 'telepathy'"] * 2


def test_an_unknown_field_is_ignored():
    assert read_programme(changed(colour="red")).programme == programme()


def test_a_newer_schema_is_refused_as_unknown_and_not_as_broken():
    with pytest.raises(UnknownKindError, match="schema 2"):
        read_programme(changed(schema=2))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"area": "08"}', "missing required field"),
        (changed(area="../etc"), "area"),
        (changed(area=8), "area"),
        (changed(play_until=ISSUED - 1), "play_until"),
        (changed(slots="none"), "not a list|Expected `array`"),
        (b'{"area":' * 2_000, "not JSON"),
        (b" " * (MAX_PROGRAMME_BYTES + 1), "more than"),
    ],
)
def test_rubbish_is_refused_with_its_reason(raw, reason):
    with pytest.raises(MalformedError, match=reason):
        read_programme(raw)


def test_the_201st_slot_is_refused_wherever_it_stands():
    special = SpecialDay(id="tet", title="Tết", first="2027-02-06", last="2027-02-08", slots=[slot("extra")])
    full = programme(slots=[slot(f"s{n}") for n in range(200)])
    check_programme(full)
    with pytest.raises(MalformedError, match="201 slots, more than 200"):
        check_programme(programme(slots=full.slots, special_days=[special]))


def test_the_501st_date_is_refused():
    dates = [f"20{27 + n // 336}-{n % 336 // 28 + 1:02}-{n % 28 + 1:02}" for n in range(501)]
    first = slot("a", when=Recurrence(first="2026-11-22", dates=dates[:500]))
    second = slot("b", when=Recurrence(first="2026-11-22", exceptions=dates[500:]))
    check_programme(programme(slots=[first]))
    with pytest.raises(MalformedError, match="501 dates"):
        check_programme(programme(slots=[first, second]))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"slots": [slot("s1"), slot("s1")]}, "slot id occurs twice"),
        ({"items": [Item(id="a", title="x"), Item(id="a", title="y")]}, "item id occurs twice"),
        ({"slots": [slot("s1", fixed=True)]}, "priority"),
        ({"special_days": [SpecialDay(id="x", title="x", first="2027-02-08", last="2027-02-06")]}, "ends before"),
    ],
)
def test_a_programme_that_contradicts_itself_is_refused(wrong, reason):
    with pytest.raises(MalformedError, match=reason):
        check_programme(programme(**wrong))


def test_play_until_is_capped_at_45_days():
    assert programme(play_until=UtcTime(ISSUED + 400 * DAY)).ends == ISSUED + 45 * DAY
    assert programme(play_until=UtcTime(ISSUED + 3 * DAY)).ends == ISSUED + 3 * DAY


@pytest.mark.parametrize(
    "rule",
    [
        Recurrence(first="2026-02-29"),
        Recurrence(first="2026-11-22", until="2026-13-01"),
        Recurrence(first="2026-11-22", dates=["2026-04-31"]),
        Recurrence(first="2026-11-22", exceptions=["0000-01-01"]),
    ],
)
def test_a_date_that_no_calendar_has_is_refused(rule):
    with pytest.raises(MalformedError, match="is not a date"):
        check_programme(programme(slots=[slot("s1", when=rule)]))
