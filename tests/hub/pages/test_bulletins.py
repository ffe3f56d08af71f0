"""Bulletins: writing, correcting, finding, and what a form says about each field that is wrong."""

from __future__ import annotations

import pytest

from tests.hub.conftest import COMMUNE
from tests.hub.pages.conftest import plain


def test_a_bulletin_keeps_what_was_written(desk):
    person = desk("mai")
    ident = person.write(
        "Tiêm phòng đàn lợn", "Mời bà con.", summary="Tóm tắt.", field="5", sort="speech", essential="1",
        issued_by="UBND phường", document_number="51/TB-UBND", document_date="20/11/2026", valid_until="30/11/2026",
    )  # fmt: skip
    page = plain(person.get(f"/items/{ident}"))
    for words in ("Tiêm phòng đàn lợn", "Mời bà con.", "Thiết yếu", "51/TB-UBND (20/11/2026)", "đến hết 30/11/2026",
                  "Kiến thức khoa học, kỹ thuật", "mai, 08:01 23/11/2026", "1. viết mới"):  # fmt: skip
        assert words in page


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": "  "}, "Viết tiêu đề."),
        ({"title": "x" * 301}, "Quá dài: 301 ký tự, tối đa 300."),
        ({"text": "x" * 20_001}, "Quá dài: 20001 ký tự, tối đa 20000."),
        ({"field": "7"}, "Chọn một mục trong danh sách."),
        ({"sort": "advertising"}, "Chọn một mục trong danh sách."),
        ({"document_date": "31/02/2026"}, "Ngày không đúng: 31/02/2026."),
        ({"document_date": "hôm nay"}, "Ngày không đúng: hôm nay."),
        ({"valid_from": "02/12/2026", "valid_until": "01/12/2026"}, "Ngày cuối trước ngày đầu."),
    ],
)
def test_each_wrong_field_has_its_own_message_and_nothing_is_stored(desk, fields, message):
    person = desk("mai")
    answer = person.post("/items/new", {"area": COMMUNE, "title": "Một tin", **fields})
    assert answer.status_code == 422
    assert message in plain(answer)
    assert "Chưa lưu được." in plain(answer)
    assert "Chưa có tin nào." in plain(person.get("/items"))


def test_what_was_typed_stays_in_a_refused_form(desk):
    answer = desk("mai").post("/items/new", {"area": COMMUNE, "title": "", "text": "Một đoạn văn dài."})
    assert "Một đoạn văn dài." in answer.text


def test_markup_in_a_title_is_shown_as_it_was_typed(desk):
    person = desk("mai")
    ident = person.write('<script>alert("x")</script>')
    answer = person.get(f"/items/{ident}")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;</h1>" in answer.text


@pytest.mark.parametrize("words", ["lợn", "LON", "tiem phong", "51/tb"])
def test_a_bulletin_is_found_with_or_without_marks(desk, words):
    person = desk("mai")
    person.write("Tiêm phòng đàn lợn", document_number="51/TB-UBND")
    person.write("Lịch cắt điện", "Thứ Năm mất điện.")
    page = plain(person.get("/items", query_string={"q": words}))
    assert "Tiêm phòng đàn lợn" in page
    assert "Lịch cắt điện" not in page


def test_two_editors_do_not_overwrite_each_other(desk):
    first, second = desk("mai"), desk("ha")
    ident = first.write("Bản đầu")
    first.post(f"/items/{ident}/edit", {"title": "Bản của Mai", "version": "1"})
    answer = second.post(f"/items/{ident}/edit", {"title": "Bản của Hà", "version": "1"})
    assert answer.status_code == 409
    assert "Nội dung đã thay đổi sau khi hiển thị." in plain(answer)
    page = plain(first.get(f"/items/{ident}"))
    assert "Bản của Mai" in page
    assert "2. sửa" in page


def test_a_removed_bulletin_leaves_the_list_and_can_be_changed_no_more(desk):
    person = desk("mai")
    ident = person.write("Tin cũ")
    assert person.post(f"/items/{ident}/remove", follow=True).status_code == 200
    assert "Tin cũ" not in plain(person.get("/items"))
    assert person.post(f"/items/{ident}/edit", {"title": "x", "version": "1"}).status_code == 404
