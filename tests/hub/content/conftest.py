"""One spoken recording for all tests here, and a work folder each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hub.content import samples


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.speech(tmp_path_factory.mktemp("spoken") / "spoken.wav")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder
