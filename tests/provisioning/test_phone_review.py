"""What changes, as the phone and the station tell it: the same words; and what a phone refuses to show.

Cases are made by `wire` and python-tuf as the test runs, and judged by both, the JavaScript in a real browser.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from provisioning.approval.review.changes import Context
from provisioning.approval.review.programme import compare_programmes
from provisioning.approval.words import Words
from tests.builders import make_programme
from tests.fakes.hub import real_now
from tests.provisioning.phone_cases import COMMUNE, b64
from wire.codec import encode
from wire.content import Image, Item, Sound, Text, Video
from wire.programme import (
    Offers,
    PlayItem,
    PlayLive,
    PlayRelay,
    PlayReserve,
    PlaySeries,
    Recurrence,
    Series,
    Slot,
    SpecialDay,
    Swap,
)
from wire.units import DAY, HOUR, MINUTE, UtcTime

SOUND = Sound("vi", "a" * 64, 9_000, 61_500)
ITEMS = [
    Item(
        "tin-1", "Tiêm phòng", renditions=[SOUND, Text("hmn", "Chữ “Mông”\n2")], summary="x", document_date="2026-11-02"
    ),
    Item(
        "tin-2",
        "Nhạc",
        "music",
        [Image("vi", "b" * 64, 5, 10, 10, "ảnh")],
        essential=True,
        level="province",
        field=4,
        valid_from=UtcTime(1_790_000_000_000),
    ),
    Item(
        "tin-3",
        "Phim",
        "entertainment",
        [Video("en", "c" * 64, 5, 10, 10, 9_550)],
        valid_until=UtcTime(1_800_000_000_000),
    ),
]
DAILY = Recurrence("2026-01-01", "daily", 2, until="2026-12-31", exceptions=["2026-09-02"])
WEEKLY = Recurrence("2026-01-05", "weekly", 1, [1, 3, 7], dates=["2026-11-20"])
MONTHLY = Recurrence("2026-01-05", "monthly", 3, [5], [1, -1])
SLOTS = [
    Slot(
        "sang", "Bản tin sáng", 5 * HOUR + 30 * MINUTE, 30 * MINUTE, DAILY, [PlayItem(COMMUNE, "tin-1"), PlayReserve()]
    ),
    Slot(
        "trua",
        "Trưa",
        11 * HOUR + 15_000,
        90_500,
        WEEKLY,
        [PlaySeries("08", "bo"), PlayItem("08", "x", "d" * 64)],
        priority=True,
        fixed=True,
        targets=["cluster:cl-1", "lang:hmn", "area:08/00694/02", "tag:cho", "board:b1"],
    ),
    Slot(
        "chieu",
        "Chiều",
        17 * HOUR,
        2 * HOUR,
        MONTHLY,
        [PlayRelay("https://x.vn/a", 5_000), PlayLive("ho-p", HOUR)],
        any_time=True,
    ),
    Slot("khong", "Không ngày", 0, 1, Recurrence("2026-01-01"), []),
]
TET = SpecialDay(
    "tet",
    "Tết",
    "2027-02-06",
    "2027-02-10",
    replace=True,
    drop=["music"],
    slots=[msgspec.structs.replace(SLOTS[0], id="tet-1")],
)
MOURNING = SpecialDay("tang", "Quốc tang", "2026-12-01", "2026-12-01", mute=True)
OFFERED = Offers(["tin-1"], [Series("bo", "Bộ tin", ["tin-1", "tin-2"])])


def some_programme(dice: random.Random, issued: int):
    def some(values: list[Any]) -> list[Any]:
        return dice.sample(values, dice.randrange(len(values) + 1))

    items = [msgspec.structs.replace(one, title=one.title + dice.choice(["", " mới"])) for one in some(ITEMS)]
    slots = [msgspec.structs.replace(one, length_ms=one.length_ms + dice.choice([0, 1_500])) for one in some(SLOTS)]
    return make_programme(
        COMMUNE,
        issued=UtcTime(issued),
        play_until=UtcTime(issued + dice.choice([10, 40, 60]) * DAY),
        items=items,
        slots=slots,
        special_days=some([TET, MOURNING]),
        offers=dice.choice([Offers(), OFFERED]),
        order=some(["tin-1", "tin-2", "la"]),
        withdrawn=some(["tin-1", "cu"]),
        reserve=some(["tin-1", "tin-2", "tin-3"]),
        swaps=some([Swap("dev-1", "cl-1"), Swap("dev-2", "cl-2")]),
    )


def by_station(before, after, above, words: Words) -> list[Any]:
    known = [above, *([before] if before else []), after]
    items = {(p.area, item.id): item.title for p in known for item in p.items}
    series = {(p.area, one.id): one.title for p in known for one in p.offers.series}
    changes = compare_programmes(before, after, Context(words, COMMUNE, items, series))
    return sorted(
        [c.mark.value, c.section, c.title, [[one.label, one.before, one.after] for one in c.lines]] for c in changes
    )


@pytest.mark.parametrize("language", ["vi", "en"])
def test_changes_are_told_in_the_same_words(phone_page, language):
    dice, now = random.Random(11), real_now()  # noqa: S311 - the same cases each time
    above = make_programme("08", items=[Item("x", "Của tỉnh")], offers=Offers([], [Series("bo", "Bộ của tỉnh", [])]))
    pairs = [(some_programme(dice, now - DAY), some_programme(dice, now)) for _ in range(60)]
    pairs += [(None, some_programme(dice, now)) for _ in range(5)]
    told = [[b64(encode(before)) if before else None, b64(encode(after))] for before, after in pairs]
    made = phone_page.evaluate(
        """async ([language, area, above, pairs, now]) => {
          const { loadWords } = await import("./js/words.js");
          const { review } = await import("./js/review.js");
          const { readProgramme } = await import("./js/programme.js");
          const { fromBase64 } = await import("./js/bytes.js");
          await loadWords(language);
          const over = [readProgramme(fromBase64(above))];
          const told = (one) => [one.mark, one.section, one.title, one.lines.map((l) => [l.label, l.before, l.after])];
          const raw = (text) => text && fromBase64(text);
          return pairs.map(([before, after]) => review(area, raw(before), raw(after), over, now).changes.map(told));
        }""",
        [language, COMMUNE, b64(encode(above)), told, now],
    )
    words = Words.load(language)
    assert [sorted(changes) for changes in made] == [by_station(before, after, above, words) for before, after in pairs]


PROGRAMME_EDITS: dict[str, Callable[[Any], object]] = {
    "nothing": lambda _: None,
    "a new field": lambda p: p.update(echo=1),
    "a new field of a slot": lambda p: p["slots"][0].update(echo=1),
    "a new kind of content": lambda p: p["slots"][0]["plays"].append({"kind": "shell", "text": "x"}),
    "a new kind of rendition": lambda p: p["items"][0]["renditions"].append({"kind": "smell"}),
    "a field left out": lambda p: p["slots"][0].pop("any_time"),
    "a newer schema": lambda p: p.update(schema=2),
    "a date that is none": lambda p: p["slots"][0]["when"].update(first="2026-02-30"),
    "an id twice": lambda p: p["items"].append(p["items"][0]),
    "a slot of 13 hours": lambda p: p["slots"][0].update(length_ms=13 * HOUR),
    "text for a number": lambda p: p["slots"][0].update(start_ms="1"),
    "fixed without priority": lambda p: p["slots"][0].update(fixed=True),
    "it ends before it begins": lambda p: p.update(play_until=p["issued"]),
}


@pytest.mark.parametrize("name", PROGRAMME_EDITS)
def test_a_programme_that_cannot_be_shown_completely_is_refused(phone_page, name):
    plain = json.loads(encode(make_programme(COMMUNE, items=ITEMS, slots=SLOTS)))
    PROGRAMME_EDITS[name](plain)
    raw = encode(plain)
    spaced, twice = raw.replace(b'"schema":1', b'"schema": 1'), raw.replace(b'"schema":1', b'"schema":1,"schema":1')
    read = """async (raw) => {
      const { readProgramme } = await import("./js/programme.js");
      const { fromBase64 } = await import("./js/bytes.js");
      try { return readProgramme(fromBase64(raw)).area; } catch (error) { return error.code; }
    }"""
    assert phone_page.evaluate(read, b64(raw)) == (COMMUNE if name == "nothing" else "malformed")
    assert [phone_page.evaluate(read, b64(other)) for other in (spaced, twice)] == ["malformed", "malformed"]
