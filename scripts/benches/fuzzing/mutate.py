"""Mutants of good input: of its bytes, of its JSON, and of JSON inside its base64. Nothing here is random by itself."""

from __future__ import annotations

import base64
import binascii
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

MAX_GROWTH = 160 * 1024
"""Repetition stops here: beyond every limit of size but those of programmes and metadata."""
MOST_CHANGES = 4
DEEP = 2_000

Change = Callable[[random.Random, bytes, Sequence[bytes]], bytes]

ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 2**31, 2**53, 2**53 - 1, 2**63, 2**64, -(2**63), 10**30, 0.5, -0.0, 1e308,
    "", "0", "*", "a" * 64, "f" * 128, "0" * 300, "x" * 9_000, "../../../etc/passwd", "08/00694", "areas/08/*", "root",
    "targets", "\x00", "\ud800", "\u202e", "٣", "é", "e\u0301", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    "2026-02-30", "p08", "ea08", "c00694", [], {}, [[]], {"kind": "start"}, [None] * 50, {"schema": 2},
)  # fmt: skip
ODD_BYTES = (
    b"\x00", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"NaN", b"-Infinity", b"1e999", b"\\u0000",
)  # fmt: skip
ODD_LETTERS = ("", "0", "a", " ", "\n", "=", "/", "\u0000")
_CHARACTERS = b'{}[]",:\\0123456789-+.eE truefalsn\n\r\t\x00\x7f\x80\xff'


def mutant(rng: random.Random, seed: bytes, others: Sequence[bytes]) -> bytes:
    """One to four changes of `seed`; never `seed` itself. `others` are what may be spliced in."""
    while True:
        made = seed
        for _ in range(rng.choice((1, 1, 1, 2, MOST_CHANGES))):
            made = rng.choice(CHANGES)(rng, made, others)
        if made != seed:
            return made


def _flip(rng: random.Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(raw)) if raw else 0
    return raw[:at] + bytes([raw[at] ^ (1 << rng.randrange(8))]) + raw[at + 1 :] if raw else b"\x00"


def _set(rng: random.Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(raw) + 1)
    return raw[:at] + bytes([rng.choice(_CHARACTERS)]) + raw[at + 1 :]


def _insert(rng: random.Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(raw) + 1)
    return raw[:at] + rng.choice((*ODD_BYTES, bytes([rng.choice(_CHARACTERS)]))) + raw[at:]


def _cut(rng: random.Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _range(rng, raw)
    return raw[:start] + raw[end:]


def _truncate(rng: random.Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    return raw[: rng.randrange(len(raw) + 1)]


def _repeat(rng: random.Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _range(rng, raw)
    times = rng.choice((2, 3, 50, 5_000))
    room = max(0, MAX_GROWTH - len(raw)) // max(1, end - start)
    return raw[:start] + raw[start:end] * min(times, 1 + room) + raw[end:]


def _splice(rng: random.Random, raw: bytes, others: Sequence[bytes]) -> bytes:
    start, end = _range(rng, raw)
    other = rng.choice(others) if others else raw
    first, last = _range(rng, other)
    return raw[:start] + other[first:last][:MAX_GROWTH] + raw[end:]


def _range(rng: random.Random, raw: bytes) -> tuple[int, int]:
    start = rng.randrange(len(raw) + 1)
    return start, min(len(raw), start + rng.choice((1, 2, 8, 64, 1_000)))


def _change_json(rng: random.Random, raw: bytes, others: Sequence[bytes]) -> bytes:
    """A change in the tree that the bytes are, if they are JSON."""
    try:
        tree = json.loads(raw)
    except (ValueError, RecursionError):
        return _flip(rng, raw, others)
    if not isinstance(tree, dict | list) or not tree:
        return _flip(rng, raw, others)
    places = list(_places(tree))
    holder, key = rng.choice(places)
    _alter(rng, holder, key, places)
    return _write(rng, tree)


def _alter(rng: random.Random, holder: Any, key: Any, places: Sequence[tuple[Any, Any]]) -> None:
    kind = rng.randrange(8)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        other, where = rng.choice(places)
        holder[key] = _copy(other[where])
    elif kind == 2 and isinstance(holder, list):
        holder.insert(key, _copy(holder[key]))
    elif kind == 2:
        holder[str(rng.choice(ODD))] = holder.pop(key)
    elif kind == 3 and isinstance(holder, dict):
        holder[rng.choice(("kind", "schema", "signatures", "keyid", "threshold", "moi"))] = rng.choice(ODD)
    elif kind == 4 and isinstance(holder[key], int) and not isinstance(holder[key], bool):
        holder[key] += rng.choice((-1, 1, 2**20, -(2**33)))
    elif kind == 5 and isinstance(holder[key], str) and holder[key]:
        at = rng.randrange(len(holder[key]))
        holder[key] = holder[key][:at] + rng.choice(ODD_LETTERS) + holder[key][at + 1 :]
    elif kind == 6:
        holder[key] = _nest(rng.choice((3, 13, 200)))
    else:
        holder[key] = rng.choice(ODD)


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a tree."""
    found, waiting = [], [tree]
    while waiting:
        holder = waiting.pop()
        for key, value in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            found.append((holder, key))
            if isinstance(value, dict | list):
                waiting.append(value)
    return found


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value)) if isinstance(value, dict | list) else value


def _nest(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def _write(rng: random.Random, tree: Any) -> bytes:
    """The tree as other programs may write it: the same content in other bytes is a mutant too."""
    style = rng.randrange(4)
    if style == 0:
        text = json.dumps(tree, ensure_ascii=True, indent=1)
    elif style == 1:
        text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    else:
        text = json.dumps(tree, ensure_ascii=style == 2, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def _double_key(rng: random.Random, raw: bytes, others: Sequence[bytes]) -> bytes:
    """An object that says one thing twice: parsers differ in which of the two they hear."""
    keys = [at for at in range(len(raw)) if raw[at : at + 1] == b'"'][:2_000]
    if len(keys) < 2:
        return _flip(rng, raw, others)
    at = rng.choice(keys)
    end = raw.find(b'"', at + 1)
    name = raw[at : end + 1] if 0 < end - at < 200 else b'"signed"'
    value = json.dumps(rng.choice(ODD)).encode()
    return raw[:at] + name + b":" + value + b"," + raw[at:]


def _nest_deep(rng: random.Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _range(rng, raw)
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"[", b"")))
    return raw[:start] + opening * DEEP + b"0" + closing * DEEP + raw[end:]


def _inside_payload(rng: random.Random, raw: bytes, others: Sequence[bytes]) -> bytes:
    """A DSSE envelope whose payload is a mutant, its signatures as they were; or written as base64 should not be."""
    try:
        envelope = json.loads(raw)
        payload = base64.b64decode(envelope["payload"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        return _change_json(rng, raw, others)
    if rng.randrange(8):
        changed = rng.choice((_change_json, _flip, _double_key, _insert, _cut))(rng, payload, [payload])
        envelope["payload"] = base64.b64encode(changed).decode()
    else:
        bare = envelope["payload"].rstrip("=")
        envelope["payload"] = rng.choice((" ", "", "\n")) + bare + rng.choice(("", "=", "=="))
    return _write(rng, envelope)


CHANGES: tuple[Change, ...] = (
    _flip, _set, _insert, _cut, _truncate, _repeat, _splice, _change_json, _change_json, _change_json, _inside_payload,
    _inside_payload, _double_key, _nest_deep,
)  # fmt: skip
