"""Who may talk to the approval app at all: its own page, under its own name, with its own token."""

from __future__ import annotations

import http.client
import socket
import threading

import pytest

from provisioning.approval.station import create_station, make_station_server
from tests.fakes.hub import PASSWORD
from tests.provisioning.conftest import CHAIR, ORIGIN, PORT


@pytest.mark.parametrize(
    "host", [f"localhost:{PORT}", f"127.0.0.1:{PORT}", "duyet.localhost", f"duyet.localhost.evil.vn:{PORT}", "evil.vn"]
)
def test_another_name_is_not_answered(browser, host):
    answers = [
        browser.client.get(path, headers={"Host": host}) for path in ("/", "/api/session", "/static/station.css")
    ]

    assert [answer.status_code for answer in answers] == [421, 421, 421]
    assert all(b"csrf" not in answer.data for answer in answers)


@pytest.mark.parametrize(
    "origin", ["http://evil.vn", "http://localhost:8090", "https://duyet.localhost:8090", "null", ""]
)
def test_a_post_of_another_origin_is_refused(browser, origin):
    form = {"username": CHAIR, "password": PASSWORD}

    answer = browser.post("/api/login", form, Origin=origin)

    assert (answer.status_code, answer.json["code"]) == (403, "foreign_origin")


def test_a_post_without_the_token_is_refused(browser):
    browser.sign_in(CHAIR)
    browser.csrf = "x"

    answer = browser.post("/api/pending/1/return", {"reason": "x"})

    assert (answer.status_code, answer.json["code"]) == (403, "csrf")


def test_a_form_of_a_page_is_no_json(browser):
    answer = browser.client.post("/api/login", base_url=ORIGIN, headers={"Origin": ORIGIN}, data={"username": CHAIR})

    assert answer.json["code"] == "foreign_origin"


def test_a_foreign_page_cannot_even_read(browser):
    browser.sign_in(CHAIR)

    answer = browser.get("/api/session", headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403


def test_without_signing_in_nothing_is_told(browser):
    paths = ["/api/pending", "/api/pending/1", "/api/emergency", "/api/alerts", "/api/sounds/" + "0" * 64]

    assert {browser.get(path).status_code for path in paths} == {401}


def test_signing_out_ends_the_session_here(browser):
    browser.sign_in(CHAIR)

    browser.post("/api/logout")

    assert browser.get("/api/pending").status_code == 401


def test_signing_in_changes_the_cookie(browser):
    browser.get("/api/session")
    before = browser.client.get_cookie("loa_station", "duyet.localhost").value

    browser.sign_in(CHAIR)

    cookie = browser.client.get_cookie("loa_station", "duyet.localhost")
    assert cookie.value != before
    assert (cookie.http_only, cookie.same_site) == (True, "Strict")


def test_a_wrong_password_is_said_in_vietnamese(browser):
    answer = browser.post("/api/login", {"username": CHAIR, "password": "sai"})

    assert answer.status_code == 401
    assert answer.json["detail"] == "Tên đăng nhập hoặc mật khẩu không đúng."


def test_every_answer_carries_the_strict_policy(browser):
    for path in ("/", "/static/js/main.js", "/api/session", "/nothing"):
        with browser.get(path) as answer:
            policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_the_page_brings_nothing_from_elsewhere(browser):
    with browser.get("/") as page:
        text = page.text

    assert "http://" not in text
    assert "https://" not in text
    assert "<style" not in text
    assert "onclick" not in text


def test_the_server_listens_on_this_machine_alone(station):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = make_station_server(create_station(station), port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/", headers={"Host": "evil.vn"})
        status = connection.getresponse().status
        connection.close()
        bound = server.socket.getsockname()[0]
        with pytest.raises(OSError, match="in use"):
            make_station_server(create_station(station), port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    assert (bound, status) == ("127.0.0.1", 421)
