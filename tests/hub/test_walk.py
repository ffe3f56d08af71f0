"""Every route × every role × own and foreign area × logged out, generated from the application's own map of routes.

Two communes have one of each thing. A person of each role in the first tries every route on the things of both: what is
foreign is refused, shows nothing of it and changes nothing; what is own is refused exactly to those without the right.
A route that `ROUTES` does not know fails the test.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass

import pytest
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from hub import audit
from hub.alerts import store as alerts
from hub.app import create_app
from hub.auth import actions as auth
from hub.auth import guard
from hub.auth.roles import RIGHTS, Grant, Right, Role
from hub.config import load_config
from hub.content import actions as content
from hub.content import store as content_store
from hub.content.forms import read_bulletin
from hub.context import open_hub
from hub.db import metadata
from hub.enrolment import store as enrolment
from hub.enrolment import tickets
from hub.publishing import store as proposals
from hub.schedules import actions as schedules
from hub.schedules.forms import read_slot
from tests.builders import make_template
from tests.hub.conftest import COMMUNE, OTHER, PASSWORD, Box, Caller, SetClock, b64, copy_data
from tests.hub.pages.conftest import give_sound
from wire.units import HOUR

WALKERS = {f"walker-{role.value}": role for role in Role}
ANYBODY = "anybody"
"""Open: what it gives is public, or it judges what it is given by its signature."""
MINE = "mine"
"""Asks for a session (and the right of its door) and concerns the person alone, or lists only what is the person's."""
PROVINCE = "province"
"""Only with the right for the whole province: no walker has it."""
ROUTES: dict[str, str | Right] = {
    "static": ANYBODY, "auth.login": ANYBODY, "auth.log_in": ANYBODY, "auth.logout": ANYBODY, "auth.language": ANYBODY,
    "auth_api.login": ANYBODY, "account.begin_login": ANYBODY, "account.log_in": ANYBODY,
    "publishing_api.metadata": ANYBODY, "publishing_api.target": ANYBODY, "publishing_api.attest_time": ANYBODY,
    "playlog_api.take": ANYBODY,
    "auth_api.me": MINE, "auth_api.logout": MINE, "account.show": MINE, "account.password": MINE,
    "account.begin": MINE, "account.add": MINE, "account.remove": MINE, "help.page": MINE,
    "publishing.approvals": MINE, "publishing_api.pending": MINE, "alerts.running": MINE, "alerts_api.alerts": MINE,
    "alerts_api.send": MINE, "devices_api.devices": MINE, "devices_api.all_areas": MINE, "devices.take": MINE,
    "assessments.listing": MINE, "security.events": MINE, "security.journal": MINE, "people.listing": MINE,
    "assessments.enter": PROVINCE,
    "publishing_api.blob": Right.VIEW, "publishing_api.proposal": Right.VIEW, "publishing_api.propose": Right.EDIT,
    "publishing_api.sign": Right.APPROVE, "publishing_api.send_back": Right.APPROVE,
    "alerts.show": Right.VIEW, "alerts.receipts": Right.VIEW, "alerts_api.alert": Right.VIEW,
    "dashboard.today": Right.VIEW, "devices.listing": Right.VIEW, "devices.show": Right.VIEW,
    "devices.stick": Right.VIEW, "devices.place": Right.DEVICES,
    "items.listing": Right.VIEW, "items.show": Right.VIEW, "items.sounds": Right.VIEW, "items.listen": Right.VIEW,
    "items.new": Right.EDIT, "items.add": Right.EDIT, "items.edit": Right.EDIT, "items.change": Right.EDIT,
    "items.upload": Right.EDIT, "items.speak": Right.EDIT, "items.remove_sound": Right.EDIT, "items.remove": Right.EDIT,
    "schedules.overview": Right.VIEW, "schedules.check": Right.VIEW, "schedules.uses": Right.VIEW,
    "schedules.new_slot": Right.EDIT, "schedules.add_slot": Right.EDIT, "schedules.edit_slot": Right.EDIT,
    "schedules.change_slot": Right.EDIT, "schedules.submit": Right.EDIT, "schedules.remove_slot": Right.EDIT,
    "schedules_preview.show": Right.VIEW, "schedules_series.listing": Right.VIEW,
    "schedules_series.settings": Right.VIEW, "schedules_series.add": Right.EDIT,
    "schedules_series.add_item": Right.EDIT, "schedules_series.remove_item": Right.EDIT,
    "schedules_series.change_settings": Right.EDIT,
    "enrolment_api.places": ANYBODY, "enrolment_api.enrol": ANYBODY, "enrolment_api.authority": ANYBODY,
    "enrolment_api.certificate": ANYBODY, "alerts_api.half_signed": MINE,
    "devices_enrolment.listing": Right.DEVICES, "devices_enrolment.make": Right.PLACE,
    "devices_enrolment.end": Right.PLACE, "devices.revoke": Right.DEVICES,
    "schedules_spares.listing": Right.VIEW, "schedules_spares.put": Right.EDIT,
    "people.show": Right.PEOPLE, "people.add": Right.PEOPLE, "people.roles": Right.PEOPLE,
    "people.password": Right.PEOPLE, "people.active": Right.PEOPLE,
}  # fmt: skip
LAST = ("items.remove_sound", "items.remove", "schedules.remove_slot", "people.active")
"""Take a thing away, and so come last."""
TELLING = ("items.show", "items.listing", "devices.show", "alerts.show", "people.show", "people.listing",
           "publishing_api.proposal", "security.journal", "schedules.overview")  # fmt: skip
