from __future__ import annotations

import pytest

from tests.browser import end_playwright


def pytest_sessionfinish(session: pytest.Session) -> None:
    end_playwright()
