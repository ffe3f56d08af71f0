"""Judges one more signature on a proposed role file. Owns no key; the rules are `wire.trust` and `wire.release`."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from hub.errors import N_, NotAllowedError
from hub.publishing.model import Proposal
from wire.errors import BadSignatureError
from wire.release import add_signatures, check_rebuilt
from wire.trust.authority import count_signatures
from wire.trust.held import Held, last_version
from wire.units import UtcTime


@dataclass(frozen=True)
class Progress:
    """The role file with all signatures so far; `good` are the ids of the keys that count."""

    metadata: bytes
    version: int
    good: frozenset[str]
    is_complete: bool


def add_new_signature(
    held: Held, proposal: Proposal, metadata: bytes, own_keys: AbstractSet[str], now: UtcTime
) -> Progress:
    """Judge a role file that brings one person's signature, and join it with those that are there.

    Raises:
        NotAllowedError: no new signature by a key that is known as this person's.
        WireError: not exactly the last release plus this change, or not what the others signed.
    """
    current, last = held.roles.get(proposal.role), last_version(held, proposal.role)
    raw = current.raw if current else None
    check_rebuilt(metadata, raw, proposal.role, proposal.targets, now=now, after=last)
    before = count_signatures(held, proposal.role, proposal.metadata).good if proposal.metadata else frozenset()
    joined = add_signatures(proposal.metadata, metadata) if proposal.metadata else metadata
    after = count_signatures(held, proposal.role, joined)
    fresh = after.good - before
    if not fresh:
        raise BadSignatureError("no new signature of a key that may sign this")
    if not fresh <= own_keys:
        raise NotAllowedError(N_("This signature was made with a key that is not known as yours."))
    return Progress(joined, (current.version if current else last) + 1, after.good, after.is_complete)
