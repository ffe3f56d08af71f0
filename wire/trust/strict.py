"""The types of every field of metadata that our rules read, checked before python-tuf, which lets odd ones pass.

A file that is well signed and badly typed must be refused, not crash whoever reads it.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from wire.errors import MalformedError
from wire.units import UtcTime

MAX_VERSION = 2**53 - 1
Version = Annotated[int, Meta(ge=1, le=MAX_VERSION)]
Count = Annotated[int, Meta(ge=0, le=MAX_VERSION)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Hashes = dict[Name, Annotated[str, Meta(pattern="^[0-9a-f]{32,128}$")]]


class _Signature(Struct):
    keyid: Name
    sig: Annotated[str, Meta(max_length=8 * 1024)]


class _Key(Struct):
    keytype: Name
    scheme: Name
    keyval: dict[Name, Any]


class _Role(Struct):
    keyids: list[Name]
    threshold: Annotated[int, Meta(ge=1, le=1_000)]


class _Delegated(_Role):
    name: Name
    terminating: bool
    paths: list[Name] | None = None


class _Delegations(Struct):
    keys: dict[Name, _Key]
    roles: list[_Delegated] | None = None


class _Target(Struct):
    length: Count
    hashes: Hashes


class _Named(Struct):
    version: Version
    length: Count | None = None
    hashes: Hashes | None = None


class _Signed(Struct):
    version: Version
    expires: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
    issued: Count = 0


class _Root(_Signed, tag="root", tag_field="_type", kw_only=True):
    keys: dict[Name, _Key]
    roles: dict[Name, _Role]
    consistent_snapshot: bool | None = None


class _Timestamp(_Signed, tag="timestamp", tag_field="_type", kw_only=True):
    meta: dict[Name, _Named]


class _Snapshot(_Signed, tag="snapshot", tag_field="_type", kw_only=True):
    meta: dict[Name, _Named]


class TimeReset(Struct, frozen=True):
    """In `targets`: for these devices it is not earlier than `floor`, whatever they think (module `time_reset`)."""

    version: Version
    """Of the `targets` that brought it."""
    floor: Annotated[UtcTime, Meta(ge=0, le=MAX_VERSION)]
    devices: Annotated[list[Annotated[str, Meta(pattern=r"^([a-z0-9-]{1,40}|\*)$")]], Meta(max_length=1_000)]
    """Their ids, or `*`."""


class _Targets(_Signed, tag="targets", tag_field="_type", kw_only=True):
    targets: dict[Name, _Target]
    delegations: _Delegations | None = None
    time_reset: TimeReset | None = None


class _File(Struct):
    signatures: Annotated[list[_Signature], Meta(max_length=32)]
    signed: _Root | _Timestamp | _Snapshot | _Targets


def check_types(name: str, raw: bytes) -> None:
    """Raise MalformedError unless every field of a metadata file that we know has the type that it should."""
    try:
        msgspec.json.decode(raw, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"{name}: not metadata ({error})") from error
