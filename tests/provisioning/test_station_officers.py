"""Two officers on two machines; and an officer whose hub is away: the brokers' own list, a file for a stick."""

from __future__ import annotations

import base64
import contextlib

import pytest

from provisioning.approval.context import StationConfig, open_station
from provisioning.approval.station import create_station
from tests.builders import make_template
from tests.fakes.hub import PASSWORD, FakeHub, real_now, serving
from tests.hub.conftest import box, first_province, prepared  # noqa: F401 - a hub whose CA certifies the station
from tests.hub.tls import TlsClient, make_secure
from tests.provisioning.browsing import free_port, is_too_wide, open_page, serving_station, sign_in
from tests.provisioning.conftest import (
    CHAIR,
    COMMUNE,
    DEPUTY,
    OUTSIDER,
    PEOPLE,
    PORT,
    Browser,
    passphrase_of,
    put_sound,
)
from wire.alert import Part, Start, Template, Wording, read_order
from wire.blanks import Blank, BlankKind
from wire.envelope import peek
from wire.trust.orders import verify_order
from wire.units import MINUTE

HOLD_MS = 1_700
OWN = {"area": COMMUNE, "title": "Sập cầu", "text": "Cầu Lùng Thàng đã sập, không ai được qua.", "minutes": 30}
WISH = {"area": COMMUNE, "template": "xa-lu", "blanks": {"ho": "ho-tuyen-quang"}, "minutes": 30, "times": 2}


@pytest.fixture
def machine(hub, key_files, tmp_path):
    """Makes stations, each with its own state; signs a person in."""

    def make(name: str, *, brokers=None) -> Browser:
        state = tmp_path / f"state-{name}"
        config = StationConfig(hub.url, key_files[0], hub.province.root, state, PORT, brokers=brokers)
        browser = Browser(create_station(open_station(config)).test_client())
        browser.sign_in(name)
        return browser

    return make


def sign_own(browser, **changes):
    over = browser.post("/api/emergency/own", {**OWN, **changes})
    assert over.status_code == 200, over.text
    return browser.post("/api/emergency/start", {"order": over.json["order"], "passphrase": passphrase_of(CHAIR)})


def sign_second(browser, name, envelope):
    shown = browser.post("/api/emergency/second/look", {"envelope": envelope})
    assert shown.status_code == 200, shown.text
    sent = {"order": shown.json["order"], "passphrase": passphrase_of(name)}
    return shown.json, browser.post("/api/emergency/second", sent)


def order_of(raw: bytes) -> Start:
    return read_order(peek(raw, 64 * 1024)[1])


def test_own_words_sound_only_when_a_second_officer_has_signed_on_another_machine(hub, machine):
    chair, deputy = machine(CHAIR), machine(DEPUTY)
    first = sign_own(chair).json
    assert (first["is_complete"], first["signatures"], first["threshold"]) == (False, 1, 2)
    assert hub.alerts == {}
    assert [one["is_mine"] for one in chair.get("/api/emergency").json["waiting"]] == [True]
    [waiting] = deputy.get("/api/emergency").json["waiting"]
    shown, second = sign_second(deputy, DEPUTY, waiting["envelope"])
    assert [wording["text"] for wording in shown["wordings"]] == [OWN["text"]]
    assert (second.json["is_complete"], second.json["id"]) == (True, first["id"])
    envelope = base64.b64decode(hub.alerts[first["id"]]["envelope"])
    order = verify_order(envelope, hub.province.held(COMMUNE), floor=real_now()).order
    assert (order.role, order.own.wordings[0].text) == ("ef00694", OWN["text"])
    assert order.expires - order.issued == 30 * MINUTE
    assert deputy.get("/api/emergency").json["waiting"] == []
    [running] = deputy.get("/api/emergency").json["running"]
    assert (running["title"], running["id"]) == ("Sập cầu", first["id"])


def test_nobody_signs_twice_and_no_stranger_signs(hub, machine):
    chair, outsider = machine(CHAIR), machine(OUTSIDER)
    sign_own(chair)
    envelope = base64.b64encode(next(iter(hub.half.values()))).decode()
    assert chair.post("/api/emergency/second/look", {"envelope": envelope}).json["code"] == "own_work"
    assert outsider.post("/api/emergency/second/look", {"envelope": envelope}).json["code"] == "not_allowed"
    assert chair.post("/api/emergency/second", {"order": "x"}).json["code"] == "not_prepared"


