"""Power and time quality: what of a plan may not sound on this device now. Suppressing shifts nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from wire.policy import PolicyInForce
from wire.timeline.plan import DayPlan
from wire.timeline.reasons import Reason, Why
from wire.timeline.situation import Power, PowerSource, TimeQuality


@dataclass(frozen=True)
class Condition:
    """What the device can do at the moment."""

    power: Power
    quality: TimeQuality

    def bars(self, policy: PolicyInForce, *, priority: bool, any_time: bool) -> Reason | None:
        """Why a play of this class may not sound now. Never asked about an emergency."""
        if self.quality < TimeQuality.SAME_BOOT and not any_time:
            return Reason(Why.TIME_UNKNOWN)
        if self.power.source is not PowerSource.BATTERY:
            return None
        percent = self.power.percent or 0
        if percent < policy.low_battery_percent:
            return Reason(Why.BATTERY_LOW, {"percent": percent, "low": policy.low_battery_percent})
        allowed = policy.priority_on_battery if priority else policy.ordinary_on_battery
        return None if allowed else Reason(Why.ON_BATTERY)


def suppress(plan: DayPlan, policy: PolicyInForce, power: Power, quality: TimeQuality) -> DayPlan:
    """The plan as it sounds under one power and time quality; what is suppressed becomes an omission."""
    condition = Condition(power, quality)
    judged = [(p, condition.bars(policy, priority=p.priority, any_time=p.any_time)) for p in plan.plays]
    omissions = [*plan.omissions, *(play.omitted(why) for play, why in judged if why)]
    return msgspec.structs.replace(
        plan,
        plays=tuple(play for play, why in judged if not why),
        omissions=tuple(sorted(omissions, key=lambda omission: omission.at)),
    )
