"""`python -m edge.play`: the sound process. Commands in, sound and events out; ends when its standard input ends.

Exit codes: 0 asked to, 1 failed, 2 wrong usage, 3 audio library missing, 4 no such output, 5 the sound system hangs.
"""
from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import sys
from pathlib import Path
from typing import BinaryIO, Final

from edge.play.audio_out import AudioOut, AudioOutError
from edge.play.deck import Deck
from edge.play.event_writer import EventWriter
from edge.play.pipe import EXIT_NO_LIBRARY, LINE_LIMIT, PipeError, Quit, Refused, decode_command
from edge.play.wav_out import WavOut

LATENCY_S: Final = 0.05
LATENCIES_S: Final = (0.005, 1.0)
NICENESS: Final = -11           # as sound servers do
SWITCH_S: Final = 0.0005        # a thread that computes hands over to the sound within this time

log = logging.getLogger("edge.play")


def main() -> int:
    args = parse_arguments()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="play %(levelname)s %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)        # Ctrl-C goes to the whole group; the agent decides when we end
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.setswitchinterval(SWITCH_S)
    go_first()
    events = EventWriter(open(sys.stdout.fileno(), "wb", buffering=0, closefd=False))  # noqa: SIM115 (ours to the end)
    try:
        deck = Deck(choose_out(args), events.emit)
        deck.open()
    except AudioOutError as error:
        log.critical("%s", error)
        return error.exit_code
    gc.freeze()                                         # what is here now lives for ever: never walk it again
    try:
        obey_lines(sys.stdin.buffer, deck, events)
    finally:
        deck.close()
        events.close()
    return 0


def go_first() -> None:
    """Ask to run before other processes, where that is allowed; the threads started later inherit it."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    except PermissionError:
        log.info("no right to a higher priority: a busy machine may make holes in the sound")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m edge.play", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", choices=["sounddevice", "pyaudio", "wav"], default="sounddevice")
    parser.add_argument("--device", default="", help="name or number as PortAudio lists it (default: its default)")
    parser.add_argument("--latency", type=_latency, default=LATENCY_S, metavar="SECONDS",
                        help=f"wanted from PortAudio, {LATENCIES_S[0]} to {LATENCIES_S[1]} (default: {LATENCY_S})")
    parser.add_argument("--wav", type=Path, metavar="PATH", help="the file to write, for --output wav")
    args = parser.parse_args()
    if (args.output == "wav") != (args.wav is not None):
        parser.error("--output wav and --wav PATH belong together")
    return args


def choose_out(args: argparse.Namespace) -> AudioOut:
    """Each library is imported only where it is used: it costs memory, and may be missing. Raises `AudioOutError`."""
    try:
        match args.output:
            case "sounddevice":
                from edge.play.sounddevice_out import SounddeviceOut  # noqa: PLC0415
                return SounddeviceOut(args.device, latency_s=args.latency)
            case "pyaudio":
                from edge.play.pyaudio_out import PyaudioOut  # noqa: PLC0415
                return PyaudioOut(args.device, latency_s=args.latency)
    except (ImportError, OSError) as error:
        raise AudioOutError(f"--output {args.output} cannot be used: {error}", EXIT_NO_LIBRARY) from error
    return WavOut(args.wav)


def obey_lines(stream: BinaryIO, deck: Deck, events: EventWriter) -> None:
    """Until `quit` or the end of the input. A bad line is refused, and the next one read."""
    while line := stream.readline(LINE_LIMIT + 1):
        if len(line) > LINE_LIMIT and not line.endswith(b"\n"):
            skip_line(stream)
        try:
            command = decode_command(line)
        except PipeError as error:
            log.warning("refused: %s", error)
            events.emit(Refused(why=str(error)))
            continue
        if isinstance(command, Quit):
            return
        deck.obey(command)


def skip_line(stream: BinaryIO) -> None:
    while (part := stream.readline(LINE_LIMIT)) and not part.endswith(b"\n"):
        pass


def _latency(text: str) -> float:
    seconds = float(text)
    if not LATENCIES_S[0] <= seconds <= LATENCIES_S[1]:
        raise argparse.ArgumentTypeError(f"not from {LATENCIES_S[0]} to {LATENCIES_S[1]}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
