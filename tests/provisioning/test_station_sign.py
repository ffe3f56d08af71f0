"""Looking at a proposal and signing it, as the page does it, against a hub that keeps the rules."""

from __future__ import annotations

from tests.builders import make_placement, make_programme, make_template, new_signer
from tests.fakes.hub import real_now
from tests.provisioning.conftest import CHAIR, COMMUNE, DEPUTY, a_programme, passphrase_of, put_sound
from wire.areas import placements_target, policy_target, programme_target
from wire.codec import encode
from wire.content import Item
from wire.enrolment import Placements
from wire.policy import Hours, Policy, QuietException
from wire.units import HOUR, UtcTime

PATH = programme_target(COMMUNE)


def submit_programme(hub, *items, area=COMMUNE, **fields):
    return hub.submit(area, "programme", {programme_target(area): encode(a_programme(area, *items, **fields))})


def marks(shown):
    return [(change["mark"], change["section"], change["title"]) for change in shown["changes"]]


def test_a_first_programme_is_looked_at_and_released(hub, browser):
    item = Item("tin-1", "Tiêm phòng", renditions=[put_sound(hub)])
    ident = submit_programme(hub, item)
    browser.sign_in(CHAIR)

    listed = browser.get("/api/pending").json["pending"]
    shown = browser.look(ident)
    answer = browser.sign(ident, shown, CHAIR)

    assert [one["title"] for one in listed] == ["Chương trình tuần"]
    assert shown["refusals"] == []
    assert answer.json["state"] == "released"
    assert hub.province.held(COMMUNE).roles["c00694"].version == 1
    assert hub.waiting == {}


def test_only_the_difference_to_the_last_release_is_shown(hub, browser):
    old = Item("tin-1", "Tiêm phòng", renditions=[put_sound(hub)])
    new = Item("tin-2", "Họp thôn", renditions=[put_sound(hub, tone_hz=600)])
    released = a_programme(COMMUNE, old)
    hub.province.publish_programme(COMMUNE, released)
    ident = submit_programme(hub, old, new, issued=UtcTime(released.issued + 1), play_until=released.play_until)
    browser.sign_in(CHAIR)

    shown = browser.look(ident)

    assert ("added", "Tin bài", "Họp thôn") in marks(shown)
    assert not [change for change in marks(shown) if "Tiêm phòng" in change[2]]
    assert [(one["title"], one["is_new"]) for one in shown["media"]] == [("Tiêm phòng", False), ("Họp thôn", True)]


def test_the_page_plays_the_verified_sound_from_this_machine(hub, browser):
    sound = put_sound(hub)
    ident = submit_programme(hub, Item("tin-1", "Tiêm phòng", renditions=[sound]))
    browser.sign_in(CHAIR)

    before = browser.get(f"/api/sounds/{sound.sha256}").status_code
    browser.look(ident)
    hub.blobs.clear()
    with browser.get(f"/api/sounds/{sound.sha256}", headers={"Range": "bytes=0-3"}) as answer:
        played = answer.status_code, answer.data

    assert before == 404
    assert played == (206, b"OggS")


def test_a_province_needs_two_approvers(hub, browser, station):
    policy = Policy("08", real_now(), hours=[Hours(5 * HOUR, 21 * HOUR)])
    ident = hub.submit("08", "policy", {policy_target("08"): encode(policy)})
    browser.sign_in("binh")
    first = browser.sign(ident, browser.look(ident), "binh")
    again = browser.look(ident)
    browser.sign_in("chi")
    shown = browser.look(ident)
    second = browser.sign(ident, shown, "chi")

    assert first.json["state"] == "signed"
    assert again["keys"] == []
    assert shown["signatures"] == 1
    assert second.json["state"] == "released"
    released = hub.province.held().roles["p08"]
    assert (released.version, len(released.signatures)) == (2, 2)


def test_what_lies_outside_the_quiet_hours_is_shouted(hub, browser):
    hub.province.publish_policy("08", Policy("08", UtcTime(real_now() - HOUR), max_volume=80))
    night = QuietException("2026-12-31", Hours(22 * HOUR, 24 * HOUR), ["08/00694"], "Đêm giao thừa")
    policy = Policy("08", real_now(), max_volume=100, exceptions=[night])
    ident = hub.submit("08", "policy", {policy_target("08"): encode(policy)})
    browser.sign_in("binh")

    shown = browser.look(ident)

    loud = [change["title"] for change in shown["changes"] if change["mark"] == "loud"]
    assert loud == ["Phát thanh ngày 31/12/2026, 22 giờ 00 đến 24 giờ 00, tại 08/00694", "Âm lượng lớn nhất"]


def test_a_registrar_moves_a_device(hub, browser):
    key = new_signer()
    here = make_placement("loa-1", "08/00694/01", key)
    hub.province.publish_placements(COMMUNE, [here])
    there = make_placement("loa-1", "08/00694/02", key, n=2)
    moved = Placements(COMMUNE, real_now(), [there])
    ident = hub.submit(COMMUNE, "placements", {placements_target(COMMUNE): encode(moved)})
    browser.sign_in("dang")

    shown = browser.look(ident)
    answer = browser.sign(ident, shown, "dang")

    lines = {line["label"]: (line["before"], line["after"]) for line in shown["changes"][0]["lines"]}
    assert lines["Địa bàn"] == ("08/00694/01", "08/00694/02")
    assert answer.json["state"] == "released"


