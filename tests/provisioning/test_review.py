"""Differences in words: no field can go unsaid, and what loosens is loud."""

from __future__ import annotations

import msgspec
import pytest

from provisioning.approval.catalogue import left_over, missing
from provisioning.approval.review import Held, Subject, review
from provisioning.approval.review.changes import Context, Mark
from provisioning.approval.review.placements import PLACEMENT
from provisioning.approval.review.policy import EXCEPTION, LOOSENESS, POLICY, compare_policies
from provisioning.approval.review.programme import (
    ITEM,
    LISTED,
    SERIES,
    SLOT,
    SPECIAL,
    SWAP,
    WHOLE,
    compare_programmes,
)
from provisioning.approval.review.template import BLANK, HEAD, WORDING
from provisioning.approval.words import Words, length, recurrence
from tests.builders import NOW, make_placement, make_programme, new_signer
from wire.alert import Template, Wording
from wire.blanks import Blank
from wire.codec import encode
from wire.content import Item, Sound
from wire.enrolment import Placement, Placements
from wire.policy import Hours, OnBattery, Policy, QuietException
from wire.programme import (
    PlayItem,
    PlayRelay,
    PlaySeries,
    Programme,
    Recurrence,
    Series,
    Slot,
    SpecialDay,
    Swap,
)
from wire.units import DAY, HOUR, MINUTE, SECOND, UtcTime

VI = Words.load("vi")
AREA = "08/00694"
CONTEXT = Context(VI, AREA)
WHEN = Recurrence(first="2026-11-23", freq="daily")
SLOTS = [Slot("chieu", "Bản tin chiều", 17 * HOUR, 30 * MINUTE, WHEN, [PlayItem(AREA, "tin-1")])]


@pytest.mark.parametrize(
    ("shape", "told", "elsewhere"),
    [
        (Slot, SLOT, set()),
        (Item, ITEM, set()),
        (Series, SERIES, set()),
        (SpecialDay, SPECIAL, set()),
        (Swap, SWAP, set()),
        (Programme, WHOLE, LISTED | {"area", "schema"}),
        (Policy, POLICY, {"area", "schema", "exceptions"}),
        (QuietException, EXCEPTION, set()),
        (Placement, PLACEMENT, set()),
        (Template, HEAD, {"id", "schema", "wordings", "blanks"}),
        (Wording, WORDING, set()),
        (Blank, BLANK, set()),
    ],
)
def test_every_field_of_what_is_signed_is_told(shape, told, elsewhere):
    assert set(told) | elsewhere == set(shape.__struct_fields__)


def test_every_field_of_a_policy_has_a_measure_of_looseness():
    assert set(LOOSENESS) == set(POLICY) - {"issued"}


def test_every_sentence_is_translated():
    assert missing("vi") == []
    assert left_over("vi") == []


def test_gaps_in_sentences_are_the_same_in_both_languages():
    gaps = {english: _gaps(english) for english in VI.catalogue}

    assert {english: _gaps(VI.catalogue[english]) for english in gaps} == gaps


def _gaps(sentence):
    parts = sentence.replace("}", "{").split("{")
    return sorted({part.split(":")[0] for part in parts[1::2]})


def test_a_moved_slot_tells_from_when_to_when():
    before = make_programme(AREA, slots=SLOTS)
    after = make_programme(AREA, slots=[msgspec.structs.replace(SLOTS[0], start_ms=17 * HOUR + 15 * MINUTE)])

    (change,) = compare_programmes(before, after, CONTEXT)

    assert (change.mark, change.title) == (Mark.CHANGED, "17 giờ 15 – Bản tin chiều")
    assert [(line.label, line.before, line.after) for line in change.lines] == [("Bắt đầu", "17 giờ 00", "17 giờ 15")]


def test_a_difference_too_small_for_words_is_told_raw():
    before = make_programme(AREA, play_until=UtcTime(NOW + 30 * DAY))
    after = make_programme(AREA, play_until=UtcTime(NOW + 30 * DAY + SECOND))

    (change,) = compare_programmes(before, after, CONTEXT)

    assert (change.lines[0].before, change.lines[0].after) == (str(NOW + 30 * DAY), str(NOW + 30 * DAY + SECOND))


