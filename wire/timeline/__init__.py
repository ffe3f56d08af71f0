"""What plays now, until when, how loud, why, and why not the others (design §4): pure, the same on device and hub.

`plan_day` lays out a broadcast day for one endpoint; `decide` says what sounds at an instant, alerts included.
"""

from wire.timeline.alerts import ActiveAlert, AlertRound, alert_rounds
from wire.timeline.days import plan_between, plan_day
from wire.timeline.decision import Decision, decide
from wire.timeline.hours import broadcast_day, day_bounds
from wire.timeline.limits import suppress
from wire.timeline.plan import DayPlan, Omission, Plan, PlannedPlay
from wire.timeline.reasons import Reason, Why
from wire.timeline.situation import Endpoint, Mute, Power, PowerSource, Situation, TimeQuality

__all__ = [
    "ActiveAlert",
    "AlertRound",
    "DayPlan",
    "Decision",
    "Endpoint",
    "Mute",
    "Omission",
    "Plan",
    "PlannedPlay",
    "Power",
    "PowerSource",
    "Reason",
    "Situation",
    "TimeQuality",
    "Why",
    "alert_rounds",
    "broadcast_day",
    "day_bounds",
    "decide",
    "plan_between",
    "plan_day",
    "suppress",
]
