"""From the POST of a signed emergency order to the first sample of the attention signal, on the virtual card `dac`.

Real broker, web process, worker, one agent and its sound process; no real network between them. The card's own buffer
takes about 85 ms of every figure. Each order carries two officers' signatures: one key alone may start six an hour.
There is no peer that could be installed here, so none is printed.
"""

from __future__ import annotations

import base64
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import numpy as np
from securesystemslib.signer import Signer

from edge.play.signals import ATTENTION_TONE_S, make_attention
from provisioning.hub_api import HubApi
from provisioning.keys import open_key
from provisioning.trusted import PersonScope, Truststore
from scripts.benches.report import load_average, parser, print_report, spread
from scripts.province import cast
from scripts.province.processes import DemoError
from scripts.province.solo import AREA, one_loudspeaker
from scripts.province.stage import Stage
from tests.rig.capture import RATE_HZ, Capture, Samples, find
from tests.rig.cards import start_cards
from tests.rig.listen import listening
from wire.alert import ALERT_TYPE, Cancel, Order, Repeat, Start
from wire.areas import template_target
from wire.codec import encode
from wire.envelope import seal
from wire.trust.authority import find_target
from wire.units import HOUR, MINUTE, UtcTime

COUNT = 50
OFFICERS = ("chutich-tantrao", "phochutich-tantrao")
ROLE = f"ea{AREA.rsplit('/', 1)[-1]}"
SETTLE_S = 6.0  # PulseAudio's stated latency wanders for some seconds after opening
HEARD_S = 1.7  # from the POST to the cancel: what has not sounded by then counts as missed
REST_S = (0.7, 1.0)  # after a cancel, at random, so that no poll or buffer keeps step with the runs
SILENT_S = 0.05  # before each POST the loudspeaker must be silent
NOISE = 300
PATTERN_S = ATTENTION_TONE_S + 0.2  # into the second tone: within one tone every period looks like the next


@dataclass(frozen=True)
class Desk:
    """Two officers with their keys open, and the template that they start."""

    hub: HubApi
    signers: Sequence[Signer]
    template_sha256: str

    def start(self) -> bytes:
        now = UtcTime(time.time_ns() // 1_000_000)
        return self._seal(
            Start(
                ROLE, AREA, cast.FLOOD.ident, self.template_sha256, now, UtcTime(now + 5 * MINUTE), Repeat(times=1),
                {"ho": next(iter(cast.FLOOD.choices))}, token_hex(16),
            )
        )  # fmt: skip

    def cancel(self, alert: str) -> bytes:
        now = UtcTime(time.time_ns() // 1_000_000)
        return self._seal(Cancel(ROLE, AREA, [alert], now, UtcTime(now + HOUR), token_hex(16)))

    def send(self, envelope: bytes) -> str:
        return str(self.hub.send_alert(base64.b64encode(envelope).decode())["id"])

    def _seal(self, order: Order) -> bytes:
        return seal(encode(order), ALERT_TYPE, self.signers)


def open_desk(stage: Stage) -> Desk:
    """As on an officer's machine: sign in, open the key files, verify the tree and find the template in it."""
    hub = HubApi(f"http://127.0.0.1:{stage.ports.hub}")
    token = hub.login(OFFICERS[0], stage.secrets[OFFICERS[0]]["password"]).token
    keys = [open_key(stage.trust_dir / "keys" / f"{name}.key", stage.secrets[name]["passphrase"]) for name in OFFICERS]
    trusted = Truststore(stage.folder / "officer", (stage.trust_dir / "root.json").read_bytes())
    trusted.refresh(hub, PersonScope(frozenset({AREA})))
    template = find_target(trusted.held, template_target(cast.PROVINCE, cast.FLOOD.ident))
    if template is None:
        raise DemoError(f"the template {cast.FLOOD.ident} is not released")
    return Desk(hub.with_token(token), keys, template.sha256)


def sound_alarms(desk: Desk, count: int) -> list[float]:
    """Start and cancel alerts; the instants (CLOCK_MONOTONIC) at which each POST began."""
    posted = []
    for _ in range(count):
        time.sleep(random.uniform(*REST_S))  # noqa: S311 - spreads the runs, guards nothing
        envelope = desk.start()
        posted.append(time.monotonic())
        alert = desk.send(envelope)
        time.sleep(max(0.0, posted[-1] + HEARD_S - time.monotonic()))
        desk.send(desk.cancel(alert))
    time.sleep(REST_S[1])
    return posted


def onsets_ms(capture: Capture, posted: Sequence[float], attention: Samples) -> list[float]:
    """Milliseconds from each POST to the signal's first sample. Raises DemoError where it was not heard."""
    pattern = attention[: round(PATTERN_S * RATE_HZ)]
    found = [_onset_ms(capture, at_s, pattern) for at_s in posted]
    heard = [onset for onset in found if onset is not None]
    if len(heard) < len(posted):
        raise DemoError(f"{len(posted) - len(heard)} of {len(posted)} alerts were not heard within {HEARD_S} s")
    return heard


def _onset_ms(capture: Capture, posted_s: float, pattern: Samples) -> float | None:
    before, _ = capture.cut(0, posted_s - SILENT_S, posted_s)
    if np.abs(before.astype(np.int32)).max(initial=0) > NOISE:
        raise DemoError("the loudspeaker was not silent before an alert")
    samples, first_s = capture.cut(0, posted_s, posted_s + HEARD_S)
    at = find(samples, pattern)
    return None if at is None else (first_s + at / capture.rates_hz[0] - posted_s) * 1000


def measure_alerts(folder: Path, broker: str, count: int) -> tuple[list[float], dict[str, object]]:
    """The delays in ms, and what the fake card says of itself."""
    output = {"output": {"kind": "sounddevice", "device": "dac0"}}
    with start_cards("dac") as cards:
        with (
            listening(cards, "dac") as ear,
            one_loudspeaker(folder, broker=broker, change=output, environment=cards.environment) as stage,
        ):
            desk = open_desk(stage)
            time.sleep(SETTLE_S)
            posted = sound_alarms(desk, count)
        return onsets_ms(ear.capture, posted, make_attention()), ear.figures


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--count", type=int, default=COUNT, help=f"alerts to start (default: {COUNT})")
    options.add_argument("--broker", choices=["mosquitto", "embedded"], default="mosquitto")
    options.add_argument("--dir", type=Path, help="keep the province here, and go on with it the next time")
    args = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as made:
        delays_ms, card = measure_alerts(args.dir or Path(made), args.broker, args.count)
    details = {"broker": args.broker, "card": card, "load": load_average()}
    print_report("alert", figures=spread(delays_ms), peers={}, runs=args.count, as_json=args.json, details=details)


if __name__ == "__main__":
    main()
