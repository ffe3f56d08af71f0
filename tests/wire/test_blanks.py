"""Typed blanks of emergency templates: what fills them, how it reads, of which recordings it is put together."""

from __future__ import annotations

import msgspec
import pytest

from tests.builders import NOW, make_sound, make_template, new_signer
from wire.alert import (
    ALERT_TYPE,
    OWN_WORDS,
    Part,
    Start,
    Template,
    Wording,
    check_start,
    clips_of,
    drill_clips,
    message_text,
    own_words,
    read_order,
    read_template,
    template_blobs,
)
from wire.blanks import Blank, BlankKind, Choice, Spoken, check_values
from wire.codec import encode
from wire.envelope import seal
from wire.errors import MalformedError, NotAllowedError
from wire.trust.rolefile import sha256_hex
from wire.units import HOUR, UtcTime

WORDS = ("một", "hai", "ba", "trăm", "nghìn", "năm", "mươi", "không", "giờ", "phút", "mười", "bảy", "mét khối", "23:59")
FLOW = Blank("luu-luong", kind=BlankKind.NUMBER, unit={"vi": "mét khối"}, least=100, most=5_000)
WHEN = Blank("gio", kind=BlankKind.TIME)
PLACE = Blank("noi", [Choice("08.00694.02", {"vi": "thôn Lùng Thàng"}, [make_sound("noi")])], BlankKind.AREA)
FREE = Blank("loi", kind=BlankKind.LETTERS)
VALUES = {"luu-luong": "1250", "gio": "17:30", "noi": "08.00694.02"}


def voice(*languages: str) -> list[Spoken]:
    return [Spoken(word, make_sound(word, language=one)) for word in WORDS for one in languages or ("vi",)]


def template(*blanks: Blank, text: str = "{luu-luong} lúc {gio} tại {noi}.", spoken: list[Spoken] | None = None):
    parts = [Part(blank=blank.id) for blank in blanks]
    recorded = voice() if spoken is None else spoken
    return Template("xa-lu", "Xả lũ", "lũ", 4, [Wording("vi", text, parts)], list(blanks), recorded)


def said(clips) -> list[str]:
    names = {make_sound(word).sha256: word for word in (*WORDS, "noi")}
    return [names[clip.sha256] for clip in clips]


def test_a_message_is_put_together_from_its_recordings():
    whole = template(FLOW, WHEN, PLACE)
    assert message_text(whole, VALUES, "vi") == "1.250 mét khối lúc 17:30 tại thôn Lùng Thàng."
    assert said(clips_of(whole, VALUES, "vi")) == [
        "một", "nghìn", "hai", "trăm", "năm", "mươi", "mét khối",
        "mười", "bảy", "giờ", "ba", "mươi", "phút", "noi",
    ]  # fmt: skip


def test_a_value_that_was_recorded_whole_is_said_so():
    assert said(clips_of(template(WHEN), {"gio": "23:59"}, "vi")) == ["23:59"]


def test_a_word_that_nobody_recorded_leaves_the_language_without_sound():
    assert clips_of(template(FLOW), {"luu-luong": "4000"}, "vi") is None


def test_another_language_has_only_what_it_recorded_whole():
    blank = msgspec.structs.replace(WHEN)
    spoken = [Spoken("17:30", make_sound("mong", language="hmn"))]
    whole = Template("x", "X", "", 1, [Wording("hmn", "{gio}", [Part(blank="gio")])], [blank], spoken)
    assert clips_of(whole, {"gio": "17:30"}, "hmn") == [spoken[0].clip]
    assert clips_of(whole, {"gio": "17:31"}, "hmn") is None


@pytest.mark.parametrize(
    ("blank", "value"),
    [
        (FLOW, "99"), (FLOW, "5001"), (FLOW, "0100"), (FLOW, "-200"), (FLOW, "2e3"), (FLOW, "hai trăm"), (FLOW, "१२३"),
        (FLOW, ""), (WHEN, "24:00"), (WHEN, "7:30"), (WHEN, "17:60"), (WHEN, "17h30"), (PLACE, "08.00694.03"),
        (PLACE, "08/00694/02"), (FREE, ""), (FREE, "  "), (FREE, "a\nb"), (FREE, "x" * 301), (FREE, "a\u202eb"),
    ],
)  # fmt: skip
def test_what_a_blank_does_not_take_is_refused(blank, value):
    with pytest.raises(NotAllowedError):
        check_values([blank], {blank.id: value})


def test_every_blank_is_filled_and_nothing_else():
    with pytest.raises(NotAllowedError):
        check_values([FLOW, WHEN], {"luu-luong": "200"})
    with pytest.raises(NotAllowedError):
        check_values([WHEN], {"gio": "05:00", "khac": "1"})


