"""Chưa đánh giá ATTT: on every page until an assessment holds, and again when it is overdue."""

from __future__ import annotations

from datetime import date

import pytest

from hub.assessments.model import Assessment, Notice, Result, latest_due, notice_of
from hub.auth import actions as auth
from hub.auth.roles import Grant, Role
from tests.hub.conftest import COMMUNE, PASSWORD
from tests.hub.pages.conftest import plain
from wire.units import DAY

MISSING = "Chưa đánh giá ATTT"
FIELDS = {
    "level": "3", "decision_number": "123/QĐ-UBND", "decision_date": "01/11/2026", "basis": "NĐ 85/2016/NĐ-CP",
    "assessed_on": "20/11/2026", "assessor": "Trung tâm CNTT", "result": "passed", "next_due": "", "note": "",
}  # fmt: skip
PATHS = ("/", "/items", "/items/new", "/schedules", "/schedules/slots/new", "/schedules/series", "/schedules/settings",
         "/schedules/preview", "/approvals", "/devices", "/devices/stick", "/alerts", "/help", "/account",
         "/assessments", "/nothing-here")  # fmt: skip


def enter(desk, **changes):
    return desk("admin").post("/assessments", {**FIELDS, **changes}, form="/assessments")


def test_the_notice_stands_on_every_page_also_for_who_is_not_logged_in(desk):
    mai, admin = desk("mai"), desk("admin")
    assert [path for path in PATHS if MISSING not in plain(mai.get(path))] == []
    assert [path for path in ("/security", "/security/log", "/people") if MISSING not in plain(admin.get(path))] == []
    assert MISSING in plain(desk().get("/login"))
    assert MISSING in plain(mai.get("/people"))  # a page of refusal


def test_every_page_of_the_application_has_it(app, desk):
    """Generated: whatever GET route answers with a whole page, also one that is written tomorrow."""
    admin, seen = desk("admin"), 0
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods and not rule.arguments:
            answer = admin.get(rule.rule)
            if answer.mimetype == "text/html" and answer.status_code == 200:
                seen += 1
                assert MISSING in plain(answer), rule.rule
    assert seen > 15


def test_it_goes_with_an_assessment_and_comes_back_when_the_next_is_overdue(box, desk):
    assert enter(desk).status_code == 303
    assert MISSING not in plain(desk("mai").get("/"))
    page = plain(desk("mai").get("/assessments"))
    assert "Quyết định 123/QĐ-UBND ngày 01/11/2026" in page
    assert "Đánh giá lần sau trước ngày 20/11/2027" in page
    box.clock.at += 363 * DAY  # 21/11/2027
    assert "Đã quá hạn đánh giá ATTT từ ngày 20/11/2027" in plain(desk("mai").get("/"))
    assert enter(desk, assessed_on="21/11/2027").status_code == 303
    assert "đánh giá ATTT từ" not in plain(desk("mai").get("/"))


def test_a_failed_assessment_stands_on_every_page(desk):
    enter(desk, result="failed")
    assert "Đánh giá ATTT: không đạt" in plain(desk("mai").get("/items"))


@pytest.mark.parametrize("username", ["mai", "vy", "chair-00694", "binh", "ha", "dang", "commune-admin"])
def test_only_the_provinces_administrator_enters_one(box, desk, username):
    held = [Grant(Role.ADMIN, COMMUNE)]
    auth.add_person(box.hub, username="commune-admin", name="x", password=PASSWORD, held=held)
    person = desk(username)
    assert "Nhập lần đánh giá" not in plain(person.get("/assessments"))
    assert person.post("/assessments", FIELDS, form="/assessments").status_code == 403
    assert MISSING in plain(person.get("/"))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"level": "6"}, "level"), ({"decision_number": ""}, "decision_number"),
        ({"decision_date": ""}, "decision_date"),
        ({"decision_date": "31/02/2026"}, "decision_date"), ({"assessed_on": "24/11/2026"}, "assessed_on"),
        ({"assessor": ""}, "assessor"), ({"result": ""}, "result"), ({"result": "x"}, "result"),
        ({"next_due": "20/11/2026"}, "next_due"), ({"next_due": "21/11/2027"}, "next_due"),
        ({"level": "5", "next_due": "21/05/2027"}, "next_due"), ({"note": "x" * 2001}, "note"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_beside_its_field_and_not_entered(desk, changes, field):
    answer = enter(desk, **changes)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert MISSING in plain(answer)


def test_the_newest_assessment_counts_not_the_one_that_was_entered_last(desk):
    enter(desk)
    enter(desk, assessed_on="01/06/2025", result="failed", next_due="01/06/2026")
    assert "không đạt" not in plain(desk("mai").get("/"))


def test_days_are_counted_by_level():
    assert latest_due(1, date(2026, 11, 20)) == date(2028, 11, 20)
    assert latest_due(3, date(2028, 2, 29)) == date(2029, 2, 28)
    assert latest_due(5, date(2026, 8, 31)) == date(2027, 2, 28)


def test_the_day_it_is_due_it_still_holds():
    one = Assessment(3, "1", date(2026, 1, 1), "", date(2026, 1, 2), "x", Result.CONDITIONS, date(2027, 1, 2))
    assert notice_of(one, date(2027, 1, 2)) is None
    assert notice_of(one, date(2027, 1, 3)) is Notice.OVERDUE
    assert notice_of(None, date(2027, 1, 3)) is Notice.MISSING
