"""Logging in with a passkey beside the password: WebAuthn with user verification, parsed and judged by `fido2`.

These credentials belong to the hub's own address (rpId: its host name) and open its pages, nothing else. What is on air
is signed with other passkeys, of the approval app's address, whose rpId every loudspeaker checks: whatever challenge a
stolen hub gives here, the answer is no signature there (`wire.trust.passkey`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from fido2.server import Fido2Server
from fido2.utils import websafe_decode
from fido2.webauthn import AttestedCredentialData, AuthenticationResponse, PublicKeyCredentialRpEntity
from msgspec import Meta, Struct

from hub import audit
from hub.auth import actions, store
from hub.auth import passkey_store as passkeys
from hub.auth.roles import Person
from hub.context import Hub
from hub.errors import N_, ConflictError, NotAllowedError, NotFoundError
from hub.security import store as security
from wire.codec import decode
from wire.units import MINUTE

MAX_PASSKEYS = 10
MAX_BODY = 16 * 1024
LASTS_MS = 5 * MINUTE
_Base64 = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]*$", max_length=8_192)]
_CredentialId = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,940}$")]


class _Attested(Struct, frozen=True):
    clientDataJSON: _Base64  # noqa: N815 - WebAuthn's own names
    attestationObject: _Base64  # noqa: N815


class _Asserted(Struct, frozen=True):
    clientDataJSON: _Base64  # noqa: N815
    authenticatorData: _Base64  # noqa: N815
    signature: _Base64
    userHandle: _Base64 = ""  # noqa: N815


class Registration(Struct, frozen=True):
    """What the browser answers to `navigator.credentials.create`."""

    rawId: _CredentialId  # noqa: N815
    response: _Attested
    label: Annotated[str, Meta(max_length=60)] = ""


class Assertion(Struct, frozen=True):
    """What it answers to `navigator.credentials.get`."""

    rawId: _CredentialId  # noqa: N815
    response: _Asserted


class PasskeyRefusedError(NotAllowedError):
    """Not one that opens this hub. Why is not told: it would only help who tries."""

    code = "passkey_refused"
    status = 401

    def __init__(self) -> None:
        super().__init__(N_("This passkey was not accepted. Log in with the password."))


def is_offered(hub: Hub) -> bool:
    """A passkey belongs to a name, so the hub must know its own."""
    return bool(hub.config.public_address)


def begin_adding(hub: Hub, person: Person, password: str, *, origin: str = "") -> tuple[dict[str, Any], str]:
    """What the browser needs to make one, and the challenge to be kept in the session.

    The password is asked again: who finds an open session must not leave a key of their own behind.
    """
    actions.check_own_password(hub, person, password, origin=origin)
    with hub.reading() as conn:
        known = [AttestedCredentialData(row["data"]) for row in passkeys.of(conn, person.username)]
    if len(known) >= MAX_PASSKEYS:
        raise ConflictError(N_("No more than {n} passkeys. Remove one first."), n=MAX_PASSKEYS)
    user = {"id": person.username.encode(), "name": person.username, "displayName": person.name}
    options, state = _server(hub).register_begin(
        user, known, resident_key_requirement="required", user_verification="required"
    )
    return _plain(options), _keep(hub, state["challenge"], person.username)


def add(hub: Hub, person: Person, raw: bytes, challenge: str) -> None:
    """Raises PasskeyRefusedError, MalformedError."""
    made = decode(raw, Registration, limit=MAX_BODY)
    state = _take(hub, challenge, person.username)
    with _refused():
        found = _server(hub).register_complete(state, _answer(made)).credential_data
        if found is None:
            raise ValueError("no credential")
    now, label = hub.now(), " ".join(made.label.split())
    with hub.writing() as conn:
        if passkeys.by_credential(conn, found.credential_id.hex()):
            raise PasskeyRefusedError
        passkeys.add(
            conn, username=person.username, credential=found.credential_id.hex(), data=bytes(found), label=label,
            counter=0, now=now,
        )  # fmt: skip
        audit.note(conn, at=now, person=person.username, verb="passkey-new", subject=label)


def remove(hub: Hub, person: Person, ident: int) -> None:
    """One of the person's own."""
    with hub.writing() as conn:
        if not passkeys.remove(conn, person.username, ident):
            raise NotFoundError
        audit.note(conn, at=hub.now(), person=person.username, verb="passkey-removed")


def begin_login(hub: Hub) -> tuple[dict[str, Any], str]:
    """What the browser asks an authenticator for. No name is needed, so none can be fished for."""
    options, state = _server(hub).authenticate_begin(user_verification="required")
    return _plain(options), _keep(hub, state["challenge"], "")


def log_in(hub: Hub, raw: bytes, challenge: str) -> str:
    """A new session's token. Raises PasskeyRefusedError, MalformedError."""
    given = decode(raw, Assertion, limit=MAX_BODY)
    state = _take(hub, challenge, "")
    with hub.reading() as conn:
        row = passkeys.by_credential(conn, _hex(given.rawId))
    if row is None:
        raise PasskeyRefusedError
    with _refused():
        known = AttestedCredentialData(row["data"])
        answer = AuthenticationResponse.from_dict(_answer(given))
        _server(hub).authenticate_complete(state, [known], answer)
    return _open(hub, row, answer.response.authenticator_data.counter)


def _open(hub: Hub, row: dict[str, Any], counter: int) -> str:
    now, username = hub.now(), str(row["username"])
    with hub.writing() as conn:
        person = store.load(conn, username)
        if person and passkeys.mark_used(conn, row["id"], counter=counter, now=now):
            return actions.open_session(hub, conn, username, kind="page", verb="login-passkey")
        if person:
            security.note(conn, security.Kind.PASSKEY_CLONE, username, now=now, detail=f"{counter} <= {row['counter']}")
    raise PasskeyRefusedError


def _server(hub: Hub) -> Fido2Server:
    if not is_offered(hub):
        raise NotFoundError
    address = hub.config.public_address
    named = PublicKeyCredentialRpEntity(id=urlsplit(address).hostname or "", name="Loa")
    return Fido2Server(named, attestation="none", verify_origin=lambda origin: origin == address)  # type: ignore[arg-type]


def _keep(hub: Hub, challenge: str, username: str) -> str:
    now = hub.now()
    with hub.writing() as conn:
        passkeys.give_challenge(conn, challenge, username, now=now, expires=now + LASTS_MS)
    return challenge


def _take(hub: Hub, challenge: str, username: str) -> dict[str, Any]:
    """The state of the library, for a challenge that was given out and not used."""
    with hub.writing() as conn:
        if not passkeys.take_challenge(conn, challenge[:64], username, hub.now()):
            raise PasskeyRefusedError
    return {"challenge": challenge, "user_verification": "required"}


def _answer(given: Registration | Assertion) -> dict[str, Any]:
    return {
        "id": given.rawId,
        "rawId": given.rawId,
        "type": "public-key",
        "response": msgspec.to_builtins(given.response),
    }


def _plain(options: Any) -> dict[str, Any]:
    """As JSON, in which bytes are base64url."""
    return {"publicKey": msgspec.to_builtins(dict(options.public_key), enc_hook=str)}


def _hex(text: str) -> str:
    with _refused():
        return websafe_decode(text).hex()


@contextmanager
def _refused() -> Iterator[None]:
    """What `fido2` and its parsers say of an answer that is not good, in whatever way they say it."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError, struct.error) as error:
        raise PasskeyRefusedError from error
