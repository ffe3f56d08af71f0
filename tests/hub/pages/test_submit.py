"""From the draft to what waits for approval, and back: what is signed, by whom it may be, and what the page says."""

from __future__ import annotations

import pytest

from hub.auth import actions as auth
from hub.auth.roles import Grant, Role
from hub.errors import ChangedError
from hub.publishing import actions as publishing
from hub.publishing import store as proposals
from hub.publishing.actions import OwnWorkError
from tests.hub.conftest import COMMUNE, PASSWORD
from tests.hub.pages.conftest import give_sound, plain
from wire.areas import programme_target
from wire.programme import Programme, read_programme
from wire.units import DAY, HOUR


@pytest.fixture
def ready(box, desk, slot_fields):
    """mai has put one bulletin on the programme of a commune with one cluster; nothing is sent yet."""
    box.add_cluster()
    person = desk("mai")
    ident = person.write("Tiêm phòng")
    give_sound(box, ident)
    assert (
        person.post("/schedules/slots/new", slot_fields(f"item:{COMMUNE}:{ident}", repeat="daily")).status_code == 303
    )
    box.clock.at += 60_000
    return person


def submit(person, **fields):
    return person.post("/schedules/submit", {"area": COMMUNE, **fields})


def proposal(box):
    with box.hub.reading() as conn:
        return proposals.latest(conn, COMMUNE, "programme")


def programme(box) -> Programme:
    return read_programme(proposal(box).targets[programme_target(COMMUNE)]).programme


def approve(box) -> None:
    for who in ("chair-00694", "deputy-00694"):
        box.clock.at += 1_000
        box.sign(proposal(box).id, who)
    box.clock.at += 1_000


def state(person) -> str:
    """What the card "Trạng thái" says."""
    return plain(person.get("/schedules")).split("Trạng thái ", 1)[1]


def test_what_waits_is_the_programme_with_only_what_is_used(box, ready):
    ready.write("Tin không dùng đến")
    assert submit(ready).status_code == 303
    sent = programme(box)
    assert [item.title for item in sent.items] == ["Tiêm phòng"]
    assert [slot.title for slot in sent.slots] == ["Bản tin chiều"]
    assert (sent.area, sent.issued, sent.play_until) == (COMMUNE, box.clock(), box.clock() + 45 * DAY)
    assert proposal(box).authors == ("mai",)
    assert proposal(box).sign_before == sent.issued - sent.issued % DAY + DAY + 10 * HOUR


def test_the_state_is_told_at_each_step(box, ready):
    assert state(ready).startswith("Bản nháp")
    submit(ready)
    assert state(ready).startswith("Chờ duyệt Gửi lúc 08:02 23/11/2026")
    approve(box)
    assert state(ready).startswith("Đang có hiệu lực Đang có hiệu lực: bản 1 lúc")


def test_an_edit_after_sending_is_shown_and_does_not_reach_into_what_waits(box, ready):
    submit(ready)
    before = programme(box)
    ready.post("/items/new", {"area": COMMUNE, "title": "Tin chẳng liên quan"})
    assert state(ready).startswith("Chờ duyệt")
    item = before.items[0].id
    ready.post(f"/items/{item}/edit", {"title": "Tiêm phòng (sửa)", "version": "2"})
    assert state(ready).startswith("Đã sửa sau khi gửi")
    assert programme(box) == before


def test_approving_what_changed_since_it_was_shown_is_refused(box, ready):
    submit(ready)
    shown = proposal(box)
    signed = box.signed_role(shown.id, "chair-00694")
    ready.post(f"/items/{programme(box).items[0].id}/edit", {"title": "Khác hẳn", "version": "2"})
    assert submit(ready).status_code == 303
    with pytest.raises(ChangedError):
        publishing.add_signature(box.hub, box.person("chair-00694"), shown.id, digest=shown.digest, metadata=signed)
    fresh = proposal(box)
    with pytest.raises(ChangedError):
        publishing.add_signature(box.hub, box.person("chair-00694"), fresh.id, digest=shown.digest, metadata=signed)


def test_whoever_gave_a_bulletin_its_voice_cannot_approve_it(box, ready):
    give_sound(box, programme_item(ready), 7, language="tyz", by="ha")
    assert submit(ready).status_code == 303
    assert proposal(box).authors == ("ha", "mai")