def test_a_filled_value_opens_no_other_gap():
    whole = template(FREE, text="Chú ý: {loi}")
    assert message_text(whole, {"loi": "xem {gio} và {loi}"}, "vi") == "Chú ý: xem {gio} và {loi}"


def start(role: str, **fields) -> Start:
    common = {"template": "xa-lu", "template_sha256": "ab" * 32, "issued": NOW, "expires": UtcTime(NOW + HOUR)}
    return Start(**{"role": role, "area": "08/00694", **common, **fields})


def test_letters_in_a_blank_need_two_officers():
    whole, values = template(FREE, text="{loi}"), {"loi": "Nước lên nhanh"}
    check_start(start("ef00694", blanks=values), whole)
    for role in ("ea00694", "ed00694"):
        with pytest.raises(NotAllowedError, match="two officers"):
            check_start(start(role, blanks=values), whole)
    check_start(start("ea00694", blanks={"gio": "05:00"}), template(WHEN))


@pytest.mark.parametrize(
    "blank",
    [
        Blank("a"), Blank("a", [Choice("x", {"vi": "x"})], BlankKind.NUMBER), Blank("a", kind=BlankKind.AREA),
        Blank("a", [Choice("Lung.Thang", {"vi": "x"})], BlankKind.AREA),
        Blank("a", kind=BlankKind.NUMBER, least=5, most=4),
    ],
)  # fmt: skip
def test_a_template_whose_blank_contradicts_itself_is_refused(blank):
    with pytest.raises(MalformedError):
        read_template(encode(template(blank, text="{a}")))


def test_a_template_says_something_and_has_a_name_of_its_own():
    with pytest.raises(MalformedError):
        read_template(encode(Template("a", "A", "", 1, [Wording("vi", "A")])))
    with pytest.raises(MalformedError, match="two officers"):
        read_template(encode(make_template(OWN_WORDS)))


def test_every_recording_of_a_template_is_fetched_beforehand():
    whole = read_template(encode(template(FLOW, PLACE)))
    assert {clip.sha256 for clip in template_blobs(whole)} == {make_sound(word).sha256 for word in (*WORDS, "noi")}


def own(role: str = "ef00694", **changes) -> bytes:
    words = own_words(title="Tin khẩn", hazard="lũ", severity=4, texts={"vi": "Cầu Lùng Thàng đã sập, không qua lại."})
    named = {"template": words.id, "template_sha256": sha256_hex(encode(words)), "own": words}
    return encode(start(role, **{**named, **changes}))


def test_own_words_stand_in_the_order_itself():
    order = read_order(own())
    assert message_text(order.own, order.blanks, "vi") == "Cầu Lùng Thàng đã sập, không qua lại."
    assert clips_of(order.own, order.blanks, "vi") is None


@pytest.mark.parametrize(
    ("role", "changes"),
    [
        ("ea00694", {}), ("ed00694", {}), ("ef00694", {"template": "xa-lu"}),
        ("ef00694", {"template_sha256": "0" * 64}), ("ef00694", {"own": make_template()}),
    ],
)  # fmt: skip
def test_own_words_of_one_officer_or_named_otherwise_are_refused(role, changes):
    with pytest.raises(NotAllowedError):
        read_order(own(role, **changes))


def test_own_words_that_carry_sound_are_refused():
    words = own_words(title="T", hazard="", severity=1, texts={"vi": "x"})
    wordings = [Wording("vi", "x", [Part(clip=make_sound("gia"))])]
    loud = msgspec.structs.replace(words, wordings=wordings)
    with pytest.raises(NotAllowedError):
        read_order(own(own=loud, template_sha256=sha256_hex(encode(loud))))


def test_the_largest_own_words_fit_into_an_envelope():
    words = own_words(title="T" * 200, hazard="h" * 60, severity=5, texts={"vi": "ộ" * 1_000, "hmn": "ộ" * 1_000})
    raw = own(own=words, template_sha256=sha256_hex(encode(words)))
    assert len(seal(raw, ALERT_TYPE, [new_signer() for _ in range(3)])) < 16 * 1024


def test_a_drill_says_that_it_is_one_before_and_after_its_message():
    words = make_sound("dien tap")
    whole = msgspec.structs.replace(template(WHEN), drill=[words])
    clips = clips_of(whole, {"gio": "23:59"}, "vi")
    assert drill_clips(whole, clips, "vi") == [words, *clips, words]
    assert drill_clips(whole, clips, "hmn") == clips
    assert words in template_blobs(whole)
