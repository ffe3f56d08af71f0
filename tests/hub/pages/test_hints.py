"""What a newcomer is shown without asking: a day laid out at once, the draft beside it, the words to be spoken."""

from __future__ import annotations

import io

from tests.hub.pages.conftest import give_sound, plain


def test_what_a_cluster_plays_opens_on_the_first_cluster(box, desk):
    box.add_cluster()
    page = plain(desk("mai").get("/schedules/preview"))
    assert "Chưa có gì được duyệt cho cụm loa này nên chưa phát gì." in page


def test_a_draft_that_is_not_in_force_is_mentioned_to_its_editor_alone(box, desk, slot_fields):
    box.add_cluster()
    person = desk("mai")
    ident = person.write()
    give_sound(box, ident)
    hint = "Có bản nháp chưa có hiệu lực."
    assert hint not in plain(person.get("/schedules/preview"))
    person.post("/schedules/slots/new", slot_fields(f"item:08/00694:{ident}"))
    assert hint in plain(person.get("/schedules/preview"))
    assert hint not in plain(person.get("/schedules/preview?cluster=cl-1&source=draft"))
    assert hint not in plain(desk("chair-00694").get("/schedules/preview?cluster=cl-1"))


def test_the_words_that_the_machine_will_say_are_shown(desk):
    person = desk("mai")
    ident = person.write(text="UBND xã họp lúc 17h00.")
    assert "Ủy ban nhân dân xã họp lúc mười bảy giờ" in plain(person.get(f"/items/{ident}"))


def test_a_file_that_is_no_log_is_refused_in_words(desk):
    fields = {"log": (io.BytesIO(b"x" * 100), "anh.log")}
    person = desk("mai")
    page = plain(person.post("/devices/stick", fields, form="/devices/stick", content_type="multipart/form-data"))
    assert "Đây không phải nhật ký phát của thiết bị" in page
    assert "Đã nhận nhật ký" not in page


def test_only_who_holds_a_key_is_told_how_much_waits_for_approval(desk):
    assert "chờ tôi ký duyệt" not in plain(desk("mai").get("/"))
    assert "chờ tôi ký duyệt" in plain(desk("chair-00694").get("/"))