"""Show the mark of the things to those who may see them: what is hidden from others is really there."""
VOLATILE = {"sessions", "audit", "audit_head", "security_events", "login_challenges", "login_origins"}


@dataclass(frozen=True)
class Things:
    """One of each in an area; every text among them contains `mark`."""

    area: str
    mark: str
    item: str
    sound: str
    sha256: str
    slot: str
    series: str
    cluster: str
    proposal: int
    alert: str
    person: str
    ticket: int
    """A technician's permission."""


def furnish(box: Box, area: str, editor: str, username: str) -> Things:
    code = area[-5:]
    mark = f"Dau{code}"  # plain letters: JSON writes others as escapes
    by = box.person(editor)
    form = MultiDict({"title": mark, "text": mark, "area": area})
    item = content.add_bulletin(box.hub, by, area, read_bulletin(form, area))
    sound = give_sound(box, item, by=editor)
    box.add_cluster(f"cl-{code}", area + "/02", mark)
    box.add_device(f"loa-{code}", f"cl-{code}")
    slot = schedules.new_id("kg")
    fields = MultiDict({"title": mark, "start": "17:00", "end": "17:30", "repeat": "daily", "first": "23/11/2026",
                        "class": "ordinary", "reach": "all", "plays": f"item:{area}:{item}"})  # fmt: skip
    schedules.add_slot(box.hub, by, area, read_slot(fields, area, slot))
    series = schedules.add_series(box.hub, by, area, mark)
    schedules.submit(box.hub, by, area, confirmed=True, title=mark)
    auth.add_person(box.hub, username=username, name=mark, password=PASSWORD, held=[Grant(Role.VIEWER, area)])
    envelope = box.province.start_alert(COMMUNE, make_template())
    alert = hashlib.sha256(mark.encode()).hexdigest()
    with box.hub.writing() as conn:
        audit.note(conn, at=box.clock(), person="x", verb="item-new", area=area, subject=mark)
        alerts.add(
            conn, id=alert, kind="start", role=f"ea{code}", area=area, template="t", title=mark, severity=1,
            drill=False, issued=box.clock(), expires=box.clock() + 10**7, cancels=[], envelope=envelope, key_ids=[],
            taken_at=box.clock(), taken_from="x",
        )  # fmt: skip
    tickets.make_ticket(box.hub, box.person("dang"), area=area, name=mark, most=1, lasts_ms=HOUR)
    with box.hub.reading() as conn:
        [permission] = enrolment.tickets_below(conn, area)
        [kept] = content_store.sounds(conn, [item])[item]
        proposal = proposals.latest(conn, area, "programme").id
    return Things(area, mark, item, kept.id, sound.sha256, slot, series, f"cl-{code}", proposal, alert, username,
                  permission.id)  # fmt: skip


@pytest.fixture(scope="module")
def furnished(prepared, first_province, tmp_path_factory):
    folder = tmp_path_factory.mktemp("walk") / "data"
    copy_data(prepared, folder)
    box = open_box(folder, first_province)
    own, foreign = furnish(box, COMMUNE, "mai", "dan-00694"), furnish(box, OTHER, "outsider", "dan-00700")
    for name, role in WALKERS.items():
        auth.add_person(box.hub, username=name, name=name, password=PASSWORD, held=[Grant(role, COMMUNE)])
    box.hub.close()
    return folder, own, foreign


