"""A province on real HTTP, key files on disk, and the approval app in front of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from flask.testing import FlaskClient
from playwright.sync_api import Page
from werkzeug.test import TestResponse

from provisioning.approval.context import Station, StationConfig, open_station
from provisioning.approval.station import create_station
from provisioning.keys import create_key
from tests.builders import Province, make_programme, make_province
from tests.fakes.hub import PASSWORD, FakeHub, real_now, serving
from tests.provisioning.browsing import (
    ON_THE_WAY,
    PHONE_HOST,
    Authenticator,
    free_port,
    open_page,
    serving_phone_bundle,
    sign_in,
)  # fmt: skip
from wire.areas import programme_target
from wire.codec import encode
from wire.content import Item, Sound
from wire.key_request import read_request
from wire.programme import PlayItem, Programme, Recurrence, Slot
from wire.units import DAY, HOUR, MINUTE, UtcTime

PORT = 8090
ORIGIN = f"http://duyet.localhost:{PORT}"
COMMUNE = "08/00694"
PATH = programme_target(COMMUNE)
CHAIR, DEPUTY, OUTSIDER = "chair-00694", "deputy-00694", "chair-00700"
PEOPLE = (CHAIR, DEPUTY, OUTSIDER, "head-00694", "binh", "chi", "lan", "dang")


def passphrase_of(name: str) -> str:
    return f"cum-tu-cua-{name}"


@pytest.fixture(scope="session")
def key_files(tmp_path_factory) -> tuple[Path, dict[str, Any]]:
    """Real encrypted key files for the cast, made once: bcrypt is slow on purpose."""
    folder = tmp_path_factory.mktemp("keys")
    return folder, {name: create_key(folder / f"{name}.key", passphrase_of(name)) for name in PEOPLE}


@pytest.fixture
def province(key_files) -> Province:
    """The small province, its cast holding the keys of `key_files`, made a minute ago."""
    return make_province(now=UtcTime(real_now() - MINUTE), known=key_files[1])


@pytest.fixture
def hub(province):
    with serving(FakeHub(province, PEOPLE)) as running:
        yield running


@dataclass
class Browser:
    """What the page's script does: cookies, the token, the origin."""

    client: FlaskClient
    csrf: str = ""
    origin: str = ORIGIN
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, base_url=self.origin, **options)

    def post(self, path: str, value: object = None, **headers: str) -> TestResponse:
        sent = {"Origin": self.origin, **self.headers, "X-CSRF-Token": self.csrf, **headers}
        return self.client.post(path, json=value or {}, base_url=self.origin, headers=sent)

    def sign_in(self, username: str) -> dict[str, Any]:
        answer = self.post("/api/login", {"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        self.csrf = answer.json["csrf"]
        return answer.json

    def look(self, ident: int) -> dict[str, Any]:
        answer = self.get(f"/api/pending/{ident}")
        assert answer.status_code == 200, answer.text
        return answer.json

    def sign(self, ident: int, shown: dict[str, Any], name: str, passphrase: str | None = None) -> TestResponse:
        form = {"digest": shown["digest"], "key": name, "passphrase": passphrase or passphrase_of(name)}
        return self.post(f"/api/pending/{ident}/sign", form)


@pytest.fixture(scope="module")
def phone_page(tmp_path_factory) -> Iterator[Page]:
    """The app for phones, opened for the first time; its modules can be imported in it."""
    folder = tmp_path_factory.mktemp("phone")
    with serving_phone_bundle(folder, "http://127.0.0.1:9", free_port()) as origin, open_page(*ON_THE_WAY) as opened:
        opened.goto(f"{origin}/")
        opened.wait_for_selector("#pin")
        yield opened


@pytest.fixture
def station(hub, key_files, tmp_path) -> Station:
    return open_station(StationConfig(hub.url, key_files[0], hub.province.root, tmp_path / "state", PORT))


@pytest.fixture
def browser(station) -> Browser:
    return Browser(create_station(station).test_client())


def opus(seconds: float = 1.0, tone_hz: float = 440.0) -> bytes:
    """A real Ogg Opus recording."""
    rate = 48_000
    wave = 0.2 * np.sin(2 * np.pi * tone_hz * np.arange(int(rate * seconds)) / rate)
    out = io.BytesIO()
    soundfile.write(out, wave.astype("float32"), rate, format="OGG", subtype="OPUS")
    return out.getvalue()


def put_sound(hub: FakeHub, seconds: float = 1.0, tone_hz: float = 440.0, language: str = "vi") -> Sound:
    raw = opus(seconds, tone_hz)
    return Sound(language=language, sha256=hub.put_blob(raw), size=len(raw), duration_ms=int(seconds * 1000))


def a_programme(area: str, *items: Item, start_ms: int = 17 * HOUR, **fields: Any) -> Programme:
    """One slot a day that plays all the items."""
    plays = [PlayItem(area, item.id) for item in items]
    when = Recurrence(first="2026-01-01", freq="daily")
    slot = Slot("chieu", "Bản tin chiều", start_ms, 30 * MINUTE, when, plays)
    now = real_now()
    values = {"issued": now, "play_until": UtcTime(now + 30 * DAY), "items": list(items), "slots": [slot], **fields}
    return make_programme(area, **values)


@dataclass
class Phone:
    """A phone that trusts the province, whose passkey holds the commune's role, before a hub that may lie."""

    hub: FakeHub
    page: Page
    authenticator: Authenticator

    def submit(self, *items: Item, **fields) -> int:
        return self.hub.submit(COMMUNE, "programme", {PATH: encode(a_programme(COMMUNE, *items, **fields))})

    def open(self, wait_for: str) -> None:
        self.page.click("nav a[href='#/pending']")
        self.page.click("#pending a")
        self.page.wait_for_selector(wait_for)


@pytest.fixture
def phone(province: Province, tmp_path) -> Iterator[Phone]:
    port = free_port()
    lying = FakeHub(province, PEOPLE, approval_origins=(f"https://{PHONE_HOST}:{port}",))
    with serving(lying) as hub, serving_phone_bundle(tmp_path, hub.url, port) as origin, open_page(*ON_THE_WAY) as page:
        authenticator = Authenticator(page)
        page.goto(f"{origin}/")
        page.fill("#root-fingerprint", province.held().root_fingerprint)
        page.click("#pin button")
        sign_in(page, CHAIR)
        page.click("nav a[href='#/passkey']")
        page.click("#make-passkey button")
        page.fill("#role", "c00694")
        page.click("#request-role button")
        _request, key = read_request(page.input_value("#request").encode())
        province.now = UtcTime(real_now() - MINUTE)
        province.publish({"g08-01": province.revise("g08-01", lambda signed: signed.add_key(key, "c00694"))})
        yield Phone(hub, page, authenticator)
