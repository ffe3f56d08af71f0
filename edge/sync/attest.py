"""Asking the hub what time it is: an answer signed by the timestamp role's key, over a number that only we know.

The way there and back bounds the error. A stolen hub could lie within what `clock` believes of any single source.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from edge.clock import HUB, NS_PER_MS, Saying, boottime_ns
from edge.sync.fetch import Fetcher
from wire.codec import decode
from wire.envelope import open_envelope
from wire.errors import NotAllowedError
from wire.timeline import TimeQuality
from wire.trust.authority import authority
from wire.trust.held import Held
from wire.units import UtcTime

TIME_PATH: Final = "/device/time"
TIME_TYPE: Final = "application/vnd.loa.time+json"
TIMESTAMP: Final = "timestamp"
ANSWER_LIMIT: Final = 4 * 1024


class Attested(Struct, frozen=True):
    """The payload of the hub's answer."""

    nonce: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    time: Annotated[UtcTime, Meta(ge=0, le=2**53)]


def ask_time(fetcher: Fetcher, held: Held) -> Saying:
    """One question and answer.

    Raises FetchError; WireError for an answer that is not signed, not ours, or beyond the end of `targets`.
    """
    nonce = secrets.token_hex(16)
    asked_at = boottime_ns()
    raw = fetcher.post(TIME_PATH, msgspec.json.encode({"nonce": nonce}), content_type="application/json")
    answered_at = boottime_ns()
    keys = authority(held, TIMESTAMP).keys
    payload = open_envelope(raw, payload_type=TIME_TYPE, keys=keys, threshold=1, limit=ANSWER_LIMIT)
    answer = decode(payload, Attested, limit=ANSWER_LIMIT)
    if answer.nonce != nonce:
        raise NotAllowedError("the answer is to another question")
    if held.targets is not None and answer.time > held.targets.expires:
        raise NotAllowedError("a time beyond the end of `targets`")
    half = (answered_at - asked_at) // 2
    # The hub says whole milliseconds, cut: half a millisecond more on average.
    utc_ns = answer.time * NS_PER_MS + NS_PER_MS // 2
    error = half + NS_PER_MS
    return Saying(HUB, TimeQuality.SYNCED, utc_ns, asked_at + half, error, tolerance_ns=error)
