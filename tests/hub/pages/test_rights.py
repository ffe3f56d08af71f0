"""Who must not see or do it: every page, for somebody of another commune, for a viewer, and for nobody."""

from __future__ import annotations

import pytest

from hub.auth import guard
from tests.hub.conftest import COMMUNE, OTHER
from tests.hub.pages.conftest import plain

PAGES = (
    "auth",
    "dashboard",
    "help",
    "items",
    "schedules",
    "schedules_series",
    "schedules_preview",
    "schedules_spares",
    "publishing",
    "alerts",
    "devices",
    "devices_enrolment",
    "account",
    "people",
    "security",
    "assessments",
)
AREA_PAGES = ("/", "/items", "/schedules", "/schedules/check", "/schedules/series", "/schedules/settings",
              "/schedules/preview", "/schedules/spares", "/devices", "/devices/stick",
              "/devices/enrolment")  # fmt: skip


def test_every_page_says_who_may_come_in(app):
    pages = [rule for rule in app.url_map.iter_rules() if rule.endpoint.split(".")[0] in PAGES]
    assert len(pages) > 30
    assert [rule.rule for rule in pages if guard.door_of(app, rule.endpoint) is None] == []
    open_to_all = {rule.endpoint for rule in pages if guard.door_of(app, rule.endpoint) == "anybody"}
    login = {"auth.login", "auth.log_in", "account.begin_login", "account.log_in"}
    assert open_to_all == {*login, "auth.logout", "auth.language"}


@pytest.mark.parametrize("path", AREA_PAGES)
def test_an_outsider_does_not_see_the_commune(desk, path):
    desk("mai").write("Chuyện riêng của phường")
    answer = desk("outsider").get(f"{path}?area={COMMUNE}")
    assert answer.status_code == 403
    assert "Chuyện riêng" not in plain(answer)
    assert "Ngoài quyền hạn" in plain(answer)


def test_an_outsider_finds_no_bulletin_slot_cluster_or_sound(box, desk, slot_fields):
    box.add_cluster()
    mai = desk("mai")
    ident = mai.write()
    mai.post("/schedules/slots/new", slot_fields(f"item:{COMMUNE}:{ident}"))
    slot = next(iter(_slot_ids(mai)))
    outsider = desk("outsider")
    paths = [f"/items/{ident}", f"/items/{ident}/edit", f"/items/{ident}/sounds", f"/schedules/slots/{slot}",
             f"/schedules/uses/{ident}", "/devices/cl-1"]  # fmt: skip
    assert [outsider.get(path).status_code for path in paths] == [404] * len(paths)
    assert outsider.get("/schedules/preview?cluster=cl-1").status_code == 403


def test_an_outsider_changes_nothing(box, desk, slot_fields):
    box.add_cluster()
    mai = desk("mai")
    ident = mai.write()
    mai.post("/schedules/slots/new", slot_fields(f"item:{COMMUNE}:{ident}"))
    slot = next(iter(_slot_ids(mai)))
    outsider = desk("outsider")
    tries = [
        ("/items/new", {"area": COMMUNE, "title": "x"}), (f"/items/{ident}/edit", {"title": "x", "version": "1"}),
        (f"/items/{ident}/remove", {}), (f"/items/{ident}/speak", {}), ("/schedules/slots/new", slot_fields("reserve")),
        (f"/schedules/slots/{slot}", slot_fields("reserve")), (f"/schedules/slots/{slot}/remove", {}),
        ("/schedules/submit", {"area": COMMUNE, "confirm": "1"}),
        ("/schedules/series/new", {"area": COMMUNE, "title": "x"}),
        ("/schedules/settings", {"area": COMMUNE}), ("/devices/cl-1/placement", {"device": "loa-1"}),
    ]  # fmt: skip
    for path, fields in tries:
        assert outsider.post(path, fields).status_code in (403, 404), path
    assert plain(mai.get(f"/items/{ident}")).count("viết mới") == 1
    assert _slot_ids(mai) == {slot}


@pytest.mark.parametrize("username", ["vy", "chair-00694", "tuan"])
def test_who_only_looks_finds_no_way_to_write(desk, username):
    person = desk(username)
    assert "Soạn tin" not in plain(person.get("/items"))
    assert person.get(f"/items/new?area={COMMUNE}").status_code == 403
    assert person.post("/items/new", {"area": COMMUNE, "title": "x"}).status_code == 403


def test_the_province_sees_and_chooses_its_communes(desk):
    person = desk("ha")
    assert "Phường Hà Giang 1" in plain(person.get("/"))
    assert "Phường Hà Giang 1" in plain(person.get(f"/items?area={COMMUNE}"))
    assert person.get("/items?area=08/99999").status_code == 404


def test_a_unit_that_was_chosen_is_never_kept_for_somebody_else(desk):
    person = desk("ha")
    person.get(f"/items?area={OTHER}")
    person.post("/logout")
    person.post("/login", {"username": "mai", "password": "mot-mat-khau-dai"}, form="/login")
    assert "Phường Hà Giang 1" in plain(person.get("/items"))


def test_nowhere_on_the_hub_is_a_button_that_signs(app):
    names = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.split(".")[0] in PAGES}
    assert [name for name in names if "sign" in name or "approve" in name] == []


def _slot_ids(person) -> set[str]:
    text = person.get("/schedules").text
    return {part.split('"')[0] for part in text.split("/schedules/slots/")[1:]} - {"new?area=08/00694"}
