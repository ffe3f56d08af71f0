"""One device that says far too much."""

from __future__ import annotations

from hub.certificates import actions
from hub.certificates import store as certificates
from hub.devices import store as devices
from hub.flood import MINUTE_S, Meter, end_flooding
from tests.hub.tls import make_request


class Now:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_the_others_are_heard_while_one_floods():
    ended: list[str] = []
    meter = Meter(ended.append, most=10, clock=Now())
    taken = [meter.lets_in("loa/1/up/loa-1/health") for _ in range(30)]
    assert (sum(taken), ended) == (10, ["loa-1"])
    assert meter.is_over("loa/1/up/loa-1/log"), "nor is what waits in line dealt with"
    assert not meter.is_over("loa/1/up/loa-2/log")
    assert meter.lets_in("loa/1/up/loa-2/health")
    assert meter.lets_in("loa/1/em/08")


def test_the_next_minute_is_a_new_one():
    now = Now()
    meter = Meter([].append, most=10, clock=now)
    assert sum(meter.lets_in("loa/1/up/loa-1/log") for _ in range(20)) == 10
    now.seconds = MINUTE_S
    assert meter.lets_in("loa/1/up/loa-1/log")


def test_a_flooding_devices_registration_and_certificate_end_and_people_see_why(box):
    box.add_cluster()
    box.add_device("loa-1")
    actions.make_authority(box.hub)
    actions.issue_device(box.hub, make_request()[1], "loa-1")
    end_flooding(box.hub, "loa-1")
    end_flooding(box.hub, "loa-1")
    end_flooding(box.hub, "nobody")
    with box.hub.reading() as conn:
        assert devices.live_key(conn, "loa-1") is None
        assert len(certificates.revoked(conn)) == 1
        assert [event["kind"] for event in devices.events_of(conn, "loa-1")] == ["flood"]
