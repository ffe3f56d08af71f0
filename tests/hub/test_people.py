"""Accounts: who manages whom, and that whatever takes something away ends the open sessions at once."""

from __future__ import annotations

import pytest

from hub import audit
from hub.auth import actions as auth
from hub.auth import people
from hub.auth.roles import Grant, Role
from hub.cli import run
from hub.errors import BadInputError, ConflictError, NotAllowedError, NotFoundError, TooManyError
from tests.hub.conftest import COMMUNE, OTHER, PASSWORD
from tests.hub.pages.conftest import TOKEN, Desk, plain

NEW = "mat-khau-moi-dai"


@pytest.fixture
def manager(box):
    """Manages accounts of one commune."""
    auth.add_person(box.hub, username="lan", name="Lan", password=PASSWORD, held=[Grant(Role.ADMIN, COMMUNE)])
    return box.person("lan")


def log_in(app, username: str, password: str = PASSWORD) -> Desk:
    desk = Desk(app.test_client())
    desk.post("/login", {"username": username, "password": password}, form="/login")
    return desk


def is_in(desk: Desk) -> bool:
    return desk.get("/account").status_code == 200


def test_a_session_dies_with_logging_out_also_for_who_kept_the_cookie(app):
    mai = log_in(app, "mai")
    cookie = mai.client.get_cookie("loa").value
    token = TOKEN.search(mai.get("/account").text)[1]
    mai.client.post("/logout", data={"csrf_token": token})
    thief = app.test_client()
    thief.set_cookie("loa", cookie)
    assert thief.get("/account").status_code == 302


@pytest.mark.parametrize(
    "act",
    [
        lambda hub, admin: people.set_roles(hub, admin, "mai", [Grant(Role.VIEWER, COMMUNE)]),
        lambda hub, admin: people.set_active(hub, admin, "mai", active=False),
        lambda hub, admin: people.reset_password(hub, admin, "mai", NEW),
    ],
    ids=["other role", "closed", "new password"],
)
def test_sessions_die_with_what_is_taken_away(box, app, manager, act):
    page, program = log_in(app, "mai"), auth.log_in(box.hub, "mai", PASSWORD, kind="program")[0]
    others = log_in(app, "vy")
    assert is_in(page)
    act(box.hub, manager)
    assert not is_in(page)
    assert auth.person_of(box.hub, program) is None
    assert is_in(others)


def test_the_own_password_is_changed_with_the_old_one_and_ends_all_other_sessions(app):
    here, elsewhere = log_in(app, "mai"), log_in(app, "mai")
    refused = here.post("/account/password", {"old": "falsch", "new": NEW}, form="/account")
    assert (refused.status_code, is_in(elsewhere)) == (401, True)
    assert "Sai mật khẩu." in plain(refused)
    assert here.post("/account/password", {"old": PASSWORD, "new": "kurz"}, form="/account").status_code == 400
    assert here.post("/account/password", {"old": PASSWORD, "new": NEW}, form="/account").status_code == 303
    assert (is_in(here), is_in(elsewhere)) == (True, False)
    assert not is_in(log_in(app, "mai", PASSWORD))
    assert is_in(log_in(app, "mai", NEW))


def test_an_open_session_cannot_be_used_to_guess_the_password(box, app):
    here = log_in(app, "mai")
    codes = [
        here.post("/account/password", {"old": f"{n}", "new": NEW}, form="/account").status_code for n in range(11)
    ]
    assert codes == [401] * 10 + [429]


def test_a_closed_account_is_not_told_from_a_wrong_password(box, manager):
    people.set_active(box.hub, manager, "mai", active=False)
    with pytest.raises(auth.WrongPasswordError):
        auth.log_in(box.hub, "mai", PASSWORD)
    people.set_active(box.hub, manager, "mai", active=True)
    assert auth.log_in(box.hub, "mai", PASSWORD)


def test_a_new_password_opens_a_locked_account(box, manager):
    for _ in range(auth.MAX_FAILURES):
        with pytest.raises(auth.WrongPasswordError):
            auth.log_in(box.hub, "mai", "x", origin="a")
    with pytest.raises(TooManyError):
        auth.log_in(box.hub, "mai", PASSWORD, origin="a")
    people.reset_password(box.hub, manager, "mai", NEW)
    assert auth.log_in(box.hub, "mai", NEW, origin="a")


def test_a_manager_sees_and_touches_only_those_of_the_own_area(box, manager):
    seen = {one.username for one, _active in people.manageable(box.hub, manager)}
    assert {"mai", "vy", "chair-00694", "tuan", "lan"} <= seen
    assert not {"outsider", "ha", "admin", "binh"} & seen
    for username in ("outsider", "ha", "admin", "nobody"):
        with pytest.raises(NotFoundError):
            people.set_active(box.hub, manager, username, active=False)
        with pytest.raises(NotFoundError):
            people.reset_password(box.hub, manager, username, NEW)
        with pytest.raises(NotFoundError):
            people.set_roles(box.hub, manager, username, [])
    assert auth.log_in(box.hub, "outsider", PASSWORD)


@pytest.mark.parametrize("area", ["08", OTHER, "08/006", "09"])
def test_a_manager_gives_no_role_outside_the_own_area(box, manager, area):
    with pytest.raises(NotAllowedError):
        people.set_roles(box.hub, manager, "mai", [Grant(Role.EDITOR, area)])
    with pytest.raises(NotAllowedError):
        people.add(box.hub, manager, username="neu", name="Neu", password=PASSWORD, held=[Grant(Role.ADMIN, area)])
    assert box.person("mai").grants == (Grant(Role.EDITOR, COMMUNE),)


def test_nobody_shuts_themselves_out_and_no_name_is_given_twice(box, manager):
    with pytest.raises(BadInputError):
        people.set_active(box.hub, manager, "lan", active=False)
    with pytest.raises(BadInputError):
        people.set_roles(box.hub, manager, "lan", [Grant(Role.EDITOR, COMMUNE)])
    with pytest.raises(ConflictError):
        people.add(box.hub, manager, username="mai", name="x", password=PASSWORD, held=[Grant(Role.EDITOR, COMMUNE)])
    for held in ([], [Grant(Role.EDITOR, f"{COMMUNE}/77")]):
        with pytest.raises(BadInputError):
            people.set_roles(box.hub, manager, "mai", held)


def test_every_change_of_an_account_stands_in_the_log_of_its_area(box, manager):
    people.add(box.hub, manager, username="neu", name="Neu", password=PASSWORD, held=[Grant(Role.EDITOR, COMMUNE)])
    people.set_roles(box.hub, manager, "neu", [Grant(Role.VIEWER, COMMUNE)])
    people.reset_password(box.hub, manager, "neu", NEW)
    people.set_active(box.hub, manager, "neu", active=False)
    with box.hub.reading() as conn:
        rows = [(row["person"], row["verb"], row["detail"]) for row in audit.latest(conn, [COMMUNE], text="person-")]
    assert rows == [
        ("lan", "person-closed", f"viewer:{COMMUNE}"), ("lan", "person-password", f"viewer:{COMMUNE}"),
        ("lan", "person-roles", f"viewer:{COMMUNE}"), ("lan", "person-new", f"editor:{COMMUNE}"),
    ]  # fmt: skip
    assert all(NEW not in detail and PASSWORD not in detail for _person, _verb, detail in rows)


def test_an_account_is_opened_changed_and_closed_on_the_page(app, manager):
    lan = log_in(app, "lan")
    fields = {"username": "neu", "name": "Nguyễn Văn Mới", "password": PASSWORD, "role": "editor", "unit": COMMUNE}
    assert lan.post("/people", {**fields, "password": "ngắn"}, form="/people").status_code == 400
    assert lan.post("/people", fields, form="/people").status_code == 303
    neu = log_in(app, "neu")
    assert is_in(neu)
    page = lan.get("/people/neu")
    assert "Biên tập viên · Phường Hà Giang 1" in plain(page)
    answer = lan.post("/people/neu/roles", {"role": "viewer", "unit": COMMUNE}, form="/people/neu", follow=True)
    assert "Người xem · Phường Hà Giang 1" in plain(answer)
    assert "Biên tập viên · Phường" not in plain(answer)
    assert not is_in(neu)
    lan.post("/people/neu/active", {"active": "0"}, form="/people/neu")
    assert not is_in(log_in(app, "neu"))


def test_the_command_closes_opens_and_gives_passwords_and_roles(box, monkeypatch, capsys):
    where = ["--dir", box.config.dir]
    monkeypatch.setenv("LOA_HUB_PASSWORD", NEW)
    token = auth.log_in(box.hub, "mai", PASSWORD)[0]
    assert run(["person", "close", "mai", *where]) == 0
    assert auth.person_of(box.hub, token) is None
    assert run(["person", "open", "mai", *where]) == 0
    assert run(["person", "password", "mai", *where]) == 0
    assert auth.log_in(box.hub, "mai", NEW)
    assert run(["person", "roles", "mai", "--role", f"viewer:{OTHER}", *where]) == 0
    assert box.person("mai").grants == (Grant(Role.VIEWER, OTHER),)
    capsys.readouterr()
    assert run(["person", "list", *where]) == 0
    assert f"mai  open  viewer:{OTHER}" in capsys.readouterr().out
    assert run(["person", "close", "nobody", *where]) == 1
