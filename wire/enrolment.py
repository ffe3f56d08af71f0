"""Placements: which device stands where, signed by the registrar (role d, design §5)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from wire.codec import SCHEMA, decode
from wire.content import AreaPath, Ident, Language
from wire.errors import MalformedError
from wire.units import UtcTime

MAX_PLACEMENTS_BYTES = 1024 * 1024

DeviceId = Annotated[str, Meta(pattern="^[a-z0-9-]{1,40}$")]
"""The same as certificate CN and MQTT client id."""


class Placement(Struct, frozen=True):
    """One device's place. `n` rises with every change, so that an older placement is never taken again."""

    device: DeviceId
    keys: Annotated[list[Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]], Meta(min_length=1, max_length=4)]
    """Raw Ed25519 public keys in hex."""
    serial: Annotated[str, Meta(min_length=1, max_length=64)]
    area: AreaPath
    cluster: Ident
    """Id of the cluster (cụm loa) or board (bảng tin); empty placements do not exist, a spare has its own id."""
    n: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    issued: UtcTime
    kind: Annotated[str, Meta(pattern="^(loudspeaker|board)$")] = "loudspeaker"
    tags: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=40)] = msgspec.field(
        default_factory=list
    )
    languages: Annotated[list[Language], Meta(min_length=1, max_length=20)] = msgspec.field(
        default_factory=lambda: ["vi"]
    )
    """In the order in which renditions of one item are played."""
    spare: bool = False
    """A spare of the commune `area`: silent but for emergencies until the commune's own programme swaps it in."""
    root: Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")] = ""
    """Fingerprint of the root that the device said it holds when it was enrolled; compared before this is signed."""


class Placements(Struct, frozen=True):
    """All placements of one commune."""

    area: AreaPath
    issued: UtcTime
    placements: Annotated[list[Placement], Meta(max_length=2_000)]
    schema: int = SCHEMA

    def of(self, device: str) -> Placement | None:
        return next((placement for placement in self.placements if placement.device == device), None)


def read_placements(raw: bytes) -> Placements:
    """Decode a commune's placements (≤ 1 MiB). Raises MalformedError or UnknownKindError."""
    placements = decode(raw, Placements, limit=MAX_PLACEMENTS_BYTES)
    devices = [placement.device for placement in placements.placements]
    if len(set(devices)) != len(devices):
        raise MalformedError("a device is placed twice")
    return placements
