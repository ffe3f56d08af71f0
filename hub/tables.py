"""Imports every feature's store, so that `hub.db.metadata` knows all tables. For migrations and their tests."""

from __future__ import annotations

import hub.areas.store
import hub.audit
import hub.auth.store
import hub.content.store
import hub.outbox
import hub.schedules.store
from hub.db import metadata

__all__ = ["metadata"]
