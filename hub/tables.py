"""Imports every feature's store, so that `hub.db.metadata` knows all tables. For migrations and their tests."""

from __future__ import annotations

import hub.alerts.store
import hub.areas.store
import hub.assessments.store
import hub.audit
import hub.auth.passkey_store
import hub.auth.store
import hub.certificates.store
import hub.content.store
import hub.devices.store
import hub.enrolment.store
import hub.outbox
import hub.playlog.store
import hub.publishing.repository
import hub.publishing.store
import hub.schedules.store
import hub.security.store
import hub.set_aside
import hub.telemetry.store
from hub.db import metadata

__all__ = ["hub", "metadata"]
