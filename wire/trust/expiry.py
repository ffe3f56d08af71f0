"""When metadata is too old to install something new (design §5, "Expiry"). Play never asks here.

`NETWORK` and `BUNDLE` are what a loudspeaker uses; `STRICT` is TUF's own rule, for `loa-edge tuf-client` alone.
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


@dataclass(frozen=True)
class StrictRules:
    """TUF's own: nothing expired is used (TUF specification 1.0.34, 5.3.10, 5.4.4, 5.5.6, 5.6.6).

    `floor` is the present time.
    """

    def check_online(self, file: AnyRoleFile, floor: UtcTime) -> None:
        if file.expires <= floor:
            raise ExpiredError(f"{file.name} v{file.version} expired at {file.expires}")

    def check_new(self, chain: Sequence[AnyRoleFile], floor: UtcTime, *, first: bool) -> None:  # noqa: ARG002
        self.check_online(chain[-1], floor)


NETWORK = OfflineRules()
BUNDLE = OfflineRules(GRACE_MS)
STRICT = StrictRules()
