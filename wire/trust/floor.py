"""The floor: a lower bound of time that only rises and that refuses old things (design §5, "Two clocks").

`issued` of commune, emergency and registrar keys never raises it, so none of them can push a device into the future.
"""

from __future__ import annotations

from wire.trust.held import Held
from wire.trust.rolefile import AnyRoleFile
from wire.units import UtcTime

BEGINNING = UtcTime(0)


def raised_floor(held: Held, floor: UtcTime, clock: UtcTime = BEGINNING) -> UtcTime:
    """The floor after what is held and, if given, a trusted clock or attestation; never beyond `targets`' expiry.

    Without `targets` nothing but root's own `issued` counts: there is no bound for a clock that may be wrong.
    """
    if held.targets is None:
        return UtcTime(max(floor, min(held.root.issued, held.root.expires)))
    province = held.roles.get(f"p{held.province}")
    raising: list[AnyRoleFile] = [held.root, held.targets, *([province] if province else [])]
    latest = max(clock, *(file.issued for file in raising))
    return UtcTime(max(floor, min(latest, held.targets.expires)))


def is_targets_expired(held: Held, floor: UtcTime) -> bool:
    """Whether emergencies need two keys, because nobody has vouched for the holders of keys in time."""
    return held.targets is None or held.targets.expires <= floor


def expired_files(held: Held, floor: UtcTime) -> list[str]:
    """The held files that have expired by the floor: still used, but to be shown as `stale`."""
    files: list[AnyRoleFile | None] = [held.root, held.timestamp, held.snapshot, *held.roles.values()]
    return [file.name for file in files if file is not None and file.expires <= floor]
