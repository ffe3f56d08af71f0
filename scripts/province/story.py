"""Telling a story step by step: each step passes or fails with one line, and the end counts them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from scripts.province.processes import DemoError

T = TypeVar("T")


class Story:
    """Counts what passed and failed. A step that others build on is `need`ed: without it the story ends there."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self._begun = time.monotonic()

    def step(self, name: str, act: Callable[[], object]) -> bool:
        try:
            act()
        except (DemoError, AssertionError, KeyError, OSError) as error:
            self.failed += 1
            self._say("FAILED", f"{name}: {type(error).__name__ if isinstance(error, KeyError) else ''}{error}")
            return False
        self.passed += 1
        self._say("ok", name)
        return True

    def need(self, name: str, act: Callable[[], T]) -> T:
        """A step whose result later steps use. Raises DemoError, after counting the failure, where there is none."""
        kept: list[T] = []
        if not self.step(name, lambda: kept.append(act())):
            raise DemoError(f"the story cannot go on without: {name}")
        return kept[0]

    def end(self) -> int:
        """Print the closing line; the exit status."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed else 0

    def _say(self, verdict: str, what: str) -> None:
        print(f"{time.monotonic() - self._begun:6.1f} s  {verdict:<7} {what}", flush=True)


def must(holds: object, otherwise: str) -> None:
    if not holds:
        raise DemoError(otherwise)
