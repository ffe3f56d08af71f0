"""How far from its scheduled instant is a play heard: 30 starts on the virtual card `dac`.

The card's clock is absolute to 1-2 ms. The peer, on the same card in the same run, is what a script would do without
Loa: sleep to the instant and start `aplay`.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import soundfile

from scripts.benches.report import parser, print_report, spread
from tests.rig.capture import RATE_HZ, make_noise
from tests.rig.cards import Cards, start_cards
from tests.rig.listen import listening
from tests.rig.starts import BURST_S, EARLY_S, measure_starts

COUNT = 30
PEER_COUNT = 10
PEER_GAP_S = 1.2
PEER_LATE_S = 1.0


def measure_aplay(count: int) -> list[float]:
    """Heard minus asked, in ms, of `count` starts of aplay at given instants."""
    burst = make_noise(7, BURST_S)
    with start_cards("dac") as cards:
        path = cards.run / "burst.wav"
        soundfile.write(path, burst, RATE_HZ, subtype="PCM_16")
        with listening(cards, "dac") as ear:
            instants_s = [_start_aplay(cards, path) for _ in range(count)]
        heard = [ear.capture.heard_at(0, burst, at - EARLY_S, at + PEER_LATE_S) for at in instants_s]
    return [(heard_s - at) * 1000 for heard_s, at in zip(heard, instants_s, strict=True) if heard_s is not None]


def _start_aplay(cards: Cards, path: Path) -> float:
    time.sleep(PEER_GAP_S)
    began_s = time.monotonic()
    subprocess.run(["aplay", "-q", "-D", "dac0", str(path)], env=cards.environment, check=True)
    return began_s


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--count", type=int, default=COUNT)
    args = options.parse_args()
    errors_ms = [abs(error) for error in measure_starts(args.count)]
    peer_ms = [abs(error) for error in measure_aplay(PEER_COUNT)]
    peers = {"aplay": {name: round(value, 1) for name, value in spread(peer_ms).items()} | {"heard": len(peer_ms)}}
    print_report("start", figures=spread(errors_ms), peers=peers, runs=args.count, as_json=args.json)


if __name__ == "__main__":
    main()
