"""What a new hub must be given when the old one is thrown out: each signed file, every root, and what the files list.

Brought together from wherever it still is: the ceremony's folder, the old hub, the state of approvers' stations.
Nothing is believed; what cannot be found is named, so that somebody looks for it before devices ask for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from provisioning.blobs import write_durably
from provisioning.trusted import TARGETS_FOLDER, Truststore
from wire.bundle import MAX_METADATA_BYTES, MAX_TARGET_BYTES
from wire.errors import WireError
from wire.release import metadata_file_name
from wire.trust.authority import delegator_of
from wire.trust.held import Held, verify_role
from wire.trust.layout import LEAF_KINDS, parse_role_name
from wire.trust.rolefile import target_hashes

Metadata = Callable[[str], bytes | None]
Target = Callable[[str, str], bytes | None]


@dataclass
class Sources:
    """Where files are looked for, in order."""

    metadata: list[Metadata] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)

    def add_folder(self, folder: Path) -> None:
        """A ceremony's folder, or what `evict-hub` made before."""
        self.metadata.append(lambda name: _read(folder / "metadata" / name, MAX_METADATA_BYTES))
        self.targets.append(lambda path, _digest: _read(folder / "targets" / path, MAX_TARGET_BYTES))

    def add_station(self, state: Path) -> None:
        self.targets.append(lambda _path, digest: _read(state / TARGETS_FOLDER / digest, MAX_TARGET_BYTES))


def with_stations(held: Held, root: bytes, states: Sequence[Path]) -> Held:
    """`held` with the newer releases that stations remember, as far as they verify. Raises NotTrustedError."""
    roles = dict(held.roles)
    for state in states:
        for name, file in Truststore(state, root).held.roles.items():
            known = roles[name].version if name in roles else 0
            if file.version > known and _is_leaf(held, name) and _verifies(held, name, file.raw):
                roles[name] = file
    return replace(held, roles=roles)


def hand_over(held: Held, out: Path, sources: Sources) -> list[str]:
    """Write `metadata/` and `targets/`; what was found nowhere. Raises OSError, and what a hub's client raises."""
    missing = []
    for version in range(1, held.root.version):
        name = metadata_file_name(held.root.name, version)
        raw = next(filter(None, (find(name) for find in sources.metadata)), None)
        if raw is None:
            missing.append(name)
        else:
            write_durably(out / "metadata" / name, raw)
    for file in (held.root, *held.roles.values()):
        write_durably(out / "metadata" / metadata_file_name(file.name, file.version), file.raw)
    for role in held.roles.values():
        missing += _targets(role.name, role.raw, out, sources)
    return missing


def _targets(role: str, raw: bytes, out: Path, sources: Sources) -> list[str]:
    missing = []
    for path, digest in target_hashes(role, raw).items():
        brought = (find(path, digest) for find in sources.targets)
        content = next((one for one in brought if one is not None and hashlib.sha256(one).hexdigest() == digest), None)
        if content is None:
            missing.append(path)
        else:
            write_durably(out / "targets" / path, content)
    return missing


def _verifies(held: Held, name: str, raw: bytes) -> bool:
    try:
        verify_role(name, raw, delegator_of(held, name), held.province)
    except WireError:
        return False
    return True


def _is_leaf(held: Held, role: str) -> bool:
    name = parse_role_name(role, held.province or "")
    return name is not None and name.kind in LEAF_KINDS


def _read(path: Path, limit: int) -> bytes | None:
    """A file of at most `limit` bytes; None where there is none. Raises OSError."""
    if not path.is_file() or path.stat().st_size > limit:
        return None
    return path.read_bytes()
