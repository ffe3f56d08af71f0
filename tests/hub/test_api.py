"""The JSON interface as devices and stations meet it."""

from __future__ import annotations

import gzip
import hashlib

import msgspec
import pytest

from hub.auth import actions as auth
from hub.content.blobs import store_blob
from hub.publishing import repository
from tests.builders import make_programme, make_template
from tests.hub.conftest import COMMUNE, PASSWORD, b64
from wire.codec import encode
from wire.content import Item, Sound
from wire.envelope import open_envelope
from wire.units import HOUR, MINUTE

PROGRAMMES = f"areas/{COMMUNE}/programme.json"
JSON = "application/problem+json"


def code(answer) -> tuple[int, str]:
    assert answer.mimetype == JSON
    assert set(answer.json) == {"title", "detail", "code"}
    return answer.status_code, answer.json["code"]


def test_a_host_that_cannot_exist_is_answered_and_not_stumbled_over(caller):
    answers = [caller().get(path, headers={"Host": "f" * 64}) for path in ("/login", "/api/me", "/tuf/metadata/x", "/")]
    assert {code(answer) for answer in answers} == {(400, "http")}


def test_a_form_with_a_nameless_part_is_answered_and_not_stumbled_over(caller):
    body = b"--x\r\nContent-Disposition: form-data\r\n\r\nmai\r\n--x--\r\n"
    kind = "multipart/form-data; boundary=x"
    answer = caller().post("/login", data=body, headers={"Content-Type": kind, "Accept": "application/json"})
    assert code(answer) == (400, "http")


# --- logging in -------------------------------------------------------------------------------------------------------


def test_login_gives_a_token_and_says_who_one_is(caller):
    answer = caller().post("/api/login", {"username": "chair-00694", "password": PASSWORD})
    person = answer.json["person"]
    assert (person["roles"], person["areas"]) == (["approver:08/00694", "officer:08/00694"], ["08/00694"])
    assert len(answer.json["token"]) > 30


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(caller):
    answers = [caller().post("/api/login", {"username": name, "password": "x"}) for name in ("mai", "nobody")]
    assert {code(answer) for answer in answers} == {(401, "wrong_password")}
    assert answers[0].data == answers[1].data


def test_ten_wrong_passwords_lock_for_a_quarter_of_an_hour(box, caller):
    login = {"username": "mai", "password": PASSWORD}
    for _ in range(10):
        assert code(caller().post("/api/login", {**login, "password": "x"})) == (401, "wrong_password")
    assert code(caller().post("/api/login", login)) == (429, "too_many")
    box.clock.at += 15 * MINUTE + 1
    assert caller().post("/api/login", login).status_code == 200


def test_a_session_ends_by_time_by_logging_out_and_with_a_new_password(box, caller):
    mai = caller("mai")
    assert mai.get("/api/me").status_code == 200
    mai.post("/api/logout")
    assert code(mai.get("/api/me")) == (401, "not_signed_in")
    mai = caller("mai")
    auth.add_person(box.hub, username="mai", name="Mai", password="mot-mat-khau-moi", held=[])
    assert mai.get("/api/me").status_code == 401
    vy = caller("vy")
    box.clock.at += 13 * HOUR
    assert vy.get("/api/me").status_code == 401


@pytest.mark.parametrize("header", ["Bearer ", "Bearer x", "Basic bWFpOng=", "Bearer " + "x" * 5_000])
def test_a_made_up_token_is_nobody(caller, header):
    assert caller().get("/api/me", headers={"Authorization": header}).status_code == 401


# --- metadata, targets, blobs, time ---------------------------------------------------------------------------------