def open_box(folder, province) -> Box:
    names = ("LOGINS_PER_MINUTE", "REQUESTS_PER_MINUTE", "DEVICE_REQUESTS_PER_MINUTE", "UPLOADS_PER_HOUR")
    unlimited = {f"LOA_HUB_LIMIT_{name}": "0" for name in names}
    config = load_config(folder, environ={**unlimited, "LOA_HUB_PUBLIC_ADDRESS": "http://localhost:8080"})
    clock = SetClock()
    return Box(config, open_hub(config, clock), dataclasses.replace(province), clock)


@pytest.fixture
def walk(furnished, first_province, tmp_path):
    """A copy that one role may spoil: (box, application, own things, foreign things)."""
    folder, own, foreign = furnished
    copy_data(folder, tmp_path / "data")
    box = open_box(tmp_path / "data", first_province)
    app = create_app(box.config, box.hub)
    app.testing = False
    yield box, app, own, foreign
    box.hub.close()


def body_of(endpoint: str, things: Things) -> dict[str, object]:
    """What a person would send, as keywords of the test client."""
    target = f"areas/{things.area}/policy.json"
    as_json: dict[str, dict[str, object]] = {
        "publishing_api.propose": {"kind": "policy", "area": things.area, "title": "x", "targets": {target: "{}"}},
        "publishing_api.sign": {"digest": "0" * 64, "metadata": b64(b"{}")},
        "publishing_api.send_back": {"reason": "x"},
        "alerts_api.send": {"envelope": b64(b"{}")},
        "account.begin": {"password": "x"}, "account.add": {}, "account.log_in": {}, "account.begin_login": {},
        "auth_api.login": {"username": "x", "password": "x"}, "auth_api.logout": {},
        "publishing_api.attest_time": {"nonce": "0" * 32}, "playlog_api.take": {},
    }  # fmt: skip
    if endpoint in as_json:
        return {"json": as_json[endpoint]}
    grant = f"viewer:{things.area}"
    return {"data": {
        "area": things.area, "title": "x", "item": things.item, "device": f"loa-{things.area[-5:]}", "languages": "vi",
        "language": "hmn", "version": "1", "username": f"neu-{things.area[-5:]}", "name": "x", "password": PASSWORD,
        "role": "viewer", "unit": things.area, "held": grant, "active": "0", "lang": "vi", "most": "1", "hours": "8",
    }}  # fmt: skip


def path_of(rule, things: Things) -> str:
    values = {
        "ident": {"items": things.item, "schedules": things.slot, "schedules_series": things.series,
                  "alerts": things.alert, "alerts_api": things.alert, "publishing_api": things.proposal, "account": 1,
                  "devices_enrolment": things.ticket},
        "item": things.item, "sound": things.sound, "cluster": things.cluster, "username": things.person,
        "sha256": things.sha256, "file": "root.json", "path": "x", "filename": "css/loa.css",
    }  # fmt: skip
    found = {name: values[name] for name in rule.arguments}
    if "ident" in found:
        found["ident"] = values["ident"][rule.endpoint.split(".")[0]]
    path = rule.build(found)[1]
    query = f"?area={things.area}" if "GET" in rule.methods else ""
    return f"{path}?cluster={things.cluster}" if rule.endpoint == "schedules_preview.show" else path + query


def ask(caller: Caller, rule, things: Things):
    headers = {"Accept": "application/json"}
    if "GET" in rule.methods:
        return caller.get(path_of(rule, things), headers=headers)
    return caller.post(path_of(rule, things), headers=headers, **body_of(rule.endpoint, things))


def is_refused(answer) -> bool:
    codes = ("not_signed_in", "not_allowed", "not_found")
    return answer.mimetype == "application/problem+json" and answer.json["code"] in codes


def content_of(box: Box) -> dict[str, str]:
    """A fingerprint of each table that a person changes."""
    with box.hub.reading() as conn:
        return {
            table.name: hashlib.sha256(repr(conn.execute(select(*_kept(table))).all()).encode()).hexdigest()
            for table in metadata.sorted_tables
            if table.name not in VOLATILE
        }


def _kept(table):
    """Without the counters of wrong passwords, which the walk gives on purpose."""
    return [column for column in table.columns if column.name not in ("failures", "locked_until")]


