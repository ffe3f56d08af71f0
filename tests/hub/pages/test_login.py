"""Logging in and out on the page, the switch of language, and forms that are not ours."""

from __future__ import annotations

import pytest

from tests.hub.conftest import PASSWORD
from tests.hub.pages.conftest import plain


def test_a_person_logs_in_and_lands_on_today(desk):
    answer = desk("mai").get("/")
    assert answer.status_code == 200
    assert "Hôm nay" in plain(answer)


def test_a_wrong_password_is_told_in_vietnamese_and_names_nobody(desk):
    person = desk()
    for username in ("mai", "nobody"):
        answer = person.post("/login", {"username": username, "password": "sai-mat-khau"}, form="/login")
        assert answer.status_code == 401
        assert "Sai tên đăng nhập hoặc mật khẩu." in plain(answer)


def test_without_a_session_every_page_leads_to_the_login_form(desk):
    answer = desk().get("/schedules?area=08/00694")
    assert (answer.status_code, answer.location) == (302, "/login?next=/schedules?area%3D08/00694")


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_a_foreign_link_cannot_borrow_the_login_page(desk, target):
    fields = {"username": "mai", "password": PASSWORD, "next": target}
    assert desk().post("/login", fields, form="/login").location == "/"


def test_after_logging_out_nothing_is_shown(desk):
    person = desk("mai")
    person.post("/logout")
    assert person.get("/").status_code == 302


def test_the_switch_of_language_is_kept_over_logging_in(desk):
    person = desk()
    person.post("/language", {"lang": "en", "next": "/login"}, form="/login")
    assert "User name" in plain(person.get("/login"))
    person.post("/login", {"username": "mai", "password": PASSWORD}, form="/login")
    assert "Loudspeakers and boards" in plain(person.get("/"))


def test_a_form_without_its_token_changes_nothing(desk):
    person = desk("mai")
    answer = person.client.post("/items/new", data={"area": "08/00694", "title": "Tin lạ"})
    assert answer.status_code == 400
    assert "Trang mở quá lâu." in plain(answer)
    assert "Tin lạ" not in plain(person.get("/items"))


def test_pages_carry_nothing_inline(desk):
    for path in ("/", "/items/new", "/schedules/slots/new"):
        text = desk("mai").get(path).text
        assert "<style" not in text
        assert " style=" not in text
        assert "<script>" not in text
        assert " onclick" not in text
