"""The chained log and what carries it: stored before sent, exactly once, through power loss and a restored hub."""

from __future__ import annotations

import msgspec
import pytest

from edge.errors import StoreError
from edge.identity import load_identity, make_identity
from edge.link import Will
from edge.report.acks import Acks
from edge.report.outbox import Outbox
from edge.report.playlog import Draft, PlayLog
from edge.report.readings import State, read_all
from edge.store import Store
from edge.sync.refresh import Me
from tests.builders import NOW
from tests.edge.world import wait_for
from tests.fakes.link import FakeBroker, FakeLink
from wire.envelope import key_from_hex, open_envelope
from wire.playlog import LOG_TYPE, Logged, Receipt, check_chain, read_batch
from wire.telemetry import FAULTS, METRICS, encode_health, read_health
from wire.timeline import Power, TimeQuality
from wire.units import DAY, UtcTime


def event(n: int, at: UtcTime = NOW) -> Draft:
    return Draft(UtcTime(at + n), 3, "event", detail=f"row {n}")


class Rig:
    def __init__(self, folder) -> None:
        self.folder = folder
        make_identity(folder, device="d1", serial="s1", board="pc")
        self.broker = FakeBroker()
        self.delivered: list[object] = []
        self.link = FakeLink(self.broker, will=Will("w", lambda s: b""), deliver=self.delivered.append)
        self.restart()

    def restart(self) -> None:
        self.store = Store(self.folder / "state.db")
        self.playlog = PlayLog(self.store)
        self.identity = load_identity(self.folder)
        self.outbox = Outbox(self.store, self.playlog, self.link, self.identity, Me("d1", "", "s1"))

    def connect(self) -> None:
        self.link.start([])
        self.outbox.restart()
        self.outbox.pump()

    def sent(self) -> list[list[int]]:
        keys = [key_from_hex(self.identity.public_hex)]
        raws = [payload for topic, payload in self.broker.published if topic.endswith("/log")]
        opened = [open_envelope(raw, payload_type=LOG_TYPE, keys=keys, threshold=1, limit=99_999) for raw in raws]
        return [[row.seq for row in read_batch(payload).rows] for payload in opened]

    def logged(self, seq: int) -> None:
        self.outbox.mark_logged(Logged(self.playlog.chain, seq))


@pytest.fixture
def rig(tmp_path):
    return Rig(tmp_path)


def test_rows_are_chained_across_restarts(rig):
    rig.playlog.append(event(1), event(2))
    rig.restart()
    rig.playlog.append(event(3))
    rows = rig.playlog.rows_after(0, 10)
    check_chain(rows)
    assert [(row.seq, row.detail) for row in rows] == [(1, "row 1"), (2, "row 2"), (3, "row 3")]


def test_a_new_database_is_a_new_chain(rig, tmp_path):
    other = PlayLog(Store(tmp_path / "other.db"))
    assert other.chain != rig.playlog.chain


def test_a_play_that_a_power_cut_ended_becomes_a_row(rig):
    rig.playlog.open_play("p1", Draft(NOW, 3, "play", item="tin-1", started=NOW))
    rig.restart()
    assert rig.playlog.close_broken(UtcTime(NOW + DAY), 1) == 1
    rig.restart()
    assert rig.playlog.close_broken(UtcTime(NOW + DAY), 1) == 0
    (row,) = rig.playlog.rows_after(0, 10)
    assert (row.item, row.started, row.ended, row.complete, row.detail) == ("tin-1", NOW, 0, False, "broken_off")


def test_a_row_that_could_not_be_stored_leaves_the_chain_whole(rig):
    rig.playlog.append(event(1))
    rig.store.db.conn.execute("ALTER TABLE rows RENAME TO elsewhere")
    with pytest.raises(StoreError):
        rig.playlog.append(event(2))
    rig.store.db.conn.execute("ALTER TABLE elsewhere RENAME TO rows")
    rig.playlog.append(event(3))
    check_chain(rig.playlog.rows_after(0, 10))
    assert rig.playlog.last_seq == 2


def test_everything_leaves_in_order_and_a_hundred_at_a_time(rig):
    rig.playlog.append(*(event(n) for n in range(250)))
    rig.connect()
    assert [(seqs[0], seqs[-1]) for seqs in rig.sent()] == [(1, 100), (101, 200), (201, 250)]


def test_what_the_hub_does_not_answer_is_sent_again_and_what_it_has_is_not(rig):
    rig.playlog.append(*(event(n) for n in range(150)))
    rig.connect()
    rig.logged(100)
    rig.restart()
    rig.broker.published.clear()
    rig.connect()
    assert rig.sent() == [list(range(101, 151))]
    rig.logged(150)
    rig.restart()
    rig.broker.published.clear()
    rig.connect()
    assert rig.sent() == []


