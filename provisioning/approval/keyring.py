"""The key files of this machine: who may open them, how often a wrong passphrase is tried, how long one stays open.

A passphrase is never stored or logged. A signer stays in memory only where a person asked for it, for 10 minutes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from securesystemslib.signer import Signer

from provisioning.approval.faults import StationError
from provisioning.approval.words import N_
from provisioning.keys import KeyFileError, open_key, read_public_key
from provisioning.passkeys import SUFFIX, StoredPasskey, read_passkey, write_passkey

OPEN_S = 600.0
FREE_TRIES = 3
LONGEST_WAIT_S = 300.0


@dataclass(frozen=True)
class KeyFile:
    """A person's key: the name of its files and the id under which metadata knows it; a passkey has its public half."""

    name: str
    key_id: str
    passkey: StoredPasskey | None = None


@dataclass
class _Tries:
    failed: int = 0
    not_before: float = 0.0


class Keyring:
    """The keys in one folder: `<name>.key` with a passphrase and `<name>.pub`; `<name>.passkey` says where one is."""

    def __init__(self, folder: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._monotonic = folder, monotonic
        self._tries: dict[str, _Tries] = {}
        self._lock = threading.Lock()
        self._open: dict[tuple[str, str], tuple[Signer, float]] = {}

    def keys(self) -> list[KeyFile]:
        """All key files whose private half lies here."""
        files = sorted(path for path in self._folder.glob("*.key") if path.with_suffix(".pub").is_file())
        return [KeyFile(path.stem, read_public_key(path.with_suffix(".pub")).keyid) for path in files]

    def keys_of(self, username: str) -> list[KeyFile]:
        """The keys that a person uses here: the one of that name, or all on a machine that has none of that name."""
        keys = self.keys()
        passkey = self.passkey_of(username)
        return ([key for key in keys if key.name == username] or keys) + ([passkey] if passkey else [])

    def passkey_of(self, username: str) -> KeyFile | None:
        """The passkey that a person registered on this machine. Nobody is offered somebody else's."""
        stored = read_passkey(self._folder, username)
        return KeyFile(f"{username}{SUFFIX}", stored.key.keyid, stored) if stored else None

    def keep_passkey(self, stored: StoredPasskey) -> KeyFile:
        """Remember a passkey that was just made. Raises KeyFileError where this person has one here."""
        write_passkey(self._folder, stored)
        return KeyFile(f"{stored.name}{SUFFIX}", stored.key.keyid, stored)

    def open(self, name: str, passphrase: str) -> Signer:
        """The signer of a key.

        Raises StationError: no such key, a wrong passphrase, or too many wrong ones (says how long to wait).
        """
        if name not in {key.name for key in self.keys()}:
            raise StationError(N_("There is no key “{name}” on this machine."), code="no_key", status=404, name=name)
        with self._lock:  # one guess at a time
            tries = self._tries.setdefault(name, _Tries())
            self._check_wait(tries)
            try:
                signer = open_key(self._folder / f"{name}.key", passphrase)
            except KeyFileError as error:
                raise self._count(tries) from error
            self._tries.pop(name, None)
            return signer

    def hold_open(self, session: str, name: str, signer: Signer) -> None:
        """Keep a signer in memory for this session, for ten minutes from now on."""
        self._open[session, name] = (signer, self._monotonic() + OPEN_S)

    def held_open(self, session: str, name: str) -> tuple[Signer, float] | None:
        """An open signer, and for how many seconds more."""
        signer, until = self._open.get((session, name), (None, 0.0))
        left = until - self._monotonic()
        if signer is None or left <= 0:
            self._open.pop((session, name), None)
            return None
        return signer, left

    def close(self, session: str) -> None:
        """Forget every open signer of a session."""
        for entry in [entry for entry in self._open if entry[0] == session]:
            del self._open[entry]

    def _check_wait(self, tries: _Tries) -> None:
        left = tries.not_before - self._monotonic()
        if left > 0:
            raise StationError(
                N_("Too many wrong passphrases. Wait {seconds} seconds."), code="slow_down", status=429,
                seconds=int(left) + 1,
            )  # fmt: skip

    def _count(self, tries: _Tries) -> StationError:
        tries.failed += 1
        wait = min(LONGEST_WAIT_S, 2.0 ** (tries.failed - FREE_TRIES + 1)) if tries.failed >= FREE_TRIES else 0.0
        tries.not_before = self._monotonic() + wait
        return StationError(
            N_("The passphrase of the key is not right. Nothing was signed."), code="wrong_passphrase", status=403
        )
