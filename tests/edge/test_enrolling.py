"""A device in a technician's hands: its key, its request, what it takes in, and how it keeps its certificate alive."""

from __future__ import annotations

import base64
import json
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import serialize_certificates

from edge.certificate import check_certificate, read_est
from edge.config import load_config
from edge.enrolling import enrol_device
from edge.errors import ConfigError, EdgeError, FetchError, IdentityError, StoreError
from edge.identity import load_identity
from edge.renewal import Renewal
from edge.tls import NO_CHECK_TIME, judge_dates, make_context
from hub.certificates.authority import Authority
from hub.secrets.keyring import Keyring, new_key, write_keys
from tests.builders import NOW, make_province
from tests.edge.device_process import TOP
from tests.enrolling import Bench
from tests.fakes.clock import FakeClock
from wire.codec import encode
from wire.joining import Answer, read_join
from wire.timeline import TimeQuality
from wire.units import DAY, UtcTime

YEAR = 365 * DAY


@pytest.fixture(scope="module")
def root() -> bytes:
    return make_province().files["1.root.json"]


@pytest.fixture
def bench(tmp_path, root):
    return Bench(tmp_path, root)


def make_authority(folder: Path, province: str) -> Authority:
    write_keys(folder.with_suffix(".key"), (new_key(),))
    return Authority.create(folder, Keyring(folder.with_suffix(".key")), province, now=NOW)


@pytest.fixture
def authority(tmp_path):
    return make_authority(tmp_path / "ca", "08")


def answer(bench, issuer, name="loa-1", **fields) -> Answer:
    csr = bench.join(name).csr.encode()
    said = {"device": name, "state": "placed", "cluster": "cl-1", "broker_host": "mqtt.test", "broker_port": 8883,
            "authority": issuer.certificate_pem.decode(),
            "certificate": issuer.issue_device(csr, name, now=NOW).decode()}  # fmt: skip
    return Answer(**(said | fields))


# --- asking ---


def test_the_key_is_made_on_the_device_and_named_after(bench):
    join = read_join(enrol_device(bench.device_dir("x"), bench.board("x")))
    folder = bench.device_dir("x")
    assert stat.S_IMODE((folder / "device.key").stat().st_mode) == 0o600
    assert join.key == load_identity(folder).public_hex
    assert (join.device[:4], len(join.device), join.serial, join.has_rtc) == ("loa-", 14, "sn-x", True)
    config = load_config(folder, {})
    assert (config.device, config.hub_url, config.broker.host) == (join.device, bench.hub, "")


def test_asking_again_is_the_same_device(bench):
    first = bench.join("loa-1")
    assert msgspec.structs.replace(bench.join("loa-1"), csr="", broker_password_hash="") == msgspec.structs.replace(
        first, csr="", broker_password_hash=""
    )


def test_other_hardware_says_so(bench):
    before = bench.join("loa-1")
    bench.board("loa-1", serial="sn-other")
    after = bench.join("loa-1", replaces=True)
    assert (after.key, after.serial, after.replaces) == (before.key, "sn-other", True)


@pytest.mark.parametrize("clock", ["", "0", "never"])
def test_a_board_without_a_running_battery_clock_is_enrolled_only_when_told(bench, clock):
    kit = bench.board("loa-1", has_rtc=bool(clock), rtc=clock)
    with pytest.raises(EdgeError, match="no battery clock"):
        enrol_device(bench.device_dir("loa-1"), msgspec.structs.replace(kit, without_rtc=False))
    assert not (bench.device_dir("loa-1") / "device.key").exists()
    assert bench.join("loa-1", without_rtc=True).has_rtc is False


