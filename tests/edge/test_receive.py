"""The first room: what is listened to, what is counted and refused."""

from __future__ import annotations

import pytest

from edge.sync.receive import EnvelopeArrived, Receiver, Refusal
from wire.playlog import Logged, encode_logged
from wire.telemetry import Command, Versions, encode_message


@pytest.fixture
def receiver():
    receiver = Receiver("d1")
    receiver.area = "08/00694/02"
    return receiver


@pytest.mark.parametrize(
    ("topic", "payload", "message"),
    [
        ("loa/1/ar/08.00694/ver", encode_message(Versions(3, 4)), Versions(3, 4)),
        ("loa/1/dn/d1/logged", encode_logged(Logged("0" * 32, 7)), Logged("0" * 32, 7)),
        ("loa/1/dn/d1/cmd", encode_message(Command("health")), Command("health")),
        ("loa/1/em/08", b"bytes", EnvelopeArrived(b"bytes", "broker")),
        ("loa/1/em/08.00694.02", b"bytes", EnvelopeArrived(b"bytes", "broker")),
    ],
)
def test_a_message_is_read_by_its_topic(receiver, topic, payload, message):
    assert receiver.read(topic, payload) == message
    assert sum(receiver.refused.values()) == 0


@pytest.mark.parametrize(
    ("topic", "payload", "code"),
    [
        ("loa/1/dn/d2/cmd", b"{}", "unknown_kind"),
        ("loa/1/em/08.00700", b"bytes", "unknown_kind"),
        ("loa/1/em/08.006", b"bytes", "unknown_kind"),
        ("loa/1/em/08.00694", b"x" * 30_000, "malformed"),
        ("loa/1/dn/d1/cmd", b"\xff\xfe", "malformed"),
        ("loa/1/dn/d1/cmd", b'{"kind":"open_the_door"}', "unknown_kind"),
        ("loa/1/dn/d1/cmd", b'{"kind":"health","schema":9}', "unknown_kind"),
        ("loa/1/ar/08/ver", b"[]", "malformed"),
        ("loa/1/live/08/s1", b"", "unknown_kind"),
        ("", b"", "unknown_kind"),
    ],
)
def test_anything_else_is_refused_and_counted(receiver, topic, payload, code):
    message = receiver.read(topic, payload)
    assert isinstance(message, Refusal)
    assert (message.code, dict(receiver.refused)) == (code, {code: 1})
