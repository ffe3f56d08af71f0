"""TLS as every connection of the device uses it: chain and name are checked always, dates only by who knows the time.

Below the quality of a battery clock, dates would keep the device out of the network that tells it the time. Trust never
rests on TLS (design §5).
"""

from __future__ import annotations

import ssl
from typing import Final

from edge.errors import LinkError

NO_CHECK_TIME: Final = 0x200000      # OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which the ssl module does not name


def make_context(ca_file: str) -> ssl.SSLContext:
    """Trusts this file, or with "" what the system trusts. Raises LinkError."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise LinkError(f"TLS: {ca_file}: {error}") from error


def judge_dates(context: ssl.SSLContext, *, is_known: bool) -> None:
    """For the connections that follow."""
    flag = ssl.VerifyFlags(NO_CHECK_TIME)
    context.verify_flags = context.verify_flags & ~flag if is_known else context.verify_flags | flag
