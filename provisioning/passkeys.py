"""A passkey as this machine knows it: `<name>.passkey` says which one is whose, and holds nothing secret.

The private half lies in the phone or computer that made it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from provisioning.keys import MAX_KEY_FILE_BYTES, KeyFileError, write_new
from wire.codec import decode, encode
from wire.errors import WireError
from wire.key_request import PublicKey, read_key
from wire.trust.passkey import Passkey

SUFFIX = ".passkey"
Credential = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,1400}$")]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class _Kept(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    credential: Credential
    key: PublicKey


@dataclass(frozen=True)
class StoredPasskey:
    """A person's passkey, and the credential id by which the browser finds it."""

    name: str
    credential: str
    key: Passkey


def write_passkey(folder: Path, stored: StoredPasskey) -> None:
    """Raises KeyFileError where that person has a passkey here, or has a name that is no file name."""
    if not _NAME.fullmatch(stored.name):
        raise KeyFileError(f"{stored.name[:40]!r} cannot be the name of a key")
    kept = {"name": stored.name, "credential": stored.credential, "key": stored.key.to_dict()}
    write_new(folder / f"{stored.name}{SUFFIX}", encode(kept), mode=0o644)


def read_passkey(folder: Path, name: str) -> StoredPasskey | None:
    """What is kept of a person's passkey. Raises KeyFileError where it is damaged."""
    path = folder / f"{name}{SUFFIX}"
    if not _NAME.fullmatch(name) or not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            kept = decode(file.read(MAX_KEY_FILE_BYTES), _Kept, limit=MAX_KEY_FILE_BYTES - 1)
        return StoredPasskey(kept.name, kept.credential, read_key(kept.key))
    except (OSError, WireError) as error:
        raise KeyFileError(f"{path.name}: {error}") from error
