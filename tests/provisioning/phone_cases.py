"""What the tests hold in common that ask the phone's JavaScript and `wire` the same questions."""

from __future__ import annotations

import base64

from tests.fakes.passkey import SoftPasskey
from wire.areas import programme_target

COMMUNE, OTHER, ROLE = "08/00694", "08/00700", "c00694"
PATH = programme_target(COMMUNE)
PHONE = SoftPasskey("duyet.loa.test", ("https://duyet.loa.test:8443",))


def b64(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode()
