"""The highest versions that this machine has seen of what names keys, beside its root.json.

A change is built on what is held. A stolen hub that shows a holder an older state would have a revoked key signed back
in with the next honest change; two such rounds, and devices would take it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from provisioning.approval.words import N_
from provisioning.blobs import write_durably
from provisioning.trust.present import PresentError
from wire.trust.held import Held
from wire.trust.layout import LEAF_KINDS, parse_role_name

MAX_BYTES = 256 * 1024


class _Seen(Struct, frozen=True, forbid_unknown_fields=True):
    province: str
    versions: dict[str, Annotated[int, Meta(ge=1)]]


def remember(path: Path, held: Held) -> None:
    """Keep what is held. Raises PresentError where it is older than what was seen, OSError where it cannot be kept."""
    province, now = held.province or "", _versions(held)
    before = _read(path)
    seen = before.versions if before and before.province == province else {}
    for role, version in seen.items():
        if now.get(role, 0) < version:
            raise PresentError(
                N_("{role} is shown as version {now}, but this machine has seen version {seen}: somebody hides what is "
                   "newer. Take another source (--trust or --hub)."),
                role=role, now=now.get(role, 0), seen=version,
            )  # fmt: skip
    if now != seen:
        write_durably(path, msgspec.json.encode(_Seen(province, now)))


def _versions(held: Held) -> dict[str, int]:
    """Of root and of every role that delegates: a commune's own file may vanish with its holder, and begin anew."""
    files = [held.root, *held.roles.values()]
    return {file.name: file.version for file in files if not _is_leaf(held, file.name)}


def _is_leaf(held: Held, role: str) -> bool:
    name = parse_role_name(role, held.province or "")
    return name is not None and name.kind in LEAF_KINDS


def _read(path: Path) -> _Seen | None:
    """What was kept. Raises PresentError where it is damaged: deleting it is a person's decision."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(MAX_BYTES), type=_Seen)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PresentError(N_("{file} is damaged; if nobody did that, delete it"), file=path) from error
