"""What the benchmarks compute and print, on made-up measurements; the measuring itself is never a test."""

from __future__ import annotations

import json

import numpy as np
import pytest

from edge.play.signals import make_attention
from scripts.benches.alert import onsets_ms
from scripts.benches.footprint import bytes_a_day
from scripts.benches.parts.traffic import Conversation, Packet, Traffic, mqtt_packets, read_traffic
from scripts.benches.parts.whole_province import ACTS, PROVINCIAL, communes, full_roster
from scripts.benches.report import percentile, print_report, spread
from scripts.province.processes import DemoError
from tests.rig.capture import RATE_HZ, Capture

HEALTH_TOPIC = "loa/1/up/loa-1/health"
PING, PONG, CONNACK = b"\xc0\x00", b"\xd0\x00", b"\x20\x02\x00\x00"


def publish(topic: str, payload: bytes) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic.encode() + payload
    length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) % 128 | 0x80, len(body) // 128])
    return b"\x30" + length + body


def record(sounds_at_s: list[float], *, first_s: float = 1000.0, seconds: float = 12.0) -> Capture:
    heard = np.zeros(round(seconds * RATE_HZ), dtype=np.int16)
    signal = make_attention()[:RATE_HZ]
    for at_s in sounds_at_s:
        begin = round((at_s - first_s) * RATE_HZ)
        heard[begin : begin + len(signal)] = signal // 2
    return Capture([heard], [float(RATE_HZ)], first_s)


def test_percentiles_of_few_values_end_at_the_largest():
    assert [percentile(range(1, 51), share) for share in (0.5, 0.99)] == [26, 50]
    assert spread([3.0, 1.0, 2.0]) == {"p50_ms": 2.0, "p99_ms": 3.0, "max_ms": 3.0}


def test_json_is_one_object_on_one_line_with_the_names_that_were_asked_for(capsys):
    print_report("alert", figures={"p50_ms": 1.23456}, peers={}, runs=50, as_json=True, details={"broker": "ầ"})
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    report = json.loads(printed)
    assert list(report) == ["bench", "figures", "peers", "runs", "machine", "details"]
    assert (report["figures"], report["runs"], report["details"]) == ({"p50_ms": 1.235}, 50, {"broker": "ầ"})


def test_people_read_every_figure_and_detail(capsys):
    print_report("footprint", figures={"rss_mb": 99.0}, peers={}, runs=1, as_json=False, details={"cpu": {"play": 0.7}})
    read = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert read == [["rss_mb", "99.0"], ["cpu"], ["play", "0.7"]]


def test_an_onset_is_found_to_the_sample_though_the_signal_repeats_itself():
    onsets = onsets_ms(record([1001.123, 1004.2]), [1001.0, 1004.0], make_attention())
    assert onsets == pytest.approx([123, 200], abs=0.03)


def test_an_alert_that_was_not_heard_is_no_figure():
    with pytest.raises(DemoError, match="1 of 2 alerts were not heard"):
        onsets_ms(record([1001.1]), [1001.0, 1005.0], make_attention())


def test_an_alert_that_sounds_already_is_no_figure():
    with pytest.raises(DemoError, match="not silent before"):
        onsets_ms(record([1001.0]), [1001.5], make_attention())


def test_packets_are_told_apart_as_far_as_they_are_whole():
    long = publish(HEALTH_TOPIC, b"x" * 200)
    assert list(mqtt_packets(CONNACK + long + PING + long[:50])) == [
        Packet(2, 4), Packet(3, len(long), HEALTH_TOPIC), Packet(12, 2),
    ]  # fmt: skip


def test_traffic_is_shared_out_by_what_it_was():
    health, birth = publish(HEALTH_TOPIC, b"12345"), publish("loa/1/up/loa-1/birth", b"{}")
    broker = Conversation(bytearray(birth + health + PING), bytearray(CONNACK + PONG))
    asked = b"GET /tuf/metadata/timestamp.json HTTP/1.1\r\n\r\n"
    hub = [Conversation(bytearray(asked), bytearray(100)), Conversation(bytearray(asked), bytearray(300))]
    found = read_traffic([broker], hub, HEALTH_TOPIC)
    assert found == Traffic(connect=len(birth) + len(CONNACK), ping=4, health=len(health), refresh=200 + len(asked))


def test_a_window_in_which_something_did_not_happen_says_so():
    with pytest.raises(ValueError, match="0 pings, 0 health messages, 0 refreshes"):
        read_traffic([], [], HEALTH_TOPIC)


def test_a_day_is_so_many_of_each_as_the_default_pace_says():
    day = bytes_a_day(Traffic(connect=1_000, ping=4, health=150, refresh=2_000))
    assert day == {"connect": 1_000, "ping": 4 * 360, "health": 150 * 96, "refresh": 2_000 * 4}


def test_the_province_of_the_trust_bench_is_whole():
    codes = communes()
    roster = full_roster(codes, hamlets=15, holders=3)
    holders = roster.holders_by_role()
    assert len(codes) == 124
    assert len(holders) == len(PROVINCIAL) + len(ACTS) + 124 * (1 + len(ACTS) + 15)
    assert {len(names) for names in holders.values()} == {3}
    assert len({name for names in holders.values() for name in names}) == 3 * len(holders)
