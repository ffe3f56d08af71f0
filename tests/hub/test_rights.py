"""Every route × every role: nobody comes in but whom this table names, and a route that is not in it fails the test."""

from __future__ import annotations

import pytest

from hub.auth import actions, guard
from hub.auth.roles import RIGHTS, Grant, Person, Right, Role
from tests.hub.conftest import CAST, PASSWORD

ANYBODY, PERSON = "anybody", "person"
PROBLEM = "application/problem+json"
DOORS = {
    "auth_api.login": ANYBODY,
    "auth_api.logout": PERSON,
    "auth_api.me": PERSON,
    "publishing_api.metadata": ANYBODY,
    "publishing_api.target": ANYBODY,
    "publishing_api.blob": ANYBODY,
    "publishing_api.attest_time": ANYBODY,
    "publishing_api.pending": PERSON,
    "publishing_api.propose": Right.EDIT,
    "publishing_api.proposal": PERSON,
    "publishing_api.sign": PERSON,
    "publishing_api.send_back": PERSON,
    "alerts_api.send": Right.ALERT,
    "alerts_api.alerts": PERSON,
    "alerts_api.alert": PERSON,
    "alerts_api.half_signed": PERSON,
    "devices_api.devices": PERSON,
    "devices_api.all_areas": PERSON,
    "enrolment_api.places": ANYBODY,
    "enrolment_api.enrol": ANYBODY,
    "enrolment_api.authority": ANYBODY,
    "enrolment_api.certificate": ANYBODY,
    "playlog_api.take": ANYBODY,
}
"""The JSON interface. Areas are checked by each action; `test_publishing`, `test_alerts`, `test_devices` ask there."""


def rules(app):
    return [rule for rule in app.url_map.iter_rules() if not rule.endpoint.endswith("static")]


def test_every_route_of_the_interface_is_in_the_table_and_every_page_has_a_door(app):
    interface = {rule.endpoint for rule in rules(app) if rule.endpoint.split(".")[0].endswith("_api")}
    assert interface == set(DOORS)
    assert {endpoint: guard.door_of(app, endpoint) for endpoint in DOORS} == DOORS
    assert [rule.endpoint for rule in rules(app) if guard.door_of(app, rule.endpoint) is None] == []


@pytest.mark.parametrize("username", ["", *CAST])
def test_the_doors_hold_on_every_route(app, caller, username):
    """Whoever lacks the right is refused before anything else is looked at; who has it gets some other answer."""
    ask = caller(username)
    rights = {right for grant in CAST.get(username, []) for right in RIGHTS[grant.role]}
    for rule in rules(app):
        door = guard.door_of(app, rule.endpoint)
        path = rule.build({name: _example(rule, name) for name in rule.arguments})[1]
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            if rule.endpoint == "auth_api.logout":
                continue  # would end the session that this walk needs
            answer = getattr(ask, method.lower())(path, headers={"Accept": "application/json"})
            entitled = door == ANYBODY or (username and (door == PERSON or Right(door) in rights))
            refused = answer.mimetype == PROBLEM and answer.json["code"] in ("not_signed_in", "not_allowed")
            if not entitled:  # who is entitled gets some answer of the view itself
                assert refused, (username, method, path, answer.status_code)


def test_a_route_without_a_door_lets_nobody_in(box, app, caller):
    app.add_url_rule("/api/forgotten", "forgotten", lambda: "inside")
    for username in ("", *CAST):
        answer = caller(username).get("/api/forgotten")
        assert answer.status_code in (401, 403)
        assert b"inside" not in answer.data


@pytest.mark.parametrize("role", list(Role))
def test_a_role_reaches_its_area_and_below_and_no_further(role):
    person = Person("x", "x", (Grant(role, "08/00694"),))
    for right in Right:
        held = right in RIGHTS[role]
        assert person.may(right, "08/00694") is person.may(right, "08/00694/02") is person.may(right) is held
        assert not person.may(right, "08")
        assert not person.may(right, "08/00700")
        assert not person.may(right, "08/006941")


def test_no_role_both_writes_and_approves():
    for rights in RIGHTS.values():
        assert not {Right.EDIT, Right.APPROVE} <= rights


def test_forms_need_their_token(app, box, caller):
    """A cookie alone moves nothing: another site's form could send it along."""
    client = app.test_client()
    token = actions.log_in(box.hub, "chair-00694", PASSWORD)[0]
    with client.session_transaction() as session:
        session[guard.COOKIE_TOKEN] = token
    assert client.get("/api/me").status_code == 200
    answer = client.post("/api/alerts", json={"envelope": ""})
    assert (answer.status_code, answer.json["code"]) == (400, "csrf")


def _example(rule, name: str):
    converter = rule._converters[name]
    return 1 if type(converter).__name__ == "IntegerConverter" else "x"
