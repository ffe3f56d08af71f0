"""Who may connect to the broker and what they may say and hear: one table, for the embedded broker and for mosquitto.

A device speaks under its own `up/` and hears its own `dn/` and everything that is signed public speech; an officer's
station only starts and cancels emergencies; the worker does the rest. Passwords are hashed in mosquitto's form.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

from hub.config import Config
from hub.db import Database
from hub.devices import store as devices
from hub.errors import ConfigError
from hub.secrets.keyring import Keyring
from wire.topics import ACK, BIRTH, DEATH, HEALTH, LOG, ROOT

ITERATIONS = 101
"""Mosquitto's own default; the passwords are random, so that stretching adds nothing."""
PUBLIC = (f"{ROOT}/ar/", f"{ROOT}/em/", f"{ROOT}/live/")
DEVICE_SPEAKS = tuple(topic.name for topic in (BIRTH, DEATH, HEALTH, LOG, ACK))


def hash_password(password: str) -> str:
    """`$7$iterations$salt$hash` (PBKDF2-SHA512)."""
    salt = secrets.token_bytes(12)
    hashed = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(hashed).decode()}"


def check_password(password: str, stored: str) -> bool:
    try:
        _empty, kind, iterations, salt, hashed = stored.split("$")
        made = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt), min(int(iterations), 100_000))
        return kind == "7" and hmac.compare_digest(made, base64.b64decode(hashed))
    except (ValueError, binascii.Error):
        return False


def accounts(db: Database, config: Config, keys: Keyring) -> dict[str, str]:
    """Password hashes of everybody who may connect, by user name, which is the client id too."""
    with db.read() as conn:
        found = devices.accounts(conn)
    for name in (config.broker_user, *config.stations):
        found[name] = hash_password(account_password(config, keys, name))
    return found


def account(db: Database, config: Config, keys: Keyring, name: str) -> str | None:
    """One account's password hash."""
    if name == config.broker_user or name in config.stations:
        return hash_password(account_password(config, keys, name))
    with db.read() as conn:
        return devices.account(conn, name)


def may_publish(config: Config, user: str, topic: str) -> bool:
    if user == config.broker_user:
        return topic.startswith(f"{ROOT}/")
    if user in config.stations:
        return topic.startswith(f"{ROOT}/em/")
    own = f"{ROOT}/up/{user}/"
    return topic.startswith(own) and topic.removeprefix(own) in DEVICE_SPEAKS


def may_hear(config: Config, user: str, topic: str) -> bool:
    """Whether a message, or a subscription's filter, is for these ears."""
    if user == config.broker_user:
        return topic.startswith(f"{ROOT}/")
    return user not in config.stations and topic.startswith((f"{ROOT}/dn/{user}/", *PUBLIC))


def account_password(config: Config, keys: Keyring, name: str) -> str:
    """What the worker or a station says to come in. Raises ConfigError."""
    try:
        return keys.read(config.root / f"{name}.password").decode()
    except OSError as error:
        raise ConfigError("The password of {name} is missing: run `loa-hub init`", name=name) from error
