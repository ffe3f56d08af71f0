"""Alerts that the device has accepted, and the rounds in which they sound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wire.alert import Start
from wire.units import MINUTE, Milliseconds, UtcTime

MAX_SILENCE_MS = 5 * MINUTE


@dataclass(frozen=True)
class ActiveAlert:
    """An accepted alert. `round_ms` is the length of attention signal and message as this device sounds them."""

    id: str
    start: Start
    severity: int
    drill: bool
    accepted_at: UtcTime
    round_ms: Milliseconds
    cancelled_at: UtcTime | None = None
    silenced: tuple[UtcTime, UtcTime] | None = None
    """The button at the pole: from, until; bounded to 5 minutes."""


@dataclass(frozen=True)
class AlertRound:
    """One round of an alert: attention signal and message. `number` counts from 1."""

    alert: str
    number: int
    start: UtcTime
    end: UtcTime
    severity: int
    drill: bool
    is_cut: bool = False
    """A more severe alert, a cancel or the button ends it before the message is complete."""

    @property
    def key(self) -> str:
        """The same on every recomputation."""
        return f"{self.alert}-{self.number}-{self.start}"


def alert_rounds(alerts: Iterable[ActiveAlert], until: UtcTime) -> tuple[AlertRound, ...]:
    """Every round that begins before `until`, in order, none overlapping."""
    raise NotImplementedError
