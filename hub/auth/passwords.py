"""Passwords are kept as Argon2id hashes (RFC 9106), with the parameters of OWASP's list for a small server."""

from __future__ import annotations

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

MEMORY_KIB = 19 * 1024
ROUNDS = 2
AT_ONCE = 4
"""How many are computed at the same time: each takes 19 MiB, and anybody may ask."""
_HASHER = PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=1)
_ROOM = threading.BoundedSemaphore(AT_ONCE)


def hash_password(password: str) -> str:
    """The hash with its salt and parameters; takes about 20 ms on purpose."""
    with _ROOM:
        return _HASHER.hash(password)


def is_password(password: str, hashed: str) -> bool:
    """Whether this is the password; as slow for a wrong one."""
    with _ROOM:
        try:
            return _HASHER.verify(hashed, password)
        except (VerifyMismatchError, InvalidHashError):
            return False


NOBODYS = hash_password(secrets.token_hex(16))
"""To be compared with where there is no such person: it costs the same time."""
