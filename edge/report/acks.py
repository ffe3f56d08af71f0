"""Receipts: what became of each emergency order on this device. The first joins received, verified and started and
leaves at once; later ones are spread over half a minute, so that a province's answers do not come as one.

Called by the agent's main loop; storing and sending is `outbox`, in its own thread.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from wire.playlog import Receipt
from wire.timeline import TimeQuality
from wire.units import UtcTime

START_LIMIT_S: Final = 3.0
"""An alert that has not sounded by then is reported as verified; `started` follows when it does."""
MAX_DETAIL: Final = 500

Send = Callable[[Receipt], None]


@dataclass
class _Pending:
    states: list[str]
    due: float
    detail: str = ""


@dataclass
class Acks:
    """One device's receipts. `tick` says when it wants to be called again."""

    device: str
    jitter_s: float
    send: Send
    now: Callable[[], tuple[UtcTime, TimeQuality]]
    _first: dict[str, _Pending] = field(default_factory=dict)
    _later: list[tuple[float, Receipt]] = field(default_factory=list)

    def accepted(self, ident: str, *, detail: str = "") -> None:
        """Received and verified; waits for the first sound."""
        self._first[ident] = _Pending(["received", "verified"], time.monotonic() + START_LIMIT_S, detail)

    def not_stored(self, ident: str) -> None:
        """It sounds, though the store failed: after a restart it may sound once more."""
        if ident in self._first:
            self._first[ident].states.append("not_stored")
        else:
            self._send(ident, ["not_stored"])

    def started(self, ident: str) -> None:
        pending = self._first.pop(ident, None)
        self._send(ident, [*(pending.states if pending else []), "started"], pending.detail if pending else "")

    def silent(self, ident: str, why: str) -> None:
        """It is due and cannot be heard, for now: said at once, with the reason."""
        pending = self._first.pop(ident, None)
        self._send(ident, pending.states if pending else ["verified"], why)

    def done(self, ident: str, state: str, *, detail: str = "") -> None:
        """`finished` or `cancelled`; joins the first receipt if that has not left yet."""
        pending = self._first.pop(ident, None)
        if pending is not None:
            self._send(ident, [*pending.states, state], detail)
            return
        due = time.monotonic() + random.uniform(0, self.jitter_s)  # noqa: S311 - spreads load, guards nothing
        self._later.append((due, self._receipt(ident, [state], detail)))

    def refused(self, ident: str, detail: str) -> None:
        """Received and not obeyed, with the reason."""
        self._send(ident, ["received", "refused"], detail)

    def tick(self) -> float | None:
        """Send what is due; the monotonic instant of the next, if any."""
        now = time.monotonic()
        for ident in [ident for ident, pending in self._first.items() if pending.due <= now]:
            pending = self._first.pop(ident)
            self._send(ident, pending.states, pending.detail)
        for _, receipt in [later for later in self._later if later[0] <= now]:
            self.send(receipt)
        self._later = [later for later in self._later if later[0] > now]
        return min([due for due, _ in self._later] + [pending.due for pending in self._first.values()], default=None)

    def flush(self) -> None:
        """The program ends: nothing may be lost."""
        for ident, pending in self._first.items():
            self._send(ident, pending.states, pending.detail)
        for _, receipt in self._later:
            self.send(receipt)
        self._first.clear()
        self._later.clear()

    def _send(self, ident: str, states: list[str], detail: str = "") -> None:
        self.send(self._receipt(ident, states, detail))

    def _receipt(self, ident: str, states: list[str], detail: str) -> Receipt:
        at, quality = self.now()
        return Receipt(
            device=self.device, alert=ident, states=states, at=at, time_quality=int(quality), detail=detail[:MAX_DETAIL]
        )