def test_a_hub_that_was_restored_gets_its_rows_again(rig):
    rig.playlog.append(*(event(n) for n in range(50)))
    rig.connect()
    rig.logged(50)
    rig.broker.published.clear()
    rig.link.stop()
    rig.connect()
    rig.logged(20)
    assert rig.sent() == [list(range(21, 51))]


def test_an_answer_that_comes_late_does_not_send_again(rig):
    rig.playlog.append(*(event(n) for n in range(50)))
    rig.connect()
    rig.logged(50)
    rig.broker.published.clear()
    rig.logged(20)
    assert (rig.sent(), rig.playlog.cursor) == ([], 50)


def test_the_word_about_another_chain_moves_nothing(rig):
    rig.playlog.append(event(1))
    rig.outbox.mark_logged(Logged("0" * 32, 1))
    assert rig.playlog.cursor == 0


def test_long_rows_make_shorter_batches(rig):
    rig.playlog.append(*(msgspec.structs.replace(event(n), detail="ă" * 500, title="ă" * 300) for n in range(100)))
    rig.connect()
    assert len(rig.sent()) > 1
    assert [seq for seqs in rig.sent() for seq in seqs] == list(range(1, 101))


def test_receipts_wait_for_the_link_and_leave_the_store_when_delivered(rig):
    rig.outbox.add_receipt(Receipt(device="d1", alert="0" * 64, states=["received"], at=NOW, time_quality=3))
    assert rig.broker.published == []
    rig.connect()
    assert [topic for topic, _ in rig.broker.published] == ["loa/1/up/d1/ack"]
    rig.outbox.mark_delivered(rig.delivered[-1].number)
    rig.restart()
    rig.broker.published.clear()
    rig.connect()
    assert rig.broker.published == []


def test_old_rows_leave_with_a_gap_row(rig):
    rig.playlog.append(*(event(n) for n in range(3_000)))
    assert rig.playlog.prune(NOW, most_rows=1_500, days=90) == 1_500
    rows = rig.playlog.rows_after(0, 5_000)
    check_chain(rows)
    assert (rows[0].seq, rows[-1].kind, rows[-1].detail) == (1_501, "gap", "1-1500")


def test_rows_younger_than_ninety_days_do_not_leave_by_age(rig):
    rig.playlog.append(*(event(n) for n in range(1_500)))
    rig.connect()
    rig.logged(1_500)
    assert rig.playlog.prune(UtcTime(NOW + 89 * DAY), most_rows=10_000, days=1) == 0
    assert rig.playlog.prune(UtcTime(NOW + 91 * DAY), most_rows=10_000, days=1) == 1_500


def test_what_was_never_sent_does_not_leave_by_age(rig):
    rig.playlog.append(*(event(n) for n in range(1_500)))
    assert rig.playlog.prune(UtcTime(NOW + 400 * DAY), most_rows=10_000, days=90) == 0


# -- receipts --


def acks(sent: list[Receipt], jitter_s: float = 0) -> Acks:
    return Acks("d1", jitter_s, sent.append, lambda: (NOW, TimeQuality.SYNCED))


def test_the_first_receipt_joins_received_verified_and_started():
    sent: list[Receipt] = []
    desk = acks(sent)
    desk.accepted("0" * 64)
    desk.tick()
    assert sent == []
    desk.started("0" * 64)
    assert [receipt.states for receipt in sent] == [["received", "verified", "started"]]


def test_later_receipts_are_spread_in_time():
    sent: list[Receipt] = []
    desk = acks(sent, jitter_s=3_000)
    desk.started("0" * 64)
    desk.done("0" * 64, "finished")
    assert desk.tick() is not None
    assert [receipt.states for receipt in sent] == [["started"]]
    desk.flush()
    assert [receipt.states for receipt in sent] == [["started"], ["finished"]]


def test_an_alert_that_does_not_sound_is_reported_all_the_same(monkeypatch):
    monkeypatch.setattr("edge.report.acks.START_LIMIT_S", 0.0)
    sent: list[Receipt] = []
    desk = acks(sent)
    desk.accepted("0" * 64)
    wait_for(lambda: desk.tick() is None)
    assert [receipt.states for receipt in sent] == [["received", "verified"]]


def test_what_could_not_be_stored_says_so_in_the_first_receipt():
    sent: list[Receipt] = []
    desk = acks(sent)
    desk.accepted("0" * 64)
    desk.not_stored("0" * 64)
    desk.started("0" * 64)
    assert [receipt.states for receipt in sent] == [["received", "verified", "not_stored", "started"]]


# -- readings --


def test_every_metric_of_the_table_has_a_reader_and_fits_into_the_message():
    state = State(
        TimeQuality.SYNCED, 12, Power.battery(55), 10**11, 100, 2, UtcTime(NOW + 45 * DAY), 10**6, 3, frozenset(FAULTS)
    )
    read = read_health(encode_health(read_all(state)))
    assert list(read) == [metric.name for metric in METRICS]
    assert (read["battery_percent"], read["playing"], read["fault"]) == (55, 2, sum(FAULTS.values()))
