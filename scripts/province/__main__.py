"""`scripts/demo`: sets up a province in a folder, or goes on with the one that is there, and runs it until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import threading
from pathlib import Path

from scripts.province import cast, check
from scripts.province.peopling import people
from scripts.province.processes import DemoError
from scripts.province.settings import device_settings, find_sound_card, write_settings
from scripts.province.stage import Ports, Stage

FREE_MB = 300
WATCH_S = 2.0


def main() -> int:
    args = _parser().parse_args()
    args.dir = args.dir or Path("var/check" if args.check else "var/demo")
    stage = Stage(args.dir, Ports(args.hub_port, args.station_port, args.broker_port))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts us in the background ignores it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        _check_disk(args.dir)
        stage.check_ports()
        if args.check:
            stage.reset()
            return check.run(stage)
        _open(stage, sound=args.sound, reset=args.reset)
        _tell(stage)
        _watch(stage)
    except DemoError as error:
        print(f"loa demo: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"loa demo: {error.strerror}: {error.filename or args.dir}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nEnded. `scripts/demo` goes on with the same province, `scripts/demo --reset` begins anew.")
    finally:
        stage.processes.stop_all()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Run a whole province on this machine.")
    ports = Ports()
    parser.add_argument("--check", action="store_true", help="play the story unattended; prints N passed, N failed")
    parser.add_argument("--reset", action="store_true", help="throw the earlier province away and begin anew")
    parser.add_argument("--dir", type=Path, help="where the province lives (default: var/demo; with --check var/check)")
    parser.add_argument("--sound", choices=("auto", "wav"), default="auto", help="auto: one loudspeaker plays on this "
                        "machine's sound card if there is one, the others into WAV files")  # fmt: skip
    parser.add_argument("--hub-port", type=int, default=ports.hub)
    parser.add_argument("--station-port", type=int, default=ports.station)
    parser.add_argument("--broker-port", type=int, default=ports.broker)
    return parser


def _check_disk(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    if free_mb < FREE_MB:
        raise DemoError(f"not enough disk for {folder}: {free_mb} MB free, {FREE_MB} MB are needed")


def _open(stage: Stage, *, sound: str, reset: bool) -> None:
    """Make the province, or take up the one that is there; returns with everything running."""
    if reset or not stage.is_made:
        stage.reset()
        print("Making a province: keys, 124 communes, people, loudspeakers … (about half a minute)", flush=True)
        stage.make()
        card = find_sound_card() if sound == "auto" else None
        stage.make_devices(cast.LOUDSPEAKERS, lambda one: write_settings(device_settings(stage, one, card=card)))
        stage.start_hub()
        stage.start_station()
        people(stage)
    else:
        stage.resume()
        stage.start_hub()
        stage.start_station()
    for one in cast.LOUDSPEAKERS:
        stage.start_device(one.device)


def _tell(stage: Stage) -> None:
    print(f"\nHub:           {stage.hub_origin}/\nApproval app:  {stage.station_origin}/")
    print("\nPeople: name to log in with, password, passphrase of the key file")
    for person in cast.PEOPLE:
        secret = stage.secrets[person.username]
        passphrase = secret["passphrase"] if person.keys else "–"
        print(f"  {person.username:<20} {secret['password']:<14} {passphrase:<20} {person.name}, {person.job}")
    print(f"\nLoudspeakers ({stage.folder}/devices/<name>/sound.wav is what each one says):")
    for one in cast.LOUDSPEAKERS:
        print(f"  {one.device:<20} {one.name}{', ' if one.note else ''}{one.note}")
    hub = " ".join(str(stage.processes.pid(name)) for name in ("web", "worker", "broker"))
    print(TRY.format(stick=stage.stick_dir, hub=hub), flush=True)


TRY = """
To try:
  1. Log in at the hub as vanhoa-tantrao, write a bulletin, have it spoken, give it a slot a few minutes ahead, send it
     for approval (Gửi duyệt).
  2. At the approval app sign in as chutich-tantrao, look at what changes, sign. The loudspeakers of Tân Trào fetch it.
  3. Kill the hub (kill {hub}); the slot plays all the same.
  4. As chutich-tantrao press Khẩn cấp in the approval app and send the flood template; the loudspeakers sound at once.
  5. The cluster without coverage: scripts/README.md, "The stick". Its stick is {stick}
Ctrl-C ends everything.
"""


def _watch(stage: Stage) -> None:
    """Sleep until Ctrl-C; say so when a process ends that should not."""
    told: set[str] = set()
    while True:
        threading.Event().wait(WATCH_S)
        for name in set(stage.processes.dead()) - told:
            told.add(name)
            print(f"loa demo: {name} has ended: {stage.processes.last_lines(name, 1)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parents[2])
    sys.exit(main())
