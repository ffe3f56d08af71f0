"""Whose cancel makes the hub stop telling devices of an order: one that ends it on every device that it means."""

from __future__ import annotations

import base64

import pytest

from hub.alerts import store
from hub.inbound import take
from tests.builders import make_template
from tests.hub.conftest import COMMUNE
from tests.hub.test_alerts import birth, ready, send
from wire.alert import alert_id
from wire.envelope import peek
from wire.telemetry import read_command

TEMPLATE = make_template()
__all__ = ["ready"]


def told(box, device: str) -> list[bytes]:
    """The envelopes that a device is given as it comes back."""
    take(box.hub, f"loa/1/up/{device}/birth", birth(device))
    topic = f"loa/1/dn/{device}/cmd"
    commands = [read_command(body) for where, body in box.waiting_messages() if where == topic]
    return [base64.b64decode(command.body) for command in commands if command.kind == "envelope"]


@pytest.mark.parametrize("cancel_first", [False, True])
def test_a_drill_key_does_not_make_the_hub_keep_a_warning_back(ready, cancel_first):
    start = ready.province.start_alert(COMMUNE, TEMPLATE)
    ident = alert_id(peek(start, 20_000)[1])
    cancel = ready.province.cancel_alert(COMMUNE, [ident], act="ed")
    for envelope in (cancel, start) if cancel_first else (start, cancel):
        send(ready, envelope)
    with ready.hub.reading() as conn:
        assert store.get(conn, ident)["cancelled_by"] == ""
    assert start in told(ready, "loa-1")


@pytest.mark.parametrize("cancel_first", [False, True])
def test_a_commune_does_not_make_the_hub_keep_a_warning_of_the_province_from_the_others(ready, cancel_first):
    start = ready.province.start_alert("08", TEMPLATE)
    ident = alert_id(peek(start, 20_000)[1])
    cancel = ready.province.cancel_alert(COMMUNE, [ident])
    for envelope in (cancel, start) if cancel_first else (start, cancel):
        send(ready, envelope, "binh" if envelope is start else "chair-00694")
    assert told(ready, "loa-3") == [start]
    assert told(ready, "loa-1") == [cancel, start]


def test_the_provinces_cancel_ends_a_communes_order(ready):
    start = ready.province.start_alert(COMMUNE, TEMPLATE)
    ident = send(ready, start)
    by = send(ready, ready.province.cancel_alert("08", [ident]), "binh")
    with ready.hub.reading() as conn:
        assert store.get(conn, ident)["cancelled_by"] == by
