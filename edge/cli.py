"""The commands of a device: init, run, plan, status, log, bundle; enrol (`enrol_command`), tuf-client (`tuf_command`).

Exit 0; 1 with one line of reason; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from edge.agent import Agent
from edge.config import FILE, load_config
from edge.enrol_command import add_enrol
from edge.errors import ConfigError, EdgeError
from edge.inspection import log_line, plan_ahead, read_log, read_status, status_lines
from edge.parts import build_parts
from edge.setup import Wishes, init_device
from edge.sticks import INBOX, import_by_hand
from edge.tuf_command import add_tuf_client
from wire.errors import WireError

LOCK_FILE: Final = "agent.lock"
HANDED_LIMIT_S: Final = 120.0
POLL_S: Final = 0.2

log = logging.getLogger(__name__)


def run_command(arguments: Sequence[str]) -> int:
    """Parse, run, and turn errors of ours into one line."""
    options = make_parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except ConfigError as error:
        return _fail(error, options, 2)
    except (EdgeError, WireError) as error:
        return _fail(error, options, 1)
    except BrokenPipeError:
        return 1
    return status


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loa-edge", description="One loudspeaker of Loa.")
    parser.add_argument("--verbose", action="store_true", help="show where an error comes from")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    init = _command(commands, "init", init_command, "for a demo or a bench: key, settings and request by hand")
    init.add_argument("--device", required=True, help="id: a-z, 0-9 and -, at most 40")
    init.add_argument("--serial", default="", help="hardware serial (default: of the board)")
    init.add_argument("--root", required=True, type=Path, help="the province's root.json, handed over by a person")
    init.add_argument("--hub", default="", help="URL of the hub; without it the device lives on bundles")
    init.add_argument("--broker", default="", metavar="HOST:PORT", help="MQTT broker")
    init.add_argument("--board", default="pc", help="board file in hardware/boards (default: pc)")
    _command(commands, "run", run_agent, "run the device until a signal")
    plan = _command(commands, "plan", plan_command, "what it will play, from what is on the disk")
    plan.add_argument("--days", type=int, default=1, choices=range(1, 46), metavar="N", help="1 to 45 (default: 1)")
    plan.add_argument("--from", dest="first", default="", metavar="YYYY-MM-DD", help="first day (default: today)")
    plan.add_argument("--json", action="store_true")
    status = _command(commands, "status", status_command, "what it holds, whether it runs, what is wrong")
    status.add_argument("--json", action="store_true")
    rows = _command(commands, "log", log_command, "the newest rows of its log: what played, what did not and why")
    rows.add_argument("--last", type=int, default=20, choices=range(1, 10_001), metavar="N", help="default: 20")
    rows.add_argument("--json", action="store_true")
    bundle = _command(commands, "bundle", bundle_command, "import a .loab file by hand")
    bundle.add_argument("file", type=Path)
    add_enrol(commands)
    add_tuf_client(commands)
    return parser


def init_command(options: argparse.Namespace) -> int:
    wishes = Wishes(options.device, options.serial, options.board, options.hub, options.broker, options.root)
    for line in init_device(options.dir, wishes):
        _say(line)
    return 0


def run_agent(options: argparse.Namespace) -> int:
    config = load_config(options.dir, os.environ)
    logging.basicConfig(
        stream=sys.stderr, level=config.log_level, format=f"{config.device} %(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("tuf").setLevel(logging.WARNING)      # it says each key that has not signed
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with _lock(options.dir) as is_ours:
        if not is_ours:
            raise EdgeError(f"an agent runs in {options.dir} already")
        return Agent(build_parts(options.dir, config)).run()


def plan_command(options: argparse.Namespace) -> int:
    plan = plan_ahead(options.dir, load_config(options.dir, os.environ), days=options.days, first=options.first)
    if options.json:
        _say(json.dumps(plan, ensure_ascii=False))
        return 0
    for play in plan["plays"]:
        _say(f"{play['local']}  {play['slot_title']}: {play['title']}{'' if play['here'] else '  (content missing)'}")
    for omission in plan["omissions"]:
        _say(f"{omission['local']}  not: {omission['title'] or omission['slot_title']}: {omission['why']}")
    return 0


def status_command(options: argparse.Namespace) -> int:
    with _lock(options.dir) as is_free:
        status: dict[str, Any] = read_status(options.dir, load_config(options.dir, os.environ), runs=not is_free)
    if options.json:
        _say(json.dumps(status, ensure_ascii=False))
        return 0
    for line in status_lines(status):
        _say(line)
    return 0


def log_command(options: argparse.Namespace) -> int:
    rows = read_log(options.dir, last=options.last)
    if options.json:
        _say(json.dumps(rows, ensure_ascii=False))
        return 0
    for row in rows:
        _say(log_line(row))
    return 0


def bundle_command(options: argparse.Namespace) -> int:
    """Into a dead device directly; a running agent is handed the file and imports it itself."""
    config = load_config(options.dir, os.environ)
    with _lock(options.dir) as is_free:
        if is_free:
            return _import_here(options, config)
    return _hand_over(options.dir, options.file)


def _import_here(options: argparse.Namespace, config: Any) -> int:
    outcome = import_by_hand(build_parts(options.dir, config), options.file)
    if outcome.error:
        raise EdgeError(outcome.error)
    for what in outcome.report.installed:
        _say(f"taken: {what}")
    for refusal in outcome.report.refusals:
        _say(f"refused: {refusal.role}: {refusal.code} {refusal.detail}")
    missing = len(outcome.supply.missing) if outcome.supply else 0
    _say(f"{missing} sounds are still missing" if missing else "complete")
    return 0


def _hand_over(folder: Path, file: Path) -> int:
    inbox = folder / INBOX
    inbox.mkdir(exist_ok=True)
    part = inbox / f"{file.name}.part"
    try:
        part.write_bytes(file.read_bytes())
        part.rename(inbox / file.name)
    except OSError as error:
        raise EdgeError(f"{file}: {error.strerror}") from error
    deadline = time.monotonic() + HANDED_LIMIT_S
    while (inbox / file.name).exists():
        if time.monotonic() > deadline:
            raise EdgeError("the running agent has not taken it; see its log")
        time.sleep(POLL_S)
    for status in inbox.glob("*.txt"):
        _say(status.read_text("utf-8-sig"))
    return 0


@contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Hold the folder, as an agent does; False if another process holds it."""
    try:
        with (folder / LOCK_FILE).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
    except FileNotFoundError as error:
        raise ConfigError(f"{folder} is no device folder ({FILE} is made by `loa-edge init`)") from error


def _command(commands: Any, name: str, function: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--dir", type=Path, required=True, help="the device's folder")
    parser.set_defaults(run=function)
    return parser


def _fail(error: EdgeError | WireError, options: argparse.Namespace, status: int) -> int:
    if options.verbose:
        logging.basicConfig(stream=sys.stderr)
        log.error("failed", exc_info=error)
    sys.stderr.write(f"loa-edge: {error}\n")
    return status


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
