"""Area paths, and which trust role speaks for which path (design §5).

A path is official codes joined by `/`, province first: `08`, `08/00694`, `08/00694/07`. In topics `/` becomes `.`.
"""

from __future__ import annotations

import re

from wire.errors import MalformedError

AREA = re.compile(r"[0-9a-z]{1,10}(/[0-9a-z]{1,10}){0,5}")
COMMUNES_PER_GROUP = 8


def check_path(path: str) -> str:
    """The path itself, or MalformedError."""
    if not AREA.fullmatch(path):
        raise MalformedError(f"not an area path: {path[:60]!r}")
    return path


def contains(outer: str, inner: str) -> bool:
    """Whether `inner` is `outer` or lies below it, by whole segments (`08/006` does not contain `08/00694`)."""
    return inner == outer or inner.startswith(outer + "/")


def ancestry(path: str) -> list[str]:
    """The path's areas from the province down to itself."""
    parts = path.split("/")
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def leaf(path: str) -> str:
    """The last code of a path."""
    return path.rsplit("/", 1)[-1]


def parent(path: str) -> str | None:
    """The area above, or None for a province."""
    return path.rsplit("/", 1)[0] if "/" in path else None


def speaker_role(path: str) -> str:
    """The role whose keys sign an area's programme and policy: `p08` for a province, `c00694` for a commune."""
    return f"{'c' if '/' in path else 'p'}{leaf(path)}"


def emergency_role(path: str, act: str) -> str:
    """The emergency role of an area; `act` is `ea` (template), `ef` (free text, live) or `ed` (drill)."""
    return f"{act}{leaf(path)}"


def emergency_scope(path: str) -> str:
    """The pattern in the delegation of an area's e-roles. It states their scope; they sign no targets."""
    return f"em/{path}/*"


def programme_target(path: str) -> str:
    return f"areas/{path}/programme.json"


def policy_target(path: str) -> str:
    return f"areas/{path}/policy.json"


def placements_target(path: str) -> str:
    """The placements of all devices that stand in a commune (`path` may be any area at or below the commune)."""
    return f"areas/{'/'.join(path.split('/')[:2])}/placements.json"


def template_target(province: str, template: str) -> str:
    return f"templates/{province}/{template}.json"