def test_an_author_who_is_approver_too_cannot_sign(box, ready):
    auth.add_person(
        box.hub, username="chair-00694", name="x", password=PASSWORD,
        held=[Grant(Role.APPROVER, COMMUNE), Grant(Role.EDITOR, COMMUNE)],
    )  # fmt: skip
    give_sound(box, programme_item(ready), 7, language="tyz", by="chair-00694")
    assert submit(ready).status_code == 303
    with pytest.raises(OwnWorkError):
        box.sign(proposal(box).id, "chair-00694")


def programme_item(person) -> str:
    """The id of the only bulletin in the list."""
    return "bt-" + person.get("/items").text.split("/items/bt-")[1].split('"')[0]


def test_a_returned_programme_shows_the_reason(box, ready):
    submit(ready)
    publishing.return_proposal(box.hub, box.person("chair-00694"), proposal(box).id, "Thiếu giờ họp thôn.")
    page = state(ready)
    assert page.startswith("Trả lại chair-00694 trả lại lúc")
    assert "Lý do: Thiếu giờ họp thôn." in page
    assert "Thiếu giờ họp thôn." in plain(ready.get("/"))


def test_warnings_are_sent_only_when_they_have_been_seen(box, ready, slot_fields):
    item = f"item:{COMMUNE}:{programme_item(ready)}"
    ready.post("/schedules/slots/new", slot_fields(item, title="Chồng giờ", start="17:05", end="17:20"))
    answer = submit(ready)
    assert answer.status_code == 422
    assert "“Bản tin chiều” và “Chồng giờ” trùng giờ." in plain(answer)
    assert proposal(box) is None
    assert submit(ready, confirm="1").status_code == 303


def test_an_empty_programme_is_not_sent(box, desk):
    answer = submit(desk("mai"), confirm="1")
    assert (answer.status_code, "Chương trình chưa có gì." in plain(answer)) == (422, True)
    assert proposal(box) is None


def test_the_chair_finds_it_and_the_way_to_the_approval_app(box, ready, desk):
    submit(ready)
    chair = desk("chair-00694")
    page = plain(chair.get("/approvals"))
    assert "Chương trình của Phường Hà Giang 1" in page
    assert "0/2 chữ ký duyệt" in page
    assert box.config.approval_url in chair.get("/approvals").text
    assert "Không có việc nào chờ ký." in plain(ready.get("/approvals"))


def test_what_a_cluster_holds_is_told(box, ready):
    box.add_device()
    assert "Chưa có gì" in plain(ready.get("/schedules"))


def test_a_series_plays_what_was_added_last(box, desk):
    ha = desk("ha")
    old, new = (ha.write(title, area="08") for title in ("Bản tin thứ Hai", "Bản tin thứ Ba"))
    for ident in (old, new):
        give_sound(box, ident, by="ha")
    ha.post("/schedules/series/new", {"area": "08", "title": "Thời sự tỉnh"})
    series = ha.get("/schedules/series?area=08").text.split("/schedules/series/ds-")[1].split("/")[0]
    for ident in (old, new):
        box.clock.at += HOUR
        assert ha.post(f"/schedules/series/ds-{series}/add", {"item": ident}).status_code == 303
    assert ha.post("/schedules/submit", {"area": "08", "confirm": "1"}).status_code == 303
    with box.hub.reading() as conn:
        sent = proposals.latest(conn, "08", "programme")
    built = read_programme(sent.targets[programme_target("08")]).programme
    newest = max(built.items, key=lambda item: item.valid_from)
    assert (newest.id, built.offers.series[0].items) == (new, [new, old])


def test_a_slot_whose_time_is_over_does_not_stop_the_next_submission(box, ready, desk, slot_fields):
    ident = ready.write("Họp thôn tối nay")
    give_sound(box, ident)
    assert ready.post("/schedules/slots/new", slot_fields(f"item:{COMMUNE}:{ident}")).status_code == 303
    box.clock.at += 2 * DAY
    person = desk("mai")
    assert "đã qua" in plain(person.get("/schedules"))
    assert submit(person, confirm="1").status_code == 303
    assert proposal(box) is not None
