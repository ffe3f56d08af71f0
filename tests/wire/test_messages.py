"""Logs, receipts, alerts, health and topics: shapes, limits and the rules that need no state."""

from __future__ import annotations

import pytest

from wire.alert import (
    MAX_VALIDITY_MS,
    Cancel,
    Part,
    Start,
    Template,
    Wording,
    check_current,
    clips_of,
    message_text,
    reaches,
    read_order,
    read_template,
)
from wire.blanks import Blank, Choice
from wire.codec import encode
from wire.content import Sound
from wire.errors import ExpiredError, MalformedError, NotAllowedError, UnknownKindError
from wire.playlog import FIRST_PREVIOUS, Batch, Row, read_batch, row_hash
from wire.telemetry import METRICS, encode_health, read_health
from wire.topics import device_subscriptions, emergency_area, split_up
from wire.units import HOUR, UtcTime

NOW = UtcTime(1_795_000_000_000)


def chain(length: int) -> list[Row]:
    rows: list[Row] = []
    for seq in range(1, length + 1):
        previous = row_hash(rows[-1]) if rows else FIRST_PREVIOUS
        rows.append(
            Row(seq=seq, previous=previous, at=UtcTime(NOW + seq), time_quality=3, kind="play", item=f"tin-{seq}")
        )
    return rows


def batch(rows: list[Row]) -> bytes:
    return encode(Batch(device="loa-1", serial="S1", chain="0" * 32, rows=rows))


def test_an_unbroken_batch_is_read():
    assert read_batch(batch(chain(3))).rows == chain(3)


@pytest.mark.parametrize("spoil", [lambda r: r[:1] + r[2:], lambda r: [r[1], r[0], r[2]], lambda r: [*r, r[-1]]])
def test_a_batch_with_a_missing_swapped_or_doubled_row_is_refused(spoil):
    with pytest.raises(MalformedError):
        read_batch(batch(spoil(chain(3))))


def test_a_changed_row_breaks_the_chain():
    rows = chain(3)
    forged = Row(seq=2, previous=rows[1].previous, at=rows[1].at, time_quality=3, kind="play", item="khac")
    with pytest.raises(MalformedError, match="row 3 does not follow"):
        read_batch(batch([rows[0], forged, rows[2]]))


def test_the_101st_row_of_a_batch_is_refused():
    assert len(read_batch(batch(chain(100))).rows) == 100
    with pytest.raises(MalformedError):
        read_batch(batch(chain(101)))


def start(**changes) -> Start:
    settings = {"role": "ea00694", "area": "08/00694", "template": "lu", "template_sha256": "a" * 64, "issued": NOW,
                "expires": UtcTime(NOW + HOUR)}  # fmt: skip
    return Start(**(settings | changes))


def test_orders_survive_their_bytes():
    cancel = Cancel(role="ea08", area="08", cancels=["b" * 64], issued=NOW, expires=UtcTime(NOW + HOUR))
    assert [read_order(encode(order)) for order in (start(), cancel)] == [start(), cancel]


def test_a_validity_above_24_hours_is_refused():
    read_order(encode(start(expires=UtcTime(NOW + MAX_VALIDITY_MS))))
    with pytest.raises(NotAllowedError):
        read_order(encode(start(expires=UtcTime(NOW + MAX_VALIDITY_MS + 1))))


def test_only_emergency_roles_order_alerts():
    with pytest.raises(NotAllowedError, match="c00694"):
        read_order(encode(start(role="c00694")))


def test_an_unknown_kind_of_order_is_unknown_and_not_malformed():
    with pytest.raises(UnknownKindError):
        read_order(b'{"kind":"whisper"}')


@pytest.mark.parametrize(
    ("now", "floor", "em_floor", "taken"),
    [
        (NOW, 0, 0, True),
        (NOW + HOUR, 0, 0, False),
        (0, NOW + HOUR, 0, False),
        (NOW, 0, NOW, False),
        (NOW, 0, NOW - 1, True),
        (NOW - 400 * 24 * HOUR, 0, 0, True),
    ],
)
def test_an_order_is_current_by_floor_clock_and_memory(now, floor, em_floor, taken):
    def judge():
        check_current(start(), now=UtcTime(now), floor=UtcTime(floor), em_floor=UtcTime(em_floor))

    if taken:
        judge()
    else:
        with pytest.raises(ExpiredError):
            judge()


def test_an_order_reaches_what_lies_below_its_area_by_whole_codes():
    assert reaches(start(), "08/00694/07")
    assert not reaches(start(area="08/006"), "08/00694")
    assert not reaches(start(area="08/00694/07"), "08/00694")


def sound(language: str, digit: str) -> Sound:
    return Sound(language=language, sha256=digit * 64, size=10, duration_ms=1_000)


FLOOD = Template(
    id="lu", title="Xả lũ", hazard="lũ", severity=4,
    wordings=[
        Wording(language="vi", text="{ho} xả lũ.", parts=[Part(blank="ho"), Part(clip=sound("vi", "1"))]),
        Wording(language="hmn", text="{ho} tso dej.", parts=[Part(blank="ho"), Part(clip=sound("hmn", "2"))]),
    ],
    blanks=[Blank(id="ho", choices=[Choice(id="tq", text={"vi": "Hồ Tuyên Quang"}, clips=[sound("vi", "3")])])],
)  # fmt: skip


def test_a_message_is_its_clips_in_order():
    assert clips_of(FLOOD, {"ho": "tq"}, "vi") == [sound("vi", "3"), sound("vi", "1")]
    assert message_text(FLOOD, {"ho": "tq"}, "vi") == "Hồ Tuyên Quang xả lũ."


def test_a_language_without_the_clip_or_the_wording_is_missing():
    assert clips_of(FLOOD, {"ho": "tq"}, "hmn") is None
    assert clips_of(FLOOD, {"ho": "tq"}, "tyz") is None


@pytest.mark.parametrize("blanks", [{}, {"ho": "khac"}, {"ho": "tq", "x": "y"}])
def test_blanks_take_only_what_the_template_lists(blanks):
    with pytest.raises(NotAllowedError):
        clips_of(FLOOD, blanks, "vi")


def test_a_part_that_names_no_blank_of_the_template_is_refused():
    wrong = Template(
        id="x", title="x", hazard="", severity=1, wordings=[Wording(language="vi", text="x", parts=[Part(blank="no")])]
    )
    with pytest.raises(MalformedError):
        read_template(encode(wrong))


def test_health_at_its_largest_fits_in_120_bytes():
    assert len(encode_health({metric.name: metric.high for metric in METRICS})) <= 120


def test_health_survives_and_values_out_of_range_become_unknown():
    raw = encode_health({"battery_percent": 55, "temperature_c": 900})
    assert read_health(raw) == {metric.name: None for metric in METRICS} | {"battery_percent": 55}


def test_a_device_listens_to_every_level_of_its_own_area_and_no_other():
    topics = [topic for topic, _ in device_subscriptions("loa-1", "08/00694")]
    assert topics == ["loa/1/dn/loa-1/logged", "loa/1/dn/loa-1/cmd", "loa/1/ar/08/ver", "loa/1/em/08",
                      "loa/1/ar/08.00694/ver", "loa/1/em/08.00694"]  # fmt: skip


def test_topics_are_taken_apart_as_they_are_put_together():
    assert split_up("loa/1/up/loa-1/log") == ("loa-1", "log")
    assert split_up("loa/1/dn/loa-1/log") is None
    assert emergency_area("loa/1/em/08.00694") == "08/00694"
