"""JSON of the wire: strict decoding into frozen structs, and one byte-exact way of encoding them.

Numbers are integers only (a float is written differently by Python and JavaScript, and signatures need one writing).
Unknown fields are ignored, so that a newer hub can add some; unknown kinds in a list are dropped and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from wire.errors import MalformedError, UnknownKindError

T = TypeVar("T")
SCHEMA = 1
MAX_DEPTH = 12
MAX_NUMBER = 2**53 - 1
"""What JavaScript keeps exactly; beyond 64 bits a database stumbles, beyond 4,300 digits Python itself."""


def encode(value: object) -> bytes:
    """Canonical bytes: keys sorted, no white space, UTF-8. What builders sign and both programs rebuild."""
    return msgspec.json.encode(value, order="sorted")


def decode(raw: bytes, shape: type[T], *, limit: int) -> T:
    """Decode at most `limit` bytes strictly into `shape`.

    Raises:
        MalformedError: too large, not JSON, a number beyond 2^53, or not the shape.
        UnknownKindError: of a newer schema than this program knows.
    """
    return convert(decode_plain(raw, limit=limit), shape)


def decode_plain(raw: bytes, *, limit: int) -> dict[str, Any]:
    """A JSON object as plain dicts and lists, after the checks on size and schema version."""
    if len(raw) > limit:
        raise MalformedError(f"{len(raw)} bytes, more than {limit}")
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise MalformedError("not a JSON object")
    _check_numbers(value)
    schema = value.get("schema", SCHEMA)
    if not isinstance(schema, int) or schema > SCHEMA:
        raise UnknownKindError(f"schema {schema!r}, this program knows {SCHEMA}")
    return value


def _check_numbers(value: object) -> None:
    """Raise MalformedError for a number that not everybody reads alike. Walks without recursion."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
        elif isinstance(found, int | float) and not -MAX_NUMBER <= found <= MAX_NUMBER:
            raise MalformedError("a number beyond 2^53")


def convert(value: object, shape: type[T]) -> T:
    """Plain dicts and lists into `shape`, strictly."""
    try:
        return msgspec.convert(value, shape, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise MalformedError(str(error)) from error


def keep_known(values: object, kinds: Mapping[str, object], *, where: str) -> tuple[list[Any], list[str]]:
    """The entries of a list whose `kind` is known, and a note for each that is not."""
    if not isinstance(values, list):
        raise MalformedError(f"{where} is not a list")
    known, notes = [], []
    for value in values:
        kind = value.get("kind") if isinstance(value, dict) else None
        if isinstance(kind, str) and kind in kinds:
            known.append(value)
        elif isinstance(kind, str):
            notes.append(f"{where}: unknown kind {kind[:40]!r}")
        else:
            raise MalformedError(f"{where}: an entry without a kind")
    return known, notes
