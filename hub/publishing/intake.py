"""Takes over what the trust ceremony made: `loa-hub init --trust DIR` (metadata, targets, the two online keys)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from hub import audit
from hub.context import Hub
from hub.errors import ConfigError
from hub.publishing import repository
from hub.publishing.online_keys import SNAPSHOT, TIMESTAMP, OnlineKeys
from hub.publishing.release import publish_online
from wire.bundle import MAX_METADATA_BYTES, MAX_TARGET_BYTES, METADATA, TARGETS
from wire.errors import WireError
from wire.trust.authority import authority
from wire.trust.held import Held, load_held
from wire.trust.layout import LEAF_KINDS, parse_role_name
from wire.trust.rolefile import signer_ids, target_hashes


def take_trust(hub: Hub, folder: Path) -> int:
    """Store new role files of DIR/metadata and the keys of DIR/online; how many files were new.

    Raises ConfigError, and stores nothing, where the files do not verify or the online keys are not those of root.
    """
    brought = folder / "online"
    online = OnlineKeys(brought, None) if brought.is_dir() else OnlineKeys(hub.config.online_dir, hub.keys)
    found = _read(folder / "metadata")
    now = hub.now()
    with hub.writing() as conn:
        repository.lock(conn)
        new: list[str] = []
        if _are_new(conn, online):
            # A thief may have fast-forwarded what the old keys signed; devices forget it with them (TUF 5.3.11).
            for role in (SNAPSHOT, TIMESTAMP):
                repository.forget_role(conn, role)
        for (role, version), body in sorted(found.items()):
            if role not in (SNAPSHOT, TIMESTAMP) and repository.role_file(conn, role, version) is None:
                repository.put_role(conn, role, version, body, now)
                repository.put_targets(conn, role, version, _targets(folder / "targets", role, body), now)
                new.append(role)
        if new:
            publish_online(conn, online, now)
            audit.note(conn, at=now, person="system", verb="trust", subject=f"{len(new)} files")
        _check(repository.newest_files(conn), online, new)
    _keep_keys(hub, brought)  # only now: refused metadata leave the hub the keys that it has
    return len(new)


def _are_new(conn: Connection, online: OnlineKeys) -> bool:
    """Whether the online keys are others than those that signed what is served now."""
    served = repository.current_role(conn, TIMESTAMP)
    return served is not None and online.key_ids[TIMESTAMP] not in signer_ids(served[1])


def _check(files: dict[str, bytes], online: OnlineKeys, new: Sequence[str]) -> None:
    """Raise ConfigError unless all verifies that is new, and all that others rest on.

    What somebody signed alone who is now taken out verifies no more, and is no reason to refuse that he is.
    """
    if "root" not in files:
        raise ConfigError("There is no root among the metadata")
    try:
        held, refusals = load_held(files, {})
    except WireError as error:
        raise ConfigError("The root of trust is not acceptable: {reason}", reason=error.detail) from error
    unknown = [f"{one.role}: {one.detail}" for one in refusals if one.role in new or not _is_leaf(held, one.role)]
    if unknown:
        raise ConfigError("Metadata that does not verify: {reason}", reason="; ".join(unknown[:3]))
    for role, key_id in online.key_ids.items():
        if key_id not in authority(held, role).key_ids:
            raise ConfigError("The online key of {role} is not the one that root names", role=role)


def _is_leaf(held: Held, role: str) -> bool:
    name = parse_role_name(role, held.province or "")
    return name is not None and name.kind in LEAF_KINDS


def _read(folder: Path) -> dict[tuple[str, int], bytes]:
    found = {}
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        number, _, role = path.name.removesuffix(".json").partition(".")
        if METADATA.pattern.fullmatch(path.name) and role:
            if path.stat().st_size > MAX_METADATA_BYTES:
                raise ConfigError("{path} is too large", path=path)
            found[role, int(number)] = path.read_bytes()
    if not found:
        raise ConfigError("{path} holds no metadata (N.role.json)", path=folder)
    return found


def _targets(folder: Path, role: str, body: bytes) -> dict[str, bytes]:
    """Those of a role's targets that the ceremony brought, by path. Raises ConfigError where one has other bytes."""
    found = {}
    for path, digest in target_hashes(role, body).items():
        file = folder / path
        if not TARGETS.pattern.fullmatch(path) or not file.is_file():
            continue  # nothing that a hub serves, or released through the hub, which holds it already
        raw = file.read_bytes() if file.stat().st_size <= MAX_TARGET_BYTES else b""
        if hashlib.sha256(raw).hexdigest() != digest:
            raise ConfigError("{path} is not the file that {role} names", path=file, role=role)
        found[path] = raw
    return found


def _keep_keys(hub: Hub, folder: Path) -> None:
    hub.config.online_dir.mkdir(exist_ok=True, mode=0o700)
    for role in (SNAPSHOT, TIMESTAMP):
        source = folder / f"{role}.pem"
        if source.exists():
            hub.keys.write(hub.config.online_dir / f"{role}.pem", source.read_bytes())