def test_a_template_goes_through_the_same_list(hub, browser):
    template = make_template(sound=put_sound(hub))
    ident = hub.submit("08", "template", {"templates/08/xa-lu.json": encode(template)})
    browser.sign_in("binh")
    shown = browser.look(ident)
    browser.sign(ident, shown, "binh")
    browser.sign_in("lan")

    answer = browser.sign(ident, browser.look(ident), "lan")

    assert shown["changes"][0]["title"] == "Xả lũ khẩn cấp"
    assert answer.json["state"] == "released"


def test_own_work_is_not_signed(hub, browser):
    ident = hub.submit(
        COMMUNE, "programme", {PATH: encode(make_programme(COMMUNE, issued=real_now()))}, authors=[CHAIR]
    )
    browser.sign_in(CHAIR)

    shown = browser.look(ident)
    answer = browser.sign(ident, shown, CHAIR)

    assert shown["keys"] == []
    assert (answer.status_code, answer.json["code"]) == (403, "own_work")
    assert ident in hub.waiting


def test_what_changed_after_it_was_shown_is_not_signed(hub, browser):
    ident = submit_programme(hub)
    browser.sign_in(CHAIR)
    shown = browser.look(ident)
    hub.waiting[ident].targets = {PATH: encode(a_programme(COMMUNE, start_ms=6 * HOUR))}

    answer = browser.sign(ident, shown, CHAIR)
    fresh = browser.look(ident)

    assert (answer.status_code, answer.json["code"]) == (409, "changed")
    assert answer.json["detail"] == "Nội dung đã thay đổi sau khi xem. Xem lại trước khi ký."
    assert fresh["digest"] != shown["digest"]
    assert browser.sign(ident, fresh, CHAIR).json["state"] == "released"


def test_a_release_in_the_meantime_counts_as_a_change(hub, browser):
    ident = submit_programme(hub)
    browser.sign_in(CHAIR)
    shown = browser.look(ident)
    hub.province.now = real_now()
    hub.province.publish_policy(COMMUNE, Policy(COMMUNE, real_now()))

    answer = browser.sign(ident, shown, CHAIR)

    assert (answer.status_code, answer.json["code"]) == (409, "changed")
    assert browser.sign(ident, browser.look(ident), CHAIR).json["state"] == "released"


def test_nothing_is_signed_that_was_not_shown_here(hub, browser):
    ident = submit_programme(hub)
    browser.sign_in(CHAIR)
    digest = browser.get("/api/pending").json["pending"][0]["digest"]

    answer = browser.sign(ident, {"digest": digest}, CHAIR)

    assert (answer.status_code, answer.json["code"]) == (409, "changed")


def test_a_neighbours_key_may_not_sign(hub, browser):
    ident = submit_programme(hub)
    browser.sign_in("chair-00700")

    shown = browser.look(ident)
    answer = browser.sign(ident, shown, "chair-00700")

    assert browser.get("/api/pending").json["pending"] == []
    assert shown["keys"] == []
    assert (answer.status_code, answer.json["code"]) == (403, "no_key")


def test_it_goes_back_with_a_reason(hub, browser):
    ident = submit_programme(hub)
    browser.sign_in(CHAIR)

    empty = browser.post(f"/api/pending/{ident}/return", {"reason": ""})
    answer = browser.post(f"/api/pending/{ident}/return", {"reason": "Sai giờ họp"})

    assert empty.status_code == 409
    assert answer.status_code == 200
    assert hub.returned == [(ident, "Sai giờ họp")]


def test_a_wrong_passphrase_signs_nothing_and_slows_down(hub, browser):
    ident = submit_programme(hub)
    browser.sign_in(DEPUTY)
    shown = browser.look(ident)

    answers = [browser.sign(ident, shown, DEPUTY, "sai mất rồi") for _ in range(3)]
    slowed = browser.sign(ident, shown, DEPUTY)

    assert [answer.json["code"] for answer in answers] == ["wrong_passphrase"] * 3
    assert (slowed.status_code, slowed.json["code"]) == (429, "slow_down")
    assert hub.waiting[ident].metadata is None


def test_no_passphrase_is_written_anywhere(hub, browser, tmp_path, capsys, caplog):
    ident = submit_programme(hub)
    browser.sign_in(CHAIR)
    browser.sign(ident, browser.look(ident), CHAIR)

    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    said = "".join(capsys.readouterr()) + caplog.text
    assert written
    assert passphrase_of(CHAIR).encode() not in written
    assert passphrase_of(CHAIR) not in said


def test_a_machine_whose_clock_stands_in_the_past_signs_nothing(hub, browser, station):
    ident = submit_programme(hub)
    browser.sign_in(CHAIR)
    shown = browser.look(ident)
    station.store._clock = lambda: UtcTime(0)

    answer = browser.sign(ident, shown, CHAIR)

    assert (answer.status_code, ident in hub.waiting) == (400, True)
    assert "Đồng hồ" in answer.json["detail"]
