"""`loa-provision alert`: without a hub straight to a broker, by two officers through files, for a stick."""

from __future__ import annotations

import pytest

from hub.certificates import actions
from provisioning.broker import BrokerError, read_brokers, send_everywhere
from provisioning.cli import run
from provisioning.trusted import Truststore, refresh_for_keys
from tests.builders import make_template
from tests.fakes.hub import PASSWORD, real_now
from tests.hub.mqtt import free_port
from tests.hub.tls import TlsClient, make_secure
from tests.provisioning.conftest import CHAIR, COMMUNE, DEPUTY, passphrase_of, put_sound
from tests.provisioning.test_station_officers import box, first_province, prepared, province_broker  # noqa: F401
from wire.alert import Start, read_order
from wire.envelope import peek
from wire.trust.orders import verify_order

WISH = ["--area", COMMUNE, "--template", "xa-lu", "--blank", "ho=ho-tuyen-quang", "--yes"]


@pytest.fixture
def desk(hub, key_files, tmp_path):
    """What the approval app leaves on the machine after a person has looked at it once; arguments for a command."""
    hub.province.publish_template(make_template(sound=put_sound(hub)))
    root, state = tmp_path / "root.json", tmp_path / "state"
    root.write_bytes(hub.province.root)
    folder, signers = key_files
    store = Truststore(state, hub.province.root)
    refresh_for_keys(store, hub_api(hub), [signers[name].public_key.keyid for name in (CHAIR, DEPUTY)])
    store.target("templates/08/xa-lu.json", hub_api(hub))

    def arguments(name: str = CHAIR) -> list[str]:
        secret = tmp_path / f"{name}.secret"
        secret.write_text(passphrase_of(name))
        key = ["--key", str(folder / f"{name}.key"), "--passphrase-file", str(secret)]
        return ["--root", str(root), "--state", str(state), *key]

    return arguments


def hub_api(hub):
    from provisioning.hub_api import HubApi  # noqa: PLC0415

    return HubApi(hub.url)


def test_a_template_goes_straight_to_the_broker_without_any_hub(hub, desk, province_broker, capsys):  # noqa: F811
    secure, brokers = province_broker
    device = TlsClient(secure, secure.admit("loa-1"))
    assert device.is_in()
    device.subscribe("loa/1/em/08.00694")
    asked = len(hub.requests)
    assert run(["alert", "start", *desk(), *WISH, "--broker", str(brokers)]) == 0
    topic, raw, _retained = device.next()
    order = verify_order(raw, hub.province.held(COMMUNE), floor=real_now()).order
    assert (topic, order.role, order.blanks) == ("loa/1/em/08.00694", "ea00694", {"ho": "ho-tuyen-quang"})
    told = capsys.readouterr().out
    assert "KHẨN CẤP cho 08/00694, 3 lần: Hồ Tuyên Quang xả lũ khẩn cấp." in told
    assert f"Đã gửi qua localhost:{secure.port}, lệnh " in told
    assert hub.requests[asked:] == []
    device.close()


def test_a_dead_hub_is_passed_by(hub, desk, province_broker, tmp_path):  # noqa: F811
    secure, brokers = province_broker
    (tmp_path / "hub.secret").write_text(PASSWORD)
    dead = ["--hub", f"http://127.0.0.1:{free_port()}", "--user", CHAIR]
    dead += ["--password-file", str(tmp_path / "hub.secret")]
    device = TlsClient(secure, secure.admit("loa-1"))
    assert device.is_in()
    device.subscribe("loa/1/em/08.00694")
    assert run(["alert", "start", *desk(), *WISH, *dead, "--broker", str(brokers)]) == 0
    assert read_order(peek(device.next()[1], 64 * 1024)[1]).template == "xa-lu"
    assert run(["alert", "start", *desk(), *WISH, *dead]) == 1
    device.close()


def test_two_officers_sign_own_words_through_a_file_and_one_cancels_them(hub, desk, tmp_path, capsys):
    half, whole, end = (tmp_path / name for name in ("half.dsse", "whole.dsse", "end.dsse"))
    words = ["--area", COMMUNE, "--title", "Sập cầu", "--text", "Cầu đã sập.", "--yes"]
    assert run(["alert", "say", *desk(), *words, "--out", str(half)]) == 0
    assert "1 trên 2 chữ ký" in capsys.readouterr().out
    assert run(["alert", "sign", str(half), *desk(), "--yes", "--out", str(whole)]) == 1
    assert "có chữ ký của khóa này" in capsys.readouterr().err
    assert run(["alert", "sign", str(half), *desk(DEPUTY), "--yes", "--out", str(whole)]) == 0
    held = hub.province.held(COMMUNE)
    signed = verify_order(whole.read_bytes(), held, floor=real_now())
    assert (len(signed.key_ids), signed.order.own.title) == (2, "Sập cầu")
    assert run(["alert", "cancel", str(whole), *desk(), "--out", str(end)]) == 0
    assert verify_order(end.read_bytes(), held, floor=real_now()).order.cancels == [signed.id]