def test_metadata_is_served_as_signed_with_validator_and_compressed(box, caller):
    raw = box.province.files["1.p08.json"]
    plain = caller().get("/tuf/metadata/1.p08.json")
    packed = caller().get("/tuf/metadata/1.p08.json", headers={"Accept-Encoding": "gzip"})
    assert plain.data == gzip.decompress(packed.data) == raw
    assert len(packed.data) < len(raw) / 2
    assert "immutable" in plain.headers["Cache-Control"]
    again = caller().get("/tuf/metadata/1.p08.json", headers={"If-None-Match": plain.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert "immutable" not in caller().get("/tuf/metadata/timestamp.json").headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    ["/tuf/metadata/2.p08.json", "/tuf/metadata/1.c00694.json", "/tuf/metadata/../../secret.key",
     "/tuf/metadata/root.json",
     "/tuf/metadata/99999999999.p08.json", "/tuf/metadata/timestamp.json%00", "/tuf/targets/areas/08/programme.json",
     f"/tuf/targets/areas/08/{'0' * 64}.programme.json", f"/tuf/targets/../{'0' * 64}.hub.db", f"/blobs/{'0' * 64}",
     "/blobs/x", f"/blobs/{'A' * 64}", "/blobs/../secret.key", "/api/pending/999999999999999999999", "/device/none"],
)  # fmt: skip
def test_what_is_not_there_is_404(caller, path):
    assert code(caller("mai").get(path))[0] == 404


@pytest.fixture
def sound(box, tmp_path):
    """A stored sound of 100,000 bytes, not released yet."""
    raw = bytes(range(256)) * 400
    (tmp_path / "sound").write_bytes(raw)
    digest = hashlib.sha256(raw).hexdigest()
    store_blob(tmp_path / "sound", digest, box.config.blob_dir)
    return Sound("vi", digest, len(raw), 3_000), raw


def release_programme(box, sound: Sound) -> None:
    item = Item("tin", "Tin", renditions=[sound])
    ident = box.submit(COMMUNE, "programme", {PROGRAMMES: encode(make_programme(COMMUNE, items=[item]))})
    box.sign(ident, "chair-00694")
    box.sign(ident, "deputy-00694")


def test_a_sound_is_public_from_its_release_on(box, caller, sound):
    described, raw = sound
    assert caller("mai").get(f"/blobs/{described.sha256}").status_code == 404
    release_programme(box, described)
    answer = caller().get(f"/blobs/{described.sha256}")
    assert (answer.data, answer.headers["ETag"]) == (raw, f'"{described.sha256}"')
    target = caller().get(f"/tuf/targets/areas/{COMMUNE}/{released_hash(box)}.programme.json")
    assert msgspec.json.decode(target.data)["items"][0]["id"] == "tin"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=99990-", 99_990, 102_400),
        ("bytes=-5", 102_395, 102_400),
        ("bytes=5-999999", 5, 102_400),
    ],
)
def test_a_sound_is_given_in_parts(box, caller, sound, asked, first, last):
    described, raw = sound
    release_programme(box, described)
    answer = caller().get(f"/blobs/{described.sha256}", headers={"Range": asked})
    assert (answer.status_code, answer.data) == (206, raw[first:last])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last - 1}/102400"


def test_a_part_beyond_the_end_is_refused_and_one_of_an_older_sound_is_given_whole(box, caller, sound):
    described, raw = sound
    release_programme(box, described)
    beyond = caller().get(f"/blobs/{described.sha256}", headers={"Range": "bytes=200000-"})
    assert code(beyond)[0] == 416
    other = caller().get(f"/blobs/{described.sha256}", headers={"Range": "bytes=10-", "If-Range": '"other"'})
    assert (other.status_code, other.data) == (200, raw)


def test_the_time_is_attested_by_the_timestamp_key(box, caller):
    nonce = "ab" * 16
    answer = caller().post("/device/time", {"nonce": nonce})
    key = box.province.signers["timestamp"].public_key
    payload = open_envelope(
        answer.data, payload_type="application/vnd.loa.time+json", keys=[key], threshold=1, limit=4_096
    )
    assert msgspec.json.decode(payload) == {"nonce": nonce, "time": box.clock()}


# --- bad requests -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff", b'{"nonce": 1}', b'{"nonce": "zz"}', b'{"schema": 99}']
)
def test_a_body_that_is_not_one_is_400(caller, body):
    assert code(caller().post("/device/time", data=body))[0] == 400


def test_a_body_that_is_too_large_is_413_before_it_is_read(caller):
    answer = caller().post("/device/time", data=b"x", environ_overrides={"CONTENT_LENGTH": str(2 * 1024**3)})
    assert code(answer) == (413, "too_large")


@pytest.mark.parametrize(
    ("method", "path"), [("post", "/tuf/metadata/1.root.json"), ("get", "/device/time"), ("get", "/api/login")]
)
def test_another_method_is_405_and_says_which(caller, method, path):
    answer = getattr(caller(), method)(path)
    assert code(answer)[0] == 405
    assert answer.headers["Allow"]


def test_a_fault_of_ours_is_told_without_its_inside(box, caller, monkeypatch, caplog):
    def stumble(*_):
        raise RuntimeError("secret inside")

    monkeypatch.setattr(repository, "role_file", stumble)
    answer = caller().get("/tuf/metadata/1.root.json")
    assert code(answer) == (500, "internal")
    assert b"secret" not in answer.data
    assert "secret inside" in caplog.text


