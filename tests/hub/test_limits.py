"""Floods are answered with 429, shortly, and disturb nobody else."""

from __future__ import annotations

import dataclasses
import io

import msgspec
import pytest

from hub.app import create_app
from hub.auth import actions as auth
from hub.limits import MOST_KEYS, Limit, Limiter, caller_of
from hub.security import store as security
from tests.hub.conftest import PASSWORD, Caller
from tests.hub.pages.conftest import Desk, plain
from wire.units import UtcTime

LIMITS = {
    "limit_logins_per_minute": 5, "limit_requests_per_minute": 12, "limit_device_requests_per_minute": 9,
    "limit_uploads_per_hour": 3,
}  # fmt: skip


@pytest.fixture
def app(box):
    config = msgspec.structs.replace(box.config, **LIMITS)
    return create_app(config, dataclasses.replace(box.hub, config=config))


def ask(app, path: str, *, times: int, address: str = "10.0.0.1", **more) -> list[int]:
    client = app.test_client()
    environ = {"REMOTE_ADDR": address}
    method = client.post if "json" in more or "data" in more else client.get
    return [method(path, environ_base=environ, **more).status_code for _ in range(times)]


def test_logging_in_is_limited_by_address(app):
    wrong = {"username": "nobody", "password": "x"}
    assert ask(app, "/api/login", times=7, json=wrong) == [401] * 5 + [429] * 2
    right = {"username": "mai", "password": PASSWORD}
    assert ask(app, "/api/login", times=1, json=right) == [429]
    assert ask(app, "/api/login", times=1, json=right, address="10.0.0.2") == [200]


def test_the_login_form_answers_a_flood_with_a_plain_page(app):
    codes = ask(app, "/login", times=6, data={"username": "mai"})
    assert codes[-1] == 429
    answer = app.test_client().post("/login", data={}, environ_base={"REMOTE_ADDR": "10.0.0.1"})
    assert "Quá nhiều yêu cầu cùng lúc." in plain(answer)
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert len(answer.data) < 3_000


def test_what_devices_fetch_is_limited_by_address(app):
    assert ask(app, "/tuf/metadata/timestamp.json", times=10) == [200] * 9 + [429]
    assert ask(app, "/device/time", times=1, json={"nonce": "0" * 32}) == [429]
    assert ask(app, "/tuf/metadata/timestamp.json", times=1, address="10.0.0.2") == [200]


def test_a_person_is_counted_by_name_and_disturbs_nobody(app, box):
    mai, binh = (Caller(app.test_client(), auth.log_in(box.hub, name, PASSWORD)[0]) for name in ("mai", "binh"))
    assert [mai.get("/api/me").status_code for _ in range(13)] == [200] * 12 + [429]
    assert mai.get("/api/me").json["code"] == "flood"
    assert binh.get("/api/me").status_code == 200


def test_asking_for_what_does_not_exist_is_limited_too(app):
    assert ask(app, "/wp-login.php", times=13) == [404] * 12 + [429]


def test_nobodys_requests_are_counted_together_whatever_token_they_invent(app):
    client = app.test_client()
    codes = [client.get("/api/me", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(14)]
    assert codes == [401] * 12 + [429] * 2


def test_uploads_are_limited_by_the_hour(app):
    person = Desk(app.test_client())
    person.post("/login", {"username": "mai", "password": PASSWORD}, form="/login")
    codes = []
    for _ in range(4):
        fields = {"log": (io.BytesIO(b"x"), "a.log")}
        codes.append(person.post("/devices/stick", fields, content_type="multipart/form-data").status_code)
    assert codes == [200, 200, 200, 429]


def test_a_flood_is_noted_once_a_window(app, box):
    ask(app, "/tuf/metadata/timestamp.json", times=20)
    with box.hub.reading() as conn:
        [event] = security.since(conn, UtcTime(0))
    assert (event["kind"], event["subject"], event["detail"], event["count"]) == ("too_many", "10.0.0.1", "devices", 1)


def test_windows_end_and_memory_stays_bounded(box):
    clock = iter(range(10**9)).__next__
    limiter = Limiter(msgspec.structs.replace(box.config, **LIMITS), clock=lambda: float(clock()))
    answers = [limiter.ask(Limit.LOGIN, "a").wait_s > 0 for _ in range(60)]
    assert answers == [False] * 5 + [True] * 55
    assert limiter.ask(Limit.LOGIN, "a").wait_s == 0  # a second each: the minute is over
    still = Limiter(msgspec.structs.replace(box.config, **LIMITS), clock=lambda: 0.0)
    for number in range(MOST_KEYS + 10):
        still.ask(Limit.LOGIN, str(number))
    assert len(still._windows[Limit.LOGIN].counts) <= MOST_KEYS


@pytest.mark.parametrize(("proxies", "codes"), [(0, [401] * 5 + [429]), (1, [401] * 6)])
def test_behind_a_proxy_of_ours_its_clients_are_counted_and_elsewhere_nobody_invents_an_address(box, proxies, codes):
    config = msgspec.structs.replace(box.config, trusted_proxies=proxies, **LIMITS)
    client = create_app(config, dataclasses.replace(box.hub, config=config)).test_client()
    wrong = {"username": "nobody", "password": "x"}
    said = [{"X-Forwarded-For": f"10.0.0.{number}"} for number in range(6)]
    assert [client.post("/api/login", json=wrong, headers=headers).status_code for headers in said] == codes


def test_zero_means_without_limit(box):
    limiter = Limiter(msgspec.structs.replace(box.config, limit_requests_per_minute=0))
    assert not any(limiter.ask(Limit.REQUESTS, "a").wait_s for _ in range(5_000))


def test_an_ipv6_customer_is_one_caller():
    assert caller_of("2001:db8::1") == caller_of("2001:db8::ffff:2") == "2001:db8::/64"
    assert caller_of("10.0.0.1") == "10.0.0.1"
    assert caller_of("") == ""
