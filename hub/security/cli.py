"""The command of `loa-hub` that judges the log of what people did."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from contextlib import closing
from typing import Any

from hub import audit
from hub.config import Config
from hub.errors import BadInputError, ConflictError
from hub.setup import open_prepared

Act = Callable[[Config, argparse.Namespace], None]
_HEAD = re.compile(r"(\d{1,9}):([0-9a-f]{64})")
_WHY = {
    "changed": "line {n} was changed",
    "missing": "one or more lines before line {n} were removed, or line {n} was put in",
    "cut": "the end of the log, from line {n} on, was removed",
    "other": "line {n} is not the one that was written down: the log was written anew",
}


def add_commands(commands: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    acts = commands.add_parser("audit", help="The log of what people did.").add_subparsers(required=True, metavar="ACT")
    verify = add("verify", _verify, "Say whether the log is whole and, if not, where it breaks.", acts)
    verify.add_argument("--expect", metavar="LINE:HASH", help="as an earlier run or the page said, kept elsewhere")


def _verify(config: Config, args: argparse.Namespace) -> None:
    expect = _read_head(args.expect) if args.expect else None
    with closing(open_prepared(config)) as hub, hub.reading() as conn:
        found = audit.verify(conn, expect)
    if not found.is_whole:
        raise ConflictError(_WHY[found.why], n=found.broken_at)
    print(f"whole: {found.lines} lines, the last {found.last}:{found.hash}")


def _read_head(text: str) -> tuple[int, str]:
    match = _HEAD.fullmatch(text)
    if match is None:
        raise BadInputError("{text} is not LINE:HASH", text=text)
    return int(match[1]), match[2]