@pytest.mark.parametrize(
    ("said", "changed", "code"), [("đã sập", "an toàn", "not_allowed"), ('"times":3', '"times":9', "bad_signature")]
)
def test_a_hub_that_changes_a_word_on_the_way_to_the_second_officer_is_found(hub, machine, said, changed, code):
    chair, deputy = machine(CHAIR), machine(DEPUTY)
    ident = sign_own(chair).json["id"]
    raw = hub.half[ident]
    signed = peek(raw, 64 * 1024)[1]
    forged = signed.replace(said.encode(), changed.encode())
    assert forged != signed
    hub.half[ident] = raw.replace(base64.b64encode(signed), base64.b64encode(forged))
    assert deputy.get("/api/emergency").json["waiting"] == []
    answer = deputy.post("/api/emergency/second/look", {"envelope": base64.b64encode(hub.half[ident]).decode()})
    assert (answer.status_code, answer.json["code"]) == (409, code)


def test_the_second_officer_may_have_the_order_as_a_file(hub, machine):
    chair, deputy = machine(CHAIR), machine(DEPUTY)
    ident = sign_own(chair).json["id"]
    hub.half.clear()
    saved = chair.get(f"/api/alerts/{ident}/file")
    assert saved.headers["Content-Disposition"] == f'attachment; filename="lenh-{ident[:12]}.dsse"'
    _shown, second = sign_second(deputy, DEPUTY, base64.b64encode(saved.data).decode())
    assert second.json["is_complete"]
    assert ident in hub.alerts


@pytest.mark.parametrize("envelope", ["", "%%%", base64.b64encode(b"{}").decode(), "A" * 70_000])
def test_a_file_that_is_no_order_is_refused(machine, envelope):
    assert machine(DEPUTY).post("/api/emergency/second/look", {"envelope": envelope}).status_code in (400, 409, 413)


def test_what_two_have_started_one_may_end(hub, machine):
    chair, deputy = machine(CHAIR), machine(DEPUTY)
    ident = sign_own(chair).json["id"]
    sign_second(deputy, DEPUTY, base64.b64encode(hub.half[ident]).decode())
    told = chair.get(f"/api/alerts/{ident}").json
    answer = chair.post("/api/emergency/cancel", {"id": ident, "passphrase": passphrase_of(CHAIR)})
    assert (told["may_cancel"], answer.json["is_complete"]) == (True, True)
    assert order_of(base64.b64decode(hub.alerts[answer.json["id"]]["envelope"])).role == "ea00694"


@pytest.mark.parametrize("text", ["", "a\u0000b", "a\u202eb", "x" * 1_501])
def test_words_that_nobody_can_read_are_refused(machine, text):
    assert machine(CHAIR).post("/api/emergency/own", {**OWN, "text": text}).json["code"] == "malformed"


def test_a_template_with_typed_blanks_is_offered_checked_and_sent(hub, machine):
    hub.province.publish_template(typed_template())
    chair = machine(CHAIR)
    [offered] = chair.get("/api/emergency").json["templates"]
    assert [(b["kind"], b["unit"], b["least"], b["most"]) for b in offered["blanks"]][:2] == [
        ("number", "m³/s", 100, 5_000), ("time", "", 0, 999_999_999)]  # fmt: skip
    wish = {**WISH, "template": "luu-luong", "blanks": {"q": "1250", "gio": "17:30"}}
    over = chair.post("/api/emergency/prepare", wish).json
    assert [one["text"] for one in over["wordings"]] == ["Xả 1.250 m³/s lúc 17:30."]
    assert (over["needs_second"], over["role"]) == (False, "ea00694")
    for blanks in ({"q": "99", "gio": "17:30"}, {"q": "1250", "gio": "25:00"}, {"q": "mười", "gio": "17:30"}):
        assert chair.post("/api/emergency/prepare", {**wish, "blanks": blanks}).json["code"] == "not_allowed"


