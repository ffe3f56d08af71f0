"""The courier bundle (`.loab`): one file that carries what a device would have fetched, for clusters without coverage.

A plain ZIP, entries stored without compression. Its index is unsigned and only helps people; a device trusts what is in
it by the same rules as what comes over the network. Here stand the names and limits; writing is `provisioning.bundle`,
importing is `edge.sync.bundle`.

Entries, in the order in which they stand in the file:
    bundle.json            the index
    metadata/<file>        named as under /tuf/metadata: `timestamp.json`, `3.snapshot.json`; every root from 1
    targets/<path>         without a hash prefix: `targets/areas/08/00694/programme.json`
    alerts/<id>.dsse       running alerts and cancels, JSON of the DSSE envelope
    blobs/<sha256>         sounds, largest part, last
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

from wire.codec import SCHEMA, decode, encode
from wire.content import MAX_BLOB_BYTES, AreaPath
from wire.enrolment import DeviceId
from wire.units import UtcTime

SUFFIX = ".loab"
INDEX_NAME = "bundle.json"
MAX_INDEX_BYTES = 64 * 1024
MAX_ENTRIES = 20_000
MAX_BUNDLE_BYTES = 16 * 1024**3
MAX_METADATA_BYTES = 512 * 1024
MAX_TARGET_BYTES = 1024 * 1024
MAX_ENVELOPE_BYTES = 24 * 1024

_AREA = r"[0-9a-z]{1,10}(/[0-9a-z]{1,10}){0,5}"
_IDENT = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


class BundleIndex(Struct, frozen=True):
    """What the bundle says of itself. Nothing is decided on it but whether to look further."""

    province: Annotated[str, Meta(pattern="^[0-9a-z]{1,10}$")]
    area: AreaPath
    devices: Annotated[list[DeviceId], Meta(max_length=2_000)]
    """For whom it was packed; empty means every device of `area`."""
    created: UtcTime
    supplied_until: UtcTime
    """First instant at which something planned would be missing, as the packer computed it."""
    schema: int = SCHEMA


@dataclass(frozen=True)
class EntryKind:
    """A folder of the bundle: which names may stand in it, and how large one entry may be."""

    folder: str
    pattern: re.Pattern[str]
    max_bytes: int


METADATA = EntryKind(
    "metadata/", re.compile(r"timestamp\.json|[1-9][0-9]{0,9}\.[a-z0-9-]{1,40}\.json"), MAX_METADATA_BYTES
)
TARGETS = EntryKind(
    "targets/",
    re.compile(rf"areas/{_AREA}/(programme|policy|placements)\.json|templates/[0-9a-z]{{1,10}}/{_IDENT}\.json"),
    MAX_TARGET_BYTES,
)
ALERTS = EntryKind("alerts/", re.compile(r"[0-9a-f]{64}\.dsse"), MAX_ENVELOPE_BYTES)
BLOBS = EntryKind("blobs/", re.compile(r"[0-9a-f]{64}"), MAX_BLOB_BYTES)
ENTRY_KINDS = (METADATA, TARGETS, ALERTS, BLOBS)


@dataclass(frozen=True)
class Entry:
    """An entry's kind and its name inside the folder: `areas/08/policy.json`, a hash, `timestamp.json`, `<id>.dsse`."""

    kind: EntryKind
    name: str

    @property
    def path(self) -> str:
        return self.kind.folder + self.name


def parse_entry(path: str) -> Entry | None:
    """The entry that a name in the ZIP means; None for every other name, which the reader leaves alone."""
    for kind in ENTRY_KINDS:
        name = path.removeprefix(kind.folder)
        if name != path and kind.pattern.fullmatch(name):
            return Entry(kind, name)
    return None


def encode_index(index: BundleIndex) -> bytes:
    return encode(index)


def read_index(raw: bytes) -> BundleIndex:
    """Decode the index (≤ 64 KiB). Raises MalformedError or UnknownKindError."""
    return decode(raw, BundleIndex, limit=MAX_INDEX_BYTES)
