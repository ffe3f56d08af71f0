"""The store of blobs: whole or not there."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from hub.content import blobs
from hub.content.blobs import open_blob, store_blob
from hub.content.refusals import Refusal, SoundRefusedError
from hub.errors import NotFoundError

DATA = b"opus" * 1000
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "made.opus"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "blobs"
    folder.mkdir()
    return folder


def files(root: Path) -> list[Path]:
    return [path.relative_to(root) for path in root.rglob("*") if path.is_file()]


def test_blob_is_stored_by_its_hash(source: Path, root: Path) -> None:
    store_blob(source, SHA, root)
    assert files(root) == [Path(SHA[:2]) / SHA]
    with open_blob(SHA, root) as file:
        assert file.read() == DATA


def test_storing_again_changes_nothing(source: Path, root: Path) -> None:
    before = store_blob(source, SHA, root).stat()
    assert store_blob(source, SHA, root).stat() == before


def test_wrong_hash_stores_nothing(source: Path, root: Path) -> None:
    with pytest.raises(ValueError, match="not the one"):
        store_blob(source, "0" * 64, root)
    assert files(root) == []


def test_full_disk_stores_nothing(source: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "SPARE_BYTES", shutil.disk_usage(root).total)
    with pytest.raises(SoundRefusedError) as caught:
        store_blob(source, SHA, root)
    assert caught.value.code == Refusal.NO_SPACE
    assert files(root) == []


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, SHA[:-1], SHA + "0", SHA + "\n"])
def test_what_is_no_hash_is_not_found(name: str, root: Path) -> None:
    with pytest.raises(NotFoundError):
        open_blob(name, root)


def test_absent_blob_is_not_found(root: Path) -> None:
    with pytest.raises(NotFoundError):
        open_blob(SHA, root)
