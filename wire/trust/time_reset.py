"""A device's floor that a wrong clock raised too far is lowered by the province's own word (design §5; review §2).

The word stands in `targets` and so travels with every refresh, over any link or stick, signed by the threshold of its
holders. It counts once: on the way from a version of `targets` below the one that brought it to that one or a later
one, which a store remembers anyway.
"""

from __future__ import annotations

import msgspec
from tuf.api.metadata import Root, Targets

from wire.trust.rolefile import RoleFile
from wire.trust.strict import TimeReset
from wire.units import UtcTime

EVERYBODY = "*"
FIELD = "time_reset"


def read_time_reset(targets: RoleFile[Targets]) -> TimeReset | None:
    """What `targets` says of it; its types were checked when it was parsed."""
    return reset_of(targets.signed)


def reset_of(signed: Root | Targets) -> TimeReset | None:
    """`read_time_reset` of what a parsed file says."""
    found = signed.unrecognized_fields.get(FIELD)
    return msgspec.convert(found, TimeReset) if found is not None else None


def new_floor(targets: RoleFile[Targets], known: int, device: str) -> UtcTime | None:
    """The floor that this `targets` sets for a device that knew version `known` of it; None where it sets none."""
    reset = read_time_reset(targets)
    if reset is None or not known < reset.version <= targets.version:
        return None
    return reset.floor if device in reset.devices or EVERYBODY in reset.devices else None
