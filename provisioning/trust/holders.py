"""Whose key it is that the ceremony puts into a role: a `.pub` file, or a passkey's request; compared aloud.

Who brings the file is not who vouches for it. The holder reads the fingerprint from their own screen, over the
telephone or face to face, and whoever runs the ceremony types what they hear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from securesystemslib.signer import Key

from provisioning.approval.words import N_
from provisioning.errors import ProvisioningError
from provisioning.keys import read_public_key
from wire.errors import MalformedError
from wire.key_request import FINGERPRINT_DIGITS, MAX_REQUEST_BYTES, read_request

_HEX = re.compile(r"[0-9a-f]*")


class HolderError(ProvisioningError):
    """Not a key, not the one that the holder read out, or one that was meant for another role."""

    code = "holder"


@dataclass(frozen=True)
class NewHolder:
    """A key that is to hold a role. `asked`: the role that its holder asked for; empty in a `.pub`."""

    name: str
    key: Key
    asked: str = ""

    def check_role(self, roles: tuple[str, ...]) -> None:
        """Raise HolderError where the holder asked for another role than the ceremony is about to give."""
        if self.asked and roles != (self.asked,):
            raise HolderError(N_("{name} asked for {asked}, not for {roles}"), name=self.name, asked=self.asked,
                              roles=", ".join(roles))  # fmt: skip

    def check_fingerprint(self, heard: str) -> None:
        """Raise HolderError unless what was read out is this key's, six groups of four at least."""
        digits = "".join(heard.split()).lower()
        if not _HEX.fullmatch(digits) or len(digits) < FINGERPRINT_DIGITS:
            raise HolderError(N_("a fingerprint has {n} digits (0-9, a-f) at least"), n=FINGERPRINT_DIGITS)
        if not self.key.keyid.startswith(digits):
            raise HolderError(
                N_("the key of {name} has another fingerprint than was read out; nothing was changed"), name=self.name
            )


def read_holder(path: Path) -> NewHolder:
    """A public key file (or the key file that it lies beside), or a key request. Raises KeyFileError, HolderError."""
    raw = _head(path)
    if not raw.lstrip().startswith(b"{"):
        return NewHolder(path.stem, read_public_key(path))
    try:
        request, key = read_request(raw)
    except MalformedError as error:
        raise HolderError(N_("{file} is no request for a key: {why}"), file=path.name, why=error.detail) from error
    return NewHolder(request.name, key, request.role)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_REQUEST_BYTES + 1)
    except OSError as error:
        raise HolderError(f"{path}: {error.strerror}") from error
