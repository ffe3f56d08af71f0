"""Changes of who may sign what: the next, unsigned files of every role that a change touches. Pure.

Everything that is not the change stays as it was; versions rise by one and expiries follow the calendar. The province's
approvers also sign groups and hamlet lists, so a change of `p` is one of those delegations too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from securesystemslib.signer import Key
from tuf.api.metadata import TOP_LEVEL_ROLE_NAMES, Root, Snapshot, Targets, Timestamp

from provisioning.approval.words import N_
from provisioning.trust.opening import ChangeError, Making, opening
from wire.errors import UnknownKeyError
from wire.release import build_changed
from wire.trust.authority import authority, delegator_of, roles_of_key
from wire.trust.held import Held, delegations
from wire.trust.layout import REMOTE_KINDS, parse_role_name
from wire.trust.passkey import Passkey
from wire.trust.time_reset import FIELD
from wire.units import UtcTime

ONLINE = (Snapshot.type, Timestamp.type)
Edit = Callable[[Any], object]


@dataclass
class Change:
    """Edits by file; `files` builds them."""

    held: Held
    edits: dict[str, list[Edit]] = field(default_factory=dict)
    making: Making = field(default_factory=Making)

    def add(self, role: str, *keys: Key) -> None:
        """Let keys sign for a role, which is made if it is not there yet.

        Raises ChangeError where one may already, or too few would hold a new role; NotAllowedError.
        """
        _check_places(self.held, role, keys)
        try:
            known = authority(self.held, role).key_ids
        except UnknownKeyError:
            return self._open(role, keys)
        if any(key.keyid in known for key in keys):
            raise ChangeError(N_("{role}: this key is a holder already"), role=role)
        for file, name in _homes(self.held, role):
            for key in keys:
                self._edit(file, lambda signed, key=key, name=name: signed.add_key(key, name))
        return None

    def _open(self, role: str, keys: Sequence[Key]) -> None:
        for file, edit in opening(self.held, role, keys, self.making):
            self._edit(file, edit)

    def remove(self, role: str, key_id: str, *, leaves: int = 0, may_silence: bool = False) -> None:
        """Let a key sign no more. `leaves` more holders come in by the same change. Raises ChangeError."""
        who = authority(self.held, role)
        if key_id not in who.key_ids:
            raise ChangeError(N_("{role}: no holder has the key {key}"), role=role, key=short(key_id))
        rest = len(who.keys) - 1 + leaves
        if rest < who.threshold and not may_silence:
            raise ChangeError(
                N_("{role} needs {needed} signatures and would have {rest} holder(s): trust rotate to a new key, or "
                   "trust add another holder first"),
                role=role, needed=who.threshold, rest=rest,
            )  # fmt: skip
        for file, name in _homes(self.held, role):
            self._edit(file, lambda signed, name=name: signed.revoke_key(key_id, name))
        for name in _resting_on(self.held, role):
            self.edits.setdefault(name, [])     # what the lost key had signed may now have too few signatures

    def rotate(self, role: str, old: str, new: Key) -> None:
        """Another key instead of this one: what the old one signed must be signed by others or by the new one."""
        self.add(role, new)
        self.remove(role, old, leaves=1)

    def freeze(self, key_id: str) -> list[str]:
        """Take a lost key out of every role it stands in; which these were.

        A role that nobody can sign any more is silent until `add`: better than a thief's. Root, targets and the
        province must stay able to sign, or nothing could be mended. Raises ChangeError.
        """
        roles = [role for role in roles_of_key(self.held, key_id) if not is_mirrored(self.held, role)]
        if not roles:
            raise ChangeError(N_("the key {key} stands in no role"), key=short(key_id))
        lasting = {Root.type, Targets.type, f"p{self.held.province}"}
        for role in roles:
            self.remove(role, key_id, may_silence=role not in lasting)
        return roles

    def prolong(self, role: str) -> None:
        """The same once more, with the expiry that the calendar gives."""
        if role != Root.type and role not in self.held.roles:
            raise ChangeError(N_("{role} has no file to prolong"), role=role)
        self.edits.setdefault(role, [])

    def reset_time(self, devices: Sequence[str], floor: UtcTime) -> None:
        """Lower the floor of these devices (`*`: all), whose clock was wrong."""

        def write(signed: Targets) -> None:
            reset = {"version": signed.version, "floor": floor, "devices": list(devices)}
            signed.unrecognized_fields[FIELD] = reset

        self._edit(Targets.type, write)

    def replace_online(self, keys: dict[str, Key]) -> None:
        """A new hub's keys instead of the present hub's: what the old ones said is forgotten by every device."""
        for name in ONLINE:
            for old in list(self.held.root.signed.roles[name].keyids):
                self._edit(Root.type, lambda signed, old=old, name=name: signed.revoke_key(old, name))
            self._edit(Root.type, lambda signed, name=name: signed.add_key(keys[name], name))

    def files(self, issued: UtcTime) -> dict[str, bytes]:
        """Role name to unsigned file. Raises OutOfDateError for a clock that is behind the last release."""
        return {role: self._file(role, edits, issued) for role, edits in self.edits.items()}

    def _file(self, role: str, edits: Iterable[Edit], issued: UtcTime) -> bytes:
        known = self.held.root if role == Root.type else self.held.roles.get(role)

        def apply(signed: Any) -> None:
            for edit in edits:
                edit(signed)

        return build_changed(role, known.raw if known else None, apply, issued)

    def _edit(self, file: str, edit: Edit) -> None:
        self.edits.setdefault(file, []).append(edit)


def short(key_id: str) -> str:
    """As much of a key's id as people compare: four groups of four."""
    return " ".join(key_id[at : at + 4] for at in range(0, 16, 4))


def is_mirrored(held: Held, role: str) -> bool:
    """Whether a role is signed with the province's keys and has none of its own."""
    name = parse_role_name(role, held.province or "")
    return name is not None and name.kind in ("g", "h")


def _check_places(held: Held, role: str, keys: Iterable[Key]) -> None:
    """A phone's passkey signs ordinary programmes alone: said before people have signed what no device takes."""
    name = parse_role_name(role, held.province or "")
    is_ordinary = name is not None and name.kind in REMOTE_KINDS
    if not is_ordinary and any(isinstance(key, Passkey) and key.is_remote for key in keys):
        raise ChangeError(N_("{role}: a phone's passkey signs the programmes of a commune alone"), role=role)


def _resting_on(held: Held, role: str) -> list[str]:
    """The files that name keys and are signed by a role's holders: those who remain sign them anew."""
    if role == Targets.type:
        return [role]
    if role != f"p{held.province}":
        return []
    return [name for name in held.roles if name == role or is_mirrored(held, name)]


def _homes(held: Held, role: str) -> list[tuple[str, str]]:
    """(file, role in it) of every delegation that must say the same of a role's holders."""
    if role in ONLINE or is_mirrored(held, role):
        raise ChangeError(N_("{role} has no holders of its own"), role=role)
    homes = [(Root.type if role in TOP_LEVEL_ROLE_NAMES else delegator_of(held, role).name, role)]
    if role != f"p{held.province}":
        return homes
    for name, file in held.roles.items():
        homes += [(name, inner) for inner in delegations(file.signed) if is_mirrored(held, inner)]
    return homes