def rules(app) -> list:
    def rank(rule) -> tuple[int, str]:
        return (LAST.index(rule.endpoint) + 1 if rule.endpoint in LAST else 0, rule.endpoint)

    return sorted(app.url_map.iter_rules(), key=rank)


def test_every_route_is_known_here(walk):
    _box, app, _own, _foreign = walk
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(ROUTES)
    doors = {rule.endpoint: guard.door_of(app, rule.endpoint) for rule in app.url_map.iter_rules()}
    assert {name for name, door in doors.items() if door == "anybody"} == {
        name for name, who in ROUTES.items() if who == ANYBODY
    } | {"publishing_api.blob"}  # a sound that waits for its signature is shown to those who may look at it
    assert [name for name, door in doors.items() if door is None] == []


@pytest.mark.parametrize("username", WALKERS)
def test_what_is_foreign_is_refused_shows_nothing_and_changes_nothing(walk, username):
    box, app, _own, foreign = walk
    caller = Caller(app.test_client(), auth.log_in(box.hub, username, PASSWORD)[0])
    before = content_of(box)
    for rule in rules(app):
        who = ROUTES[rule.endpoint]
        if who == ANYBODY or rule.endpoint == "auth_api.logout":
            continue
        answer = ask(caller, rule, foreign)
        assert answer.status_code < 500, rule
        assert foreign.mark not in answer.text, rule
        if who != MINE:
            assert is_refused(answer), (rule.endpoint, answer.status_code, answer.text[:300])
    assert content_of(box) == before


@pytest.mark.parametrize("username", WALKERS)
def test_what_is_own_is_refused_exactly_to_those_without_the_right(walk, username):
    box, app, own, _foreign = walk
    caller = Caller(app.test_client(), auth.log_in(box.hub, username, PASSWORD)[0])
    rights = RIGHTS[WALKERS[username]]
    wrong = []
    for rule in rules(app):
        who, door = ROUTES[rule.endpoint], guard.door_of(app, rule.endpoint)
        if who in (ANYBODY, PROVINCE) or rule.endpoint == "auth_api.logout":
            continue
        before = content_of(box)
        answer = ask(caller, rule, own)
        assert answer.status_code < 500, (rule, answer.text[:500])
        entitled = (door == "person" or door in rights) if who == MINE else who in rights
        if rule.endpoint == "account.remove":
            entitled = False  # somebody else's passkey
        if is_refused(answer) is entitled:
            wrong.append((rule.endpoint, answer.status_code, answer.text[:200]))
        if not entitled:
            assert content_of(box) == before, rule
        elif rule.endpoint in TELLING:
            assert own.mark in answer.text, rule
    assert wrong == []


def test_who_is_not_logged_in_reaches_nothing_but_what_is_open(walk):
    box, app, own, foreign = walk
    caller, before = Caller(app.test_client()), content_of(box)
    for things in (own, foreign):
        for rule in rules(app):
            answer = ask(caller, rule, things)
            assert answer.status_code < 500, rule
            assert things.mark not in answer.text, rule
            if ROUTES[rule.endpoint] != ANYBODY:
                assert is_refused(answer), (rule.endpoint, answer.status_code)
    assert content_of(box) == before


def test_the_walk_would_notice_a_view_that_forgets_the_area(walk):
    """The walk itself is tested: a page that shows any bulletin to any viewer is found by it."""
    box, app, _own, foreign = walk

    @guard.needs(Right.VIEW)
    def forgetful(ident: str) -> str:
        with box.hub.reading() as conn:
            return content_store.get(conn, ident).title

    app.view_functions["items.show"] = forgetful
    caller = Caller(app.test_client(), auth.log_in(box.hub, "walker-viewer", PASSWORD)[0])
    [rule] = [rule for rule in app.url_map.iter_rules() if rule.endpoint == "items.show"]
    answer = ask(caller, rule, foreign)
    assert foreign.mark in answer.text
    assert not is_refused(answer)


@pytest.mark.parametrize("username", ["", *WALKERS])
def test_every_answer_carries_the_strict_headers(walk, username):
    box, app, own, _foreign = walk
    caller = Caller(app.test_client(), auth.log_in(box.hub, username, PASSWORD)[0] if username else "")
    for rule in rules(app):
        if "GET" not in rule.methods:
            continue
        answer = caller.get(path_of(rule, own))
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';"), rule
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        if answer.mimetype == "text/html":
            assert all(word not in answer.text for word in (" style=", " onclick", "<script>", "javascript:")), rule
