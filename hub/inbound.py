"""What arrives from the broker, by topic, to the feature that deals with it. Called by the worker."""

from __future__ import annotations

import logging

from hub import outbox, set_aside
from hub.alerts.actions import take_from_broker
from hub.alerts.inbound import answer_birth, take_ack
from hub.context import Hub
from hub.devices import store as devices
from hub.devices.inbound import take_birth, take_death
from hub.playlog import store as playlog
from hub.playlog.inbound import take_log
from hub.security import store as security
from hub.telemetry.inbound import take_health
from wire.errors import MalformedError, WireError
from wire.playlog import Logged, encode_logged
from wire.topics import ACK, BIRTH, DEATH, HEALTH, LOG, LOGGED, emergency_area, split_up
from wire.units import HOUR

log = logging.getLogger(__name__)


def take(hub: Hub, topic: str, body: bytes) -> None:
    """Deal with one message. What is not acceptable is noted at the device; what makes us stumble is set aside."""
    try:
        _dispatch(hub, topic, body)
    except WireError as error:
        _note_refusal(hub, topic, error)
    except Exception as error:
        log.exception("%s set aside", topic)
        with hub.db.write() as conn:
            set_aside.put(conn, topic, body, repr(error), hub.now())


def _dispatch(hub: Hub, topic: str, body: bytes) -> None:
    if emergency_area(topic) is not None:
        take_from_broker(hub, body)
        return
    device, name = split_up(topic) or ("", "")
    if name == BIRTH.name:
        _take_birth(hub, device, body)
    elif name == DEATH.name:
        with hub.writing() as conn:
            take_death(hub, conn, device, body)
    elif name == HEALTH.name:
        take_health(hub, device, body)
    elif name == LOG.name:
        take_log(hub, body, carrier=device)
    elif name == ACK.name:
        take_ack(hub, body, carrier=device)
    else:
        raise MalformedError(f"nothing is expected on {topic[:80]}")


def _take_birth(hub: Hub, device: str, body: bytes) -> None:
    """Metadata first, then orders and cancels that still hold, then how far the log is known here."""
    with hub.reading() as conn:
        root = hub.trusted.held(conn).root_fingerprint  # may take a moment after a change: not while writing
    with hub.writing() as conn:
        found = take_birth(hub, conn, device, body, root)
        if found is None:
            return
        birth, area = found
        answer_birth(conn, birth, area, hub.now())
        chain = playlog.chain(conn, device, birth.chain) if birth.chain else None
        if birth.chain:
            logged = Logged(chain=birth.chain, seq=chain["whole_to"] if chain else 0)
            outbox.put(conn, LOGGED.of(device), encode_logged(logged), now=hub.now(), lasts_ms=HOUR)


def _note_refusal(hub: Hub, topic: str, error: WireError) -> None:
    log.warning("%s refused: %s %s", topic, error.code, error.detail)
    device, name = split_up(topic) or ("", "")
    with hub.db.write() as conn:
        if device and devices.device(conn, device):
            devices.add_event(conn, device, "refused", f"{name}: {error.code} {error.detail}", hub.now())
        elif kind := security.kind_of_refusal(error.code):
            area = emergency_area(topic) or ""
            security.note(conn, kind, topic, now=hub.now(), area=area, detail=f"{error.code}: {error.detail}")
