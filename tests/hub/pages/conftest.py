"""A person at the pages: logs in by the form, and fills in forms with the token that the page carries."""

from __future__ import annotations

import hashlib
import html
import io
import math
import re
import struct
import threading
import time
import wave
from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from hub.content import actions as content
from hub.content.blobs import store_blob
from tests import browser
from tests.hub.conftest import COMMUNE, PASSWORD
from wire.content import Sound
from wire.units import moment

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
TAGS = re.compile(r"<[^>]+>")


def plain(response: TestResponse) -> str:
    """What a person reads on a page: no tags, one space between words."""
    return " ".join(html.unescape(TAGS.sub(" ", response.text)).split())


@dataclass
class Desk:
    """One person's browser without the window."""

    client: FlaskClient

    def get(self, path: str, **more) -> TestResponse:
        return self.client.get(path, **more)

    def post(
        self, path: str, fields: dict[str, object] | None = None, *, form: str = "/help", follow: bool = False, **more
    ) -> TestResponse:
        token = TOKEN.search(self.client.get(form).text)
        assert token, f"no form on {form}"
        return self.client.post(path, data={"csrf_token": token[1], **(fields or {})}, follow_redirects=follow, **more)

    def write(self, title: str = "Tiêm phòng", text: str = "Mời bà con đưa lợn đi tiêm phòng.", **more) -> str:
        """A new bulletin; its id."""
        answer = self.post("/items/new", {"area": COMMUNE, "title": title, "text": text, **more})
        assert answer.status_code == 303, plain(answer)
        return answer.location.rsplit("/", 1)[-1]

    def upload(self, ident: str, data: bytes, name: str = "ghi-am.wav", **more) -> TestResponse:
        fields = {"sound": (io.BytesIO(data), name), "language": "vi", **more}
        return self.post(f"/items/{ident}/sound", fields, content_type="multipart/form-data")

    def sounds(self, ident: str) -> dict:
        return self.get(f"/items/{ident}/sounds", headers={"Accept": "application/json"}).get_json()

    def ready(self, ident: str, *, within_s: float = 60) -> dict:
        """The sounds of a bulletin once nothing is in preparation any more."""
        deadline = time.monotonic() + within_s
        found = self.sounds(ident)
        while any(job["state"] == "working" for job in found["jobs"]):
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
            found = self.sounds(ident)
        return found

    def findings(self, area: str = COMMUNE) -> list[dict]:
        return self.get(f"/schedules/check?area={area}", headers={"Accept": "application/json"}).get_json()["findings"]


def tone(seconds: float = 2.0, *, level: float = 0.3, rate: int = 16_000) -> bytes:
    """A WAV file with a tone, as a recorder would write it."""
    count = int(seconds * rate)
    samples = (round(32_767 * level * math.sin(2 * math.pi * 440 * n / rate)) for n in range(count))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return out.getvalue()


def give_sound(box, ident: str, seconds: int = 6, *, language: str = "vi", by: str = "mai") -> Sound:
    """A finished sound, without the minute of work: bytes of our own that nobody listens to."""
    data = f"{ident} {language} {seconds}".encode() * 100
    sha256 = hashlib.sha256(data).hexdigest()
    source = box.config.work_dir / sha256
    source.write_bytes(data)
    store_blob(source, sha256, box.config.blob_dir)
    source.unlink()
    sound = Sound(language=language, sha256=sha256, size=len(data), duration_ms=seconds * 1_000)
    person = box.person(by)
    job = content.begin_sound(box.hub, person, ident, language=language, origin="recorded")
    content.keep_sound(box.hub, person, job, sound)
    return sound


@pytest.fixture
def desk(app):
    """`desk("mai")` sits at the pages as mai; `desk()` has not logged in."""

    def sit(username: str = "") -> Desk:
        found = Desk(app.test_client())
        if username:
            answer = found.post("/login", {"username": username, "password": PASSWORD}, form="/login")
            assert answer.status_code == 303, plain(answer)
        return found

    return sit


@pytest.fixture
def slot_fields(box):
    """A slot that a form would send: tomorrow from 17:00 to 17:30, once, everywhere."""

    def fields(*plays: str, **more: object) -> dict[str, object]:
        tomorrow = moment(box.clock() + 24 * 3_600_000)
        return {
            "area": COMMUNE, "title": "Bản tin chiều", "start": "17:00", "end": "17:30", "repeat": "once",
            "first": f"{tomorrow:%d/%m/%Y}", "class": "ordinary", "reach": "all", "plays": list(plays), **more,
        }  # fmt: skip

    return fields


@pytest.fixture
def served(app):
    """The application on a real socket; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture(scope="session")
def chromium():
    with browser.chromium() as found:
        yield found


@pytest.fixture
def person_at(chromium, served):
    """`person_at("mai")` is a person before a real browser, logged in by typing; `width` in pixels."""
    contexts = []

    def sit(username: str = "", *, width: int = 1280, height: int = 900) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, locale="en-US", base_url=served)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.faults = []  # what the browser complains of: scripts that fail, content that the policy forbids
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda message: page.faults.append(message.text) if message.type == "error" else None)
        if username:
            page.goto("/login")
            page.fill("#username", username)
            page.fill("#password", PASSWORD)
            page.click("main button.button")
        return page

    yield sit
    for context in contexts:
        context.close()
