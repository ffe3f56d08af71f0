"""Chromium for tests. Playwright runs once a process (it cannot run twice), so every test takes it from here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Playwright, PlaywrightContextManager, sync_playwright

CHROMIUM = "/usr/bin/chromium"
_running: dict[str, PlaywrightContextManager] = {}
_play: dict[str, Playwright] = {}


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """A browser of one's own."""
    if not _play:
        _running["it"] = sync_playwright()
        _play["it"] = _running["it"].__enter__()
    browser = _play["it"].chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments])
    try:
        yield browser
    finally:
        browser.close()


def end_playwright() -> None:
    """At the end of a test run."""
    _play.clear()
    while _running:
        _running.popitem()[1].__exit__()
