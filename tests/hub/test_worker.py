"""The worker between a real broker and the database: out at once, in exactly once, back after either of them died."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from hub import outbox
from hub.config import load_config
from hub.context import open_hub
from hub.devices import store as devices
from hub.doorbell import Bell, doorbell_path
from hub.errors import ConfigError
from hub.outbox import outbox_rows
from hub.playlog import store as playlog
from hub.publishing import repository
from hub.worker import Worker, run_worker
from tests.hub.mqtt import BROKERS, Listener, free_port, hub_process, wait_until
from tests.hub.test_alerts import birth
from wire.playlog import read_logged
from wire.telemetry import encode_health
from wire.units import MINUTE, UtcTime


@pytest.fixture(params=sorted(BROKERS))
def broker_kind(request):
    return request.param


@pytest.fixture
def settings(box):
    """The box's hub with a broker port of its own and the wall clock, as the processes have it."""
    (box.config.root / "hub.toml").write_text(f"broker_port = {free_port()}\n")
    box.add_cluster()
    return load_config(box.config.root, environ={})


@pytest.fixture
def hub(settings):
    opened = open_hub(settings)
    yield opened
    opened.close()


def state_of(hub, topic: str) -> list[str]:
    with hub.reading() as conn:
        rows = conn.execute(outbox_rows.select().where(outbox_rows.c.topic == topic)).mappings()
        return [row["state"] for row in rows]


def put(hub, topic: str, body: bytes, **more) -> None:
    with hub.writing() as conn:
        outbox.put(conn, topic, body, now=hub.now(), **more)


def test_a_commit_rings_the_bell_and_a_failed_one_does_not(settings, hub):
    def fail() -> None:
        with hub.writing():
            raise RuntimeError

    with Bell(doorbell_path(settings.root)) as bell:
        with pytest.raises(RuntimeError):
            fail()
        assert bell.wait(0.01) is False
        put(hub, "loa/1/em/08", b"x")
        put(hub, "loa/1/em/08", b"y")
        assert bell.wait(5) is True
        assert bell.wait(0.01) is False  # one look is enough for both
    put(hub, "loa/1/em/08", b"nobody listens")


def test_what_is_committed_is_on_the_air_at_once_and_what_is_heard_is_stored_once(box, settings, hub, broker_kind):
    device = box.add_device("loa-1")
    with (
        BROKERS[broker_kind](settings),
        hub_process(settings, "worker"),
        Listener(settings, "loa-1", device.password) as one,
    ):
        one.subscribe("loa/1/dn/loa-1/logged", "loa/1/dn/loa-1/cmd", "loa/1/em/08.00694")
        put(hub, "loa/1/em/08.00694", b"first")
        assert one.next_on("loa/1/em/08.00694") == b"first"
        put(hub, "loa/1/em/08.00694", b"second", urgency=outbox.FIRST)
        assert one.next_on("loa/1/em/08.00694") == b"second"
        one.publish("loa/1/up/loa-1/birth", birth("loa-1", chain=device.chain))
        assert read_logged(one.next_on("loa/1/dn/loa-1/logged")).seq == 0
        for _ in range(2):
            one.publish("loa/1/up/loa-1/log", device.log(device.rows(3)))
            assert read_logged(one.next_on("loa/1/dn/loa-1/logged")).seq == 3
        one.publish("loa/1/up/loa-1/health", encode_health({"power": 1}), qos=0)
        wait_until(lambda: state_of(hub, "loa/1/em/08.00694") == ["sent", "sent"], "the broker's confirmation")
    with hub.reading() as conn:
        assert len(playlog.plays(conn, since=UtcTime(0), until=UtcTime(2**60), cluster="cl-1")) == 3
        assert devices.presence_of(conn, "loa-1")["online"] is True


def test_what_waits_goes_out_when_the_broker_comes_back_and_retained_words_are_restored(
    box, settings, hub, broker_kind
):
    device = box.add_device("loa-1")
    with hub_process(settings, "worker"):
        put(hub, "loa/1/ar/08.00694/ver", b'{"timestamp":7,"snapshot":7}', retained=True)
        put(hub, "loa/1/dn/loa-1/cmd", b"late", lasts_ms=-1)
        for _round in range(2):  # the second broker is as empty as the first
            with BROKERS[broker_kind](settings), Listener(settings, "loa-1", device.password) as one:
                one.subscribe("loa/1/ar/08.00694/ver", "loa/1/dn/loa-1/cmd")
                topic, body, _ = one.next(15)
                assert (topic, body) == ("loa/1/ar/08.00694/ver", b'{"timestamp":7,"snapshot":7}')
                put(hub, "loa/1/dn/loa-1/cmd", b"mark")
                assert one.next_on("loa/1/dn/loa-1/cmd") == b"mark"


