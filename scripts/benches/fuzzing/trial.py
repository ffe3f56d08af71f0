"""What one trial shows to one parser, and what counts as a finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class Verdict(Enum):
    """What became of a mutant."""

    REFUSED = "refused"
    """With the parser's own error."""
    SAME = "same"
    """Accepted, and it says what the good input says: only what no signature covers is written in another way. That is
    white space, the order of keys, escapes and unknown fields of the wrapper; base64 with other unused bits; signatures
    added that count for nothing. The test is always on the signed bytes themselves, never on how they look."""
    TAKEN = "taken"
    """Understood, where nothing is signed and so any well-formed input may be."""


class AcceptedChangeError(Exception):
    """A mutant was accepted, and says something that nobody signed."""


@dataclass(frozen=True)
class Seed:
    """Good input, and what the trial must know of it: a role, a topic, a path."""

    raw: bytes
    about: str = ""


class Trial(Protocol):
    """One parser, or one door. `judge` lets every error through that is not the parser's own."""

    name: str
    seeds: Sequence[Seed]

    def judge(self, raw: bytes, seed: Seed) -> Verdict:
        """Show a mutant of `seed` to the parser. Raises AcceptedChangeError."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class Finding:
    """An input that should not have had this effect. `number` makes it again from the run's seed."""

    trial: str
    kind: str
    detail: str
    number: int
    about: str
    raw: bytes


@dataclass
class Tally:
    """What a run saw. Adds up over workers."""

    verdicts: dict[str, dict[str, int]] = field(default_factory=dict)
    """By trial: how many mutants ended how."""
    findings: list[Finding] = field(default_factory=list)
    grown_mb: float = 0.0
    """The worker that grew most, after its first round."""

    @property
    def mutants(self) -> int:
        return sum(sum(ends.values()) for ends in self.verdicts.values())

    def count(self, trial: str, end: str) -> None:
        ends = self.verdicts.setdefault(trial, {})
        ends[end] = ends.get(end, 0) + 1

    def add(self, other: Tally) -> None:
        for trial, ends in other.verdicts.items():
            into = self.verdicts.setdefault(trial, {})
            for end, count in ends.items():
                into[end] = into.get(end, 0) + count
        self.findings += other.findings
        self.grown_mb = max(self.grown_mb, other.grown_mb)
