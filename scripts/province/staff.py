"""What people do on the hub's pages, one function a deed. Each returns what a later deed needs, or raises DemoError.

Only the forms of `hub/README.md` are used: nothing here could not be done by a person with a browser.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scripts.province.browser import Browser, Page
from scripts.province.processes import DemoError

SOUND_LIMIT_S = 60
SLOT = re.compile(r'href="/schedules/slots/([A-Za-z0-9._-]+)"')
MESSAGE = re.compile(r'<[^>]*(?:role="alert"|class="[^"]*(?:error|message)[^"]*")[^>]*>(.*?)</', re.DOTALL)


@dataclass(frozen=True)
class SlotForm:
    """A slot as the form takes it. Dates are dd/mm/yyyy, times HH:MM:SS."""

    title: str
    start: str
    length: str
    first: str
    plays: tuple[str, ...]
    repeat: str = "daily"
    priority: bool = False
    fixed: bool = False
    targets: tuple[str, ...] = ()

    def fields(self, area: str) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "area": area, "title": self.title, "start": self.start, "end": "", "length": self.length,
            "repeat": self.repeat,
            "first": self.first, "class": "priority" if self.priority else "ordinary", "plays": list(self.plays),
            "reach": "chosen" if self.targets else "all", "targets": list(self.targets),
        }  # fmt: skip
        return fields | ({"fixed": "1"} if self.fixed else {})


def log_in(origin: str, username: str, password: str) -> Browser:
    browser = Browser(origin)
    expect(browser.post("/login", {"username": username, "password": password}), f"log in as {username}")
    return browser


def write_item(staff: Browser, area: str, **fields: str) -> str:
    """Write a bulletin; its id."""
    page = expect(staff.post("/items/new", {"area": area, **fields}), "write a bulletin")
    found = re.fullmatch(r"/items/([^/]+)", page.path)
    if not found:
        raise DemoError(f"a new bulletin led to {page.path}")
    return found.group(1)


def speak(staff: Browser, item: str) -> None:
    expect(staff.post(f"/items/{item}/speak", {"language": "vi"}, form=f"/items/{item}"), "have the text spoken")


def upload_sound(
    staff: Browser, item: str, sound: Path, *, language: str = "vi", shown_name: str | None = None
) -> Page:
    """Upload a recording; the page that answered, which may be a refusal."""
    part = (shown_name or sound.name, sound.read_bytes(), "application/octet-stream")
    return staff.post(f"/items/{item}/sound", {"language": language, "sound": part}, form=f"/items/{item}", files=True)


def sounds_of(staff: Browser, item: str, count: int = 1) -> list[dict[str, Any]]:
    """Wait until a bulletin has `count` sounds."""
    deadline = time.monotonic() + SOUND_LIMIT_S
    while time.monotonic() < deadline:
        state = staff.get(f"/items/{item}/sounds", headers={"Accept": "application/json"}).data()
        if len(state["sounds"]) >= count:
            return list(state["sounds"])
        failed = [job for job in state["jobs"] if job["state"] == "failed"]
        if failed:
            raise DemoError(f"the sound of {item} was refused: {failed[0]['message']}")
        time.sleep(0.1)
    raise DemoError(f"the sound of {item} was not ready after {SOUND_LIMIT_S} s")


def add_slot(staff: Browser, area: str, slot: SlotForm) -> None:
    form = f"/schedules/slots/new?area={quote(area)}"
    expect(staff.post("/schedules/slots/new", slot.fields(area), form=form), f"put {slot.title} on the programme")


def clear_slots(staff: Browser, area: str) -> None:
    """Take every slot of an area off the programme."""
    page = expect(staff.get(f"/schedules?area={quote(area)}"), "see the programme")
    for ident in sorted(set(SLOT.findall(page.text))):
        form = f"/schedules/slots/{ident}"
        expect(staff.post(f"{form}/remove", {}, form=form), "take a slot off the programme")


def change_settings(staff: Browser, area: str, **lists: list[str]) -> None:
    form = f"/schedules/settings?area={quote(area)}"
    expect(staff.post("/schedules/settings", {"area": area, **lists}, form=form), "change the programme's settings")


def add_series(staff: Browser, area: str, title: str) -> str:
    form = f"/schedules/series?area={quote(area)}"
    page = expect(staff.post("/schedules/series/new", {"area": area, "title": title}, form=form), "make a series")
    found = re.search(r"/schedules/series/([A-Za-z0-9._-]+)/add", page.text)
    if not found:
        raise DemoError("the new series is not on its page")
    return found.group(1)


def add_to_series(staff: Browser, area: str, series: str, item: str) -> None:
    form = f"/schedules/series?area={quote(area)}"
    expect(staff.post(f"/schedules/series/{series}/add", {"item": item}, form=form), "add to the series")


def submit(staff: Browser, area: str) -> None:
    form = f"/schedules?area={quote(area)}"
    expect(staff.post("/schedules/submit", {"area": area, "confirm": "1"}, form=form), "send for approval")


def preview(staff: Browser, cluster: str, day: str) -> dict[str, Any]:
    page = staff.get(f"/schedules/preview?cluster={cluster}&day={day}", headers={"Accept": "application/json"})
    return dict(expect(page, "ask what plays").data())


def expect(page: Page, deed: str) -> Page:
    """The page itself, or DemoError with what it said."""
    if page.status < 400:
        return page
    said = MESSAGE.search(page.text)
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", said.group(1) if said else page.text[:300])).strip()
    raise DemoError(f"could not {deed}: {page.status} {words}")
