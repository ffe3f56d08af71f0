"""The client of the hub against servers that misbehave: each failure is one line, nothing grows without a limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask, Response
from werkzeug.serving import make_server

from provisioning.errors import HubRefusedError, HubUnreachableError
from provisioning.hub_api import MAX_ANSWER_BYTES, MAX_LOG_BYTES, HubApi


@contextmanager
def server(answer: Callable[[], Response]) -> Iterator[str]:
    """Answers everything in the same way."""
    app = Flask("bad-hub")
    app.add_url_rule("/<path:path>", "all", lambda path: answer(), methods=["GET", "POST"])
    made = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{made.server_port}"
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


def test_an_answer_without_end_is_cut_off():
    with (
        server(lambda: Response(b"[" + b" " * (MAX_ANSWER_BYTES + 10))) as url,
        pytest.raises(HubUnreachableError, match="more than"),
    ):
        HubApi(url).pending()


def test_a_page_instead_of_json_is_said_in_one_line():
    with server(lambda: Response("<html>Bảo trì</html>")) as url, pytest.raises(HubUnreachableError) as caught:
        HubApi(url).pending()

    assert "\n" not in str(caught.value)


def test_a_refusal_keeps_the_hubs_code_and_words():
    body = b'{"title": "Khong", "detail": "Da thay doi", "code": "changed"}'
    with (
        server(lambda: Response(body, 409, mimetype="application/problem+json")) as url,
        pytest.raises(HubRefusedError) as caught,
    ):
        HubApi(url).send_signature("1", "0" * 64, "")

    assert (caught.value.status, caught.value.code, str(caught.value)) == (409, "changed", "Da thay doi")


def test_a_refusal_without_words_still_says_something():
    with server(lambda: Response(b"\xff\xfe", 500)) as url, pytest.raises(HubRefusedError, match="the hub answers 500"):
        HubApi(url).alerts()


def test_a_redirect_is_not_followed():
    with (
        server(lambda: Response("", 302, {"Location": "http://evil.vn/"})) as url,
        pytest.raises(HubRefusedError, match="302"),
    ):
        HubApi(url, token="secret").pending()


def test_what_is_not_there_is_none():
    with server(lambda: Response("", 404)) as url:
        assert HubApi(url).metadata("timestamp.json") is None
        assert HubApi(url).target("areas/08/policy.json", "0" * 64) is None


def test_a_log_of_too_many_bytes_is_not_even_sent():
    with pytest.raises(HubRefusedError, match="more than"):
        HubApi("http://127.0.0.1:1").send_log(b"x" * (MAX_LOG_BYTES + 1))


def test_an_answer_that_breaks_off_is_unreachable():
    def short() -> Response:
        answer = Response(b"x" * 10)
        answer.headers["Content-Length"] = "1000"
        return answer

    with server(short) as url, pytest.raises(HubUnreachableError):
        HubApi(url).metadata("timestamp.json")
