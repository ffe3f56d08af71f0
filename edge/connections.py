"""The two ways to the province, as the settings say: the broker's link and the hub's fetcher."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge.identity import PASSWORD_FILE
from edge.link import Deliver, Link, NoLink, PahoLink, Will
from edge.parts import Parts
from edge.sync.fetch import Fetcher, HttpFetcher
from wire.telemetry import Death, encode_message
from wire.timeline import TimeQuality
from wire.topics import DEATH


def make_link(parts: Parts, deliver: Deliver) -> Link:
    """Raises LinkError for TLS files that cannot be used."""
    broker, device = parts.config.broker, parts.me.device
    if not broker.host:
        return NoLink()
    path = parts.folder / Path(broker.password_file or PASSWORD_FILE)
    password = path.read_text().strip() if path.exists() else ""
    will = Will(DEATH.of(device), lambda session: encode_message(Death(session)))
    knows = _knows_date(parts)
    return PahoLink(broker, client_id=device, password=password, will=will, deliver=deliver, knows_date=knows)


def make_fetcher(parts: Parts) -> Fetcher | None:
    """Raises LinkError for an authority's file that cannot be used."""
    config = parts.config
    if not config.hub_url:
        return None
    return HttpFetcher(config.hub_url, ca_file=config.hub_ca, knows_date=_knows_date(parts))


def _knows_date(parts: Parts) -> Callable[[], bool]:
    return lambda: parts.clock.quality() >= TimeQuality.RTC