def test_letters_in_a_template_make_it_an_order_of_two(hub, machine):
    hub.province.publish_template(typed_template(Blank("loi", kind=BlankKind.LETTERS), text="Chú ý: {loi}"))
    chair = machine(CHAIR)
    assert chair.get("/api/emergency").json["templates"][0]["needs_second"]
    wish = {**WISH, "template": "luu-luong", "blanks": {"loi": "nước lên nhanh"}}
    over = chair.post("/api/emergency/prepare", wish).json
    assert (over["needs_second"], over["role"]) == (True, "ef00694")
    sent = chair.post("/api/emergency/start", {"order": over["order"], "passphrase": passphrase_of(CHAIR)}).json
    assert not sent["is_complete"]
    assert chair.post("/api/emergency/prepare", {**wish, "drill": True}).json["code"] == "not_allowed"


def typed_template(*blanks: Blank, text: str = "Xả {q} lúc {gio}.") -> Template:
    number = Blank("q", kind=BlankKind.NUMBER, unit={"vi": "m³/s"}, least=100, most=5_000)
    used = list(blanks) or [number, Blank("gio", kind=BlankKind.TIME)]
    return Template("luu-luong", "Xả lũ", "lũ", 4, [Wording("vi", text, [Part(blank=b.id) for b in used])], used)


# -- the hub is away --


@pytest.fixture
def province_broker(box, tmp_path):  # noqa: F811 - the fixture
    """A real mosquitto as `loa-hub broker-config` writes it, and this machine's list with its own certificate."""
    secure = make_secure(box.hub)
    own = secure.admit("station-ha-giang-1")
    brokers = tmp_path / "brokers.toml"
    brokers.write_text(
        f'[[broker]]\nhost = "localhost"\nport = {secure.port}\nname = "station-ha-giang-1"\nca = "{secure.ca}"\n'
        f'certificate = "{own}/device.crt"\nkey = "{own}/tls.key"\n'
    )
    with secure.running():
        secure.renew()      # as the worker does when a station was certified
        yield secure, brokers


def prepared_order(browser) -> str:
    return browser.post("/api/emergency/prepare", WISH).json["order"]


def test_an_order_reaches_the_broker_by_the_stations_own_certificate_when_the_hub_is_dead(
    key_files, province, machine_of, province_broker
):
    secure, brokers = province_broker
    station = machine_of(brokers)
    device = TlsClient(secure, secure.admit("loa-1"))
    assert device.is_in()
    device.subscribe("loa/1/em/08.00694")
    station.hub_dies()
    desk = station.browser.get("/api/emergency").json
    assert (desk["is_hub_away"], desk["brokers"]) == (True, [f"localhost:{secure.port}"])
    secret = passphrase_of(CHAIR)
    sent = station.browser.post(
        "/api/emergency/start", {"order": prepared_order(station.browser), "passphrase": secret}
    ).json
    topic, raw, retained = device.next()
    assert (topic, retained, sent["by"]) == ("loa/1/em/08.00694", False, [f"localhost:{secure.port}"])
    assert verify_order(raw, province.held(COMMUNE), floor=real_now()).id == sent["id"]
    told = station.browser.get(f"/api/alerts/{sent['id']}").json
    assert (told["is_hub_away"], told["may_cancel"], told["receipts"]) == (True, True, [])
    [running] = station.browser.get("/api/emergency").json["running"]
    assert running["id"] == sent["id"]
    cancel = station.browser.post("/api/emergency/cancel", {"id": sent["id"], "passphrase": secret}).json
    assert read_order(peek(device.next()[1], 64 * 1024)[1]).cancels == [sent["id"]]
    assert cancel["by"] == [f"localhost:{secure.port}"]
    device.close()


def test_a_broker_that_does_not_let_the_station_speak_is_told_as_it_is(machine_of, province_broker):
    secure, brokers = province_broker
    brokers.write_text(brokers.read_text().replace("station-ha-giang-1", "loa-9"))
    stranger = secure.admit("loa-9")
    brokers.write_text(brokers.read_text().replace("tls-loa-9", stranger.name))
    station = machine_of(brokers)
    station.hub_dies()
    order = prepared_order(station.browser)
    answer = station.browser.post("/api/emergency/start", {"order": order, "passphrase": passphrase_of(CHAIR)})
    assert (answer.status_code, answer.json["code"]) == (409, "no_broker")
    assert "Not authorized" in answer.json["detail"]


