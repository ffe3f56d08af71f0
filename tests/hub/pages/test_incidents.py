"""What has been done to the servers behind receivers and boards elsewhere, tried on ours; named after the incident."""

from __future__ import annotations

from tests.hub.conftest import PASSWORD


def test_dasdec_2022_the_host_header_is_echoed_nowhere(desk):
    answer = desk().get("/login", headers={"Host": "evil.example"})
    assert "evil.example" not in answer.text
    assert "evil.example" not in str(answer.headers)
    moved = desk().get("/schedules?area=08/00694", headers={"Host": "evil.example"})
    assert moved.location.startswith("/login")


def test_dasdec_2013_session_names_cannot_be_guessed(app):
    tokens = set()
    for _ in range(8):
        answer = app.test_client().post("/api/login", json={"username": "mai", "password": PASSWORD})
        tokens.add(answer.json["token"])
    assert len(tokens) == 8
    assert min(map(len, tokens)) >= 43, "256 bits in base64"


def test_screen_sft_dab_2023_an_address_is_no_session(desk):
    """Whoever came from the address of a logged-in person was taken for that person."""
    assert desk("mai").get("/").status_code == 200
    assert desk().get("/").status_code == 302
