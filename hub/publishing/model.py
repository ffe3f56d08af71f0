"""A proposal: a change of an area's signed word that waits for its approvers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """waiting → released, returned (with a reason), or superseded by a newer proposal of the same files."""

    WAITING = "waiting"
    RELEASED = "released"
    RETURNED = "returned"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Proposal:
    """`targets`: path to content. `metadata`: the role's file as far as it is signed; None before anybody signed."""

    id: int
    role: str
    area: str
    kind: str
    title: str
    digest: str
    targets: Mapping[str, bytes]
    authors: tuple[str, ...]
    submitted_at: int
    sign_before: int | None
    state: State
    metadata: bytes | None = None
    signers: tuple[str, ...] = ()
    closed_at: int | None = None
    closed_by: str = ""
    reason: str = ""
    version: int | None = None
    """Of the role file that released it."""


@dataclass(frozen=True)
class Signable:
    """A waiting proposal as an approver sees it."""

    proposal: Proposal
    base_version: int
    signatures: int
    threshold: int
    key_ids: frozenset[str] = field(default=frozenset())