def test_a_swapped_recording_under_the_same_item_is_told():
    old = Item("tin-1", "Tiêm phòng", renditions=[Sound("vi", "a" * 64, 10_000, 3_000)])
    new = Item("tin-1", "Tiêm phòng", renditions=[Sound("vi", "b" * 64, 10_000, 3_000)])

    (change,) = compare_programmes(make_programme(AREA, items=[old]), make_programme(AREA, items=[new]), CONTEXT)

    assert change.lines[0].label == "Nội dung"
    assert "mã aaaa" in change.lines[0].before
    assert "mã bbbb" in change.lines[0].after


def test_what_is_withdrawn_swapped_or_reordered_is_told():
    before = make_programme(AREA, order=["a", "b"])
    after = make_programme(AREA, order=["b", "a"], withdrawn=["tin-1"], swaps=[Swap("loa-9", "cl-1")])

    changes = compare_programmes(before, after, CONTEXT)

    assert [(change.mark, change.section) for change in changes] == [
        (Mark.LOUD, "Tin thu hồi"),
        (Mark.CHANGED, "Thứ tự các tin ưu tiên trùng giờ"),
        (Mark.LOUD, "Thiết bị dự phòng đang dùng"),
    ]


def test_a_swap_that_no_device_would_obey_is_refused():
    spare = make_placement("loa-s", AREA, new_signer(), cluster="spare-s", spare=True)
    dead = make_placement("loa-1", f"{AREA}/02", new_signer(), cluster="cl-1")
    held = Held(placements=Placements(AREA, NOW, [spare, dead]))

    def refusals(*swaps: Swap) -> tuple[str, ...]:
        after = make_programme(AREA, swaps=list(swaps))
        subject = Subject("programme", AREA, f"areas/{AREA}/programme.json", None, encode(after))
        return review(subject, held, UtcTime(NOW + 1), VI).refusals

    assert refusals(Swap("loa-s", "cl-1")) == ()
    no_spare = "{} không phải thiết bị dự phòng của xã này, hoặc {} không phải cụm loa của xã"
    assert refusals(Swap("loa-1", "cl-1")) == (no_spare.format("loa-1", "cl-1"),)
    assert refusals(Swap("loa-s", "cl-9")) == (no_spare.format("loa-s", "cl-9"),)
    assert refusals(Swap("loa-s", "spare-s")) == (no_spare.format("loa-s", "spare-s"),)
    assert len(refusals(Swap("loa-s", "cl-1"), Swap("loa-s", "cl-1"))) == 1


def test_a_device_that_holds_another_root_is_not_placed():
    ours, theirs = "a" * 64, "b" * 58 + "c0ffee"
    key = new_signer()
    mine, foreign = (make_placement("loa-1", f"{AREA}/02", key, root=root) for root in (ours, theirs))

    def refusals(before, after) -> tuple[str, ...]:
        raws = [encode(Placements(AREA, NOW, [one])) if one else None for one in (before, after)]
        subject = Subject("placements", AREA, f"areas/{AREA}/placements.json", *raws)
        return review(subject, Held(roots=frozenset({ours})), UtcTime(NOW + 1), VI).refusals

    assert refusals(None, mine) == ()
    assert refusals(None, foreign) == ("loa-1 giữ gốc tin cậy khác của tỉnh này: … c0ffee",)
    assert refusals(foreign, foreign) == (), "what was signed before stops no other device's placement"


def test_the_same_programme_anew_changes_nothing():
    before = make_programme(AREA, slots=SLOTS)

    assert compare_programmes(before, msgspec.structs.replace(before, issued=UtcTime(NOW + 1)), CONTEXT) == []


@pytest.mark.parametrize(
    ("fields", "mark"),
    [
        ({"max_volume": 90}, Mark.LOUD),
        ({"max_volume": 70}, Mark.CHANGED),
        ({"hours": None}, Mark.LOUD),
        ({"hours": [Hours(6 * HOUR, 7 * HOUR)]}, Mark.CHANGED),
        ({"hours": [Hours(7 * HOUR, 21 * HOUR)]}, Mark.CHANGED),
        ({"languages": None}, Mark.LOUD),
        ({"languages": ["hmn"]}, Mark.LOUD),
        ({"on_battery": OnBattery(ordinary=True)}, Mark.LOUD),
        ({"on_battery": OnBattery(priority=False)}, Mark.CHANGED),
        ({"max_item_ms": DAY}, Mark.LOUD),
        ({"emergency_volume": 50}, Mark.CHANGED),
    ],
)
def test_a_looser_rule_is_loud(fields, mark):
    before = Policy("08", NOW, hours=[Hours(5 * HOUR, 20 * HOUR)], max_volume=80, languages=["vi"], max_item_ms=HOUR)

    changes = compare_policies(before, msgspec.structs.replace(before, **fields), CONTEXT)

    assert [change.mark for change in changes] == [mark]


