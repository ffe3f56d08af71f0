"""`trust init`: make everybody's key, sign the first metadata, and lay it all down in one folder, in one step.

The folder: `keys/<name>.key` and `.pub` (each goes to its person and nowhere else) · `metadata/` and `targets/` as the
hub serves them · `online/` the two keys that go to the hub · `root.json`, what devices and stations are given to trust.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from securesystemslib.signer import Key, Signer
from tuf.api.metadata import Root, Snapshot, Timestamp

from provisioning.approval.words import N_
from provisioning.blobs import sync_folder
from provisioning.errors import ProvisioningError
from provisioning.keys import MIN_ROUNDS, create_key, create_online_key, write_new
from provisioning.trust.delegations import FirstMetadata
from provisioning.trust.roster import Roster
from wire.areas import policy_target
from wire.codec import encode
from wire.policy import Hours, Policy
from wire.release import build_snapshot, build_timestamp, metadata_file_name, sign_role
from wire.trust.held import Held, pin_root
from wire.trust.refresh import refresh, run
from wire.trust.scope import WholeProvince
from wire.units import HOUR, MINUTE, UtcTime

ONLINE = (Snapshot.type, Timestamp.type)
FIRST_HOURS = (5 * HOUR + 30 * MINUTE, 21 * HOUR)


class CeremonyError(ProvisioningError):
    """Nothing was laid down."""

    code = "ceremony"


@dataclass(frozen=True)
class Ceremony:
    """What a person decides before the keys are made."""

    roster: Roster
    passphrases: Mapping[str, str]
    issued: UtcTime
    rounds: int = MIN_ROUNDS


def check_free(folder: Path) -> None:
    """Raise CeremonyError unless `folder` can be made, or is empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CeremonyError(N_("{file} exists already; nothing was changed"), file=folder)


def lay_down(ceremony: Ceremony, folder: Path, *, on_key: Callable[[str], None]) -> Held:
    """Make the folder; `on_key` hears each person's name before their key is made.

    Nothing remains of an attempt that fails. Raises CeremonyError where the folder is there already, KeyFileError.
    """
    check_free(folder)
    missing = [person.name for person in ceremony.roster.people if person.name not in ceremony.passphrases]
    if missing:
        raise CeremonyError(f"no passphrase for {missing[0]}")
    workplace = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        held = _fill(ceremony, workplace, on_key)
        workplace.replace(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise CeremonyError(f"{error.filename or folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return held


def _fill(ceremony: Ceremony, folder: Path, on_key: Callable[[str], None]) -> Held:
    for name in ("", "keys", "metadata", "online", "targets"):
        (folder / name).mkdir(mode=0o700, parents=True)
    signers: dict[str, Signer] = {}
    for person in ceremony.roster.people:
        on_key(person.name)
        path = folder / "keys" / f"{person.name}.key"
        signers[person.name] = create_key(path, ceremony.passphrases[person.name], rounds=ceremony.rounds)
    online = {name: create_online_key(folder / "online" / f"{name}.pem") for name in ONLINE}
    targets = first_targets(ceremony.roster.province, ceremony.issued)
    files = sign_first(ceremony.roster, signers, online, ceremony.issued, targets=targets)
    for name, raw in files.items():
        write_new(folder / "metadata" / name, raw, mode=0o644)
    for path, raw in targets.items():
        (folder / "targets" / path).parent.mkdir(parents=True, exist_ok=True)
        write_new(folder / "targets" / path, raw, mode=0o644)
    write_new(folder / "root.json", files[metadata_file_name(Root.type, 1)], mode=0o644)
    for name in ("keys", "metadata", "online", ""):
        sync_folder(folder / name)
    return _verified(files, ceremony.issued)


def first_targets(province: str, issued: UtcTime) -> dict[str, bytes]:
    """The safety envelope from which a province starts, by path: half an hour inside what is built into devices."""
    hours = [Hours(FIRST_HOURS[0], FIRST_HOURS[1])]
    return {policy_target(province): encode(Policy(province, issued, hours=hours))}


def sign_first(
    roster: Roster, signers: Mapping[str, Signer], online: Mapping[str, Signer], issued: UtcTime,
    *, targets: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:  # fmt: skip
    """The first metadata, signed by everybody who must: file name to bytes. `signers` by person, `online` by role."""
    first = FirstMetadata(roster, _public(signers), _public(online), issued, targets=targets)
    roles: dict[str, bytes] = {}
    for role, unsigned in first.roles().items():
        roles[role] = unsigned
        for name in first.signers(role):
            roles[role] = sign_role(roles[role], signers[name])
    delegated = {role: raw for role, raw in roles.items() if role != Root.type}
    roles[Snapshot.type] = sign_role(build_snapshot(None, delegated, issued), online[Snapshot.type])
    timestamp = build_timestamp(None, roles[Snapshot.type], issued)
    roles[Timestamp.type] = sign_role(timestamp, online[Timestamp.type])
    return {metadata_file_name(role, 1): raw for role, raw in roles.items()}


def _verified(files: Mapping[str, bytes], issued: UtcTime) -> Held:
    """What a device would make of it: the ceremony ends only if everything is accepted."""
    pinned = pin_root(files[metadata_file_name(Root.type, 1)])
    outcome = run(refresh(pinned, scope=WholeProvince(), floor=issued), lambda wanted: files.get(wanted.name))
    if outcome.refusals:
        raise CeremonyError(f"the new metadata does not verify: {outcome.refusals[0].detail}")
    return outcome.held


def _public(signers: Mapping[str, Signer]) -> dict[str, Key]:
    return {name: signer.public_key for name, signer in signers.items()}
