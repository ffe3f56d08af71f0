"""`loa-edge enrol` and `enrol-take`: the device's side of `loa-provision enrol`, over a pipe or by hand.

JSON in on standard input, JSON or lines out: so the same two commands serve a technician beside the device, one who
reaches it by ssh, and one with a keyboard and a stick. No argument holds anything that came from elsewhere.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from edge.enrolling import enrol_device, take_answer
from wire.joining import MAX_ANSWER_BYTES, MAX_KIT_BYTES, read_answer, read_kit


def add_enrol(commands: Any) -> None:
    for name, run, text in (
        ("enrol", enrol_command, "make key and request from the kit on standard input; prints the signed request"),
        ("enrol-take", take_command, "keep what the answer on standard input brings: broker, authority, certificate"),
    ):
        parser = commands.add_parser(name, help=text, description=text)
        parser.add_argument("--dir", type=Path, required=True, help="the device's folder")
        parser.set_defaults(run=run)


def enrol_command(options: argparse.Namespace) -> int:
    request = enrol_device(options.dir, read_kit(sys.stdin.buffer.read(MAX_KIT_BYTES + 1)))
    sys.stdout.write(request.decode() + "\n")
    return 0


def take_command(options: argparse.Namespace) -> int:
    for line in take_answer(options.dir, read_answer(sys.stdin.buffer.read(MAX_ANSWER_BYTES + 1))):
        sys.stdout.write(line + "\n")
    return 0
