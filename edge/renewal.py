"""The device keeps its own certificate alive: asks the hub long before the end, and again when it has ended.

EST's simple re-enrolment (RFC 7030): a PKCS #10 request that the device's own key signed, sent over HTTPS; no
certificate is shown there, so one that has expired is no obstacle. What comes is checked before it takes the old one's
place. The hub refuses a device whose registration has ended.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.certificate import AUTHORITY_FILE, CERTIFICATE_FILE, Certificate, check_certificate, read_est, request_est
from edge.clock import Clock
from edge.errors import EdgeError, FetchError, IdentityError, StoreError
from edge.files import write_atomic
from edge.identity import Identity
from edge.sync.fetch import Fetcher
from wire.joining import PKCS10, REENROL_PATH

log = logging.getLogger(__name__)


@dataclass
class Renewal:
    """One device's certificate. `run` is called by one worker thread; `done` hears of a new one."""

    folder: Path
    device: str
    identity: Identity
    clock: Clock
    fetcher: Fetcher
    done: Callable[[Certificate], None]
    is_missing: bool = True
    _refusal: str = ""

    def run(self, *, is_shut_out: bool) -> None:
        """Renew if it is time. `is_shut_out`: the broker has not let us in for long, so ours may not count there.

        Raises StoreError.
        """
        held = self._held()
        self.is_missing = held is None
        if held is not None and not is_shut_out and not held.is_due(self.clock.now()):
            return
        try:
            fresh = self._ask()
        except (FetchError, IdentityError) as error:
            self._note(error)
            return
        self._refusal = ""
        if held is None or fresh.pem != held.pem:
            write_atomic(self.folder / CERTIFICATE_FILE, fresh.pem)
            self.is_missing = False
            self.done(fresh)

    def _held(self) -> Certificate | None:
        """What lies there, if it is ours."""
        try:
            return self._check((self.folder / CERTIFICATE_FILE).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, IdentityError) as error:
            log.warning("the certificate on the disk does not count: %s", error)
            return None

    def _ask(self) -> Certificate:
        answer = self.fetcher.post(REENROL_PATH, request_est(self.identity, self.device), content_type=PKCS10)
        return self._check(read_est(answer))

    def _check(self, pem: bytes) -> Certificate:
        try:
            authority = (self.folder / AUTHORITY_FILE).read_bytes()
        except OSError as error:
            raise StoreError(f"{AUTHORITY_FILE}: {error.strerror}") from error
        return check_certificate(pem, self.identity, self.device, authority=authority)

    def _note(self, error: EdgeError) -> None:
        """The same reason is said once."""
        if str(error) != self._refusal:
            log.warning("no new certificate: %s", error)
            self._refusal = str(error)
