"""What devices say that they played: signed, chained, exactly once, in any order, from broker or stick."""

from __future__ import annotations

import io
import itertools

import msgspec
import pytest

from hub.devices import actions as device_actions
from hub.devices import store as devices
from hub.playlog import actions, store
from hub.playlog.inbound import take_log
from tests.hub.conftest import COMMUNE
from wire.codec import encode
from wire.envelope import seal
from wire.errors import BadSignatureError, MalformedError
from wire.playlog import ACK_TYPE, LOG_TYPE, Receipt, read_logged, row_hash
from wire.units import UtcTime


@pytest.fixture
def device(box):
    box.add_cluster()
    return box.add_device("loa-1")


def held(box, device) -> list[int]:
    with box.hub.reading() as conn:
        return sorted(row["seq"] for row in store.plays(conn, since=UtcTime(0), until=UtcTime(2**60), cluster="cl-1"))


def whole_to(box, device) -> int:
    with box.hub.reading() as conn:
        return store.chain(conn, device.name, device.chain)["whole_to"]


def events(box, device) -> list[str]:
    with box.hub.reading() as conn:
        return [event["kind"] for event in devices.events_of(conn, device.name)]


def batches(device, *sizes: int) -> list[bytes]:
    rows = device.rows(sum(sizes))
    ends = list(itertools.accumulate(sizes))
    return [device.log(rows[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


def test_every_order_of_arrival_ends_in_the_same_whole_log(box, device):
    for number, order in enumerate(itertools.permutations(range(3))):
        device.chain = f"{number:032x}"
        made = batches(device, 2, 3, 1)
        for index in order:
            take_log(box.hub, made[index], carrier="loa-1")
        assert whole_to(box, device) == 6


def test_the_answer_names_the_row_up_to_which_all_is_held(box, device):
    first, second, third = batches(device, 2, 2, 2)
    take_log(box.hub, third, carrier="loa-1")
    take_log(box.hub, first, carrier="loa-1")
    answers = [read_logged(body).seq for topic, body in box.waiting_messages() if topic == "loa/1/dn/loa-1/logged"]
    assert answers == [0, 2]
    take_log(box.hub, second, carrier="loa-1")
    assert whole_to(box, device) == 6


def test_the_same_batch_again_adds_nothing(box, device):
    [batch] = batches(device, 3)
    assert take_log(box.hub, batch, carrier="loa-1") == (3, 3)
    assert take_log(box.hub, batch) == (0, 3)
    assert held(box, device) == [1, 2, 3]


def test_batches_that_overlap_store_each_row_once(box, device):
    rows = device.rows(5)
    assert take_log(box.hub, device.log(rows[:3])) == (3, 3)
    assert take_log(box.hub, device.log(rows[1:])) == (2, 4)
    assert held(box, device) == [1, 2, 3, 4, 5]


def test_a_gap_is_shown_until_it_is_filled(box, device):
    first, second, third = batches(device, 2, 3, 1)
    take_log(box.hub, first)
    take_log(box.hub, third)
    with box.hub.reading() as conn:
        assert store.gaps(conn, "loa-1", device.chain) == [(3, 5)]
    take_log(box.hub, second)
    with box.hub.reading() as conn:
        assert store.gaps(conn, "loa-1", device.chain) == []


def test_another_history_under_the_same_chain_is_an_event_and_not_stored(box, device):
    take_log(box.hub, device.log(device.rows(3)))
    assert take_log(box.hub, device.log(device.rows(3, title="khác"))) == (0, 3)
    other = device.rows(4, title="khác")
    assert take_log(box.hub, device.log(other[3:])) == (0, 1)
    assert (held(box, device), events(box, device)) == ([1, 2, 3], ["log_fork", "log_fork"])


def test_a_new_chain_is_an_event_that_says_what_was_missing_of_the_old(box, device):
    rows = device.rows(5)
    take_log(box.hub, device.log(rows[:2]))
    take_log(box.hub, device.log(rows[3:]))
    old, device.chain = device.chain, "cd" * 16
    take_log(box.hub, device.log(device.rows(1)))
    with box.hub.reading() as conn:
        [event] = devices.events_of(conn, "loa-1")
    assert (event["kind"], f"{old} held to 2 of 5" in event["detail"]) == ("new_chain", True)


def test_a_stranger_cannot_write_in_a_devices_name(box, device):
    stranger = box.add_device("loa-2")
    stranger.name = "loa-1"
    with pytest.raises(BadSignatureError):
        take_log(box.hub, stranger.log(stranger.rows(1)))
    with pytest.raises(BadSignatureError):
        take_log(box.hub, device.log(device.rows(1)), carrier="loa-2")
    assert held(box, device) == []


def test_a_row_that_does_not_follow_is_refused_whole(box, device):
    rows = device.rows(3)
    broken = device.log([rows[0], rows[2]])
    with pytest.raises(MalformedError):
        take_log(box.hub, broken)
    assert held(box, device) == []


def test_rows_left_by_quota_do_not_hold_up_what_follows(box, device):
    rows = device.rows(6)
    [row] = device.rows(1, first=7, previous=row_hash(rows[-1]))
    gap = msgspec.structs.replace(row, kind="gap", detail="2-4")
    take_log(box.hub, device.log(rows[:1]))
    take_log(box.hub, device.log([*rows[4:], gap]))
    assert whole_to(box, device) == 7


def test_a_stick_is_taken_exactly_once_and_names_what_it_refuses(box, device):
    first, second = batches(device, 2, 3)
    receipt = Receipt(device="loa-1", alert="a" * 64, states=["received"], at=UtcTime(1), time_quality=3)
    ack = seal(encode(receipt), ACK_TYPE, [device.signer])
    forged = seal(encode({"x": 1}), LOG_TYPE, [device.signer])
    stick = b"\n".join([first, b"rubbish", second, ack, forged, b"x" * 200_000, first, b""])
    result = actions.take_stick(box.hub, io.BytesIO(stick))
    assert (result.taken, result.known, len(result.refused)) == (6, 2, 3)
    assert [line.split(":")[0] for line in result.refused] == ["line 2", "line 5", "line 6"]
    again = actions.take_stick(box.hub, io.BytesIO(stick))
    assert (again.taken, again.known) == (0, 8)


def test_plays_are_found_by_area_and_time(box, device):
    take_log(box.hub, device.log(device.rows(3)))
    with box.hub.reading() as conn:
        day = {"since": UtcTime(0), "until": UtcTime(2**60)}
        assert len(store.plays(conn, area=COMMUNE, **day)) == 3
        assert store.plays(conn, area="08/006", **day) == []
        assert store.plays(conn, area=COMMUNE, since=UtcTime(0), until=UtcTime(1)) == []
        assert store.last_play(conn, "cl-1")["seq"] == 3


def test_a_revoked_device_is_believed_no_more(box, device):
    box.place()
    device_actions.revoke_device(box.hub, box.person("tuan"), "loa-1")
    with pytest.raises(BadSignatureError):
        take_log(box.hub, device.log(device.rows(1)))