def test_a_device_keeps_name_and_root(bench):
    bench.request("loa-1")
    kit = bench.kits["loa-1"]
    with pytest.raises(ConfigError):
        enrol_device(bench.device_dir("loa-1"), msgspec.structs.replace(kit, device="loa-2"))
    other = make_province().files["1.root.json"].decode()
    with pytest.raises(StoreError, match="keeps its first root"):
        enrol_device(bench.device_dir("loa-1"), msgspec.structs.replace(kit, root=other))
    assert [path.name for path in bench.device_dir("loa-1").glob("root*")] == ["root.json"]


def test_an_empty_card_does_not_guess_whom_it_replaces(bench):
    kit = msgspec.structs.replace(bench.board("x"), replaces=True)
    with pytest.raises(EdgeError, match="this card is empty"):
        enrol_device(bench.device_dir("x"), kit)
    assert not (bench.device_dir("x") / "device.key").exists()


# --- taking in ---


def test_an_answer_brings_broker_authority_and_certificate(bench, authority):
    bench.take("loa-1", answer(bench, authority))
    folder = bench.device_dir("loa-1")
    broker = load_config(folder, {}).broker
    assert (broker.host, broker.port, broker.tls_key) == ("mqtt.test", 8883, str(folder / "device.key"))
    context = ssl.create_default_context(cafile=broker.tls_ca)
    context.load_cert_chain(broker.tls_certificate, broker.tls_key)


def test_what_a_person_has_set_goes_first(bench, authority):
    bench.request("loa-1")
    path = bench.device_dir("loa-1") / "config.toml"
    path.write_text(path.read_text() + '\n[broker]\nhost = "here"\n')
    bench.take("loa-1", answer(bench, authority))
    broker = load_config(bench.device_dir("loa-1"), {}).broker
    assert (broker.host, broker.port) == ("here", 8883)


def test_an_answer_for_another_device_key_or_authority_is_refused(bench, authority, tmp_path):
    bench.request("loa-1")
    foreign = make_authority(tmp_path / "other", "09")
    bad = [
        answer(bench, authority, "loa-2"),
        answer(bench, authority, certificate=answer(bench, authority, "loa-2").certificate),
        answer(bench, foreign, authority=authority.certificate_pem.decode()),
        answer(bench, authority, authority=answer(bench, authority).certificate),
        answer(bench, authority, certificate="-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n"),
    ]
    for one in bad:
        with pytest.raises((ConfigError, IdentityError)):
            bench.take("loa-1", one)
        assert not (bench.device_dir("loa-1") / "device.crt").exists()


def test_both_commands_speak_json_over_a_pipe(bench, authority):
    folder = bench.device_dir("loa-1")
    kit = msgspec.structs.replace(bench.board("loa-1"), device="loa-1")
    asked = edge("enrol", "--dir", folder, given=encode(kit))
    assert read_join(asked.stdout.strip()).device == "loa-1"
    taken = edge("enrol-take", "--dir", folder, given=encode(answer(bench, authority)))
    assert taken.stdout.decode().splitlines()[-1] == "state placed"
    for bad in (b"", b"{", b"[]", json.dumps({"root": "x", "hub": "y"}).encode(), b"x" * 400_000):
        refused = edge("enrol", "--dir", folder, given=bad)
        assert refused.returncode in (1, 2)
        assert len(refused.stderr.decode().splitlines()) == 1


def edge(*words: object, given: bytes) -> subprocess.CompletedProcess:
    line = [sys.executable, "-m", "edge", *map(str, words)]
    return subprocess.run(line, input=given, capture_output=True, check=False, cwd=TOP)


# --- keeping it alive ---


class EstHub:
    """A fetcher that answers as the hub does, or fails as a network does."""

    name = "est"

    def __init__(self, make: Callable[[], bytes]) -> None:
        self.make, self.asked = make, 0

    def post(self, path: str, body: bytes, *, content_type: str) -> bytes:
        self.asked += 1
        assert (path, content_type) == ("/.well-known/est/simplereenroll", "application/pkcs10")
        assert x509.load_der_x509_csr(base64.b64decode(body)).is_signature_valid
        made = x509.load_pem_x509_certificate(self.make())
        return base64.encodebytes(serialize_certificates([made], Encoding.DER))


