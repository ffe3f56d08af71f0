"""Reads the public half of a signing key (`NAME.pub`, or a passkey's request), to know whose signature is whose."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

from hub.errors import N_, BadInputError
from wire.envelope import key_id
from wire.errors import MalformedError
from wire.key_request import read_request

_SSH_HEAD = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00 "
_HEX = re.compile(r"[0-9a-f]{64}")


def read_public_key(path: Path) -> tuple[str, str]:
    """(key id, public half in hex). Raises BadInputError."""
    try:
        text = path.read_text("utf-8").strip()
        if text.startswith("{"):
            passkey = read_request(text.encode())[1]
            return passkey.keyid, str(passkey.keyval["public"])
        raw = _raw_hex(text)
        return key_id(raw), raw
    except (OSError, UnicodeDecodeError, binascii.Error, MalformedError) as error:
        raise BadInputError(N_("{path} is not the public half of a signing key."), path=path) from error


def _raw_hex(text: str) -> str:
    if _HEX.fullmatch(text):
        return text
    words = text.split()
    blob = base64.b64decode(words[1], validate=True) if len(words) > 1 and words[0] == "ssh-ed25519" else b""
    if not blob.startswith(_SSH_HEAD) or len(blob) != len(_SSH_HEAD) + 32:
        raise MalformedError("not an OpenSSH Ed25519 key")
    return blob[len(_SSH_HEAD) :].hex()
