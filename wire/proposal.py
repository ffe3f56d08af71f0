"""A change that waits for signatures: how hub and approval app name its content.

The hub stores proposals, the approval app shows one and signs; both must mean the same bytes. Whether the bytes may be
signed is the app's own judgement (`wire.trust`, `wire.release`), whether they are released the hub's and each device's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from wire.areas import placements_target, policy_target, programme_target, speaker_role, template_target
from wire.codec import encode

KINDS = ("programme", "policy", "placements", "template")


def proposal_digest(targets: Mapping[str, bytes]) -> str:
    """SHA-256 (hex) over the canonical JSON {path: SHA-256 of the content}: what was shown is what is signed."""
    return hashlib.sha256(encode({path: hashlib.sha256(raw).hexdigest() for path, raw in targets.items()})).hexdigest()


def proposal_role(kind: str, area: str) -> str:
    """The role that signs a kind of change of an area."""
    province = area.split("/", 1)[0]
    return {"placements": f"d{province}", "template": "tpl"}.get(kind) or speaker_role(area)


def may_change(kind: str, area: str, path: str) -> bool:
    """Whether a target file belongs to this kind of change of this area; a proposal holding another is refused."""
    if kind == "template":
        name = path.rsplit("/", 1)[-1]
        return name.endswith(".json") and path == template_target(area.split("/", 1)[0], name.removesuffix(".json"))
    expected = {"programme": programme_target, "policy": policy_target, "placements": placements_target}.get(kind)
    return expected is not None and path == expected(area)
