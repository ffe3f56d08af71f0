"""A change of trust as one file that goes from holder to holder, by stick or mail, and gathers their signatures."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from securesystemslib.signer import Signer
from tuf.api.metadata import Root

from provisioning.approval.words import N_
from provisioning.errors import ProvisioningError
from provisioning.trust.review import read_file
from provisioning.trust.untold import check_told
from wire.errors import WireError
from wire.release import add_signatures, metadata_file_name, sign_role
from wire.trust.authority import authority, delegator_name, delegator_of
from wire.trust.held import Held, verify_role
from wire.trust.rolefile import Delegator, RoleFile
from wire.trust.succession import next_root, verify_next_root
from wire.units import UtcTime

MAX_CHANGE_BYTES = 8 * 1024 * 1024


class ChangeFileError(ProvisioningError):
    """Not a change, or not one that follows what is held."""

    code = "change_file"


class _Kept(Struct, frozen=True, forbid_unknown_fields=True):
    kind: Annotated[str, Meta(pattern="^loa-trust-change$")]
    files: Annotated[dict[Annotated[str, Meta(pattern="^[a-z0-9-]{1,40}$")], str], Meta(min_length=1, max_length=500)]


@dataclass(frozen=True)
class Lacking:
    """How far one file of a change is signed."""

    role: str
    good: int
    needed: int
    """Root: the present holders' and, where they change, the new ones'."""


class ChangeFile:
    """`files` by role. What it says is judged against `held` whenever it is shown or signed."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)

    @classmethod
    def read(cls, path: Path) -> ChangeFile:
        """Raises ChangeFileError."""
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_CHANGE_BYTES + 1)
        except OSError as error:
            raise ChangeFileError(f"{path}: {error.strerror}") from error
        if len(raw) > MAX_CHANGE_BYTES:
            raise ChangeFileError(f"{path}: more than {MAX_CHANGE_BYTES} bytes")
        try:
            kept = msgspec.json.decode(raw, type=_Kept)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ChangeFileError(f"{path}: not a change of trust ({error})") from error
        return cls({role: text.encode() for role, text in kept.files.items()})

    def write(self, path: Path) -> None:
        """Replace the file as a whole."""
        kept = _Kept("loa-trust-change", {role: raw.decode() for role, raw in self.files.items()})
        fresh = path.with_name(f"{path.name}.new")
        with fresh.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(kept), indent=1))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    def check(self, held: Held, now: UtcTime) -> None:
        """Raise ChangeFileError unless every file is the next version of what is held, ChangeError as `check_told`."""
        for role, raw in self.files.items():
            before = held.root if role == Root.type else held.roles.get(role)
            after = read_file(role, raw)
            if after.version != (before.version if before else 0) + 1:
                raise ChangeFileError(
                    N_("{role}: version {after} does not follow {before}; something was released meanwhile, make the "
                       "change anew"),
                    role=role, after=after.version, before=before.version if before else 0,
                )  # fmt: skip
            check_told(held, before, after, now)

    def sign(self, held: Held, signer: Signer) -> list[str]:
        """Add a holder's signature to every file that he may sign; which these were. Raises ChangeFileError."""
        key_id = signer.public_key.keyid
        signed = [role for role in self.files if key_id in self._key_ids(held, role)]
        if not signed:
            raise ChangeFileError(N_("this key may sign nothing of the change"))
        for role in signed:
            self.files[role] = sign_role(self.files[role], signer)
        return signed

    def merge(self, other: ChangeFile) -> None:
        """Take over the signatures of another copy. Raises MalformedError where it says something else."""
        for role, raw in other.files.items():
            self.files[role] = add_signatures(self.files[role], raw)

    def lacking(self, held: Held) -> list[Lacking]:
        """The files that have too few signatures."""
        return [state for role in self.files if (state := self._state(held, role)).good < state.needed]

    def finish(self, held: Held, folder: Path) -> list[str]:
        """Write the complete change as `metadata/<n>.<role>.json`, verified first. Raises ChangeFileError."""
        lacking = self.lacking(held)
        if lacking:
            raise ChangeFileError(
                N_("{role} has {good} of {needed} signatures"),
                role=lacking[0].role, good=lacking[0].good, needed=lacking[0].needed,
            )  # fmt: skip
        names = []
        for role, raw in self.files.items():
            try:
                if role == Root.type:
                    verify_next_root(held.root, raw)
                else:
                    verify_role(role, raw, self._delegator(held, role), held.province)
            except WireError as error:
                raise ChangeFileError(f"{role}: {error.detail}") from error
            names.append(metadata_file_name(role, read_file(role, raw).version))
            (folder / "metadata").mkdir(parents=True, exist_ok=True)
            (folder / "metadata" / names[-1]).write_bytes(raw)
        return names

    def new_root(self, held: Held) -> str | None:
        """The fingerprint of the root that a complete change brings; None where it brings none."""
        raw = self.files.get(Root.type)
        return next_root(held, raw).root_fingerprint if raw is not None else None

    def _state(self, held: Held, role: str) -> Lacking:
        file = read_file(role, self.files[role])
        results = [
            delegator.signed.get_verification_result(role, file.payload, dict(file.signatures))
            for delegator in self._judges(held, role)
        ]
        worst = min(results, key=lambda result: len(result.signed) - result.threshold)
        return Lacking(role, len(worst.signed), worst.threshold)

    def _judges(self, held: Held, role: str) -> list[Delegator]:
        """Who says how many signatures are good: for root the old one and the new one itself."""
        if role == Root.type:
            new: RoleFile[Root] = read_file(role, self.files[role])
            return [held.root, new]
        return [self._delegator(held, role)]

    def _delegator(self, held: Held, role: str) -> Delegator:
        """The file that will vouch for a role: that of the change, if it is in it."""
        name = delegator_name(held, role)
        return read_file(name, self.files[name]) if name in self.files else delegator_of(held, role)

    def _key_ids(self, held: Held, role: str) -> frozenset[str]:
        if role == Root.type:
            new = read_file(role, self.files[role]).signed.roles[Root.type].keyids
            return authority(held, role).key_ids | frozenset(new)
        delegator = self._delegator(held, role).signed
        found = delegator.roles[role] if isinstance(delegator, Root) else (delegator.delegations.roles or {})[role]
        return frozenset(found.keyids)
