"""A real clamd with one signature of our own sees each upload; where it is set and silent, nothing is taken in."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import socket
import tempfile
import threading
import zipfile
from pathlib import Path

import msgspec
import pytest

from hub import audit
from hub.app import create_app
from hub.content.clamd import check_upload, is_answering
from hub.content.refusals import Refusal, SoundRefusedError
from tests.hub.mqtt import running, wait_until
from tests.hub.pages.conftest import plain, tone

MARK = b"loa-test-signature-of-our-own"
NAME = "Loa.Test.UNOFFICIAL"
FOUND = f"mã độc trong tệp này ({NAME})"
SILENT = "Phần mềm quét vi-rút không trả lời"
MOST = 2_000_000


@pytest.fixture(scope="module")
def clamd():
    """Its socket. The folder's name is short, as sockets ask for."""
    folder = Path(tempfile.mkdtemp(prefix="loa-clamd-"))
    (folder / "db").mkdir()
    (folder / "db" / "loa.ndb").write_text(f"Loa.Test:0:*:{MARK.hex()}\n")
    address = folder / "clamd.sock"
    (folder / "clamd.conf").write_text(
        f"LocalSocket {address}\nLocalSocketMode 600\nDatabaseDirectory {folder / 'db'}\nPidFile {folder / 'pid'}\n"
        f"Foreground yes\nStreamMaxLength {MOST}\nSelfCheck 0\n" + ("User root\n" if os.geteuid() == 0 else "")
    )
    with running("clamd", f"--config-file={folder / 'clamd.conf'}", log=folder / "log"):
        wait_until(lambda: is_answering(str(address)), "clamd", limit_s=60)
        yield str(address)
    shutil.rmtree(folder)


@pytest.fixture
def app(box, clamd, request):
    """The pages of a hub that has clamd at this socket."""
    address = getattr(request, "param", clamd)
    config = msgspec.structs.replace(box.config, clamd_socket=address)
    made = create_app(config, dataclasses.replace(box.hub, config=config))
    made.testing = False
    return made


def marked() -> bytes:
    """A recording like any other, whose last samples are the signature's bytes."""
    sound = tone(3)
    return sound[: -len(MARK)] + MARK


def test_a_harmful_recording_is_refused_by_name_and_a_good_one_is_taken(box, desk):
    person = desk("mai")
    ident = person.write()
    answer = person.upload(ident, marked())
    assert (answer.status_code, FOUND in plain(answer)) == (422, True), plain(answer)
    assert person.sounds(ident) == {"jobs": [], "sounds": []}
    assert list(box.config.work_dir.iterdir()) == []
    with box.hub.reading() as conn:
        noted = audit.audit_rows.select().where(audit.audit_rows.c.verb == "upload-refused")
        rows = conn.execute(noted).mappings().all()
    assert [(row["person"], row["subject"], NAME in row["detail"]) for row in rows] == [("mai", ident, True)]
    assert person.upload(ident, tone(3)).status_code == 303
    assert len(person.ready(ident)["sounds"]) == 1
    assert SILENT not in plain(person.get(f"/items/{ident}"))


def test_structure_is_checked_all_the_same(desk):
    person = desk("mai")
    ident = person.write()
    answer = person.upload(ident, b"Day la van ban, khong phai ghi am. " * 50, "sach.mp3")
    assert "Đây là tệp văn bản" in plain(answer)


@pytest.mark.parametrize("app", ["/nonexistent/clamd.sock"], indirect=True)
def test_where_it_is_set_and_silent_nothing_is_taken_in_and_the_page_says_so_before(desk, app):
    person = desk("mai")
    ident = person.write()
    assert SILENT in plain(person.get(f"/items/{ident}"))
    answer = person.upload(ident, tone(3))
    assert (answer.status_code, SILENT in plain(answer)) == (503, True)
    assert person.sounds(ident)["sounds"] == []


def test_what_it_did_not_look_at_to_its_end_does_not_count_as_good(clamd, tmp_path):
    """Larger than clamd's own limit, and harmful behind it."""
    file = tmp_path / "large"
    file.write_bytes(os.urandom(MOST + 10) + MARK)
    with pytest.raises(SoundRefusedError) as caught:
        check_upload(file, clamd)
    assert caught.value.code == Refusal.NOT_SCANNED


@pytest.mark.parametrize("answer", [b"", b"stream: OK but not quite\0", b"UNKNOWN COMMAND\0", b"x" * 9_000])
def test_an_answer_that_is_none_does_not_count_as_good(tmp_path, answer):
    folder = Path(tempfile.mkdtemp(prefix="loa-"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s"))
        listener.listen()

        def speak() -> None:
            line, _ = listener.accept()
            with line:
                line.recv(100)
                with contextlib.suppress(OSError):
                    line.sendall(answer)

        thread = threading.Thread(target=speak)
        thread.start()
        (tmp_path / "file").write_bytes(b"some sound")
        with pytest.raises(SoundRefusedError) as caught:
            check_upload(tmp_path / "file", str(folder / "s"))
        thread.join()
    shutil.rmtree(folder)
    assert caught.value.code == Refusal.NOT_SCANNED


def test_a_signature_inside_an_archive_is_found_too(clamd, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner", b"before " * 100 + MARK)
    with pytest.raises(SoundRefusedError) as caught:
        check_upload(tmp_path / "x.zip", clamd)
    assert caught.value.code == Refusal.HARMFUL

