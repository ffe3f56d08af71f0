"""When metadata is too old to install something new (design §5, "Expiry"). Play never asks here.

`NETWORK` and `BUNDLE` are what a loudspeaker uses. Another class with the same methods (TUF's own strict expiry, for
the public conformance suite) drives the same `refresh`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wire.errors import ExpiredError
from wire.trust.rolefile import AnyRoleFile
from wire.units import DAY, UtcTime

GRACE_MS = 60 * DAY


class Rules(Protocol):
    """What may be installed at which age. `floor` is the lower bound of time, never a clock that could be wrong.

    Both raise ExpiredError to refuse. What is taken although it has expired is `expired_files` of `wire.trust.floor`.
    """

    def check_online(self, file: AnyRoleFile, floor: UtcTime) -> None:
        """Judge a timestamp or snapshot."""

    def check_new(self, chain: Sequence[AnyRoleFile], floor: UtcTime, *, first: bool) -> None:
        """Judge a new role file, the last of `chain`, which starts with root. `first`: none of that role was held."""


@dataclass(frozen=True)
class OfflineRules:
    """A loudspeaker's rules: an old timestamp or snapshot is stale, never refused; new roles need an unexpired chain.

    `grace_ms` is for bundles; a role of which nothing is held has the grace of 60 days through every door.
    """

    grace_ms: int = 0

    def check_online(self, file: AnyRoleFile, floor: UtcTime) -> None:
        """Take it, whatever its age."""

    def check_new(self, chain: Sequence[AnyRoleFile], floor: UtcTime, *, first: bool) -> None:
        grace = max(self.grace_ms, GRACE_MS if first else 0)
        for file in chain:
            if file.expires + grace <= floor:
                raise ExpiredError(f"{file.name} v{file.version} expired at {file.expires}")


NETWORK = OfflineRules()
BUNDLE = OfflineRules(GRACE_MS)
