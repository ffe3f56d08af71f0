"""Who is signed in to the approval app: kept in memory only, ended by signing out, by time, or with the program."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from provisioning.approval.emergency import Wish
from provisioning.approval.proposals import Shown
from provisioning.hub_api import Login

IDLE_S = 30 * 60.0
PREPARED_S = 10 * 60.0
MAX_SESSIONS = 100


@dataclass
class Session:
    """One browser's session. Only what it was shown may be signed in it."""

    ident: str
    csrf: str
    login: Login | None = None
    seen_at: float = 0.0
    shown: dict[str, Shown] = field(default_factory=dict)
    """Proposals by id, as they were shown last."""
    unsigned: dict[str, bytes] = field(default_factory=dict)
    """The role files that a passkey is being asked to sign, by the proposal's id."""
    sounds: dict[str, int] = field(default_factory=dict)
    """Hash and size of the recordings that shown pages name."""
    prepared: dict[str, tuple[Wish, float]] = field(default_factory=dict)
    """Orders that were read over and wait to be sent, by the token of that page."""
    half: dict[str, bytes] = field(default_factory=dict)
    """Colleagues' orders that were shown and wait for this person's signature, by the token of that page."""
    sent: dict[str, bytes] = field(default_factory=dict)
    """Orders of this session by id, also those that no hub has."""


class Sessions:
    """All sessions of this program."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def get(self, ident: str) -> Session | None:
        """The session of that cookie, unless it has been idle for 30 minutes."""
        with self._lock:
            session = self._sessions.get(ident)
            if session is None or self._monotonic() - session.seen_at > IDLE_S:
                self._sessions.pop(ident, None)
                return None
            session.seen_at = self._monotonic()
            return session

    def start(self) -> Session:
        """A session of nobody yet."""
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32), seen_at=self._monotonic())
        with self._lock:
            if len(self._sessions) >= MAX_SESSIONS:
                oldest = min(self._sessions.values(), key=lambda one: one.seen_at)
                del self._sessions[oldest.ident]
            self._sessions[session.ident] = session
        return session

    def sign_in(self, old: Session, login: Login) -> Session:
        """A new session (another cookie) for who has just signed in."""
        self.end(old)
        session = self.start()
        session.login = login
        return session

    def end(self, session: Session) -> None:
        with self._lock:
            self._sessions.pop(session.ident, None)

    def prepare(self, session: Session, wish: Wish) -> str:
        """Remember an order that is about to be read over; the token that sends it."""
        token = secrets.token_urlsafe(16)
        session.prepared = {token: (wish, self._monotonic() + PREPARED_S)}
        return token

    def prepared(self, session: Session, token: str) -> Wish | None:
        """The order behind a token, while it is the last that was read over and not older than ten minutes."""
        wish, until = session.prepared.get(token, (None, 0.0))
        return wish if self._monotonic() < until else None
