"""What a province has signed up to now, from the ceremony's own folder or from the hub, verified from the root."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from securesystemslib.signer import Key
from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from provisioning.approval.words import N_
from provisioning.errors import ProvisioningError
from provisioning.trusted import LENIENT, MetadataSource
from wire.bundle import MAX_METADATA_BYTES, METADATA
from wire.errors import WireError
from wire.trust.held import Held, Refusal, delegations, load_held, pin_root
from wire.trust.layout import LEAF_KINDS, parse_role_name
from wire.trust.refresh import refresh, run
from wire.trust.rolefile import metadata_file_name, parse_role_file
from wire.trust.scope import WholeProvince
from wire.trust.succession import next_root
from wire.units import UtcTime

MIN_KEY_ID = 8
MAX_VERSIONS = 100_000


class PresentError(ProvisioningError):
    """What is there does not verify, or is not there."""

    code = "present"


def from_folder(root: bytes, folder: Path) -> Held:
    """The newest file of each role in FOLDER/metadata. Raises PresentError, WireError."""
    found: dict[str, dict[int, bytes]] = {}
    for path in (folder / "metadata").glob("*.json"):
        number, _, role = path.name.removesuffix(".json").partition(".")
        if role and METADATA.pattern.fullmatch(path.name) and path.stat().st_size <= MAX_METADATA_BYTES:
            found.setdefault(role, {})[int(number)] = path.read_bytes()
    if not found:
        raise PresentError(f"{folder}/metadata holds no metadata")
    held = pin_root(root)
    while (raw := found.get(Root.type, {}).get(held.root.version + 1)) is not None:
        held = next_root(held, raw)
    newest = {role: files[max(files)] for role, files in found.items() if role not in (Snapshot.type, Timestamp.type)}
    return _whole(*load_held({**newest, Root.type: held.root.raw}, {}))


def from_hub(root: bytes, hub: MetadataSource) -> Held:
    """What the hub serves. Raises PresentError where it does not verify, and what the hub's client raises."""
    steps = refresh(pin_root(root), scope=WholeProvince(), floor=UtcTime(0), rules=LENIENT)
    outcome = run(steps, lambda wanted: hub.metadata(wanted.name))
    return _whole(outcome.held, outcome.refusals)


def from_hostile_hub(root: bytes, hub: MetadataSource) -> Held:
    """The newest files that people signed, whatever the hub's own keys say of them: asked for by rising versions.

    For `evict-hub`: a hub that was stolen may have fast-forwarded its lists out of everybody's reach.
    """
    held = pin_root(root)
    while (raw := hub.metadata(metadata_file_name(Root.type, held.root.version + 1))) is not None:
        held = next_root(held, raw)
    files: dict[str, bytes] = {Root.type: held.root.raw}
    waiting, hints = [Targets.type], _hints(hub)
    while waiting:
        name = waiting.pop()
        newest = _newest(hub, name, hints.get(f"{name}.json", 1)) or _newest(hub, name, 1)
        if newest is not None and name not in files:
            files[name] = newest
            waiting += list(delegations(parse_role_file(name, newest, Targets).signed))
    return _whole(*load_held(files, {}))


def _hints(hub: MetadataSource) -> dict[str, int]:
    """Where to begin to ask, as the hub itself says: it need not have kept old versions. Nothing is believed."""
    try:
        stamp = parse_role_file(Timestamp.type, hub.metadata("timestamp.json") or b"", Timestamp)
        name = metadata_file_name(Snapshot.type, stamp.signed.snapshot_meta.version)
        listed = parse_role_file(Snapshot.type, hub.metadata(name) or b"", Snapshot)
    except WireError:
        return {}
    return {role: meta.version for role, meta in listed.signed.meta.items()}


def _newest(hub: MetadataSource, name: str, version: int) -> bytes | None:
    found = None
    while (raw := hub.metadata(metadata_file_name(name, version))) is not None and version < MAX_VERSIONS:
        version, found = version + 1, raw
    return found


def find_key(held: Held, start: str) -> str:
    """The one key whose id begins so (8 characters at least; blanks do not count). Raises PresentError."""
    wanted = "".join(start.split()).lower()
    found = {key_id for key_id in _keys(held) if key_id.startswith(wanted)}
    if len(wanted) < MIN_KEY_ID or len(found) != 1:
        raise PresentError(N_("{n} keys begin with “{start}”; give at least {least} characters of one"), n=len(found),
                           start=start, least=MIN_KEY_ID)  # fmt: skip
    return found.pop()


def _keys(held: Held) -> dict[str, Key]:
    known = dict(held.root.signed.keys)
    for file in held.roles.values():
        known |= file.signed.delegations.keys if file.signed.delegations else {}
    return known


def _whole(held: Held, refusals: Iterable[Refusal]) -> Held:
    refused = [f"{one.role}: {one.detail}" for one in refusals if not _stands_alone(held, one.role)]
    if refused or held.targets is None:
        raise PresentError(f"what is there does not verify: {'; '.join(refused[:3]) or 'no targets'}")
    return held


def _stands_alone(held: Held, role: str) -> bool:
    """Whether nothing hangs on a role's file: after a key was revoked, what it alone signed verifies no more.

    That must not keep the ceremony from naming another holder.
    """
    name = parse_role_name(role, held.province or "")
    return name is not None and name.kind in LEAF_KINDS
