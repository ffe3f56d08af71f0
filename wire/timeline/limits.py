"""Power and time quality: what of a plan may not sound on this device now. Suppressing shifts nothing else."""

from __future__ import annotations

from wire.policy import PolicyInForce
from wire.timeline.plan import DayPlan
from wire.timeline.situation import Power, TimeQuality


def suppress(plan: DayPlan, policy: PolicyInForce, power: Power, quality: TimeQuality) -> DayPlan:
    """The plan as it sounds under one power and time quality; what is suppressed becomes an omission."""
    raise NotImplementedError
