"""How a signed order leaves this machine: by the hub, straight to the brokers, or as a file for a stick.

The envelope is the same on every way, and devices judge it by the same rules.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioning.approval.words import N_
from provisioning.blobs import write_durably
from provisioning.broker import Broker, BrokerError, send_everywhere
from provisioning.errors import HubUnreachableError, ProvisioningError
from provisioning.hub_api import HubApi
from wire.trust.orders import HalfSigned

FILE_SUFFIX = ".dsse"
HUB, BROKER, FILE = "hub", "broker", "file"


@dataclass(frozen=True)
class Carried:
    """What became of an order. `by`: the hub or the brokers that have it."""

    id: str
    by: tuple[str, ...]
    signatures: int
    threshold: int

    @property
    def is_complete(self) -> bool:
        return self.signatures >= self.threshold


def carry(envelope: bytes, order: HalfSigned, hub: HubApi | None, brokers: Sequence[Broker]) -> Carried:
    """Hand an order to the hub; where that does not answer, or is None, to the brokers.

    Raises HubRefusedError, or what the last way said. An order that lacks a signature waits at the hub only.
    """
    said: ProvisioningError = BrokerError(N_("Neither a hub nor a broker was named."))
    if hub is not None:
        try:
            hub.send_alert(base64.b64encode(envelope).decode())
            return _carried(order, hub.url)
        except HubUnreachableError as error:
            said = error
    if not brokers or not _carried(order).is_complete:
        raise said
    return _carried(order, *send_everywhere(brokers, order.signed.order.area, envelope))


def write_order_file(path: Path, envelope: bytes) -> Path:
    """An order as a file; on a stick it sounds as soon as a loudspeaker finds it. Raises ProvisioningError."""
    target = path if path.suffix == FILE_SUFFIX else path.with_name(path.name + FILE_SUFFIX)
    try:
        write_durably(target, envelope)
    except OSError as error:
        raise ProvisioningError(f"{target}: {error.strerror}") from error
    return target


def _carried(order: HalfSigned, *by: str) -> Carried:
    return Carried(order.signed.id, by, len(order.signed.key_ids), order.threshold)
