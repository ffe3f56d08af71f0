"""Counts whom mosquitto refused, from its log: a refused TLS handshake reaches no topic and no counter of its own.

mosquitto 2.0 writes one of two lines, depending on how far the handshake came:

    Client connection from 10.0.0.7 failed: error:0A0000C7:SSL routines::peer did not return a certificate.
    OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed     (after: New connection from …)

The worker reads on from where it was; place and counts are one transaction, so that nothing counts twice. A log that
has grown large is renamed, and SIGHUP makes mosquitto begin a new one.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from hub.context import Hub
from hub.security import store
from wire.units import UtcTime

LOG = "mosquitto.log"
MAX_READ_BYTES = 1024 * 1024
ROTATE_BYTES = 16 * 1024 * 1024
UNKNOWN = "?"
"""The address, where the line does not say it."""
_REFUSED = re.compile(
    r"(?:Client connection from (?P<address>\S{1,45}) failed|OpenSSL Error\[\d\]): "
    r"error:\w+:[^:]*:[^:]*:(?P<why>[^\n]{0,100}certificate[^\n]{0,100})"
)


class BrokerLog:
    """The log of one broker's folder."""

    def __init__(self, hub: Hub, folder: Path, reload: Callable[[], None]) -> None:
        self._hub = hub
        self._path = folder / LOG
        self._old = folder / f"{LOG}.1"
        self._reload = reload

    def take(self) -> int:
        """Count what is new; how many were refused."""
        with self._hub.reading() as conn:
            inode, offset = store.cursor(conn, LOG)
        path = self._where(inode)
        if path is None:
            return 0
        with path.open("rb") as file:
            found_inode = path.stat().st_ino
            if found_inode != inode or path.stat().st_size < offset:
                inode, offset = found_inode, 0
            file.seek(offset)
            read = file.read(MAX_READ_BYTES)
        whole = read[: read.rfind(b"\n") + 1]
        counts = refusals(whole.decode("utf-8", "replace"))
        self._keep(counts, inode, offset + len(whole))
        if not whole:
            self._go_on(path)
        return counts.total()

    def _where(self, inode: int) -> Path | None:
        """The file in which one was reading, as long as it has more; else the current one."""
        with contextlib.suppress(FileNotFoundError):
            if self._old.stat().st_ino == inode:
                return self._old
        return self._path if self._path.exists() else None

    def _go_on(self, path: Path) -> None:
        """At the end of a file: the old one is done with; a current one that is large becomes the old one."""
        if path == self._old:
            self._keep(Counter(), 0, 0)
            self._old.rename(self._old.with_suffix(".2"))
        elif path.stat().st_size > ROTATE_BYTES:
            path.rename(self._old)
            self._reload()

    def _keep(self, counts: Counter[tuple[str, str]], inode: int, offset: int) -> None:
        now: UtcTime = self._hub.now()
        with self._hub.db.write() as conn:
            store.set_cursor(conn, LOG, inode, offset)
            for (address, why), count in counts.items():
                store.note(conn, store.Kind.REFUSED_CERTIFICATE, address, now=now, detail=why, count=count)


def refusals(text: str) -> Counter[tuple[str, str]]:
    """How often each address was refused, and why."""
    found = _REFUSED.finditer(text)
    return Counter((match["address"] or UNKNOWN, match["why"].strip(" .")) for match in found)