def test_a_device_that_is_cut_off_is_seen_to_be_gone(box, settings, hub, broker_kind):
    device = box.add_device("loa-1")
    session = "ab" * 8

    def online() -> bool | None:
        with hub.reading() as conn:
            found = devices.presence_of(conn, "loa-1")
        return found["online"] if found else None

    with BROKERS[broker_kind](settings), hub_process(settings, "worker"):
        will = ("loa/1/up/loa-1/death", b'{"session":"' + session.encode() + b'"}')
        one = Listener(settings, "loa-1", device.password, will=will)
        one.subscribe("loa/1/dn/loa-1/logged")

        def announce() -> bool:  # again and again: the worker may still be on its way to the broker
            one.publish("loa/1/up/loa-1/birth", birth("loa-1", session=session))
            return online() is True

        wait_until(announce, "the birth", limit_s=30)
        one.break_off()
        wait_until(lambda: online() is False, "the last will")


def test_a_message_that_no_broker_takes_is_set_aside_and_the_others_go_out(settings, hub):
    with BROKERS["mosquitto"](settings), hub_process(settings, "worker"):
        put(hub, "loa/1/em/#", b"no such topic")
        put(hub, "loa/1/em/08", b"good")
        wait_until(lambda: state_of(hub, "loa/1/em/08") == ["sent"], "the good one")
    assert state_of(hub, "loa/1/em/#") == ["failed"]


def test_only_one_worker_runs_on_a_data_folder(settings, hub):
    with hub_process(settings, "worker"):
        wait_until((settings.root / "doorbell.sock").exists, "the first worker")
        with pytest.raises(ConfigError, match="Another worker"):
            run_worker(hub)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_ends_cleanly_on_a_signal_also_without_a_broker(settings, number):
    with hub_process(settings, "worker") as process:
        wait_until((settings.root / "doorbell.sock").exists, "the worker")
        process.send_signal(number)
        assert process.wait(5) == 0
    assert not (settings.root / "doorbell.sock").exists()


def test_the_worker_that_was_killed_leaves_nothing_that_stops_the_next(settings, hub):
    with BROKERS["mosquitto"](settings):
        with hub_process(settings, "worker") as process:
            wait_until((settings.root / "doorbell.sock").exists, "the worker")
            process.kill()
            process.wait()
        with hub_process(settings, "worker"):
            put(hub, "loa/1/em/08", b"after")
            wait_until(lambda: state_of(hub, "loa/1/em/08") == ["sent"], "the second worker")


def test_due_work_signs_the_timestamp_again_and_gives_up_what_is_late(box, settings):
    moved = open_hub(settings, box.clock)
    put(moved, "loa/1/dn/loa-1/cmd", b"x", lasts_ms=MINUTE)
    box.clock.at += 2 * 86_400_000
    stop = threading.Event()
    thread = threading.Thread(target=Worker(moved, stop).run)
    thread.start()
    try:
        # Expired, and two days old, it may have been tidied away before anybody looks.
        wait_until(lambda: "waiting" not in state_of(moved, "loa/1/dn/loa-1/cmd"), "the due work")
    finally:
        stop.set()
        moved.doorbell.ring()
        thread.join()
        moved.close()
    assert "sent" not in state_of(box.hub, "loa/1/dn/loa-1/cmd")
    with box.hub.reading() as conn:
        assert repository.current_role(conn, "timestamp")[0] == 2


def test_commands_fail_in_one_line(tmp_path):
    def loa_hub(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "hub", *words], capture_output=True, text=True, check=False)

    unprepared = loa_hub("worker", "--dir", str(tmp_path / "nothing"))
    assert (unprepared.returncode, len(unprepared.stderr.splitlines())) == (1, 1)
    assert "loa-hub init" in unprepared.stderr
    assert loa_hub("frobnicate").returncode == 2
    (tmp_path / "hub.toml").write_text("port = 'eighty'\n")
    wrong = loa_hub("web", "--dir", str(tmp_path))
    assert (wrong.returncode, "port" in wrong.stderr, len(wrong.stderr.splitlines())) == (1, True, 1)