def test_own_words_are_not_thrown_at_the_broker_by_one_officer(machine_of, province_broker):
    secure, brokers = province_broker
    station = machine_of(brokers)
    listener = TlsClient(secure, secure.admit("loa-1"))
    assert listener.is_in()
    listener.subscribe("loa/1/em/08.00694")
    station.hub_dies()
    first = sign_own(station.browser).json
    assert (first["is_complete"], first["by"]) == (False, [])
    saved = station.browser.get(f"/api/alerts/{first['id']}/file").data
    station.sign_in_without_hub(DEPUTY)
    _shown, second = sign_second(station.browser, DEPUTY, base64.b64encode(saved).decode())
    assert second.json["is_complete"]
    assert order_of(listener.next()[1]).own.wordings[0].text == OWN["text"]
    assert listener.heard.empty()
    listener.close()


def test_without_hub_and_brokers_an_order_is_saved_for_a_stick(machine_of, province):
    station = machine_of(None)
    station.hub_dies()
    secret = passphrase_of(CHAIR)
    order = prepared_order(station.browser)
    failed = station.browser.post("/api/emergency/start", {"order": order, "passphrase": secret})
    kept = station.browser.post("/api/emergency/start", {"order": order, "passphrase": secret, "carrier": "file"}).json
    raw = station.browser.get(f"/api/alerts/{kept['id']}/file").data
    assert (failed.status_code, failed.json["code"], kept["by"]) == (502, "hub_unreachable", [])
    assert verify_order(raw, province.held(COMMUNE), floor=real_now()).id == kept["id"]


def test_who_opens_an_own_key_signs_in_while_the_hub_is_away_and_not_else(machine_of):
    station = machine_of(None)
    there = station.browser.post("/api/login/away", {"username": CHAIR, "password": passphrase_of(CHAIR)})
    station.hub_dies()
    wrong = station.browser.post("/api/login/away", {"username": CHAIR, "password": "sai sai sai"})
    nobody = station.browser.post("/api/login/away", {"username": "ai-do", "password": passphrase_of(CHAIR)})
    right = station.browser.post("/api/login/away", {"username": CHAIR, "password": passphrase_of(CHAIR)})
    refused = [answer.json["code"] for answer in (there, wrong, nobody)]
    assert refused == ["hub_is_there", "wrong_passphrase", "no_key"]
    assert (right.status_code, right.json["person"]["username"], right.json["emergency"]) == (200, CHAIR, True)
    station.browser.csrf = right.json["csrf"]
    assert station.browser.get("/api/pending").json["code"] == "hub_unreachable"


class Away:
    """A signed-in station whose hub can be ended."""

    def __init__(self, hub_url: str, folder, keys, root: bytes, brokers) -> None:
        config = StationConfig(hub_url, keys, root, folder / "state", PORT, brokers=brokers)
        self.hub_dies = lambda: None
        self.browser = Browser(create_station(open_station(config)).test_client())
        self.browser.sign_in(CHAIR)
        self.browser.get("/api/emergency")

    def sign_in_without_hub(self, name: str) -> None:
        self.browser.post("/api/logout")
        self.browser.csrf = ""
        answer = self.browser.post("/api/login/away", {"username": name, "password": passphrase_of(name)})
        assert answer.status_code == 200, answer.text
        self.browser.csrf = answer.json["csrf"]


@pytest.fixture
def machine_of(province, key_files, tmp_path):
    """Makes a station with this list of brokers, in front of a hub of its own."""
    with contextlib.ExitStack() as stack:
        hub = FakeHub(province, PEOPLE)
        province.publish_template(make_template(sound=put_sound(hub)))
        url = stack.enter_context(serving(hub)).url

        def make(brokers) -> Away:
            station = Away(url, tmp_path, key_files[0], province.root, brokers)
            station.hub_dies = stack.close
            return station

        yield make


# -- in a real browser --


