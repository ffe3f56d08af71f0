"""What a technician's machine remembers, so that the next device takes fewer keystrokes: hub, root, ticket."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from provisioning.approval.words import N_
from provisioning.blobs import write_durably
from provisioning.enrolment.telling import StepError
from provisioning.trusted import read_root
from wire.errors import WireError
from wire.trust.held import pin_root

FILE, ROOT = "enrol.json", "enrol-root.json"


class Remembered(Struct, frozen=True):
    hub: str = ""
    ticket: str = ""


class Memory:
    """One folder. `root` and `hub` are what was given now, else what was given last."""

    def __init__(self, folder: Path, *, hub: str | None, root: Path | None) -> None:
        """Raises StepError where neither was ever given."""
        self._folder = folder
        self._kept = self._read()
        self.hub = (hub or self._kept.hub).rstrip("/")
        if not self.hub:
            raise StepError(N_("The first time, say where the system is: --hub https://…"))
        self.root = self._root(root)
        try:
            self.fingerprint = pin_root(self.root).root_fingerprint
        except WireError as error:
            raise StepError(N_("root.json is no root of a province: {reason}"), reason=error.detail) from error
        self._keep(self._kept.ticket)

    @property
    def ticket(self) -> str:
        return self._kept.ticket

    def keep_ticket(self, ticket: str) -> None:
        """It ends by itself after some days; forgotten where the hub does not take it."""
        self._keep(ticket)

    def _root(self, given: Path | None) -> bytes:
        if given is None and not (self._folder / ROOT).exists():
            raise StepError(N_("The first time, bring the province's root.json: --root FILE"))
        return read_root(given or self._folder / ROOT)

    def _read(self) -> Remembered:
        try:
            return msgspec.json.decode((self._folder / FILE).read_bytes(), type=Remembered)
        except (OSError, msgspec.DecodeError):
            return Remembered()

    def _keep(self, ticket: str) -> None:
        self._kept = Remembered(self.hub, ticket)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_durably(self._folder / ROOT, self.root)
        write_durably(self._folder / FILE, msgspec.json.encode(self._kept))
        (self._folder / FILE).chmod(0o600)
