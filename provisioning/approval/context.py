"""The parts of a running approval app, and how a request finds them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from flask import current_app, g, request
from msgspec import Struct

from provisioning.approval.faults import StationError
from provisioning.approval.keyring import KeyFile, Keyring
from provisioning.approval.proposals import Desk
from provisioning.approval.sessions import Session, Sessions
from provisioning.approval.words import N_, Words
from provisioning.blobs import BlobStore
from provisioning.broker import Broker, read_brokers
from provisioning.errors import HubUnreachableError
from provisioning.hub_api import HubApi, Login
from provisioning.trusted import Truststore, refresh_for_keys
from wire.codec import decode
from wire.trust.held import Refusal

HOST_NAME = "duyet.localhost"
MAX_BODY_BYTES = 64 * 1024
T = TypeVar("T", bound=Struct)


@dataclass(frozen=True)
class StationConfig:
    """Where the approval app finds hub, keys and trust, and where it may write."""

    hub_url: str
    keys: Path
    root: bytes
    state: Path
    port: int = 8090
    languages: Sequence[str] = ("vi", "en")
    brokers: Path | None = None
    """This machine's own list of brokers (`provisioning.broker`): the way of an emergency when the hub is away."""

    @property
    def host(self) -> str:
        return f"{HOST_NAME}:{self.port}"

    @property
    def origin(self) -> str:
        return f"http://{self.host}"


@dataclass
class Station:
    """What all requests share."""

    config: StationConfig
    hub: HubApi
    store: Truststore
    blobs: BlobStore
    keyring: Keyring
    sessions: Sessions
    words: Mapping[str, Words]
    lock: threading.RLock
    """Held while releases are looked at: what is trusted changes for one request at a time."""
    brokers: Sequence[Broker] = ()

    def refresh(self, hub: HubApi, keys: Iterable[KeyFile]) -> tuple[Refusal, ...]:
        """Bring trust up to date for these keys; what was refused is returned."""
        return refresh_for_keys(self.store, hub, [key.key_id for key in keys])

    def try_refresh(self, hub: HubApi, keys: Iterable[KeyFile]) -> bool:
        """The same for an emergency, which goes on with what is held; False where the hub does not answer."""
        try:
            self.refresh(hub, keys)
        except HubUnreachableError:
            return False
        return True


def open_station(config: StationConfig) -> Station:
    """Build the parts. Raises NotTrustedError for a bad root.json, BrokerError for a bad list of brokers,
    FileNotFoundError for a missing catalogue.
    """
    return Station(
        config=config,
        hub=HubApi(config.hub_url),
        store=Truststore(config.state, config.root),
        blobs=BlobStore(config.state / "sounds"),
        keyring=Keyring(config.keys),
        sessions=Sessions(),
        words={language: Words.load(language) for language in config.languages},
        lock=threading.RLock(),
        brokers=read_brokers(config.brokers) if config.brokers else (),
    )


def station() -> Station:
    """The station of the request that is being answered."""
    return cast("Station", current_app.extensions["station"])


def session() -> Session:
    return cast("Session", g.session)


def words() -> Words:
    """What the person chose with the switch; the first language for everybody else, whatever the browser prefers."""
    known = station().words
    wanted = request.headers.get("X-Language", "")
    return known.get(wanted) or next(iter(known.values()))


def login() -> Login:
    """Who is signed in. Raises StationError."""
    found = session().login
    if found is None:
        raise StationError(N_("Sign in first."), code="not_signed_in", status=401)
    return found


def desk() -> Desk:
    """Everything for looking at proposals in the name of who is signed in."""
    here, person = station(), login()
    keys = here.keyring.keys_of(person.person.username)
    return Desk(here.hub.with_token(person.token), here.store, here.blobs, keys, words())


def form(shape: type[T]) -> T:
    """The request's JSON. Raises MalformedError."""
    return decode(request.get_data(), shape, limit=MAX_BODY_BYTES)
