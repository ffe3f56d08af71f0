"""How far from its scheduled instant is a play heard: 30 starts on the virtual card `dac`, whose clock is absolute to 1-2 ms.

Peers are the same day's figures of players that are told to start, from command to first sample on the same card.
"""

from __future__ import annotations

from scripts.benches.report import parser, print_report, spread
from tests.rig.starts import measure_starts

COUNT = 30
PEERS = {
    "aplay": "92-98 ms from command to first sample (cold process)",
    "mpd 0.23": "88-91 ms from `mpc play`",
    "mpv 0.35": "102-108 ms from IPC loadfile",
}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--count", type=int, default=COUNT)
    args = options.parse_args()
    errors_ms = [abs(error) for error in measure_starts(args.count)]
    print_report("start", figures=spread(errors_ms), peers=PEERS, runs=args.count, as_json=args.json)


if __name__ == "__main__":
    main()
