"""Looks by itself whether the log of what people did is whole: a chain that nobody verifies finds nothing."""

from __future__ import annotations

import logging

from hub import audit
from hub.context import Hub
from hub.security import store

log = logging.getLogger(__name__)


def watch_audit(hub: Hub) -> None:
    """A break is noted as a security event, once a day."""
    with hub.reading() as conn:
        found = audit.verify(conn)
    if found.is_whole:
        return
    log.error("the log of what people did is broken at line %d: %s", found.broken_at, found.why)
    with hub.db.write() as conn:
        store.note(conn, store.Kind.AUDIT_BROKEN, f"{found.broken_at}", now=hub.now(), detail=found.why)