def test_every_answer_carries_the_security_headers(caller):
    for path in ("/api/me", "/tuf/metadata/1.root.json", "/nothing"):
        headers = caller().get(path).headers
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


# --- the station's circle -------------------------------------------------------------------------------------------


def test_a_proposal_goes_its_way_over_http(box, caller):
    ident = box.submit(COMMUNE, "programme", {PROGRAMMES: encode(make_programme(COMMUNE))})
    chair, deputy = caller("chair-00694"), caller("deputy-00694")
    [listed] = chair.get("/api/pending").json
    assert (listed["id"], listed["role"], listed["threshold"], listed["base_version"]) == (ident, "c00694", 2, 0)
    shown = chair.get(f"/api/pending/{ident}").json
    assert shown["metadata"] is None
    assert msgspec.json.decode(shown["targets"][PROGRAMMES])["area"] == COMMUNE
    first = {"digest": shown["digest"], "metadata": b64(box.signed_role(ident, "chair-00694"))}
    assert chair.post(f"/api/pending/{ident}/signature", first).json == {"state": "signed"}
    assert deputy.get(f"/api/pending/{ident}").json["metadata"]
    second = {"digest": shown["digest"], "metadata": b64(box.signed_role(ident, "deputy-00694"))}
    assert deputy.post(f"/api/pending/{ident}/signature", second).json == {"state": "released"}
    assert chair.get("/api/pending").json == []
    assert code(deputy.post(f"/api/pending/{ident}/signature", second)) == (409, "changed")


def test_what_a_station_sends_wrong_has_its_own_code(box, caller):
    ident = box.submit(COMMUNE, "programme", {PROGRAMMES: encode(make_programme(COMMUNE))})
    chair, path = caller("chair-00694"), f"/api/pending/{ident}/signature"
    digest = chair.get(f"/api/pending/{ident}").json["digest"]
    good = b64(box.signed_role(ident, "chair-00694"))
    assert code(chair.post(path, {"digest": "0" * 64, "metadata": good})) == (409, "changed")
    assert code(chair.post(path, {"digest": digest, "metadata": "###"})) == (400, "bad_input")
    assert code(chair.post(path, {"digest": digest, "metadata": b64(b"{}")})) == (400, "malformed")
    assert code(caller("mai").post(path, {"digest": digest, "metadata": good})) == (403, "not_allowed")
    assert code(caller("chair-00700").post(path, {"digest": digest, "metadata": good})) == (404, "not_found")
    assert code(chair.post(f"/api/pending/{ident}/return", {"reason": ""})) == (400, "bad_input")
    assert chair.post(f"/api/pending/{ident}/return", {"reason": "Sai giờ"}).json == {"state": "returned"}


def test_an_alert_goes_its_way_over_http(box, caller):
    template = make_template()
    with box.hub.writing() as conn:
        repository.lock(conn)
        repository.put_targets(conn, "tpl", 1, {"templates/08/xa-lu.json": encode(template)}, box.clock())
    box.province.now = box.clock()
    envelope = box.province.start_alert(COMMUNE, template)
    chair = caller("chair-00694")
    answer = chair.post("/api/alerts", {"envelope": b64(envelope)})
    assert answer.status_code == 201
    shown = chair.get(f"/api/alerts/{answer.json['id']}").json
    assert (shown["areas"], shown["order"]["template"], shown["envelope"]) == ([COMMUNE], "xa-lu", b64(envelope))
    assert [alert["id"] for alert in chair.get("/api/alerts").json] == [answer.json["id"]]
    assert code(chair.post("/api/alerts", {"envelope": "###"})) == (400, "bad_input")
    assert code(chair.post("/api/alerts", {"envelope": b64(envelope[:-20])})) == (400, "malformed")


def test_a_stick_is_handed_in_without_logging_in(box, caller):
    box.add_cluster()
    device = box.add_device("loa-1")
    stick = device.log(device.rows(3)) + b"\nrubbish\n"
    assert caller().post("/device/log", data=stick).json["taken"] == 3
    again = caller().post("/device/log", data=stick).json
    assert (again["taken"], again["known"], len(again["refused"])) == (0, 3, 1)


def released_hash(box) -> str:
    with box.hub.reading() as conn:
        return str(repository.current_target_info(conn, PROGRAMMES)["sha256"])
