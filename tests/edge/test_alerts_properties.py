"""Whatever the order of delivery, however often repeated, wherever the power fails: the same alerts are in force."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import NOW, make_province, make_template
from tests.edge.test_alerts import Device, said
from wire.alert import alert_id
from wire.envelope import peek
from wire.units import MINUTE, UtcTime

PROVINCE = make_province()
TEMPLATE = make_template()
PROVINCE.publish_template(TEMPLATE)
COMMUNE = "08/00694"


def ident(raw: bytes) -> str:
    return alert_id(peek(raw, 20_000)[1])


def story() -> dict[str, bytes]:
    """Two officers and a drill at once; cancels of either by either, of the drill by its own role, by the province."""
    chair, deputy = PROVINCE.holders("ea00694")[:2]
    starts = {
        "one": PROVINCE.start_alert(COMMUNE, TEMPLATE, signers=[chair], nonce="01"),
        "two": PROVINCE.start_alert(COMMUNE, TEMPLATE, signers=[deputy], nonce="02"),
        "whole": PROVINCE.start_alert("08", TEMPLATE, nonce="03"),
        "drill": PROVINCE.start_alert(COMMUNE, TEMPLATE, act="ed", nonce="04"),
        "own": PROVINCE.say_own(COMMUNE, "Cầu đã sập.", nonce="05"),
    }
    ids = {name: ident(raw) for name, raw in starts.items()}
    cancels = {
        "deputy ends one": PROVINCE.cancel_alert(COMMUNE, [ids["one"]], signers=[deputy], nonce="11"),
        "province ends two": PROVINCE.cancel_alert("08", [ids["two"]], nonce="12"),
        "drill role tries all": PROVINCE.cancel_alert(COMMUNE, list(ids.values()), act="ed", nonce="13"),
        "commune ends own words": PROVINCE.cancel_alert(COMMUNE, [ids["own"]], nonce="14"),
    }
    return {**starts, **cancels}


STORY = story()
ENDED_BY = {
    "one": "deputy ends one", "two": "province ends two", "drill": "drill role tries all",
    "own": "commune ends own words", "whole": "",
}  # fmt: skip
STARTS = tuple(ENDED_BY)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_every_order_of_delivery_with_cancels_repeats_and_power_cuts_ends_alike(data):
    arrived = data.draw(st.sets(st.sampled_from(sorted(STORY)), min_size=1))
    deliveries = data.draw(st.permutations(sorted(arrived) * 2))
    cuts = data.draw(st.sets(st.integers(0, len(deliveries)), max_size=3))
    with tempfile.TemporaryDirectory() as folder:
        device = Device(PROVINCE, Path(folder))
        answers = deliver(device, deliveries, cuts)
        device.restart()
        live = {seen.id for seen in device.alerts.starts() if seen.cancelled_at is None}
    assert live == {ident(STORY[name]) for name in STARTS if name in arrived and ENDED_BY[name] not in arrived}
    for name in arrived:
        assert [answer for delivered, answer in answers if delivered == name][1:] == ["out_of_date"]


def deliver(device: Device, deliveries: list[str], cuts: set[int]) -> list[tuple[str, str]]:
    answers = []
    for number, name in enumerate(deliveries):
        if number in cuts:
            device.restart()
        answers.append((name, said(device.take(STORY[name]))))
    return answers


def test_a_replaced_device_that_gets_everything_again_obeys_what_still_runs(tmp_path):
    """A new box at the same place, or a card restored from yesterday: within the orders' own day they sound once."""
    (tmp_path / "old").mkdir()
    device = Device(PROVINCE, tmp_path / "old")
    for name in ("one", "two", "deputy ends one"):
        device.take(STORY[name])
    (tmp_path / "new").mkdir()
    replaced = Device(PROVINCE, tmp_path / "new")
    # The hub answers a birth with cancels first, then what still runs.
    assert [said(replaced.take(STORY[name])) for name in ("deputy ends one", "one", "two")] == [
        "accepted", "overtaken", "accepted"]  # fmt: skip
    replaced.now = UtcTime(NOW + 90 * MINUTE)
    assert said(replaced.take(STORY["whole"])) == "expired"


def test_a_card_restored_from_an_image_sounds_an_order_once_more_and_then_knows_it(tmp_path):
    device = Device(PROVINCE, tmp_path)
    device.alerts._store.close()
    image = {path: path.read_bytes() for path in tmp_path.iterdir()}
    device.restart()
    assert said(device.take(STORY["one"])) == "accepted"
    device.alerts._store.close()
    for path in tmp_path.iterdir():
        path.unlink()
    for path, content in image.items():
        path.write_bytes(content)
    device.restart()
    assert [said(device.take(STORY["one"])) for _ in range(2)] == ["accepted", "out_of_date"]
