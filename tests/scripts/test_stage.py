"""A province's folder: what may be emptied, and when it counts as made."""

from __future__ import annotations

import pytest

from scripts.province.processes import DemoError
from scripts.province.stage import BEGUN, Ports, Stage


def test_a_folder_with_other_files_is_never_emptied(tmp_path):
    (tmp_path / "thesis.odt").write_text("years of work")
    with pytest.raises(DemoError, match="left alone"):
        Stage(tmp_path, Ports()).reset()
    assert (tmp_path / "thesis.odt").exists()


def test_an_interrupted_province_is_not_gone_on_with_and_may_be_emptied(tmp_path):
    (tmp_path / BEGUN).write_text("{}")
    (tmp_path / "people.json").write_text("{}")
    stage = Stage(tmp_path, Ports())
    assert not stage.is_made
    stage.reset()
    assert not (tmp_path / BEGUN).exists()