def test_a_signed_file_is_sent_by_whoever_reaches_the_hub(hub, desk, tmp_path):
    file = tmp_path / "lenh.dsse"
    (tmp_path / "hub.secret").write_text(PASSWORD)
    assert run(["alert", "start", *desk(), *WISH, "--out", str(file)]) == 0
    account = ["--hub", hub.url, "--user", DEPUTY, "--password-file", str(tmp_path / "hub.secret")]
    for _ in range(2):
        assert run(["alert", "send", str(file), *desk()[:4], *account]) == 0
    [stored] = hub.alerts.values()
    assert stored["id"]


def test_a_drill_is_signed_by_the_drill_role(hub, desk, tmp_path, capsys):
    file = tmp_path / "dien-tap.dsse"
    assert run(["alert", "start", *desk(), *WISH, "--drill", "--out", str(file)]) == 0
    order = verify_order(file.read_bytes(), hub.province.held(COMMUNE), floor=real_now()).order
    assert isinstance(order, Start)
    assert order.role == "ed00694"
    assert capsys.readouterr().out.startswith("DIỄN TẬP cho 08/00694")


@pytest.mark.parametrize(
    "wrong", [["--blank", "ho=khac"], ["--template", "khac"], ["--area", "08/00700"], ["--area", "08"]]
)
def test_what_no_device_would_obey_is_refused_before_it_is_signed(desk, tmp_path, wrong):
    file = tmp_path / "lenh.dsse"
    assert run(["alert", "start", *desk(), *WISH, *wrong, "--out", str(file)]) == 1
    assert not file.exists()


def test_without_any_way_nothing_is_claimed(desk, capsys):
    assert run(["alert", "start", *desk(), *WISH]) == 1
    assert "Chưa chỉ ra hệ thống hay máy chủ nào" in capsys.readouterr().err


def test_one_broker_of_the_list_is_enough_and_the_dead_are_named(province_broker, tmp_path):  # noqa: F811
    secure, brokers = province_broker
    dead = free_port()
    listed = brokers.read_text()
    brokers.write_text(listed.replace(f"port = {secure.port}", f"port = {dead}") + listed)
    assert send_everywhere(read_brokers(brokers), COMMUNE, b"x") == [f"localhost:{secure.port}"]
    brokers.write_text(listed.replace(f"port = {secure.port}", f"port = {dead}"))
    with pytest.raises(BrokerError, match=f"localhost:{dead}"):
        send_everywhere(read_brokers(brokers), COMMUNE, b"x")


@pytest.mark.parametrize("text", ["", "broker = 1", '[[broker]]\nhost = "h"', '[[broker]]\nhost = "h"\nname = "A B"'])
def test_a_list_that_is_none_says_so(tmp_path, text):
    (tmp_path / "brokers.toml").write_text(text)
    with pytest.raises(BrokerError, match=r"brokers\.toml"):
        read_brokers(tmp_path / "brokers.toml")


def test_a_machines_request_is_signed_by_the_provinces_ca_and_opens_the_broker(box, tmp_path):  # noqa: F811
    own = tmp_path / "own"
    assert run(["alert", "request", "station-nha-toi", "--out", str(own)]) == 0
    assert run(["alert", "request", "station-nha-toi", "--out", str(own)]) == 1   # never overwritten
    assert run(["alert", "request", "loa-1", "--out", str(own)]) == 1
    key = own / "station-nha-toi.key"
    assert key.stat().st_mode & 0o077 == 0
    secure = make_secure(box.hub)
    certificate = actions.issue_station(box.hub, (own / "station-nha-toi.csr").read_bytes(), "station-nha-toi")
    (own / "station-nha-toi.crt").write_bytes(certificate)
    listed = own / "brokers.toml"
    listed.write_text(
        f'[[broker]]\nhost = "localhost"\nport = {secure.port}\nname = "station-nha-toi"\nca = "{secure.ca}"\n'
        'certificate = "station-nha-toi.crt"\nkey = "station-nha-toi.key"\n'
    )
    with secure.running():
        secure.renew()
        assert send_everywhere(read_brokers(listed), COMMUNE, b"x") == [f"localhost:{secure.port}"]
