"""`loa-hub import`: a unit's list is entered through the same actions, or refused with its reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub.areas import store as areas
from hub.auth import actions as auth
from hub.auth.roles import Grant, Person, Right, Role
from hub.cli import run
from hub.devices import store as devices
from hub.errors import BadInputError
from hub.unit_list import enter, read_list
from tests.hub.conftest import COMMUNE

SYSTEM = Person("system", "loa-hub", (Grant(Role.TECHNICIAN, "08"), Grant(Role.EDITOR, "08")))
UNIT = {
    "hamlets": [{"path": f"{COMMUNE}/09", "name": "Thôn Chín", "households": 40, "languages": ["vi", "hmn"]}],
    "clusters": [{"id": "cl-9", "area": f"{COMMUNE}/09", "name": "Cụm loa Thôn Chín", "languages": ["vi", "hmn"]}],
    "people": [{"username": "hoa", "name": "Hoa", "password": "mot-mat-khau-moi", "roles": [f"editor:{COMMUNE}"]}],
}


def grant_of(text: str) -> Grant:
    role, _, area = text.partition(":")
    return Grant(Role(role), area)


def written(folder: Path, value: object) -> Path:
    path = folder / "unit.json"
    path.write_text(json.dumps(value))
    return path


def test_a_list_is_entered_and_entering_it_again_changes_nothing(box, tmp_path):
    hub = box.hub
    unit = read_list(written(tmp_path, UNIT))
    enter(hub, SYSTEM, unit, grant_of=grant_of)
    enter(hub, SYSTEM, unit, grant_of=grant_of)
    with hub.reading() as conn:
        assert areas.get(conn, f"{COMMUNE}/09")["households"] == 40
        assert devices.cluster(conn, "cl-9")["area"] == f"{COMMUNE}/09"
    _, hoa = auth.log_in(hub, "hoa", "mot-mat-khau-moi")
    assert hoa.may(Right.EDIT, COMMUNE)
    assert not hoa.may(Right.EDIT, "08")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"people": [{"username": "hoa"}]}, "missing required field `name`"),
        ({"people": [], "dogs": []}, "unknown field `dogs`"),
        ({"hamlets": [{"path": "../etc", "name": "x"}]}, "hamlets"),
        ([], "Expected `object`"),
    ],
)
def test_a_list_that_is_wrong_names_the_entry(tmp_path, value, reason):
    with pytest.raises(BadInputError) as refused:
        read_list(written(tmp_path, value))
    assert reason in str(refused.value)


def test_a_file_that_is_not_there_is_one_line(box, capsys, tmp_path):
    assert run(["import", str(tmp_path / "none.json"), "--dir", box.hub.config.dir]) == 1
    assert capsys.readouterr().err.count("\n") == 1