def fails() -> bytes:
    raise FetchError("the hub answers 403")


@pytest.fixture
def device(bench, authority):
    """An enrolled device; `device(make, now)` is its renewal with a hub that makes certificates like this."""
    bench.take("loa-1", answer(bench, authority))
    done: list = []

    def at(now: int, make: Callable[[], bytes] | None = None) -> tuple[Renewal, EstHub, list]:
        csr = bench.join("loa-1").csr.encode()
        hub = EstHub(make or (lambda: authority.issue_device(csr, "loa-1", now=UtcTime(now))))
        folder = bench.device_dir("loa-1")
        clock = FakeClock(UtcTime(now))
        return Renewal(folder, "loa-1", load_identity(folder), clock, hub, done.append), hub, done

    return at


@pytest.mark.parametrize(("years", "asks"), [(0, 0), (7, 0), (9, 1), (11, 1)])
def test_it_renews_two_years_before_the_end_and_after_it(device, bench, years, asks):
    renewal, hub, done = device(NOW + years * YEAR)
    renewal.run(is_shut_out=False)
    assert (hub.asked, len(done)) == (asks, asks)
    if asks:
        assert done[0].pem == (bench.device_dir("loa-1") / "device.crt").read_bytes()
        assert done[0].ends > NOW + (years + 9) * YEAR


def test_a_broker_that_keeps_it_out_makes_it_ask(device):
    renewal, hub, _ = device(NOW + YEAR)
    renewal.run(is_shut_out=True)
    assert hub.asked == 1


def test_a_missing_or_foreign_certificate_is_asked_for(device, bench):
    for spoil in (lambda path: path.unlink(), lambda path: path.write_bytes(b"rubbish")):
        spoil(bench.device_dir("loa-1") / "device.crt")
        renewal, hub, done = device(NOW)
        renewal.run(is_shut_out=False)
        assert (hub.asked, renewal.is_missing, bool(done)) == (1, False, True)


def test_what_is_not_ours_never_takes_the_place_of_the_old_one(device, bench, authority, tmp_path):
    path = bench.device_dir("loa-1") / "device.crt"
    before = path.read_bytes()
    other = bench.join("loa-2").csr.encode()
    foreign = make_authority(tmp_path / "other", "08")
    for make in (
        fails,
        lambda: authority.issue_device(other, "loa-1", now=NOW),
        lambda: authority.issue_device(bench.join("loa-1").csr.encode(), "loa-3", now=NOW),
        lambda: foreign.issue_device(bench.join("loa-1").csr.encode(), "loa-1", now=NOW),
    ):
        renewal, hub, done = device(NOW + 11 * YEAR, make)
        renewal.run(is_shut_out=False)
        assert (hub.asked, done, path.read_bytes()) == (1, [], before)


@pytest.mark.parametrize("raw", [b"", b"x", b"====", base64.b64encode(b"rubbish")])
def test_an_answer_without_a_certificate_is_an_error_of_ours(raw):
    with pytest.raises(IdentityError):
        read_est(raw)


def test_a_certificate_is_checked_against_key_name_and_authority(bench, authority):
    made = answer(bench, authority).certificate.encode()
    held = check_certificate(made, bench.identity("loa-1"), "loa-1", authority=authority.certificate_pem)
    assert (held.is_due(NOW), held.is_due(UtcTime(held.ends))) == (False, True)


# --- dates ---


def test_dates_are_judged_only_by_who_knows_the_time():
    context = make_context("")
    judge_dates(context, is_known=False)
    assert context.verify_flags & NO_CHECK_TIME
    judge_dates(context, is_known=True)
    assert not context.verify_flags & NO_CHECK_TIME
    assert TimeQuality.SAME_BOOT < TimeQuality.RTC
