"""A bulletin gets its sound: recordings of people, the machine's voice, and one message for each file that is none."""

from __future__ import annotations

import io
import zipfile

import pytest

from hub.content import store
from hub.content.refusals import MESSAGES
from tests.hub.pages.conftest import plain, tone


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../etc/passwd", "x")
    return out.getvalue()


def test_a_recording_becomes_a_sound_that_can_be_heard(desk):
    person = desk("mai")
    ident = person.write()
    assert person.upload(ident, tone(3)).status_code == 303
    found = person.ready(ident)
    assert [(s["language"], s["origin"]) for s in found["sounds"]] == [("vi", "recorded")]
    assert found["sounds"][0]["duration_ms"] == pytest.approx(3_000, abs=50)
    path = f"/items/{ident}/sounds/{found['sounds'][0]['id']}"
    heard = person.get(path, headers={"Range": "bytes=0-3"})
    assert (heard.status_code, heard.data, heard.mimetype) == (206, b"OggS", "audio/ogg")
    heard.close()


def test_the_text_is_read_out(desk):
    person = desk("mai")
    ident = person.write(text="UBND phường mời bà con họp lúc 19h30 ngày 25/11/2026.")
    assert person.post(f"/items/{ident}/speak", {"language": "vi"}).status_code == 303
    found = person.ready(ident)
    assert found["jobs"][0]["state"] == "done", found
    assert found["sounds"][0]["duration_ms"] > 4_000


def test_one_sound_a_language_and_a_new_one_takes_its_place(desk):
    person = desk("mai")
    ident = person.write()
    person.upload(ident, tone(2))
    person.ready(ident)
    person.upload(ident, tone(4), language="hmn")
    person.ready(ident)
    person.upload(ident, tone(5))
    found = person.ready(ident)
    assert [(s["language"], round(s["duration_ms"], -3)) for s in found["sounds"]] == [("hmn", 4000), ("vi", 5000)]
    assert "Tiếng Mông" in plain(person.get(f"/items/{ident}"))


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"Day la van ban, khong phai ghi am. " * 50, "ghi-am.mp3", "Đây là tệp văn bản, dù tên tệp thế nào."),
        (b"", "trong.wav", "Tệp trống."),
        (tone(0.1), "ngan.wav", "Bản ghi âm dài 0.1 giây."),
        (tone(3, level=0), "im.wav", "Bản ghi âm không có tiếng."),
        (zipped(), "../../etc/passwd", "Đây là tệp nén hoặc tệp văn phòng"),
        (tone(3)[:40_000], "cut.wav", "Bản ghi âm bị cắt, thiếu phần cuối."),
        (b"\x00\x01\x02\x03" * 4_000, "\U0001f4e2 'loa'.wav", "Không nhận ra loại ghi âm này."),
    ],
)
def test_what_is_no_recording_is_told_and_the_bulletin_keeps_its_sound(desk, data, name, message):
    person = desk("mai")
    ident = person.write()
    person.upload(ident, tone(2))
    before = person.ready(ident)["sounds"]
    answer = person.upload(ident, data, name)
    assert answer.status_code == 422, plain(answer)
    assert message in plain(answer)
    assert person.ready(ident)["sounds"] == before


def test_every_refusal_has_its_own_words():
    assert len(set(MESSAGES.values())) == len(MESSAGES)


def test_no_file_and_no_text_are_told(desk):
    person = desk("mai")
    ident = person.write(text="")
    assert "Chưa chọn tệp ghi âm." in plain(person.post(f"/items/{ident}/sound", {"language": "vi"}))
    answer = person.post(f"/items/{ident}/speak", {"language": "vi"})
    assert (answer.status_code, "Văn bản không có chữ để đọc." in plain(answer)) == (422, True)


def test_the_machine_does_not_pretend_to_speak_mong(desk):
    person = desk("mai")
    ident = person.write()
    answer = person.post(f"/items/{ident}/speak", {"language": "hmn"})
    assert (answer.status_code, "Máy chỉ đọc tiếng Việt." in plain(answer)) == (400, True)


def test_two_gigabytes_are_refused_before_they_are_read(desk):
    person = desk("mai")
    ident = person.write()
    answer = person.client.post(
        f"/items/{ident}/sound", input_stream=io.BytesIO(b"x"), content_type="multipart/form-data; boundary=b",
        environ_overrides={"CONTENT_LENGTH": str(2 * 1024**3)},
    )  # fmt: skip
    assert answer.status_code == 413


def test_a_strange_name_is_shown_harmlessly_and_names_no_file(box, desk):
    person = desk("mai")
    ident = person.write()
    person.upload(ident, tone(2), "../../Bản tin 'chiều' \U0001f4e2.wav")
    person.ready(ident)
    with box.hub.reading() as conn:
        assert store.sounds(conn, [ident])[ident][0].name == "Bản tin 'chiều' \U0001f4e2.wav"
    assert list(box.config.work_dir.iterdir()) == []


def test_who_gave_it_sound_is_an_author(box, desk):
    ident = desk("mai").write()
    other = desk("ha")
    other.upload(ident, tone(2))
    other.ready(ident)
    with box.hub.reading() as conn:
        assert store.authors(conn, [ident]) == {"mai", "ha"}


def test_a_removed_sound_is_gone_from_the_page(desk):
    person = desk("mai")
    ident = person.write()
    person.upload(ident, tone(2))
    sound = person.ready(ident)["sounds"][0]["id"]
    person.post(f"/items/{ident}/sounds/{sound}/remove")
    assert person.sounds(ident)["sounds"] == []
    assert person.get(f"/items/{ident}/sounds/{sound}").status_code == 404


def test_a_preparation_that_died_is_shown_as_interrupted(box, desk):
    person = desk("mai")
    ident = person.write()
    with box.hub.writing() as conn:
        conn.execute(store.sound_jobs.insert().values(
            id="j1", item=ident, language="vi", origin="recorded", name="", state="working", code="", message="",
            params={}, person="mai", at=box.clock()))  # fmt: skip
    assert "Đang xử lý âm thanh" in plain(person.get(f"/items/{ident}"))
    box.clock.at += 3_600_000
    assert "Việc xử lý âm thanh bị ngắt." in plain(person.get(f"/items/{ident}"))
