"""Whoever owns the broker: rubbish on every topic, floods of unsigned commands, numbers that no program can hold."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from edge.agent import Agent
from edge.link import Arrived
from edge.plan.inputs import MOST_MUTES, with_mute
from tests.builders import NOW, make_template
from tests.edge.world import World, wait_for
from wire.playlog import Logged, encode_logged
from wire.telemetry import Command, Versions, encode_message
from wire.timeline import Mute
from wire.topics import CMD, LOGGED, VERSIONS
from wire.units import DAY, MINUTE, UtcTime

AREA = "08/00694/02"
HUGE = (10**30, 2**63, 2**53, -(2**63), 10**4_000)
MESSAGES = 3_000


@pytest.fixture
def agent(tmp_path):
    """An agent that is built and supplied, its loop driven by the test."""
    world = World(tmp_path)
    template = make_template()
    world.province.publish_template(template)
    world.place("loa-1", AREA)
    parts = world.device("loa-1", broker={"host": ""})
    made = Agent(parts)
    made._line.refresh()
    while not made._supply.holdings.area:
        made._step()
    made.world, made.template = world, template
    yield made
    made._stop()
    world.close()


def say(agent, topic: str, payload: bytes) -> None:
    agent._handle(Arrived(topic, payload, 0))


def command(agent, **fields) -> None:
    say(agent, CMD.of("loa-1"), encode_message(Command(**fields)))


def move_clock(agent, by_ms: int) -> None:
    state = agent._clock._state
    agent._clock._state = replace(state, offset_ns=state.offset_ns + by_ms * 1_000_000)


def rows(agent) -> list:
    agent._reporter.submit(lambda: None)
    wait_for(agent._reporter._tasks.empty)
    return agent._playlog.rows_after(0, 10_000)


def test_rubbish_on_every_topic_is_refused_and_the_agent_goes_on(agent):
    dice = random.Random(7)  # noqa: S311
    good = [
        encode_message(Command("refresh", area=AREA)), encode_message(Versions(9, 9)),
        encode_logged(Logged("ab" * 16, 3)), agent.world.province.start_alert("08/00700", agent.template),
        encode_message(Command("envelope", body="AAAA")), encode_message(Command("quieter", until=UtcTime(5))),
        b"[" * 9_000,
    ]  # fmt: skip
    topics = [
        CMD.of("loa-1"), LOGGED.of("loa-1"), VERSIONS.of("08.00694"), "loa/1/em/08.00694", "loa/1/em/", "loa/1/ar/",
        "loa/1/em/08.00694.02", "loa/1/em/../../x", "loa/1/dn/loa-2/cmd", "", "/", "loa/1/live/08/x", "é" * 40,
    ]  # fmt: skip
    for _ in range(MESSAGES):
        raw = bytearray(dice.choice(good) if dice.random() < 0.8 else dice.randbytes(dice.randrange(300)))
        for _ in range(dice.randrange(4)):
            if raw:
                raw[dice.randrange(len(raw))] = dice.randrange(256)
        say(agent, dice.choice(topics), bytes(raw[: dice.randrange(len(raw) + 1)] if dice.random() < 0.2 else raw))
    assert agent._alarm._running == {}
    assert len([row for row in rows(agent) if row.detail.startswith("internal")]) == 0
    say(agent, "loa/1/em/08.00694", agent.world.province.start_alert("08/00694", agent.template))
    assert len(agent._alarm._running) == 1


@pytest.mark.parametrize("number", HUGE)
def test_a_number_that_nobody_can_hold_is_malformed_everywhere(agent, number):
    when = {"expires": UtcTime(number), "issued": UtcTime(number - 5)}
    order = agent.world.province.start_alert("08/00694", agent.template, **when)
    for topic, raw in [
        (CMD.of("loa-1"), b'{"kind":"quieter","until":%d}' % number),
        (CMD.of("loa-1"), b'{"kind":"log","seq":%d}' % number),
        (LOGGED.of("loa-1"), b'{"chain":"%s","seq":%d}' % (b"ab" * 16, number)),
        (VERSIONS.of("08"), b'{"timestamp":%d,"snapshot":1}' % number), ("loa/1/em/08.00694", order),
    ]:  # fmt: skip
        say(agent, topic, raw)
    assert agent._receiver.refused["malformed"] == 5
    assert agent._alarm._running == {}
    assert agent._parts.mutes() == ()


def test_a_flood_of_commands_writes_few_rows_and_few_mutes(agent):
    before = len(rows(agent))
    for n in range(500):
        command(agent, kind="quieter", until=UtcTime(agent._clock.now() + DAY + n))
    assert len(rows(agent)) - before <= 30
    assert len(agent._parts.mutes()) <= MOST_MUTES
    assert agent._receiver.refused["too_many"] == 470


def test_turned_down_to_nothing_ends_after_thirty_days_and_never_touches_an_emergency(agent):
    command(agent, kind="quieter", volume_percent=0, until=UtcTime(2**50))
    assert agent._parts.volume_percent() == 0
    assert max(mute.ends for mute in agent._parts.mutes()) <= agent._clock.now() + 30 * DAY
    move_clock(agent, 30 * DAY + MINUTE)
    assert agent._parts.volume_percent() == agent._config.volume_percent > 0


def test_louder_than_the_present_volume_is_not_obeyed(agent):
    command(agent, kind="quieter", volume_percent=30)
    command(agent, kind="quieter", volume_percent=90)
    assert agent._parts.volume_percent() == 30


def test_many_short_mutes_do_not_push_out_the_long_one():
    mutes = (Mute(NOW, UtcTime(NOW + 20 * DAY)),)
    for n in range(200):
        mutes = with_mute(mutes, Mute(UtcTime(NOW + n), UtcTime(NOW + n + MINUTE)))
    assert max(mute.ends for mute in mutes) == NOW + 20 * DAY
    assert len(mutes) <= MOST_MUTES


def test_a_forged_logged_moves_no_evidence_out_of_the_store(agent):
    agent._logbook.event("evidence")
    held = rows(agent)
    for seq in (held[-1].seq + 10**6, held[-1].seq):
        say(agent, LOGGED.of("loa-1"), encode_logged(Logged(agent._playlog.chain, seq)))
    rows(agent)
    agent._playlog.prune(UtcTime(NOW + 30 * DAY), most_rows=500_000, days=1)
    assert agent._playlog.rows_after(0, 10_000)[: len(held)] == held


def test_an_alert_that_is_over_does_not_come_back_with_a_clock_set_back(agent):
    say(agent, "loa/1/em/08.00694", agent.world.province.start_alert("08/00694", agent.template))
    [ident] = agent._alarm._running
    move_clock(agent, 30 * MINUTE)
    agent._alarm.retire()
    move_clock(agent, -50 * MINUTE)
    agent._alarm.set_holdings(agent._alarm.holdings)
    assert ident not in agent._alarm._running


def test_a_deeply_nested_or_wide_message_costs_no_more_than_its_size(agent):
    for raw in (b'{"kind":' + b"[" * 30_000, b"{" + b",".join(b'"%d":1' % n for n in range(5_000)) + b"}"):
        say(agent, CMD.of("loa-1"), raw)
    assert agent._receiver.refused["malformed"] == 2


def test_a_thousand_replays_are_one_receipt(agent):
    raw = agent.world.province.start_alert("08/00694", agent.template)
    for _ in range(1_000):
        say(agent, "loa/1/em/08.00694", raw)
    rows(agent)
    bodies = [body for (body,) in agent._parts.store.rows("SELECT body FROM receipts")]
    assert sum(b"refused" in body for body in bodies) == 1
    assert len(agent._alarm._running) == 1
