"""What the crimes through people share with the tests of the approval app: key files, the province, a phone."""

from __future__ import annotations

from tests.provisioning.conftest import key_files, phone, province

__all__ = ["key_files", "phone", "province"]