def test_an_exception_that_goes_is_told_too():
    night = QuietException("2026-12-31", Hours(22 * HOUR, 24 * HOUR), ["08"], "Giao thừa")

    (change,) = compare_policies(Policy("08", NOW, exceptions=[night]), Policy("08", NOW), CONTEXT)

    assert change.mark is Mark.REMOVED


def test_plays_that_change_are_told_by_day_and_cluster():
    placements = Placements(AREA, NOW, [make_placement(f"loa-{n}", f"{AREA}/0{n}", new_signer()) for n in (1, 2)])
    item = Item("tin-1", "Tiêm phòng", renditions=[Sound("vi", "a" * 64, 10_000, 60_000)])
    before = make_programme(AREA, items=[item], slots=SLOTS)
    later = [msgspec.structs.replace(SLOTS[0], start_ms=18 * HOUR)]
    after = make_programme(AREA, items=[item], slots=later, issued=UtcTime(NOW + 1))
    subject = Subject("programme", AREA, "areas/08/00694/programme.json", encode(before), encode(after))

    (air,) = review(subject, Held({AREA: before}, {}, placements), UtcTime(NOW + 1), VI).on_air

    assert (len(air.days), air.clusters) == (7, ("cl-loa-1", "cl-loa-2"))
    assert [(play.mark, play.time, play.title) for play in air.plays] == [
        (Mark.REMOVED, "17 giờ 00", "Tiêm phòng (tiếng Việt)"),
        (Mark.ADDED, "18 giờ 00", "Tiêm phòng (tiếng Việt)"),
    ]


def test_an_unreadable_file_is_a_refusal():
    subject = Subject("policy", AREA, "areas/08/00694/policy.json", None, b'{"area": 7}')

    shown = review(subject, Held(), NOW, VI)

    assert len(shown.refusals) == 1
    assert shown.refusals[0].startswith("Không đọc được tệp:")


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (Recurrence("2026-11-23", "daily"), "hằng ngày, từ 23/11/2026"),
        (Recurrence("2026-11-23", "weekly", 2, [1, 5]), "2 tuần một lần: Thứ Hai, Thứ Sáu, từ 23/11/2026"),
        (Recurrence("2026-11-01", "monthly", month_days=[15, -1]),
         "hằng tháng: ngày 15, ngày cuối tháng, từ 01/11/2026"),
        (Recurrence("2026-11-23", dates=["2026-12-01"]), "ngày 01/12/2026"),
        (Recurrence("2026-11-23", "daily", until="2026-12-31", exceptions=["2026-12-25"]),
         "hằng ngày, từ 23/11/2026, đến hết 31/12/2026, trừ các ngày 25/12/2026"),
    ],
)  # fmt: skip
def test_recurrences_are_said_as_people_say_them(when, said):
    assert recurrence(when, VI) == said


def test_lengths_are_said_as_people_say_them():
    assert [length(ms, VI) for ms in (500, 1_000, 61_000, 2 * HOUR, 9_940)] == [
        "0,5 giây", "1 giây", "1 phút 1 giây", "2 giờ", "9,9 giây",
    ]  # fmt: skip


def test_unknown_kinds_of_content_have_their_words():
    slot = Slot(
        "r", "Tiếp âm", 5 * HOUR, HOUR, WHEN, [PlayRelay("https://vov.vn/1", HOUR), PlaySeries("08", "thoi-su")]
    )
    named = Context(VI, AREA, series={("08", "thoi-su"): "Thời sự tỉnh"})

    (change,) = compare_programmes(make_programme(AREA), make_programme(AREA, slots=[slot]), named)

    plays = next(line.after for line in change.lines if line.label == "Phát")
    assert plays == "tiếp âm https://vov.vn/1 trong 1 giờ · tin mới nhất của loạt “Thời sự tỉnh” (của 08)"
