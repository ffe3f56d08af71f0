"""Whether a file holds anything that the approver would not be shown.

Devices ignore fields that they do not know; an approver must not sign them: a newer device may obey them. So what was
decoded must say the same as the file: no unknown field, no field twice, no entry left out.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec


def unknown_parts(raw: bytes, decoded: msgspec.Struct) -> list[str]:
    """Where `raw` says more than `decoded`, as paths such as `slots[3].echo`; empty when all is understood."""
    twice: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        twice.extend(name for name in set(names) if names.count(name) > 1)
        return dict(pairs)

    plain = json.loads(raw, object_pairs_hook=once)
    return sorted(twice) + _beyond(plain, msgspec.to_builtins(decoded), "")


def _beyond(raw: Any, known: Any, where: str) -> list[str]:
    if isinstance(raw, dict) and isinstance(known, dict):
        found: list[str] = []
        for name, value in raw.items():
            path = f"{where}.{name}" if where else name
            found += _beyond(value, known[name], path) if name in known else [path]
        return found
    if isinstance(raw, list) and isinstance(known, list) and len(raw) == len(known):
        return [path for n, pair in enumerate(zip(raw, known, strict=True)) for path in _beyond(*pair, f"{where}[{n}]")]
    return [] if type(raw) is type(known) and raw == known else [where]
