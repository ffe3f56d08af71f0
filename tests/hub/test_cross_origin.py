"""Approval apps of other origins: those of the list may ask what signing needs, and nobody with the hub's cookie."""

from __future__ import annotations

import msgspec
import pytest

from hub.app import create_app
from hub.auth.keyfile import read_public_key
from hub.config import load_config
from hub.errors import BadInputError, ConfigError
from tests.fakes.passkey import SoftPasskey
from tests.hub.conftest import PASSWORD
from wire.key_request import key_request

PHONE, STRANGER = "https://duyet.tinh.example.vn", "https://other.example.vn"
ALLOWED = "Access-Control-Allow-Origin"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.fixture
def client(box):
    """A browser at an app of the list."""
    return create_app(msgspec.structs.replace(box.config, approval_origins=[PHONE]), box.hub).test_client()


def test_a_preflight_of_the_list_is_answered_without_cookies(client):
    answer = client.options("/api/pending/1/signature", headers={"Origin": PHONE, **ASKED})

    assert (answer.status_code, answer.headers[ALLOWED]) == (204, PHONE)
    assert answer.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    ("origin", "path"),
    [
        (STRANGER, "/api/pending/1/signature"),
        ("null", "/api/pending"),
        (PHONE + ":8443", "/api/pending"),
        (PHONE.replace("https", "http"), "/api/pending"),
        (PHONE, "/api/alerts"),
        (PHONE, "/api/proposals"),
        (PHONE, "/login"),
        (PHONE, "/"),
        (PHONE, "/device/log"),
        (PHONE, "/api/pending/1/signature/x"),
    ],
)
def test_nobody_else_and_nothing_else_is_let_in(client, origin, path):
    preflight = client.options(path, headers={"Origin": origin, **ASKED})
    read = client.get(path, headers={"Origin": origin})

    assert [ALLOWED in answer.headers for answer in (preflight, read)] == [False, False]
    assert "Access-Control-Allow-Methods" not in preflight.headers


def test_an_app_of_the_list_signs_in_and_reads_with_its_token(client):
    login = client.post("/api/login", json={"username": "mai", "password": PASSWORD}, headers={"Origin": PHONE})
    headers = {"Origin": PHONE, "Authorization": f"Bearer {login.json['token']}"}
    pending = client.get("/api/pending", headers=headers)
    root = client.get("/tuf/metadata/1.root.json", headers={"Origin": PHONE})

    assert [(one.status_code, one.headers[ALLOWED]) for one in (login, pending, root)] == [(200, PHONE)] * 3
    assert {"Origin", "Accept-Encoding"} <= set(root.vary)


def test_refusals_can_be_read_too(client):
    answer = client.get("/api/pending", headers={"Origin": PHONE})
    assert (answer.status_code, answer.json["code"], answer.headers[ALLOWED]) == (401, "not_signed_in", PHONE)


def test_without_the_setting_nobody_is_let_in(app):
    preflight = app.test_client().options("/api/pending", headers={"Origin": PHONE, **ASKED})
    assert ALLOWED not in preflight.headers


@pytest.mark.parametrize("origin", ["*", "http://duyet.example.vn", "https://a.vn/", "https://*.vn", "null"])
def test_only_https_origins_can_be_listed(tmp_path, origin):
    with pytest.raises(ConfigError):
        load_config(tmp_path, environ={"LOA_HUB_APPROVAL_ORIGINS": origin})


def test_a_passkey_is_registered_for_a_person_by_its_request(tmp_path):
    key = SoftPasskey().public_key
    path = tmp_path / "c00694.key-request.json"
    path.write_bytes(key_request("chair-00694", "c00694", key))

    assert read_public_key(path) == (key.keyid, key.keyval["public"])
    path.write_bytes(path.read_bytes().replace(b'"04', b'"05'))
    with pytest.raises(BadInputError):
        read_public_key(path)