def test_an_officer_writes_own_words_and_another_signs_them_on_a_narrow_page(hub, key_files, tmp_path):
    hub.province.publish_template(typed_template())

    def machine(name: str) -> StationConfig:
        return StationConfig(hub.url, key_files[0], hub.province.root, tmp_path / name, free_port())

    narrow = {"width": 360, "height": 740}
    with serving_station(open_station(machine(CHAIR))) as origin, open_page(viewport=narrow) as page:
        page.goto(f"{origin}/")
        sign_in(page, CHAIR)
        page.goto(f"{origin}/#/emergency")
        page.fill("#blank-q", "50")
        page.click("#look")     # outside its range: the browser itself refuses
        assert page.evaluate("document.querySelector('#blank-q').validity.rangeUnderflow")
        assert not is_too_wide(page)
        shot(page, tmp_path, "1-blanks")
        page.click("#own")
        page.fill("#title", OWN["title"])
        page.fill("#text", OWN["text"])
        assert not is_too_wide(page)
        shot(page, tmp_path, "2-own")
        page.click("#look")
        page.fill("#passphrase", passphrase_of(CHAIR))
        assert OWN["text"] in page.inner_text(".wording")
        shot(page, tmp_path, "3-over")
        hold(page, "#send")
        page.wait_for_selector("#half-signed")
        assert "1 trên 2" in page.inner_text("#half-signed")
        assert not is_too_wide(page)
        shot(page, tmp_path, "4-half")
        with page.expect_download() as saved:
            page.click("#save")
        file = tmp_path / "lenh.dsse"
        saved.value.save_as(file)
    assert hub.alerts == {}
    with serving_station(open_station(machine(DEPUTY))) as origin, open_page(viewport=narrow) as page:
        page.goto(f"{origin}/")
        sign_in(page, DEPUTY)
        page.goto(f"{origin}/#/emergency")
        page.wait_for_selector("#waiting li")
        assert not is_too_wide(page)
        shot(page, tmp_path, "5-waiting")
        page.set_input_files("#colleague-file", file)
        page.wait_for_selector("#passphrase")
        assert OWN["text"] in page.inner_text(".wording")
        page.fill("#passphrase", passphrase_of(DEPUTY))
        shot(page, tmp_path, "6-second")
        hold(page, "#send")
        page.wait_for_selector("#receipts")
        assert page.inner_text("h1") == OWN["title"]
        shot(page, tmp_path, "7-running")
    assert len(hub.alerts) == 1


def test_an_officer_signs_in_and_saves_an_order_while_the_hub_is_away(province, key_files, tmp_path):
    made = FakeHub(province, PEOPLE)
    province.publish_template(make_template(sound=put_sound(made)))
    config = None
    with contextlib.ExitStack() as stack:
        with serving(made) as hub:
            config = StationConfig(hub.url, key_files[0], province.root, tmp_path / "state", free_port())
            origin = stack.enter_context(serving_station(open_station(config)))
            page = stack.enter_context(open_page(viewport={"width": 360, "height": 740}))
            page.goto(f"{origin}/")
            sign_in(page, CHAIR)
            page.goto(f"{origin}/#/emergency")
            page.wait_for_selector("#choose")
            page.click("#sign-out")
        page.wait_for_selector("#login")
        page.fill("#username", CHAIR)
        page.fill("#password", PASSWORD)
        page.click("#login button")
        page.fill("#away-passphrase", passphrase_of(CHAIR))
        shot(page, tmp_path, "8-away-login")
        page.click("#login-away button")
        page.wait_for_selector("#hub-away")
        page.select_option("#blank-ho", "ho-tuyen-quang")
        shot(page, tmp_path, "9-away-desk")
        page.click("#look")
        page.fill("#passphrase", passphrase_of(CHAIR))
        hold(page, "#send")
        page.wait_for_selector("#send-file")
        assert not is_too_wide(page)
        shot(page, tmp_path, "10-away-failed")
        hold(page, "#send-file")
        page.wait_for_selector("#save")
        shot(page, tmp_path, "11-away-saved")
        with page.expect_download() as saved:
            page.click("#save")
        raw = saved.value.path().read_bytes()
    assert verify_order(raw, province.held(COMMUNE), floor=real_now()).order.role == "ea00694"


def hold(page, selector: str) -> None:
    page.hover(selector)
    page.mouse.down()
    page.wait_for_timeout(HOLD_MS)
    page.mouse.up()


def shot(page, folder, name: str) -> None:
    """For whoever looks at the pages after a run with --basetemp."""
    page.screenshot(path=folder / f"{name}.png", full_page=True)
